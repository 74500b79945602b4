"""Dates as status pages and feeds write them, to aware UTC; what cannot be believed is None, never a wrong time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

#: Hours from UTC by zone name. Names with several meanings stand for the one status pages mean: CST and EST are
#: North America's, BST is Britain's, IST is India's.
HOURS: dict[str, float] = {
    **{"UTC": 0, "GMT": 0, "Z": 0, "UT": 0, "WET": 0, "WEST": 1, "BST": 1},
    **{"CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "IST": 5.5},
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},
    **{"AKST": -9, "AKDT": -8, "HST": -10},
    **{"SGT": 8, "HKT": 8, "AWST": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13},
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,12})?)?) ?([A-Za-z]{1,5}|[+-]\d\d:?(?:\d\d)?)?)?"
)
_RFC822 = re.compile(
    r"(?:[A-Za-z]{3,9},? +)?(\d{1,2})[ -]([A-Za-z]{3,9})[ -](\d{4}|\d\d)"
    r" +(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?: *([A-Za-z]{1,5}|(?:GMT|UTC)?[+-]\d\d?(?::?\d\d)?))?(?: *\([^()]*\))?"
)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}  #: of a duration's units
LONGEST = timedelta(days=36_500)  #: so that no date computed from a duration leaves the calendar

DURATION = re.compile(r"(\d{1,9}) ?([smhdw])", re.ASCII)
_OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d\d?)(?::?(\d\d))?")


def parse_iso(text: object) -> datetime | None:
    """An ISO 8601 date or time (T or a space, Z, an offset or a zone's name, fractions; without a zone: UTC), in UTC.

    None for everything else, a year before 2000 or after 2099 among it: services write year 0001 for "never".
    """
    found = _ISO.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    day, time, zone = found.groups()
    return _believable(f"{day}T{time or '00:00'}".replace(",", "."), zone_of(zone or "UTC"))


def parse_feed_date(text: object) -> datetime | None:
    """A feed's date: RFC 822 (a zone's name, a bare Z, two-digit years, no seconds; without a zone: UTC) or ISO 8601.

    An unknown zone name gives None.
    """
    found = _RFC822.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return parse_iso(text)
    day, month, year, hour, minute, second, zone = found.groups()
    number = month_of(month)
    if number is None:
        return None
    century = "" if len(year) == 4 else "20"
    time = f"{hour:>02}:{minute}:{min(int(second or 0), 59):02}"  # a leap second has no place in datetime
    return _believable(f"{century}{year}-{number:02}-{day:>02}T{time}", zone_of(zone or "UTC"))


@lru_cache(maxsize=256)
def zone_of(name: str) -> timezone | None:
    """The zone of a name in HOURS or of an offset such as `-07:00`, `+03` or `GMT+1`; None for an unknown one."""
    found = _OFFSET.fullmatch(name)
    if found is None:
        hours = HOURS.get(name.upper())
        return None if hours is None else timezone(timedelta(hours=hours))
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    if ahead >= timedelta(hours=24):
        return None
    return timezone(-ahead if found[1] == "-" else ahead)


def month_of(name: str) -> int | None:
    """1 to 12 by the first three letters of an English month; None for any other word."""
    short = name[:3].lower()
    return MONTHS.index(short) + 1 if short in MONTHS else None


def _believable(iso: str, zone: timezone | None) -> datetime | None:
    if zone is None:
        return None
    try:
        at = datetime.fromisoformat(iso).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if 2000 <= at.year < 2100 else None


def duration_of(text: str) -> timedelta | None:
    """`60s`, `5m`, `24h`, `400d`, `2w`; None for anything else, and for what leaves the calendar."""
    found = DURATION.fullmatch(text.strip())
    if found is None:
        return None
    seconds = int(found[1]) * SECONDS[found[2]]
    return timedelta(seconds=seconds) if seconds <= LONGEST.total_seconds() else None


_LENGTH = re.compile(r"(\d{1,6}) ?(m|min|minutes?|h|hours?|d|days?|w|weeks?)", re.IGNORECASE)


def length_of(words: str) -> timedelta | None:
    """`30m`, `2 h`, `1 day` as a person types them in a chat; None for anything else, 0 and 100 years among it."""
    found = _LENGTH.fullmatch(words.strip())
    if found is None:
        return None
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[found[2][0].lower()]
    length = timedelta(**{unit: int(found[1])})
    return length if timedelta(0) < length < timedelta(days=36_500) else None
