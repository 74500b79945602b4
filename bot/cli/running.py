"""run, demo, replay: the corridor at work."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import in_memory, opened, print_timeline, settings_of, waited_for, with_store
from bot.errors import StatusbotError

if TYPE_CHECKING:
    from bot.model import Capture
    from bot.ports import Database, Ledger, Store

commands = typer.Typer()


@commands.command(
    short_help="Collect, keep the timeline, deliver.", epilog="Example: statusbot run --record trouble.jsonl"
)
def run(
    context: typer.Context,
    record: Annotated[
        Path | None, typer.Option(help="Write every capture into this new file, secrets left out.", metavar="FILE")
    ] = None,
) -> None:
    """Collect, keep the timeline, deliver, until SIGTERM or Ctrl-C."""
    from bot.app import run as run_app
    from bot.cli import ending

    settings = settings_of(context)

    async def work(store: Database) -> None:
        await run_app(settings, store, record, ending.begin)

    try:
        with_store(settings, work, alone=True)
    finally:
        ending.over()


@commands.command(
    short_help="Play an outage, with no account and no network.", epilog="Example: statusbot demo --seconds 30"
)
def demo(
    seconds: Annotated[
        float, typer.Option(help="How long it takes, about.", min=0, max=3600, metavar="SECONDS")
    ] = 60.0,
) -> None:
    """Play the Microsoft 365 outage of 22 January 2026, with no account, no token and no network."""
    from bot.demo import play

    in_memory(lambda store: play(store, seconds))


@commands.command(
    short_help="Play recordings; print the resulting timeline.",
    epilog="Example: statusbot replay trouble.jsonl.xz --json > timeline.json",
)
def replay(
    context: typer.Context,
    recordings: Annotated[list[Path], typer.Argument(help="Files in the format statusbot/1.", metavar="RECORDING")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the timeline as JSON; what `console` is told goes to standard error.")
    ] = False,
    to: Annotated[
        list[str] | None, typer.Option(help="Deliver to this destination too.", metavar="DESTINATION")
    ] = None,
    database: Annotated[str, typer.Option(help="Keep the timeline here.", metavar="URL")] = "sqlite://",
) -> None:
    """Feed recordings through the same pipeline under their own clock; print the timeline that results."""
    from bot.config import check_destination, parse_destination
    from bot.model import Subscription
    from bot.notifiers import mode_for
    from bot.replay import replay as replay_app

    env = settings_of(context).env
    destinations = [parse_destination(word) for word in to or ()]
    for destination in destinations:
        check_destination(destination, env)
    told = [Subscription(destination, mode=mode_for(destination.kind)) for destination in destinations]

    async def work(store: Store) -> str:
        aside = redirect_stdout(sys.stderr) if as_json else nullcontext()  # `console` would stand amidst the JSON
        with _progress(recordings) as step, aside:
            incidents, directory = await replay_app(recordings, store, env, told, step)
        undelivered = await store.read(_undelivered)
        if as_json:
            print_timeline(incidents, dict(directory.providers))
        elif not destinations:
            from bot.answer import timeline_words

            typer.echo(timeline_words(incidents, directory) or "nothing was told in these recordings")
        return undelivered

    if undelivered := waited_for(opened(database, work)):
        raise StatusbotError(undelivered)


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


def _undelivered(ledger: Ledger) -> str:
    """What was not delivered, and why, in words; empty where everything was."""
    from bot.model import State

    owed = (State.PENDING, State.SENDING, State.DOUBTFUL, State.DEAD)
    found = [(it.destination, it.reason) for it in ledger.asides() if it.since]
    found += [(it.destination, it.reason) for it in ledger.deliveries(states=owed, limit=1_000)]
    if not found:
        return ""
    places = sorted({str(destination) for destination, _ in found})
    reason = next((reason for _, reason in found if reason), "not sent yet")
    return f"not everything was delivered to {', '.join(places[:5])}{' …' if len(places) > 5 else ''}: {reason}"
