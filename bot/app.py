"""The composition root: makes the adapters, wires the rooms together, runs the loops until it is asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO
from uuid import uuid4

from bot import notifiers
from bot.answer.desk import Desk
from bot.answer.welcome import greet as greet_subscriber
from bot.answer.welcome import lapse
from bot.clock import SystemClock
from bot.collect import Collect
from bot.collectors import REGISTRY
from bot.config import Settings, parse_listen
from bot.config.environment import VARIABLES
from bot.deliver import Deliver
from bot.errors import StatusbotError, UsageError
from bot.housekeeping import Housekeeping
from bot.limits import Limits
from bot.loop import settle
from bot.model import Provider, Subscription
from bot.operator import Operator
from bot.polling import Polling
from bot.ports import Clock, Database, Ledger, Notifier, Store, Tools
from bot.recording import header_line
from bot.sharing import TERM, Alone, Sharing
from bot.store.place import file_of
from bot.veil import Veil
from bot.vitals import Heartbeat, Vitals, unless_held
from bot.watch import Watching, directory_of, subscriptions_named, watching, wire

if TYPE_CHECKING:
    from aiohttp.web import RouteDef

    from bot.frontends.slack.app import SlackApp

log = logging.getLogger("statusbot")

Loop = Callable[[], Coroutine[None, None, None]]  #: runs until it is cancelled

#: kinds of destinations at which `run` also listens, and the settings that it takes
WAYS_IN: Sequence[tuple[str, Collection[str]]] = (
    ("discord", ("DISCORD_BOT_TOKEN",)),
    ("slack", ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")),
    ("slack", ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "STATUSBOT_LISTEN")),
)
FLUSH = timedelta(seconds=30)  #: how often clocks that merely moved are saved
SOON = timedelta(seconds=3)  #: the same after the start: a program that dies young would else seem to have paused
QUIET = timedelta(seconds=15)  #: how often mutes are looked through for those that are over
GRACE = timedelta(seconds=8)  #: for what is in flight when the program is asked to stop
PARTING = timedelta(seconds=1)  #: for handing back what is in flight all the same


@asynccontextmanager
async def toolbox(
    settings_env: Mapping[str, str], clock: Clock, answered: frozenset[str] = frozenset()
) -> AsyncIterator[Tools]:
    """The adapters' tools, with the connections behind them closed at the end. answered: see ports.Tools."""
    from bot.http import Fetcher  # noqa: PLC0415  (a replay never connects: it need not pay for aiohttp)

    fetcher = Fetcher(
        clock,
        proxy=settings_env.get("HTTPS_PROXY") or None,
        no_proxy=settings_env.get("NO_PROXY", ""),
        ssl_cert_file=settings_env.get("SSL_CERT_FILE", ""),
    )
    try:
        yield Tools(clock, fetcher, fetcher.session, settings_env, answered)
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
    path = file_of(database)
    if not wanted or path is None:
        yield
        return
    with locked(path):
        yield


def locked(path: Path) -> TextIO:
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


async def run(
    settings: Settings, store: Database, record: Path | None = None, ending: Callable[[], None] = lambda: None
) -> None:
    """Collect, keep the timeline, deliver, until SIGTERM or Ctrl-C; `ending` is called at that moment."""
    clock, watch = SystemClock(), watching(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        if not stop.is_set():
            ending()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    async with contextlib.AsyncExitStack() as stack:
        answered = frozenset(kind for kind, needs in WAYS_IN if all(map(settings.env.get, needs)))
        tools = await stack.enter_async_context(toolbox(settings.env, clock, answered))
        made = Notifiers(tools)
        stack.push_async_callback(made.close)
        veil = Veil(settings.secrets)
        stream = stack.enter_context(open_record(record, watch.providers, veil)) if record else None
        told = subscriptions_named(settings.subscriptions, watch.providers)
        await store.write(lambda ledger: adopt(ledger, told, watch, clock))
        worker = "" if store.embedded else uuid4().hex
        collect = Collect(store, wire(watch.providers, tools, watch.left_out), worker)
        limits = Limits(clock)
        operator = Operator(store, made, clock, settings.operator, limits)
        await operator.load()
        deliver = Deliver(
            store,
            made,
            clock,
            directory_of(watch.providers),
            limits=limits,
            operator=operator,
            pauses=store.embedded,
            digest=lambda to: notifiers.digest(to, settings.env),
        )
        polling = Polling(collect, deliver, store, clock, operator, stream, veil)
        share = Sharing(store, polling, collect.watched, worker) if worker else Alone(polling, collect.watched)
        vitals = vitals_of(settings, store, clock, operator, polling, deliver, stop)
        desk = desk_of(store, watch, clock, deliver.wake)
        slack = slack_app(settings, desk, tools)
        await stack.enter_async_context(served(settings.env, store, polling, vitals, slack.routes() if slack else ()))
        await share.begin()
        greet(watch, settings.subscriptions)
        keeping = Housekeeping(store, clock, settings.keep)
        loops = [
            polling.run,
            share.run,
            operator.run,
            lambda: vitals.run(heartbeat_of(tools)),
            lambda: now_and_then(FLUSH, collect.flush, "the sources' clocks could not be saved"),
            lambda: share.while_leading("housekeeping", keeping.run),
            lambda: share.while_leading("mutes", lambda: watch_mutes(store, watch, clock, deliver.wake)),
        ]
        if worker:
            loops += [polling.keep_looking, lambda: store.listen(deliver.wake)]
        if slack:
            stack.push_async_callback(slack.close)
            loops.append(lambda: share.while_leading("slack-socket", slack.run))
        if "discord" in tools.answered:
            from bot.frontends.discord.run import Gateway  # noqa: PLC0415  (0.2 s and 40 MB)

            gateway = Gateway(desk, store, tools)
            loops.append(lambda: share.while_leading("discord-gateway", gateway.run))
        settle()
        await until_stopped(stop, loops, deliver, share)


def desk_of(store: Store, watch: Watching, clock: Clock, wake: Callable[[], None]) -> Desk:
    """Where the chats' questions are answered."""
    directory = directory_of(watch.providers)
    return Desk(store, watch.providers, directory, watch.left_out, clock, notifiers.mode_for, wake)


def slack_app(settings: Settings, desk: Desk, tools: Tools) -> SlackApp | None:
    """Slack's front end, where what it takes is set."""
    heard = [name for name in ("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET") if settings.env.get(name)]
    if heard and "slack" not in tools.answered:
        missing = "STATUSBOT_LISTEN" if settings.env.get("SLACK_BOT_TOKEN") else "SLACK_BOT_TOKEN"
        log.warning("%s is set, but %s is not: /statusbot is not answered in Slack", heard[0], missing)
    if "slack" not in tools.answered:
        return None
    from bot.frontends.slack.app import SlackApp  # noqa: PLC0415  (0.3 s that only an app needs)

    return SlackApp(desk, tools, settings.may_subscribe)


def open_record(path: Path, providers: Sequence[Provider], veil: Veil) -> BinaryIO:
    """A new recording with its header. Raises UsageError where it cannot be written."""
    try:
        stream = path.open("xb")
    except OSError as error:
        raise UsageError(f"--record {path}: cannot be written ({error.strerror}); name a new file") from error
    stream.write(header_line("recorded by statusbot run", [provider_line(provider, veil) for provider in providers]))
    return stream


def provider_line(provider: Provider, veil: Veil) -> dict[str, object]:
    """A provider as a recording's header has it: what reading it again needs, and no secret."""
    sources = []
    for source in provider.sources:
        entry: dict[str, object] = {"name": source.name, "kind": source.kind}
        entry |= {"url": veil.address(source.url)} if source.url else {}
        entry |= {"account": source.account} if source.account else {}
        entry |= {"empty": source.empty} if source.empty != "health" else {}
        entry |= {"private": source.private} if source.private != REGISTRY[source.kind].private else {}
        sources.append(entry)
    return {"id": provider.id, "name": provider.name, "sources": sources}


def adopt(ledger: Ledger, told: Sequence[Subscription], watch: Watching, clock: Clock) -> None:
    """Make these the file's subscriptions, and tell the new ones what is open now."""
    for subscription in ledger.adopt_file(told):
        greet_subscriber(ledger, subscription, watch.providers, clock.now())


async def until_stopped(stop: asyncio.Event, loops: Sequence[Loop], deliver: Deliver, share: Alone | Sharing) -> None:
    """Run the loops until `stop`; then let what is in flight finish, for GRACE at the most, and hand back the rest."""
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(loop()) for loop in loops]
        sending = group.create_task(deliver.run())
        await stop.wait()
        log.info("stopping")
        for task in running:
            task.cancel()
        deliver.stop()
        leaving = group.create_task(leave(share, running))
        await asyncio.wait([sending, leaving], timeout=GRACE.total_seconds())
        leaving.cancel()
        await give_up(sending, deliver)


async def give_up(sending: asyncio.Task[None], deliver: Deliver) -> None:
    """Hand back what is still being sent, within PARTING: else its leases run out."""
    if sending.done():
        return
    sending.cancel()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PARTING.total_seconds()):
            await asyncio.wait([sending])
            await deliver.hand_back()


async def leave(share: Alone | Sharing, running: Collection[asyncio.Task[None]]) -> None:
    """Hand back what this process polls and leads, once it does so no more."""
    await asyncio.wait(running)
    try:
        await share.leave()
    except StatusbotError as error:
        log.error("what this process did could not be handed back, and is taken up in %s: %s", TERM, error)


def vitals_of(
    settings: Settings,
    store: Store,
    clock: Clock,
    operator: Operator,
    polling: Polling,
    deliver: Deliver,
    stop: asyncio.Event,
) -> Vitals:
    """What is watched of ourselves."""
    asking = unless_held(lambda: polling.round_at, lambda: polling.longest, clock)
    path = file_of(settings.database)
    place = path.absolute().parent if path else None
    loops = {"polling": asking, "delivering": lambda: deliver.round_at}
    return Vitals(store, clock, operator, loops, place, stopping=stop.is_set)


def heartbeat_of(tools: Tools) -> Heartbeat | None:
    """The dead man's switch, where there is one."""
    url = tools.env.get("STATUSBOT_HEARTBEAT_URL")
    return Heartbeat(tools.session, url) if url else None


@asynccontextmanager
async def served(
    env: Mapping[str, str], store: Store, polling: Polling, vitals: Vitals, routes: Sequence[RouteDef] = ()
) -> AsyncIterator[None]:
    """The HTTP server with these routes of other front ends; none where STATUSBOT_LISTEN is empty.

    Raises UsageError where it cannot listen at the place that was named; at the default one it goes on without.
    """
    listen = env.get("STATUSBOT_LISTEN", "")
    place = parse_listen(listen)
    if place is None:
        yield
        return
    from bot.frontends import metrics  # noqa: PLC0415  (0.1 s that only a server needs)
    from bot.frontends.web import Health, Web, serving  # noqa: PLC0415

    async def measures(requests: Mapping[tuple[str, int], int]) -> bytes:
        counts = metrics.Counts({}, polling.polls, requests, 0, vitals.alive, vitals.ready)
        with contextlib.suppress(StatusbotError):  # a database in trouble is told elsewhere
            deliveries, troubles = await store.read(lambda ledger: (ledger.tally(), len(ledger.troubles())))
            counts = replace(counts, deliveries=deliveries, troubles=troubles)
        return metrics.text(counts)

    web = Web(lambda: Health(vitals.alive, vitals.ready, vitals.checks()), measures)
    async with contextlib.AsyncExitStack() as stack:
        try:
            host, port = await stack.enter_async_context(serving(web.app(routes), *place))
        except UsageError as error:
            if listen != VARIABLES["STATUSBOT_LISTEN"] or routes:
                raise
            log.warning("%s; going on without", error)
        else:
            log.info("serving /healthz and /metrics at %s:%d", host, port)
        yield


async def now_and_then(every: timedelta, work: Callable[[], Awaitable[None]], trouble: str) -> None:
    """Do something soon after the start and every now and then; what goes wrong is told and tried again."""
    for pause in itertools.chain([SOON], itertools.repeat(every)):
        await asyncio.sleep(pause.total_seconds())
        try:
            await work()
        except StatusbotError as error:
            log.error("%s: %s; trying again in %s", trouble, error, every)
        except Exception:
            log.exception("%s; trying again in %s", trouble, every)


async def watch_mutes(store: Store, watch: Watching, clock: Clock, wake: Callable[[], None]) -> None:
    """End the mutes whose time is over, until cancelled."""
    await now_and_then(QUIET, lambda: end_mutes(store, watch, clock, wake), "ended mutes could not be looked for")


async def end_mutes(store: Store, watch: Watching, clock: Clock, wake: Callable[[], None]) -> None:
    """Take away the mutes whose time is over, and tell what began meanwhile."""
    now = clock.now()
    over = await store.read(lambda ledger: any(mute.until and mute.until <= now for mute in ledger.mutes()))
    if over:
        await store.write(lambda ledger: lapse(ledger, watch.providers, now))
        wake()


def greet(watch: Watching, subscriptions: Sequence[Subscription]) -> None:
    """One line for what is watched, one for each source that cannot be, one for who is told."""
    for provider in watch.providers:
        asked = [source.name for source in provider.sources if source.id not in watch.left_out]
        log.info("watching %s: %s", provider.name, ", ".join(asked) or "no source")
    for source, reason in watch.left_out.items():
        log.warning("%s %s", source, reason)
    log.info("telling %s", ", ".join(sorted({str(entry.to) for entry in subscriptions})) or "nobody in statusbot.toml")
