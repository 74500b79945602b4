"""From a capture's bytes to its document, or to the reason why nothing in it can be believed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson
from yarl import URL

from bot.core.redirect import same_place
from bot.errors import Unreadable
from bot.model import Capture

ERRORS = {
    "timeout": "no answer in time",
    "connect": "connection refused or unreachable",
    "dns": "name not found",
    "tls": "no trustworthy TLS connection",
    "reset": "connection broken off",
    "too_large": "answer too large",
}
REDIRECTED = "redirected to"  #: how the reason begins for a page that has moved elsewhere
UTF16 = (b"\xff\xfe", b"\xfe\xff")


def body_of(capture: Capture) -> bytes:
    """The bytes of a capture that was answered with 200. Raises Unreadable for every other outcome."""
    if capture.error is not None:
        raise Unreadable(ERRORS.get(capture.error, capture.error))
    status = capture.status or 0
    if 300 <= status < 400 and status != HTTPStatus.NOT_MODIFIED:
        if returns(capture):
            raise Unreadable("redirects without an end")
        raise Unreadable(f"{REDIRECTED} {urlsplit(capture.headers.get('location', '')).hostname or 'nowhere'}")
    if status != HTTPStatus.OK:
        raise Unreadable(phrase(status))
    if not capture.body.strip():
        raise Unreadable("an empty answer")
    return capture.body


def moved_to(capture: Capture) -> str:
    """The address to which a capture was redirected, without its query; empty where it was not, or nowhere."""
    parts = urlsplit(capture.headers.get("location", ""))
    if not 300 <= (capture.status or 0) < 400 or not parts.hostname or returns(capture):
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def returns(capture: Capture) -> bool:
    """Whether a redirect leads to where it came from: whoever fetches follows those, until there are too many."""
    try:
        return same_place(URL(capture.url), URL(capture.headers.get("location", "")))
    except ValueError:  # one of them is no address, in a recording from elsewhere
        return False


def phrase(status: int) -> str:
    """A status code with its name: `429 Too Many Requests`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def json_of(capture: Capture) -> Any:
    """The JSON document of a capture. Raises Unreadable (HTML, UTF-16 that is no text, cut-off JSON)."""
    body = body_of(capture)
    try:
        if body[:2] in UTF16:
            body = body.decode("utf-16").encode()
        return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, UnicodeDecodeError) as error:
        raise Unreadable("HTML where JSON should be" if looks_like_html(body) else "broken JSON") from error


def looks_like_html(body: bytes) -> bool:
    """Whether the first bytes are those of a web page."""
    start = body[:512].lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<!--")) or b"<html" in start


def require(document: object, *path: str, kind: type | tuple[type, ...] = object) -> Any:
    """The member of a JSON object at `path`, of the given type. Raises Unreadable: the schema is not the kind's."""
    here: Any = document
    for name in path:
        if not isinstance(here, dict) or name not in here:
            raise Unreadable(f"no `{'.'.join(path)}` in the answer")
        here = here[name]
    if not isinstance(here, kind):
        raise Unreadable(f"`{'.'.join(path)}` of an unexpected type")
    return here
