"""Asks each source when its time has come, and tells the operator when one fails or returns."""

from __future__ import annotations

import asyncio
import gc
import heapq
import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import BinaryIO

from bot.collect import Collect
from bot.core import health
from bot.core.document import moved_to
from bot.core.summary import duration
from bot.deliver import Deliver
from bot.model import Belief, Capture, Change, Sighting
from bot.ports import Clock, Store
from bot.reading import Watched, poll
from bot.recording import capture_line
from bot.veil import Veil

log = logging.getLogger("statusbot")

AT_ONCE = 64  #: polls under way at once


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
        record: BinaryIO | None = None,
        veil: Veil | None = None,
    ) -> None:
        self._collect = collect
        self._deliver = deliver
        self._store = store
        self._clock = clock
        self._record = record
        self._veil = veil or Veil()
        self._random = random.Random()  # noqa: S311  (jitter, no secret)
        self._heap: list[tuple[datetime, str]] = []
        self._changed = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._troubled: set[str] = set()
        self._offline = collect.offline

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
                now = self._clock.now()
                while self._heap and self._heap[0][0] <= now:
                    group.create_task(self._turn(heapq.heappop(self._heap)[1]))
                await self._until_next()

    async def _until_next(self) -> None:
        """Sleep until the next poll is due, or one is planned before it. (A timer, not a time-out: no cancellation.)"""
        timer = None
        if self._heap:
            wait = (self._heap[0][0] - self._clock.now()).total_seconds()
            timer = asyncio.get_running_loop().call_later(max(0.0, wait), self._changed.set)
        await self._changed.wait()
        if timer is not None:
            timer.cancel()

    async def _turn(self, source: str) -> None:
        """One poll of one source, and the time of its next. A fault of ours costs this turn, not the loop."""
        retry_at = None
        try:
            async with self._room:
                retry_at = await self._poll(source)
        except Exception:
            log.exception("polling %s failed in our own code; it goes on", source)
        finally:
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
        warned = self._collect.cursor(source).state.get("warning", "")
        outcome = await self._collect.take(source, readings)
        self._tell_edges(source, before, outcome.sighting, readings[-1].capture)
        warning = outcome.cursor.state.get("warning", "")
        if warning and not warned:
            log.warning("%s: %s", source, warning)
        await self._note_trouble(watched.source.provider, outcome.changes)
        if outcome.queued:
            self._deliver.wake()
        return max((r.capture.retry_at for r in readings if r.capture.retry_at), default=None)

    def _tell_edges(self, source: str, before: Sighting, after: Sighting, capture: Capture) -> None:
        offline, self._offline = self._offline, self._collect.offline
        edges = (edge(source, before, after, moved_to(capture)), network_edge(offline, self._offline, capture.at))
        for line in filter(None, edges):
            log.warning("%s", line)

    async def _note_trouble(self, provider: str, changes: Sequence[Change]) -> None:
        """Keep in mind which providers have an open incident; the ledger is asked only where one may have ended."""
        if any(change.incident.open and not change.incident.maintenance for change in changes):
            self._troubled.add(provider)
        elif changes and provider in self._troubled:
            self._troubled = await self._store.read(lambda ledger: ledger.open_providers())

    def _in_trouble(self, watched: Watched) -> bool:
        others = (self._collect.sighting(name) for name in watched.siblings if name != watched.source.id)
        return watched.source.provider in self._troubled or any(map(health.down, others))


def edge(source: str, before: Sighting, after: Sighting, moved: str) -> str:
    """One line for a failure, one for a recovery, one for a page that has `moved` to another address; else none."""
    if health.NETWORK in (before.reason, after.reason):
        return ""  # one line for all of them: network_edge
    gone, was_gone = (seen.belief is Belief.UNREADABLE for seen in (after, before))
    if gone and moved and not (was_gone and before.reason == after.reason):
        return f"{source} moved to {moved} : name the new address in statusbot.toml"
    if gone and not was_gone:
        return f"{source} cannot be read: {after.reason}{' (our settings)' if after.ours else ''}"
    return f"{source} can be read again" if was_gone and not gone else ""


def network_edge(before: datetime | None, after: datetime | None, at: datetime) -> str:
    """One line when most sources begin to fail together, one when they can be read again; else none."""
    if after and not before:
        return f"most sources fail since {after:%H:%M} UTC: {health.NETWORK}; no page is accused"
    return f"the network is back, after {duration(at - before)}" if before and not after else ""


def write_through(stream: BinaryIO, lines: bytes) -> None:
    """Write and flush."""
    stream.write(lines)
    stream.flush()
