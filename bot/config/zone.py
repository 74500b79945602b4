"""The zone in which days begin: the one named, else the machine's own, else UTC."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from bot.errors import UsageError

LINK, NAME = Path("/etc/localtime"), Path("/etc/timezone")


def zone_named(name: str | None, env: Mapping[str, str] | None = None) -> ZoneInfo:
    """A zone by its IANA name; None: the machine's own. Raises UsageError for an unknown name."""
    if name is None:
        environment = os.environ if env is None else env  # noqa: TID251  # TZ is the system's setting, not ours
        return next(filter(None, map(_zone, _own(environment))), None) or ZoneInfo("UTC")
    found = _zone(name.strip())
    if found is None:
        like = get_close_matches(name.strip(), available_timezones(), n=1, cutoff=0.5)
        meant = f'; did you mean "{like[0]}"?' if like else ""
        raise UsageError(f'--tz: "{name}" is no zone; write an IANA name such as Europe/Berlin{meant}')
    return found


def _own(env: Mapping[str, str], link: Path = LINK, name: Path = NAME) -> Iterator[str]:
    """What the machine may call its own zone, the surest first."""
    yield env.get("TZ", "").lstrip(":")
    yield os.path.realpath(link).rpartition("zoneinfo/")[2]
    yield name.read_text(errors="replace").strip() if name.is_file() else ""


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name and not name.startswith("/") else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
