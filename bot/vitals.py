"""Whether the program is alive and ready: looked at now and then, asked for by `/healthz`, told by a heartbeat."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.summary import duration
from bot.errors import StatusbotError
from bot.ports import Clock, Operator, Store

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger("statusbot")

EVERY = timedelta(seconds=20)  #: between two looks
STUCK = timedelta(minutes=3)  #: a loop that goes round twice a minute and has not for so long is stuck
LONGEST = timedelta(minutes=15)  #: that one poll may take; every request in it has its own limit
BEAT = timedelta(minutes=1)
PATIENCE = 10.0  #: seconds for a heartbeat
ROOM = 256 * 1024 * 1024  #: bytes below which a disk is nearly full

Last = Callable[[], datetime | None]


class Vitals:
    """What is watched of ourselves.

    loops: name -> when the loop last went round; None: not yet. place: the database's folder, where it is a file.
    free: bytes free on the disk of a folder. stopping: whether somebody has asked the program to stop.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        operator: Operator,
        loops: Mapping[str, Last],
        place: Path | None = None,
        free: Callable[[Path], int] = lambda place: shutil.disk_usage(place).free,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._operator = operator
        self._loops = loops
        self._place = place
        self._free = free
        self._stopping = stopping
        self._looked: datetime | None = None
        self._broken: datetime | None = None  #: since when the database cannot be written
        self._sent: datetime | None = None  #: the last heartbeat

    @property
    def alive(self) -> bool:
        """Whether every loop goes round; a process that is not is best started again."""
        return not any(map(self._stuck, (*self._loops.values(), lambda: self._looked)))

    @property
    def ready(self) -> bool:
        """Whether it does its work now: every loop has begun, the database takes what is written, nobody stopped it."""
        begun = self._looked is not None and all(last() for last in self._loops.values())
        return self.alive and begun and self._broken is None and not self._stopping()

    def checks(self) -> dict[str, str]:
        """Each check with `ok`, or what is wrong; nothing that is secret."""
        loops = {name: self._loop_words(last) for name, last in self._loops.items()}
        broken = f"cannot be written since {self._broken:%H:%M} UTC" if self._broken else "ok"
        return loops | {"database": broken if self._looked else "not asked yet"}

    async def run(self, heartbeat: Heartbeat | None = None) -> None:
        """Look every EVERY, and send a heartbeat each BEAT while all is well, until cancelled."""
        while True:
            await self.turn(heartbeat)
            await asyncio.sleep(EVERY.total_seconds())

    async def turn(self, heartbeat: Heartbeat | None = None) -> None:
        """Look once, and send the heartbeat where all is well and it is due."""
        await self.look()
        now = self._clock.now()
        due = self._sent is None or now - self._sent >= BEAT - EVERY / 2
        if heartbeat is not None and self.ready and due:
            self._sent = now
            await heartbeat.send()

    async def look(self) -> None:
        """Try the database and the disk; tell the operator what is wrong, and what no longer is."""
        now = self._clock.now()
        try:
            await self._store.write(lambda ledger: ledger.touch("run", now))
        except StatusbotError as error:
            self._broken = self._broken or now
            await self._operator.tell("database", str(error))
        else:
            was, self._broken = self._broken, None
            again = f"the database takes what is written again, after {duration(now - was)}" if was else ""
            await self._operator.over("database", again)
        self._looked = self._clock.now()
        await self._look_at_disk()

    async def _look_at_disk(self) -> None:
        if self._place is None:
            return
        try:
            free = await asyncio.to_thread(self._free, self._place)
        except OSError:
            return  # a file system that does not say
        if free < ROOM:
            left = f"{free / 1024**2:,.0f} MB are left on the disk of the database ({self._place})"
            await self._operator.tell("disk", f"{left}: make room before it is full")
        elif free > ROOM * 1.25:
            await self._operator.over("disk")

    def _stuck(self, last: Last) -> bool:
        at = last()
        return at is not None and self._clock.now() - at > STUCK

    def _loop_words(self, last: Last) -> str:
        at = last()
        if at is None:
            return "not begun yet"
        return f"stuck since {at:%H:%M} UTC" if self._stuck(last) else "ok"


def unless_held(last: Last, longest: Last, clock: Clock) -> Last:
    """When a loop last went round; where one piece of its work takes longer than LONGEST, when that began."""

    def at() -> datetime | None:
        began = longest()
        return began if began is not None and clock.now() - began > LONGEST else last()

    return at


class Heartbeat:
    """A dead man's switch: an address that somebody else expects to be fetched. It is a secret, and stands nowhere."""

    def __init__(self, session: Callable[[], aiohttp.ClientSession], url: str, patience: float = PATIENCE) -> None:
        self._session = session
        self._url = url
        self._patience = patience
        self._failing = False

    async def send(self) -> None:
        """Fetch it once, within the time that is allowed. Raises nothing: its failure is an edge in the log."""
        reason = await self._fetched()
        if bool(reason) != self._failing:
            if reason:
                log.warning("STATUSBOT_HEARTBEAT_URL: %s; it is tried every minute", reason)
            else:
                log.warning("STATUSBOT_HEARTBEAT_URL answers again")
        self._failing = bool(reason)

    async def _fetched(self) -> str:
        """Why it could not be fetched; empty where it could."""
        import aiohttp  # noqa: PLC0415  # a third of a second's start-up that only this needs

        try:
            async with (
                asyncio.timeout(self._patience),
                self._session().get(self._url, max_redirects=3) as answer,
            ):
                return "" if answer.status < 400 else f"answers {answer.status}"
        except TimeoutError:
            return "no answer in time"
        except (aiohttp.ClientError, OSError, ValueError):
            return "cannot be reached"
