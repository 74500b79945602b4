"""Where the configuration is looked for, and the reading of statusbot.toml and .env."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from bot.errors import UsageError


def find(config: Path | None, environ: Mapping[str, str], here: Path) -> tuple[Path | None, str]:
    """The file to read, and the setting that named it ('' where it was found by itself)."""
    if config is not None:
        return here / config, "--config"
    if named := environ.get("STATUSBOT_CONFIG", "").strip():
        return here / Path(named).expanduser(), "STATUSBOT_CONFIG"
    if os.path.lexists(here / "statusbot.toml"):  # a folder or a dangling link as well: to be told, not passed over
        return here / "statusbot.toml", ""
    from platformdirs import user_config_path  # noqa: PLC0415  # costs 13 ms, and is rarely reached

    own = user_config_path("statusbot") / "statusbot.toml"
    return (own if _is_file(own) else None), ""


def _is_file(path: Path) -> bool:
    # Path.is_file() raises where a folder on the way may not be entered; `.env` is also a folder's name (a venv's).
    return os.path.isfile(path)


def read_toml(path: Path, setting: str) -> dict[str, object]:
    """The tables of a file; `setting` is what named it. Raises UsageError."""
    try:
        return tomllib.loads(_text(path, setting))
    except ValueError as error:  # TOMLDecodeError; and ValueError itself for a number of thousands of digits
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise UsageError(f"{path}: not valid TOML: nested too deeply") from None


def _text(path: Path, setting: str = "") -> str:
    """A file's text; the byte-order mark that Windows' editors write is left out."""
    name = f"{setting} {path}".lstrip()
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from None


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a .env file; none where there is no such file."""
    if not _is_file(path):
        return {}
    from io import StringIO  # noqa: PLC0415

    from dotenv.parser import parse_stream  # noqa: PLC0415  # costs 40 ms, for those who have the file

    found: dict[str, str] = {}
    for binding in parse_stream(StringIO(_text(path))):
        if binding.error:
            line = binding.original.line
            raise UsageError(f"{path}, line {line}: write NAME=value, and close every quote")
        if binding.key is not None:
            found[binding.key] = binding.value or ""
    return found
