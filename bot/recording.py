"""Recordings: reading and writing captures as JSON Lines (CONTRACT.md, "Recording")."""

from __future__ import annotations

import gzip
import lzma
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from bot.errors import UsageError
from bot.model import Capture

VERSION = "statusbot/1"
ERRORS = frozenset({"timeout", "connect", "dns", "tls", "reset", "too_large"})
LONGEST = 64 * 1024 * 1024  #: bytes of one line
YEARS = range(1970, 3000)  #: of a capture: far from both ends of the calendar, since its time is reckoned with
BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)
MARK = b"\xef\xbb\xbf"  #: that Windows' editors write before UTF-8


def opened(path: Path) -> BinaryIO:
    """A recording's bytes, unpacked by its name. Raises UsageError where it cannot be opened."""
    try:
        if path.suffix == ".xz":
            return cast("BinaryIO", lzma.open(path))
        return cast("BinaryIO", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
    except BROKEN as error:
        raise UsageError(f"recording {path}: cannot be read ({_reason(error)})") from error


def read_header(path: Path) -> Mapping[str, Any]:
    """A recording's first line. Raises UsageError."""
    with opened(path) as stream:
        try:
            line = stream.readline(LONGEST)
        except BROKEN as error:
            raise UsageError(f"recording {path}: cannot be read ({_reason(error)})") from error
    header = _object(path, 1, line.removeprefix(MARK))
    if header.get("recording") != VERSION:
        raise UsageError(f'recording {path}, line 1: no header with "recording": "{VERSION}"')
    return header


def read_captures(path: Path) -> Iterator[Capture]:
    """A recording's captures in their order. Raises UsageError, which names the line."""
    with opened(path) as stream:
        number = 0
        try:
            while line := stream.readline(LONGEST):
                number += 1
                if number > 1 and line.strip():
                    yield capture_of(path, number, _object(path, number, line))
        except BROKEN as error:
            raise UsageError(f"recording {path}, after line {number}: cannot be read ({_reason(error)})") from error


def capture_of(path: Path, number: int, line: Mapping[str, Any]) -> Capture:
    """One line as a Capture. Raises UsageError."""
    try:
        body, error = _body(line), line.get("error")
        if error is not None and error not in ERRORS:
            raise ValueError(f"unknown error {str(error)[:40]!r}")
        return Capture(
            at=_time(line["at"]),
            source=str(line["source"]),
            url=str(line.get("url") or ""),
            status=None if error is not None else int(line["status"]),
            headers={str(name).lower(): str(value) for name, value in (line.get("headers") or {}).items()},
            body=body,
            error=error,
            digest=digest_of(body),
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise UsageError(f"recording {path}, line {number}: no capture ({_reason(error)})") from error


def _body(line: Mapping[str, Any]) -> bytes:
    if "body_base64" in line:
        return b64decode(line["body_base64"], validate=True)
    body = line.get("body") or ""
    if not isinstance(body, str):
        raise ValueError("`body` is no text; write a document as the text that came")
    return body.encode()


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("`at` without a time zone")
    at = at.astimezone(UTC)
    if at.year not in YEARS:
        raise ValueError("`at` in a year that cannot be")
    return at


def digest_of(body: bytes) -> str:
    """The digest by which unchanged bytes are known again."""
    return blake2b(body, digest_size=16).hexdigest() if body else ""


def header_line(title: str, providers: list[Mapping[str, object]]) -> bytes:
    """The first line of a recording."""
    return orjson.dumps({"recording": VERSION, "title": title, "providers": providers, "subscriptions": []}) + b"\n"


def capture_line(capture: Capture) -> bytes:
    """A capture as a line."""
    line: dict[str, object] = {
        "at": capture.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "source": capture.source,
        "url": capture.url,
    }
    if capture.error is not None:
        return orjson.dumps({**line, "error": capture.error}) + b"\n"
    line |= {"status": capture.status, "headers": dict(capture.headers)}
    try:
        line["body"] = capture.body.decode()
    except UnicodeDecodeError:
        line["body_base64"] = b64encode(capture.body).decode()
    return orjson.dumps(line) + b"\n"


def _object(path: Path, number: int, line: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(line)
    except ValueError as error:
        raise UsageError(f"recording {path}, line {number}: broken JSON") from error
    if not isinstance(value, dict):
        raise UsageError(f"recording {path}, line {number}: no JSON object")
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"`{error.args[0]}` is missing"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
