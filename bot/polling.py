"""Asks each source when its time has come; says when one fails or returns, tells the operator what is our fault."""

from __future__ import annotations

import asyncio
import gc
import heapq
import logging
import random
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import BinaryIO

from bot.collect import Collect, Outcome, failure_of
from bot.core import health, own
from bot.core.document import moved_to
from bot.deliver import Deliver
from bot.errors import Lost, StatusbotError
from bot.model import Belief, Capture, Change, Sighting
from bot.ports import Clock, Operator, Store
from bot.reading import Reading, Watched, poll
from bot.recording import capture_line
from bot.veil import Veil

log = logging.getLogger("statusbot")

AT_ONCE = 64  #: polls under way at once
IDLE = timedelta(seconds=30)  #: the longest sleep without a look at what is due
TOGETHER = timedelta(milliseconds=50)  #: polls that are due within so little of each other begin together
LOOK = timedelta(seconds=15)  #: how often what other processes saw of the providers is looked at


class Polling:
    """Asks each source when its time has come: one heap of times, and as many tasks as polls may be under way.

    record: where captures are written, without what `veil` hides.
    """

    def __init__(
        self,
        collect: Collect,
        deliver: Deliver,
        store: Store,
        clock: Clock,
        operator: Operator,
        record: BinaryIO | None = None,
        veil: Veil | None = None,
    ) -> None:
        self.round_at: datetime | None = None  #: when the loop last went round
        self.polls: Counter[tuple[str, str]] = Counter()  #: by source and outcome: read, unchanged, failed, fault
        self._under_way: dict[str, datetime] = {}  # since when
        self._collect = collect
        self._deliver = deliver
        self._store = store
        self._clock = clock
        self._operator = operator
        self._record = record
        self._veil = veil or Veil()
        self._random = random.Random()  # noqa: S311  (jitter, no secret)
        self._heap: list[tuple[datetime, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._due: asyncio.Queue[str] = asyncio.Queue()
        self._planned: dict[str, datetime] = {}  # by source; an entry of the heap that says otherwise is void
        self._troubled: set[str] = set()

    @property
    def longest(self) -> datetime | None:
        """When the longest of the polls under way began."""
        return min(self._under_way.values(), default=None)

    async def run(self) -> None:
        """Poll what was taken up until cancelled."""
        gc.freeze()  # what was imported and wired is never garbage; to look at it again costs a sixth of a parse
        try:
            self._ring()
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._work())
        finally:
            if self._timer is not None:
                self._timer.cancel()

    @property
    def polled(self) -> Collection[str]:
        """The sources that are polled here now."""
        return self._planned.keys()

    async def keep_looking(self) -> None:
        """Look around every now and then, until cancelled: where other processes poll, too."""
        while True:
            await asyncio.sleep(LOOK.total_seconds())
            try:
                await self.look_around()
            except StatusbotError as error:
                log.debug("looking around failed: %s", error)  # said already, by whoever renews the leases

    async def take_up(self, sources: Collection[str]) -> None:
        """Poll these from now on, from where the database has them (sharing.Hands)."""
        await self._collect.load(sources)
        await self.look_around()
        now, spread = self._clock.now(), min(30.0, 0.02 * len(sources))
        for source in sources:
            soon = now + timedelta(seconds=self._random.random() * spread)
            self._plan(source, max(soon, self._collect.planned(source, now)))

    def let_go(self, sources: Collection[str]) -> None:
        """Begin no more polls of these; what is under way is dropped when it would be saved."""
        self._collect.let_go(sources)
        for source in sources:
            self._planned.pop(source, None)

    def idle(self, sources: Collection[str]) -> list[str]:
        """These, those first that are not being polled just now."""
        return sorted(sources, key=lambda source: source in self._under_way)

    async def flush(self) -> None:
        """Save what only moved clocks."""
        await self._collect.flush()

    async def look_around(self) -> None:
        """Learn which providers are in trouble, and what other processes saw of the sources that they poll."""
        await self._collect.look_around()
        self._troubled = await self._store.read(lambda ledger: ledger.open_providers())

    def _plan(self, source: str, due: datetime) -> None:
        self._planned[source] = due
        heapq.heappush(self._heap, (due, source))
        if self._heap[0][1] == source:  # else the timer rings for an earlier one already
            self._set_timer(due)

    def _set_timer(self, due: datetime) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wait = min(IDLE, max(timedelta(0), due - self._clock.now()))
        self._timer = asyncio.get_running_loop().call_later(wait.total_seconds(), self._ring)

    def _ring(self) -> None:
        """Hand what is due to whoever is free first."""
        self.round_at = now = self._clock.now()
        until = now + TOGETHER
        while self._heap and self._heap[0][0] <= until:
            due, source = heapq.heappop(self._heap)
            if self._planned.get(source) == due:
                self._due.put_nowait(source)
        self._set_timer(self._heap[0][0] if self._heap else now + IDLE)

    async def _work(self) -> None:
        while True:
            source = await self._due.get()
            if source in self._planned and source not in self._under_way:
                self._under_way[source] = self._clock.now()
                await self._turn(source)
                del self._under_way[source]

    async def _turn(self, source: str) -> None:
        """One poll of one source, and the time of its next. A fault of ours costs this turn, not the loop."""
        retry_at = None
        try:
            retry_at = await self._poll(source)
        except Lost:
            self.let_go([source])
        except StatusbotError as error:  # what was read is not saved, so that the next poll reads it again
            log.error("polling %s came to nothing: %s", source, error)
            self.polls[source, "fault"] += 1
        except Exception:
            log.exception("polling %s failed in our own code; it goes on", source)
            self.polls[source, "fault"] += 1
        if source in self._planned:
            due = self._next(source, retry_at)
            self._collect.plan(source, due)
            self._plan(source, due)

    def _next(self, source: str, retry_at: datetime | None) -> datetime:
        """When a source is asked next."""
        watched, now = self._collect.watched[source], self._clock.now()
        seen, troubled = self._collect.sighting(source), self._in_trouble(watched)
        wait = health.interval(watched.source, seen, troubled=troubled, retry_at=retry_at, at=now)
        return now + wait * self._random.uniform(0.95, 1.05)

    async def _poll(self, source: str) -> datetime | None:
        watched, before = self._collect.watched[source], self._collect.sighting(source)
        captures: list[Capture] | None = [] if self._record else None
        readings = await poll(watched, self._collect.cursor(source), captures)
        if not readings:
            return None
        if self._record and captures:
            lines = b"".join(capture_line(self._veil.capture(capture)) for capture in captures)
            await asyncio.to_thread(write_through, self._record, lines)
        outcome = await self._collect.take(source, readings)
        self.polls[source, came_to(readings)] += 1
        if line := edge(source, before, outcome.sighting):
            log.warning("%s", line)
        await self._tell(outcome, readings[-1].capture)
        await self._note_trouble(watched.source.provider, outcome.changes)
        if outcome.queued:
            self._deliver.wake()
        return max((r.capture.retry_at for r in readings if r.capture.retry_at), default=None)

    async def _tell(self, outcome: Outcome, capture: Capture) -> None:
        """Tell the operator what is wrong on our own side, and what no longer is."""
        warning, lost = outcome.cursor.state.get("warning", ""), outcome.sighting.belief is Belief.UNREADABLE
        if not (lost or warning or self._collect.offline or self._operator.standing):
            return  # as after most polls: there is nothing to tell, and nothing that could be over
        moved = moved_to(capture) if lost else ""
        known = dict(own.of_source(outcome.sighting, moved, warning))
        if self._collect.offline or not self._collect.offline_elsewhere:  # else another process will say when
            known |= own.of_network(self._collect.offline)
        for key, words in known.items():
            await (self._operator.tell(key, words) if words else self._operator.over(key))

    async def _note_trouble(self, provider: str, changes: Sequence[Change]) -> None:
        """Keep in mind which providers have an open incident; the ledger is asked only where one may have ended."""
        if any(change.incident.open and not change.incident.maintenance for change in changes):
            self._troubled.add(provider)
        elif changes and provider in self._troubled:
            self._troubled = await self._store.read(lambda ledger: ledger.open_providers())

    def _in_trouble(self, watched: Watched) -> bool:
        others = (self._collect.sighting(name) for name in watched.siblings if name != watched.source.id)
        return watched.source.provider in self._troubled or any(map(health.down, others))


def edge(source: str, before: Sighting, after: Sighting) -> str:
    """One line for a failure that is not ours, one for a recovery from it; else none."""
    if health.NETWORK in (before.reason, after.reason) or before.ours or after.ours:
        return ""  # the operator is told: own.of_source, own.of_network
    gone, was_gone = (seen.belief is Belief.UNREADABLE for seen in (after, before))
    if gone and not was_gone:
        return f"{source} cannot be read: {after.reason}"
    return f"{source} can be read again" if was_gone and not gone else ""


def came_to(readings: Sequence[Reading]) -> str:
    """The outcome of a poll, as it is counted."""
    if failure_of(readings) is not None:
        return "failed"
    return "unchanged" if all(reading.unchanged for reading in readings) else "read"


def write_through(stream: BinaryIO, lines: bytes) -> None:
    """Write and flush."""
    stream.write(lines)
    stream.flush()
