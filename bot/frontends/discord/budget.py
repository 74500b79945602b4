"""How often this bot may identify itself: Discord takes 1,000 in 24 hours, then it resets the token.

Counted in the database, so that restarts and the other processes of the same bot count as well. The day's budget is
given out by the hour: whatever storm comes, it costs the commands an hour at the most and never the token.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.ports import Clock, Ledger, Store

HOUR = timedelta(hours=1)
A_DAY = 1000  #: Discord's own number (its documentation, "Session Start Limit"), until it names another
SPARE = 10  #: of Discord's own count of what remains, kept for restarts by hand


class Spent(Exception):  # it says when to go on, and is no fault
    """No identify now; `until`: from when on."""

    def __init__(self, until: datetime) -> None:
        super().__init__("identified too often")
        self.until = until


class Budget:
    """The identifies of one application."""

    def __init__(self, store: Store, clock: Clock, application: int) -> None:
        self._store = store
        self._clock = clock
        self._note = f"discord.identified.{application}"
        self._hourly = A_DAY // 25
        self._remaining = A_DAY
        self._resets_at = clock.now()

    def learn(self, total: int, remaining: int, reset_after: timedelta) -> None:
        """What Discord says of the day's budget (`session_start_limit`)."""
        self._hourly = max(1, total // 25)
        self._remaining = remaining
        self._resets_at = self._clock.now() + reset_after

    async def take(self) -> None:
        """Count one identify, just before it is sent. Raises Spent."""
        now = self._clock.now()
        if self._remaining <= SPARE and now < self._resets_at:
            raise Spent(self._resets_at)
        until = await self._store.write(lambda ledger: self._count(ledger, now))
        if until is not None:
            raise Spent(until)
        self._remaining -= 1

    def _count(self, ledger: Ledger, now: datetime) -> datetime | None:
        """Write one more down; None, or from when on there may be one."""
        past = [at for at in times(ledger.note(self._note)) if now - HOUR < at <= now]
        until = free_at(past, self._hourly)
        if until is None:
            ledger.save_note(self._note, json.dumps([at.isoformat() for at in [*past, now]]))
        return until


def free_at(past: Sequence[datetime], hourly: int) -> datetime | None:
    """When the next of at most `hourly` within an hour may follow those of the past hour; None: now."""
    return None if len(past) < hourly else sorted(past)[-hourly] + HOUR


def times(note: str) -> list[datetime]:
    """The times in a note; what cannot be read counts for nothing."""
    try:
        return [datetime.fromisoformat(one) for one in json.loads(note or "[]")]
    except (ValueError, TypeError):
        return []
