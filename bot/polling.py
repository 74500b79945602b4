"""Asks each source when its time has come; says when one fails or returns, tells the operator what is our fault."""

from __future__ import annotations

import asyncio
import gc
import heapq
import logging
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import BinaryIO

from bot.collect import Collect, Outcome, failure_of
from bot.core import health, own
from bot.core.document import moved_to
from bot.deliver import Deliver
from bot.errors import StatusbotError
from bot.model import Belief, Capture, Change, Sighting
from bot.ports import Clock, Operator, Store
from bot.reading import Reading, Watched, poll
from bot.recording import capture_line
from bot.veil import Veil

log = logging.getLogger("statusbot")

AT_ONCE = 64  #: polls under way at once
IDLE = timedelta(seconds=30)  #: the longest sleep without going round


class Polling:
    """Asks each source when its time has come: one heap of times, each poll a task of its own, so many at once.

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
        self._changed = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._troubled: set[str] = set()

    @property
    def longest(self) -> datetime | None:
        """When the longest of the polls under way began."""
        return min(self._under_way.values(), default=None)

    async def run(self) -> None:
        """Poll until cancelled."""
        gc.freeze()  # what was imported and wired is never garbage; to look at it again costs a sixth of a parse
        self._troubled = await self._store.read(lambda ledger: ledger.open_providers())
        now, spread = self._clock.now(), min(30.0, 0.02 * len(self._collect.watched))
        self._heap = [(now + timedelta(seconds=self._random.random() * spread), name) for name in self._collect.watched]
        heapq.heapify(self._heap)
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                self.round_at = now = self._clock.now()
                while self._heap and self._heap[0][0] <= now:
                    group.create_task(self._turn(heapq.heappop(self._heap)[1]))
                await self._until_next()

    async def _until_next(self) -> None:
        """Sleep until the next poll is due, or one is planned before it. (A timer, not a time-out: no cancellation.)"""
        wait = min(IDLE, self._heap[0][0] - self._clock.now()) if self._heap else IDLE
        timer = asyncio.get_running_loop().call_later(max(0.0, wait.total_seconds()), self._changed.set)
        await self._changed.wait()
        timer.cancel()

    async def _turn(self, source: str) -> None:
        """One poll of one source, and the time of its next. A fault of ours costs this turn, not the loop."""
        retry_at = None
        try:
            async with self._room:
                self._under_way[source] = self._clock.now()
                retry_at = await self._poll(source)
        except StatusbotError as error:  # what was read is not saved, so that the next poll reads it again
            log.error("polling %s came to nothing: %s", source, error)
            self.polls[source, "fault"] += 1
        except Exception:
            log.exception("polling %s failed in our own code; it goes on", source)
            self.polls[source, "fault"] += 1
        finally:
            self._under_way.pop(source, None)
            watched, now = self._collect.watched[source], self._clock.now()
            wait = health.interval(
                watched.source,
                self._collect.sighting(source),
                troubled=self._in_trouble(watched),
                retry_at=retry_at,
                at=now,
            )
            due = now + wait * self._random.uniform(0.95, 1.05)
            self._collect.plan(source, due)
            heapq.heappush(self._heap, (due, source))
            if self._heap[0][1] == source:  # else the loop sleeps until an earlier one already
                self._changed.set()

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
        warning = outcome.cursor.state.get("warning", "")
        known = own.of_source(outcome.sighting, moved_to(capture), warning)
        for key, words in {**known, **own.of_network(self._collect.offline)}.items():
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
