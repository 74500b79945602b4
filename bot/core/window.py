"""A window of time as a person names it (`24h`, `yesterday`, `monday`, `2026-01-22 08:00`), in that person's zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bot.core.dates import duration_of
from bot.errors import UsageError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NOW = "now"
FORMS = "write a duration (24h, 7d), a date (2026-01-22), a time (08:30), both, yesterday, today or a weekday"
HALF_DAY = timedelta(hours=12)

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d?:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?)?", re.IGNORECASE)
_TIME = re.compile(r"(\d\d?):(\d\d)(?::(\d\d))?")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, and what makes it the same one when it is asked for again."""

    since: datetime  #: UTC
    until: datetime  #: UTC
    name: str  #: the same for what counts as the same window, now or at its next turn
    again: timedelta | None = None  #: so long after it was told it is a new one; None: it is the same for ever

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.until - self.since


def window(since: str, until: str, zone: tzinfo, now: datetime) -> Window:
    """The window between two moments in words. Raises UsageError, with the mend.

    A duration counts back from `until` (from now, where that is a duration itself); a weekday or a time is the last one
    before `until`; days are those of `zone`, which may have 23 or 25 hours. What ends now, or so long ago, moves with
    the clock: it counts as the same window until half its length has gone by, and, where its beginning stands in the
    calendar, half a day at the most. Where both ends stand in the calendar it is the same one for ever.
    """
    first, last = since.strip().lower(), until.strip().lower()
    ago = duration_of(last)
    end = now if last == NOW else _moment("--until", last, zone, now, now)
    if end > now:
        raise UsageError(f'--until: "{until}" lies ahead; name a moment that is over')
    begin = _moment("--since", first, zone, now, now if ago is not None else end)
    if begin >= end:
        raise UsageError(f'--since: "{since}" is not before the end of the window ("{until}"); name an earlier moment')
    moving = last == NOW or ago is not None
    if not moving:
        return Window(begin, end, f"{_stamp(begin)}/{_stamp(end)}")
    length = end - begin
    if duration_of(first) is not None:
        return Window(begin, end, f"{first}/{last}", length / 2)
    return Window(begin, end, f"{_stamp(begin)}/{last}", min(length / 2, HALF_DAY))


def _moment(option: str, words: str, zone: tzinfo, now: datetime, before: datetime) -> datetime:
    """One moment in UTC; `before`: what a duration counts back from, and a weekday or a time lies before."""
    length = duration_of(words)
    if length is not None:
        return before - length
    today = now.astimezone(zone).date()
    try:
        if words == NOW:
            return now
        if words in ("today", "yesterday"):
            return _midnight(today - timedelta(days=words == "yesterday"), zone)
        if (weekday := _weekday(words)) is not None:
            return _last(lambda day: day.weekday() == weekday, time(0), zone, before)
        if found := _TIME.fullmatch(words):
            return _last(lambda _: True, _clock(words), zone, before)
        if found := _MOMENT.fullmatch(words):
            return _written(found[1], found[2], found[3], zone)
    except (ValueError, OverflowError):
        pass
    raise UsageError(f'{option}: "{words}" is no moment; {FORMS}')


def _weekday(words: str) -> int | None:
    """`monday` or `mon`: 0."""
    return next((number for number, day in enumerate(DAYS) if words in (day, day[:3])), None)


def _last(fits: Callable[[date], bool], clock: time, zone: tzinfo, before: datetime) -> datetime:
    """The last fitting day's time that lies before a moment."""
    day = before.astimezone(zone).date()
    for back in range(9):
        at = datetime.combine(day - timedelta(days=back), clock, zone).astimezone(UTC)
        if at < before and fits(day - timedelta(days=back)):
            return at
    raise ValueError("no such day")


def _written(day: str, clock: str | None, offset: str | None, zone: tzinfo) -> datetime:
    at = datetime.combine(date.fromisoformat(day), _clock(clock or "0:00"), zone)
    if offset is not None:
        at = datetime.fromisoformat(f"{at:%Y-%m-%dT%H:%M:%S}{offset.upper()}")
    return at.astimezone(UTC)


def _clock(words: str) -> time:
    """`8:30`, `08:30`, `08:30:15`."""
    return time.fromisoformat(words if words[1] != ":" else f"0{words}")


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
