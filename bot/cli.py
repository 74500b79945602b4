"""The commands: arguments and printing only. Each imports what it needs, so that `--help` stays quick."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from typer.exceptions import TyperException

from bot import __version__
from bot.errors import StatusbotError, UsageError

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from bot.config import Settings
    from bot.core.match import Vocabulary
    from bot.model import Capture, Incident
    from bot.ports import Ledger, Store

T = TypeVar("T")

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="One believable timeline of providers' trouble, told to Slack, Teams and Discord.",
    epilog="Begin with: statusbot demo",
)
deliveries_app = typer.Typer(help="The outbox: what is owed, what was sent, what failed.", rich_markup_mode=None)
db_app = typer.Typer(help="The database.", rich_markup_mode=None)
app.add_typer(deliveries_app, name="deliveries", epilog="Example: statusbot deliveries --failed")
app.add_typer(db_app, name="db", epilog="Example: statusbot db upgrade")

DONE, FAILED, MISUSED = 0, 1, 2


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option("--config", help="The configuration file.", metavar="FILE")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on standard error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options of every command."""
    if version:
        typer.echo(f"statusbot {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
    context.obj = {"config": config}
    _log(verbose=verbose)


def _log(*, verbose: bool) -> None:
    import logging

    form = "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(stream=sys.stderr, format=form, level=logging.WARNING)
    logging.getLogger("statusbot").setLevel(logging.DEBUG if verbose else logging.INFO)


# --- run, demo, replay -------------------------------------------------------------------------------------------


@app.command(short_help="Collect, keep the timeline, deliver.", epilog="Example: statusbot run --record trouble.jsonl")
def run(
    context: typer.Context,
    record: Annotated[
        Path | None, typer.Option(help="Write every capture into this new file, secrets left out.", metavar="FILE")
    ] = None,
) -> None:
    """Collect, keep the timeline, deliver, until SIGTERM or Ctrl-C."""
    from bot.app import run as run_app

    settings = _settings(context)

    async def work(store: Store) -> None:
        await run_app(settings, store, record)

    _with_store(settings, work, alone=True)


@app.command(
    short_help="Play an outage, with no account and no network.", epilog="Example: statusbot demo --seconds 30"
)
def demo(
    seconds: Annotated[
        float, typer.Option(help="How long it takes, about.", min=0, max=3600, metavar="SECONDS")
    ] = 60.0,
) -> None:
    """Play the Microsoft 365 outage of 22 January 2026, with no account, no token and no network."""
    from bot.demo import play

    _in_memory(lambda store: play(store, seconds))


@app.command(
    short_help="Play recordings; print the resulting timeline.",
    epilog="Example: statusbot replay trouble.jsonl.xz --json > timeline.json",
)
def replay(
    context: typer.Context,
    recordings: Annotated[list[Path], typer.Argument(help="Files in the format statusbot/1.", metavar="RECORDING")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the timeline as JSON.")] = False,
    to: Annotated[
        list[str] | None, typer.Option(help="Deliver to this destination too.", metavar="DESTINATION")
    ] = None,
    database: Annotated[str, typer.Option(help="Keep the timeline here.", metavar="URL")] = "sqlite://",
) -> None:
    """Feed recordings through the same pipeline under their own clock; print the timeline that results."""
    from bot.app import replay as replay_app
    from bot.config import check_destination, parse_destination
    from bot.model import Subscription
    from bot.notifiers import mode_for

    env = _settings(context).env
    destinations = [parse_destination(word) for word in to or ()]
    for destination in destinations:
        check_destination(destination, env)
    told = [Subscription(destination, mode=mode_for(destination.kind)) for destination in destinations]

    async def work(store: Store) -> tuple[list[Incident], dict[str, str], bool]:
        with _progress(recordings) as step:
            incidents, directory = await replay_app(recordings, store, env, told, step)
        undelivered = await store.read(_undelivered)
        if as_json:
            _print_json(incidents, dict(directory.providers))
        elif not destinations:
            from bot.answer import timeline_words

            typer.echo(timeline_words(incidents, directory) or "nothing was told in these recordings")
        return incidents, dict(directory.providers), undelivered

    if _run(_opened(database, work))[2]:
        raise StatusbotError("some deliveries failed or are still owed; the log above says which")


# --- what is known -----------------------------------------------------------------------------------------------


@app.command(epilog="Example: statusbot timeline --provider microsoft-365 --since 24h")
def timeline(
    context: typer.Context,
    provider: Annotated[str | None, typer.Option(help="Of this provider only.", metavar="ID")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only what is open now.")] = False,
    since: Annotated[str | None, typer.Option(help="Updated, or open, since: 24h, 7d.", metavar="DURATION")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In the shape of Statuspage's incidents.json.")] = False,
) -> None:
    """Print the timeline, maintenances included."""
    from bot.answer import timeline_words
    from bot.app import SystemClock, directory_of, not_watched, watching

    settings = _settings(context)
    directory = directory_of(watching(settings).providers)
    begin = SystemClock().now() - _duration("--since", since) if since else None

    async def work(store: Store) -> None:
        found = await store.read(lambda ledger: ledger.timeline(provider=provider, open_only=open_only, since=begin))
        if not found and provider is not None and provider not in directory.providers:
            raise UsageError(f"--provider {not_watched(provider, directory.providers)}")
        if as_json:
            _print_json(found, dict(directory.providers))
        else:
            typer.echo(timeline_words(found, directory) or "nothing stands there")

    _reading(settings, work)


@app.command(short_help="One line for each provider.", epilog="Example: statusbot status")
def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with who tells first and by how much.")] = False,
) -> None:
    """One line for each provider: its state, open incidents, how far each source can be believed."""
    from bot import answer
    from bot.app import SystemClock, watching
    from bot.core import lag

    settings = _settings(context)
    watch = watching(settings)

    async def work(store: Store) -> None:
        lines = await store.read(lambda ledger: answer.sources(ledger, watch.providers, watch.left_out))
        open_now = await store.read(lambda ledger: ledger.timeline(open_only=True))
        since = SystemClock().now() - lag.WINDOW
        past = await store.read(lambda ledger: ledger.timeline(since=since)) if as_json else []
        if not watch.providers and not as_json:
            typer.echo("nothing is watched")
        answers = []
        for provider in watch.providers:
            own = [line for line in lines if line.source.partition("/")[0] == provider.id]
            found = [incident for incident in open_now if incident.provider == provider.id]
            if as_json:
                lately = [incident for incident in past if incident.provider == provider.id]
                answers.append(answer.status_json(provider, found, own, lately))
            else:
                typer.echo(answer.status_line(provider, found, own))
        if as_json:
            _write({"providers": answers})

    _reading(settings, work)


@app.command(short_help="How far each source can be believed.", epilog="Example: statusbot sources --kinds")
def sources(
    context: typer.Context,
    kinds: Annotated[bool, typer.Option("--kinds", help="Print the kinds of sources instead.")] = False,
) -> None:
    """Each source: ok, stale, unreadable or silent, since when, last change, next poll."""
    from bot import answer
    from bot.app import SystemClock, watching
    from bot.collectors import REGISTRY

    if kinds:
        for name, kind in REGISTRY.items():
            typer.echo(f"{name:14} {kind.about}")
        return
    settings = _settings(context)
    watch = watching(settings)

    async def work(store: Store) -> None:
        now = SystemClock().now()
        lines = await store.read(lambda ledger: answer.sources(ledger, watch.providers, watch.left_out))
        longest = max((len(line.source) for line in lines), default=0)
        for line in lines:
            typer.echo(f"{line.source:{longest}}  {answer.source_words(line, now)}")
        if not lines:
            typer.echo("nothing is watched")

    _reading(settings, work)


@app.command(
    short_help="Why an incident reads as it does, and who was told.", epilog="Example: statusbot why MO1221364 console"
)
def why(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="Its id, or a reference: MO1221364.", metavar="INCIDENT")],
    to: Annotated[str | None, typer.Argument(help="As it was subscribed; none: all.", metavar="[DEST]")] = None,
) -> None:
    """Tell which rule joined each report to the incident, and which sent or held back each message."""
    from bot import answer
    from bot.app import directory_of, vocabulary_of, watching
    from bot.config import parse_destination

    settings = _settings(context)
    providers = watching(settings).providers
    destination = parse_destination(to) if to else None

    async def work(store: Store) -> None:
        told = await store.read(
            lambda ledger: answer.account(ledger, incident, lambda name: vocabulary_of(name, providers), destination)
        )
        if told is None:
            raise UsageError(f'INCIDENT: "{incident}" is none that is known; see `statusbot timeline`')
        typer.echo(answer.why_words(told, directory_of(providers), destination))

    _reading(settings, work)


@app.command(
    short_help="What of a recording would go untold, and why.",
    epilog="Example: statusbot audit trouble.jsonl.xz --labels trouble.labels.json",
)
def audit(
    recordings: Annotated[list[Path], typer.Argument(help="Files in the format statusbot/1.", metavar="RECORDING")],
    labels: Annotated[list[Path] | None, typer.Option(help="What is true of them; repeatable.", metavar="FILE")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also the history that was rightly learnt in silence.")
    ] = False,
) -> int:
    """Replay, and list every report, incident and end that no subscriber would have been told of, and why."""
    from bot.audit import against, audit_words, listen, misses, read_labels

    truth = read_labels(labels or ())

    async def work(store: Store) -> int:
        hearing = await listen(recordings, store)
        found = [*misses(hearing), *against(truth, hearing.incidents)]
        typer.echo(audit_words(hearing, found, everything=everything))
        return FAILED if any(not miss.silent for miss in found) else DONE

    return _in_memory(work)


# --- subscriptions -----------------------------------------------------------------------------------------------


@app.command(epilog='Example: statusbot subscribe slack:C0123456789 microsoft-365 --component "Exchange Online"')
def subscribe(
    context: typer.Context,
    to: Annotated[str, typer.Argument(help="slack:C0123456789, discord:1122334455, teams:ops ...", metavar="DEST")],
    providers: Annotated[list[str], typer.Argument(help="Ids of providers.", metavar="PROVIDER")],
    component: Annotated[list[str] | None, typer.Option(help="Of this component; repeatable.", metavar="NAME")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Of this region; repeatable.", metavar="NAME")] = None,
    min_impact: Annotated[str, typer.Option(help="none, minor, major or critical.", metavar="IMPACT")] = "none",
    mode: Annotated[str | None, typer.Option(help="thread, edit or post.", metavar="MODE")] = None,
    maintenance: Annotated[bool, typer.Option(help="Maintenances too.")] = True,
) -> None:
    """Tell a destination about providers."""
    from bot.answer import subscription_words
    from bot.app import subscription_of, watching

    settings = _settings(context)
    wanted = subscription_of(
        settings, watching(settings), to, providers, component or (), region or (), min_impact, mode, maintenance
    )

    async def work(store: Store) -> None:
        made = await store.write(lambda ledger: ledger.subscribe(wanted))
        typer.echo(subscription_words(made))

    _with_store(settings, work)


@app.command(epilog="Example: statusbot unsubscribe slack:C0123456789 microsoft-365")
def unsubscribe(
    context: typer.Context,
    to: Annotated[str, typer.Argument(help="As it was subscribed.", metavar="DEST")],
    providers: Annotated[list[str] | None, typer.Argument(help="Ids; none: all of them.", metavar="PROVIDER")] = None,
) -> None:
    """Tell a destination no more about providers."""
    from bot.answer import subscription_words
    from bot.config import parse_destination

    settings = _settings(context)
    destination = parse_destination(to)

    async def work(store: Store) -> None:
        gone = await store.write(lambda ledger: ledger.unsubscribe(destination, providers or ()))
        if not gone:
            raise UsageError(f"{destination}: no such subscription made by command; see `statusbot subscriptions`")
        for subscription in gone:
            typer.echo(f"removed: {subscription_words(subscription)}")

    _with_store(settings, work)


@app.command(epilog="Example: statusbot subscriptions")
def subscriptions(context: typer.Context) -> None:
    """Every subscription, those of statusbot.toml too."""
    from bot.answer import subscription_words

    settings = _settings(context)

    async def work(store: Store) -> None:
        await store.write(lambda ledger: ledger.adopt_file(settings.subscriptions))
        found = await store.read(lambda ledger: ledger.subscriptions())
        typer.echo("\n".join(map(subscription_words, found)) or "nobody is told")

    _reading(settings, work)


# --- corrections -------------------------------------------------------------------------------------------------


@app.command(short_help="Make one incident of two.", epilog="Example: statusbot merge 3fa9c1d20b7e MO1221364")
def merge(
    context: typer.Context,
    one: Annotated[str, typer.Argument(help="An id or a reference, from `statusbot timeline`.", metavar="A")],
    other: Annotated[str, typer.Argument(help="Another of the same provider.", metavar="B")],
) -> None:
    """Make one incident of two, for good; `split` undoes it. What was told is put right in the channels."""
    from bot import correct

    _correcting(context, "now one", lambda ledger, known, at: correct.merge(ledger, one, other, known, at))


@app.command(
    short_help="Take a report out of an incident.", epilog="Example: statusbot split MO1221364 'microsoft-365/x|2014'"
)
def split(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="An id or a reference.", metavar="INCIDENT")],
    report: Annotated[str, typer.Argument(help="<source>|<native id>, from `timeline --json`.", metavar="REPORT")],
) -> None:
    """Take a report out of an incident, for good; `merge` undoes it. What was told is put right in the channels."""
    from bot import correct

    _correcting(context, "now apart", lambda ledger, known, at: correct.split(ledger, incident, report, known, at))


def _correcting(
    context: typer.Context, words: str, make: Callable[[Ledger, Mapping[str, Vocabulary], datetime], Incident]
) -> None:
    from bot.answer import incident_line
    from bot.app import SystemClock, watching
    from bot.core.match import Vocabulary as Names

    settings = _settings(context)
    known = {entry.id: Names(entry.components, entry.regions) for entry in watching(settings).providers}

    async def work(store: Store) -> None:
        made = await store.write(lambda ledger: make(ledger, known, SystemClock().now()))
        typer.echo(f"{words}: {incident_line(made)}")

    _with_store(settings, work)


# --- the outbox --------------------------------------------------------------------------------------------------


@deliveries_app.callback(invoke_without_command=True)
def deliveries(
    context: typer.Context,
    failed: Annotated[bool, typer.Option("--failed", help="Only those given up or held.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100_000, metavar="NUMBER")] = 50,
) -> None:
    """Print the outbox, newest first."""
    if context.invoked_subcommand is not None:
        return
    from bot.core.shape import delivery_json
    from bot.model import State

    settings = _settings(context)
    states = (State.DEAD, State.HELD) if failed else ()

    async def work(store: Store) -> None:
        found = await store.read(lambda ledger: ledger.deliveries(states=states, limit=limit))
        if as_json:
            _write({"deliveries": [delivery_json(entry) for entry in found]})
            return
        for entry in found:
            why = f"  {entry.reason}" if entry.reason else ""
            what = f"{entry.id:>6} {entry.state.value:8} {entry.act.value:6} {entry.destination!s:28}"
            typer.echo(f"{what} {entry.incident}{why}")
        if not found:
            typer.echo("nothing is owed, nothing was sent" if not failed else "nothing failed")

    _reading(settings, work)


@deliveries_app.command(epilog="Example: statusbot deliveries retry 42")
def retry(
    context: typer.Context, delivery: Annotated[int, typer.Argument(help="From `statusbot deliveries`.", metavar="ID")]
) -> None:
    """Make a delivery that was given up or held pending again."""
    from bot.app import SystemClock

    settings = _settings(context)

    async def work(store: Store) -> None:
        made = await store.write(lambda ledger: ledger.retry(delivery, SystemClock().now()))
        if made is None:
            raise UsageError(
                f"delivery {delivery}: none that was given up or held; see `statusbot deliveries --failed`"
            )
        typer.echo(f"{made.id} will be sent again by `statusbot run`")

    _with_store(settings, work)


@db_app.callback()
def database() -> None:
    """The database."""


@db_app.command(short_help="Bring the schema to this version.", epilog="Example: statusbot db upgrade")
def upgrade(context: typer.Context) -> None:
    """Bring the database's schema to this version; `run` does so by itself on SQLite."""

    async def work(store: Store) -> None:
        await store.upgrade()
        typer.echo("the database is up to date")

    settings = _settings(context)
    _run(_opened(settings.database, work))


# --- helpers -----------------------------------------------------------------------------------------------------


def _settings(context: typer.Context) -> Settings:
    from bot.config import load

    return load(context.find_root().obj["config"])


def _duration(option: str, words: str) -> timedelta:
    from bot.config import parse_duration

    try:
        return parse_duration(words)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from error


async def _opened(url: str, work: Callable[[Store], Awaitable[T]], *, upgrade: bool = True) -> T:
    from bot.store import open_store

    store = open_store(url)
    try:
        if upgrade:
            await store.upgrade()
        elif await store.needs_upgrade():
            raise UsageError("database: its tables are not those of this version; run `statusbot db upgrade`")
        return await work(store)
    finally:
        await store.close()


def _reading(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """As `_with_store`, for what only asks: it makes no database where there is none yet."""
    name = settings.database.removeprefix("sqlite:///")
    if name == settings.database or Path(name).exists() or not Path(name).parent.is_dir():
        return _with_store(settings, work)
    print(f"statusbot: there is no database {name} yet; `statusbot run` makes it", file=sys.stderr)  # noqa: T201
    return _in_memory(work)


def _with_store(settings: Settings, work: Callable[[Store], Awaitable[T]], *, alone: bool = False) -> T:
    from bot.app import alone_on

    with alone_on(settings.database, wanted=alone):
        return _run(_opened(settings.database, work, upgrade=settings.database.startswith("sqlite")))


def _in_memory(work: Callable[[Store], Awaitable[T]]) -> T:
    return _run(_opened("sqlite://", work))


def _run(work: Awaitable[T]) -> T:
    import asyncio

    async def whole() -> T:
        return await work

    return asyncio.run(whole())


@contextmanager
def _progress(recordings: list[Path]) -> Iterator[Callable[[Capture], Awaitable[None]]]:
    """A bar on standard error while a person is looking; nothing else."""
    if not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import Progress

    from bot.recording import read_captures

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replaying", total=sum(1 for path in recordings for _ in read_captures(path)))

        async def step(_: Capture) -> None:
            bar.advance(task)

        yield step


async def _nothing(_: Capture) -> None:
    """A step that nobody sees."""


def _undelivered(ledger: Ledger) -> bool:
    from bot.model import State

    owed = (State.PENDING, State.SENDING, State.DOUBTFUL, State.DEAD)
    return bool(ledger.deliveries(states=owed, limit=1))


def _print_json(incidents: list[Incident], names: dict[str, str]) -> None:
    from bot.app import SystemClock
    from bot.core.shape import Page, timeline_json

    latest = max((incident.updated_at for incident in incidents), default=SystemClock().now())
    _write(timeline_json(incidents, names, Page(latest)))


def _write(document: object) -> None:
    import orjson

    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def main() -> NoReturn:
    """Run the program: 0 done, 1 something failed, 2 wrong use; one line on standard error, never a traceback."""
    sys.exit(_main())


def _main() -> int:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # providers' words go beyond what some terminals can show
    try:
        outcome = app(standalone_mode=False, prog_name="statusbot")
    except TyperException as error:
        return _complain(_misuse(error), MISUSED)
    except UsageError as error:
        return _complain(str(error), MISUSED)
    except StatusbotError as error:
        return _complain(str(error), FAILED)
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted", FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except OSError as error:
        return _complain(f"the system refused: {error.strerror or error}", FAILED)
    except Exception as error:
        import logging

        logging.getLogger("statusbot").debug("unexpected", exc_info=True)
        return _complain(f"unexpected {type(error).__name__}; run again with --verbose for the details", FAILED)
    return outcome if isinstance(outcome, int) else DONE


def _misuse(error: TyperException) -> str:
    """Wrong words on the command line, and whose help tells the right ones."""
    context = getattr(error, "ctx", None)
    words = error.format_message() if hasattr(error, "format_message") else str(error)
    return f"{words} (see `{context.command_path if context else 'statusbot'} --help`)"


def _complain(words: str, code: int) -> int:
    print(f"statusbot: {' '.join(words.split())}", file=sys.stderr)  # noqa: T201
    return code
