"""Feeds recordings through the corridor under their own clock."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from bot.app import Notifiers, toolbox
from bot.clock import SystemClock
from bot.collect import Collect
from bot.config import providers_from, subscriptions_from
from bot.deliver import Deliver
from bot.errors import UsageError
from bot.limits import Limits
from bot.model import Capture, Directory, Incident, Provider, Subscription
from bot.ports import Notifier, Store
from bot.reading import Reading
from bot.recording import read_captures, read_header
from bot.watch import directory_of, known, wire


class RecordedClock:
    """A recording's time: set by each capture, and running on from there at the machine's pace."""

    def __init__(self) -> None:
        self._set_at = monotonic()
        self._time = SystemClock().now()

    def set(self, at: datetime) -> None:
        """It is now `at`."""
        self._time, self._set_at = at, monotonic()

    def now(self) -> datetime:
        """The time, UTC."""
        return self._time + timedelta(seconds=monotonic() - self._set_at)


async def replay(
    paths: Sequence[Path],
    store: Store,
    env: Mapping[str, str],
    subscriptions: Sequence[Subscription] = (),
    after: Callable[[Capture], Awaitable[None]] | None = None,
    *,
    notifier: Callable[[str], Notifier] | None = None,
    read: Callable[[Reading], None] | None = None,
) -> tuple[list[Incident], Directory]:
    """Feed recordings through the corridor under their own clock, all at once; the resulting timeline, newest first.

    subscriptions: who is told as the recording plays, besides those that a recording's header names.
    after: awaited when a capture has been played and what it was worth has been told.
    notifier: stands in for every destination's own, by its kind, so that nothing leaves the program.
    read: handed each capture as it was read.
    Raises UsageError for a recording that is none.
    """
    headers = [read_header(path) for path in paths]
    providers = {provider.id: known(provider) for provider in together(map(providers_from, headers))}
    told = [entry for header in headers for entry in subscriptions_from(header)]
    told += subscriptions
    clock = RecordedClock()
    directory = directory_of(providers.values())
    await store.write(lambda ledger: ledger.adopt_file(told))
    async with contextlib.AsyncExitStack() as stack:
        tools = await stack.enter_async_context(toolbox(env, clock))
        made = Notifiers(tools)
        stack.push_async_callback(made.close)
        collect = Collect(store, wire(providers.values(), tools))
        await collect.load()
        platforms = Limits(SystemClock())  # which keep the machine's time, not the recording's
        deliver = Deliver(store, notifier or made, clock, directory, limits=platforms)
        for path, capture in in_time(paths):
            clock.set(capture.at)
            reading = await play(collect, path, capture)
            if read is not None:
                read(reading)
            if told:
                await deliver.drain()
            if after is not None:
                await after(capture)
        await collect.flush()
    return await store.read(lambda ledger: ledger.timeline()), directory


def together(recorded: Iterable[Sequence[Provider]]) -> Iterable[Provider]:
    """The providers of several recordings; one that stands in several has the sources of all of them."""
    found: dict[str, Provider] = {}
    for provider in (provider for providers in recorded for provider in providers):
        before = found.get(provider.id, provider)
        sources = {source.id: source for source in (*before.sources, *provider.sources)}
        found[provider.id] = replace(before, sources=tuple(sources.values()))
    return found.values()


def in_time(paths: Sequence[Path]) -> Iterator[tuple[Path, Capture]]:
    """The captures of several recordings in the order of their times, each with its recording. Raises UsageError."""
    return heapq.merge(*map(_captures, paths), key=lambda pair: pair[1].at)


def _captures(path: Path) -> Iterator[tuple[Path, Capture]]:
    return ((path, capture) for capture in read_captures(path))


async def play(collect: Collect, path: Path, capture: Capture) -> Reading:
    """One capture of a recording, as it was read. Raises UsageError where its source is none of the header's."""
    if capture.source not in collect.watched:
        raise UsageError(f"recording {path}: its header names no source {capture.source!r}")
    reading = await collect.read(capture)
    await collect.take(capture.source, [reading])
    return reading
