"""The composition root: wires the rooms together, runs the loops, owns the clock."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import heapq
import logging
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from time import monotonic
from typing import BinaryIO, TextIO

from bot import collectors, notifiers
from bot.catalog import catalogue, provider_for
from bot.collect import Collect, Reading, Watched, poll
from bot.config import (
    Settings,
    check_destination,
    nearest,
    parse_destination,
    parse_impact,
    parse_mode,
    providers_from,
    subscriptions_from,
)
from bot.core import health
from bot.core.document import moved_to
from bot.core.match import Vocabulary
from bot.core.summary import duration
from bot.deliver import Deliver
from bot.errors import UsageError
from bot.model import Belief, Capture, Change, Directory, Incident, Mode, Provider, Sighting, Source, Subscription
from bot.ports import Clock, Collector, Notifier, Store, Tools
from bot.recording import capture_line, header_line, read_captures, read_header

log = logging.getLogger("statusbot")

AT_ONCE = 64  #: polls under way at once
FLUSH = timedelta(seconds=30)  #: how often clocks that merely moved are saved
GRACE = timedelta(seconds=8)  #: for what is in flight when the program is asked to stop


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.now(UTC)  # noqa: TID251  (the one place that may)


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


# --- what is watched ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Watching:
    """The watched providers, and the sources among theirs that cannot be asked, with the reason."""

    providers: tuple[Provider, ...]
    left_out: Mapping[str, str]


def watching(settings: Settings) -> Watching:
    """The providers that the settings name, resolved. Raises UsageError for an unknown one."""
    own = {provider.id: provider for provider in settings.providers}
    named = [own.get(word) or provider_for(word) for word in settings.watch if word not in own]
    every = {provider.id: provider for provider in [*named, *(known(provider) for provider in own.values())]}
    for entry in settings.subscriptions:
        for name in entry.providers:
            if name not in every:
                raise UsageError(f"{settings.path}: subscription to {entry.to} names {not_watched(name, every)}")
    left_out = {}
    for provider in every.values():
        for source in provider.sources:
            lacking = [name for name in collectors.REGISTRY[source.kind].needs if not settings.env.get(name)]
            if lacking:
                left_out[source.id] = f"not asked: {', '.join(lacking)} not set"
    return Watching(tuple(every.values()), left_out)


def not_watched(name: str, every: Iterable[str]) -> str:
    """What to say of a provider that is named but not watched, with the mend."""
    words = list(every)
    if get_close_matches(name.lower(), words, n=1):
        return f'"{name}", which is not watched{nearest(name, words)}'
    watched = ", ".join(words) or "none"
    return f'"{name}", which is not watched; add it to `watch` in statusbot.toml (watched: {watched})'


def known(provider: Provider) -> Provider:
    """A provider of the configuration or of a recording, with what the catalogue knows of its names."""
    entry = catalogue().get(provider.id)
    if entry is None:
        return provider
    return replace(
        provider,
        name=entry.name if provider.name == provider.id else provider.name,
        aliases=provider.aliases or entry.aliases,
        components=provider.components or entry.components,
        regions=provider.regions or entry.regions,
    )


def directory_of(providers: Iterable[Provider]) -> Directory:
    """What readers call the providers and their sources."""
    every = list(providers)
    labels = {source.id: label_of(source) for provider in every for source in provider.sources}
    return Directory({provider.id: provider.name for provider in every}, labels)


def vocabulary_of(provider: str, providers: Iterable[Provider]) -> Vocabulary:
    """The names that a provider's components and regions go by; the catalogue's, where it is none of these."""
    found = next((each for each in providers if each.id == provider), None) or known(Provider(provider, provider))
    return Vocabulary(found.components, found.regions)


def label_of(source: Source) -> str:
    """What a reader calls a source: `the status page`, `X (@MSFT365Status)`."""
    label = collectors.REGISTRY[source.kind].label
    return f"{label} (@{source.account.lstrip('@')})" if source.account else label


def wire(providers: Iterable[Provider], tools: Tools, left_out: Mapping[str, str] | None = None) -> list[Watched]:
    """Every source that can be asked, with its collector and what is known of its family."""
    made: dict[str, Collector] = {}
    watched = []
    for provider in providers:
        asked = [source for source in provider.sources if source.id not in (left_out or {})]
        kinds = {source.id: collectors.REGISTRY[source.kind] for source in asked}
        for source in asked:
            if source.kind not in made:
                made[source.kind] = collectors.load(source.kind, tools)
            watched.append(
                Watched(
                    source=source,
                    collector=made[source.kind],
                    vocabulary=Vocabulary(provider.components, provider.regions),
                    siblings={sibling.id: label_of(sibling) for sibling in asked},
                    hosted=frozenset(name for name, kind in kinds.items() if kind.hosted),
                    likeness=any(not kind.threads for kind in kinds.values()),
                    lists_open=kinds[source.id].lists_open,
                )
            )
    return watched


@asynccontextmanager
async def toolbox(settings_env: Mapping[str, str], clock: Clock) -> AsyncIterator[Tools]:
    """The adapters' tools, with the connections behind them closed at the end."""
    from bot.http import Fetcher  # noqa: PLC0415  (a replay never connects: it need not pay for aiohttp)

    fetcher = Fetcher(
        clock,
        proxy=settings_env.get("HTTPS_PROXY") or None,
        no_proxy=settings_env.get("NO_PROXY", ""),
        ssl_cert_file=settings_env.get("SSL_CERT_FILE", ""),
    )
    try:
        yield Tools(clock, fetcher, fetcher.session, settings_env)
    finally:
        await fetcher.close()


class Notifiers:
    """The notifiers in use, each made when first needed."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._made: dict[str, Notifier] = {}

    def __call__(self, kind: str) -> Notifier:
        """The notifier of a kind."""
        if kind not in self._made:
            self._made[kind] = notifiers.load(kind, self._tools)
        return self._made[kind]

    async def close(self) -> None:
        """Give back their connections."""
        for notifier in self._made.values():
            await notifier.close()


@contextmanager
def alone_on(database: str, *, wanted: bool) -> Iterator[None]:
    """Keep a second `run` off an embedded database, by a lock that the system drops when the process dies."""
    path = database.removeprefix("sqlite:///")
    if not wanted or path == database or not path:
        yield
        return
    with locked(path):
        yield


def locked(path: str) -> TextIO:
    """The lock file beside a database, held until it is closed. Raises UsageError where it is not to be had."""
    import fcntl  # noqa: PLC0415  (not on every system, and only here)

    try:
        lock = Path(f"{path}.lock").open("w")  # noqa: SIM115  (the caller closes it)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise UsageError(f"database {path}: another `statusbot run` uses it; stop that one, or name another") from error
    except OSError as error:
        why = f"{path}.lock cannot be written ({error.strerror})"
        raise UsageError(f"database {path}: {why}; create its folder, or name another") from error
    return lock


def subscription_of(
    settings: Settings,
    watch: Watching,
    to: str,
    providers: Sequence[str],
    components: Sequence[str],
    regions: Sequence[str],
    min_impact: str,
    mode: str | None,
    maintenance: bool,
) -> Subscription:
    """A subscription as a command asks for it, its names made those of the catalogue. Raises UsageError."""
    destination = parse_destination(to)
    check_destination(destination, settings.env)
    watched = {provider.id: provider for provider in watch.providers}
    for name in providers:
        if name not in watched:
            raise UsageError(f"PROVIDER: {not_watched(name, watched)}")
    return Subscription(
        to=destination,
        providers=tuple(providers),
        components=components_named(components, [watched[name] for name in providers]),
        min_impact=parse_impact(min_impact),
        mode=notifiers.mode_for(destination.kind, parse_mode(mode) if mode else Mode.THREAD),
        regions=tuple(regions),
        maintenance=maintenance,
    )


def subscriptions_named(subscriptions: Iterable[Subscription], providers: Iterable[Provider]) -> list[Subscription]:
    """Subscriptions of a file with their components by the catalogue's names."""
    every = list(providers)
    return [
        replace(entry, components=components_named(entry.components, [p for p in every if _wants(entry, p)]))
        for entry in subscriptions
    ]


def _wants(subscription: Subscription, provider: Provider) -> bool:
    return not subscription.providers or provider.id in subscription.providers


def components_named(words: Sequence[str], providers: Iterable[Provider]) -> tuple[str, ...]:
    """Components by the catalogue's names for them: `Outlook` is Exchange Online."""
    vocabularies = [Vocabulary(provider.components) for provider in providers]
    return tuple(next((v.canonical(word) for v in vocabularies if v.canonical(word) != word), word) for word in words)


# --- run ---------------------------------------------------------------------------------------------------------


class Polling:
    """Asks each source when its time has come: one heap of times, each poll a task of its own, so many at once."""

    def __init__(
        self, collect: Collect, deliver: Deliver, store: Store, clock: Clock, record: BinaryIO | None = None
    ) -> None:
        self._collect = collect
        self._deliver = deliver
        self._store = store
        self._clock = clock
        self._record = record
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
            lines = b"".join(map(capture_line, captures))
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


async def run(settings: Settings, store: Store, record: Path | None = None) -> None:
    """Collect, keep the timeline, deliver, until SIGTERM or Ctrl-C."""
    clock, watch = SystemClock(), watching(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        tools = await stack.enter_async_context(toolbox(settings.env, clock))
        made = Notifiers(tools)
        stack.push_async_callback(made.close)
        stream = stack.enter_context(open_record(record, watch.providers)) if record else None
        told = subscriptions_named(settings.subscriptions, watch.providers)
        await store.write(lambda ledger: ledger.adopt_file(told))
        collect = Collect(store, wire(watch.providers, tools, watch.left_out))
        await collect.load()
        deliver = Deliver(store, made, clock, directory_of(watch.providers))
        greet(watch, settings.subscriptions)
        await until_stopped(stop, Polling(collect, deliver, store, clock, stream), deliver, collect)


def open_record(path: Path, providers: Sequence[Provider]) -> BinaryIO:
    """A new recording with its header. Raises UsageError where it cannot be written."""
    try:
        stream = path.open("xb")
    except OSError as error:
        raise UsageError(f"--record {path}: cannot be written ({error.strerror}); name a new file") from error
    stream.write(header_line("recorded by statusbot run", [provider_line(provider) for provider in providers]))
    return stream


def provider_line(provider: Provider) -> dict[str, object]:
    """A provider as a recording's header has it."""
    sources = []
    for source in provider.sources:
        entry: dict[str, object] = {"name": source.name, "kind": source.kind}
        entry |= {"account": source.account} if source.account else {"url": source.url}
        sources.append(entry)
    return {"id": provider.id, "name": provider.name, "sources": sources}


async def until_stopped(stop: asyncio.Event, polling: Polling, deliver: Deliver, collect: Collect) -> None:
    """Run the loops until `stop`; then let what is in flight finish, for GRACE at the most."""
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(polling.run())
        flushing = group.create_task(flush_now_and_then(collect))
        sending = group.create_task(deliver.run())
        await stop.wait()
        log.info("stopping")
        asking.cancel()
        flushing.cancel()
        deliver.stop()
        await asyncio.wait([sending], timeout=GRACE.total_seconds())
        sending.cancel()
    await collect.flush()


async def flush_now_and_then(collect: Collect) -> None:
    """Save moved clocks every now and then."""
    while True:
        await asyncio.sleep(FLUSH.total_seconds())
        try:
            await collect.flush()
        except Exception:
            log.exception("the sources' clocks could not be saved; trying again in %s", FLUSH)


def greet(watch: Watching, subscriptions: Sequence[Subscription]) -> None:
    """One line for what is watched, one for each source that cannot be, one for who is told."""
    for provider in watch.providers:
        asked = [source.name for source in provider.sources if source.id not in watch.left_out]
        log.info("watching %s: %s", provider.name, ", ".join(asked) or "no source")
    for source, reason in watch.left_out.items():
        log.warning("%s %s", source, reason)
    log.info("telling %s", ", ".join(sorted({str(entry.to) for entry in subscriptions})) or "nobody in statusbot.toml")


# --- replay ------------------------------------------------------------------------------------------------------


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
    """Feed recordings through the corridor under their own clock; the timeline that results, newest first.

    subscriptions: who is told as the recording plays, besides those that a recording's header names.
    after: awaited when a capture has been played and what it was worth has been told.
    notifier: stands in for every destination's own, by its kind, so that nothing leaves the program.
    read: handed each capture as it was read.
    Raises UsageError for a recording that is none.
    """
    headers = [read_header(path) for path in paths]
    providers = {provider.id: known(provider) for header in headers for provider in providers_from(header)}
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
        deliver = Deliver(store, notifier or made, clock, directory)
        for path in paths:
            for capture in read_captures(path):
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


async def play(collect: Collect, path: Path, capture: Capture) -> Reading:
    """One capture of a recording, as it was read. Raises UsageError where its source is none of the header's."""
    if capture.source not in collect.watched:
        raise UsageError(f"recording {path}: its header names no source {capture.source!r}")
    reading = await collect.read(capture)
    await collect.take(capture.source, [reading])
    return reading
