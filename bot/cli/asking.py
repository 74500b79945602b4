"""timeline, status, sources, why: what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import duration_of, only_asking, print_json, print_timeline, settings_of
from bot.errors import UsageError

if TYPE_CHECKING:
    from bot.ports import Store

commands = typer.Typer()


@commands.command(epilog="Example: statusbot timeline --provider microsoft-365 --since 24h")
def timeline(
    context: typer.Context,
    provider: Annotated[str | None, typer.Option(help="Of this provider only.", metavar="ID")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only what is open now.")] = False,
    since: Annotated[str | None, typer.Option(help="Updated, or open, since: 24h, 7d.", metavar="DURATION")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In the shape of Statuspage's incidents.json.")] = False,
) -> None:
    """Print the timeline, maintenances included."""
    from bot.answer import timeline_words
    from bot.clock import SystemClock
    from bot.watch import directory_of, not_watched, watching

    settings = settings_of(context)
    directory = directory_of(watching(settings).providers)
    begin = SystemClock().now() - duration_of("--since", since) if since else None

    async def work(store: Store) -> None:
        found = await store.read(lambda ledger: ledger.timeline(provider=provider, open_only=open_only, since=begin))
        if not found and provider is not None and provider not in directory.providers:
            raise UsageError(f"--provider {not_watched(provider, directory.providers)}")
        if as_json:
            print_timeline(found, dict(directory.providers))
        else:
            typer.echo(timeline_words(found, directory) or "nothing stands there")

    only_asking(settings, work)


@commands.command(short_help="One line for each provider.", epilog="Example: statusbot status")
def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with who tells first and by how much.")] = False,
) -> None:
    """One line for each provider: its state, open incidents, how far each source can be believed."""
    from bot import answer
    from bot.clock import SystemClock
    from bot.core import lag
    from bot.watch import watching

    settings = settings_of(context)
    watch = watching(settings)
    now = SystemClock().now()

    async def work(store: Store) -> None:
        lines = await store.read(lambda ledger: answer.sources(ledger, watch.providers, watch.left_out, now))
        open_now = await store.read(lambda ledger: ledger.timeline(open_only=True))
        past = await store.read(lambda ledger: ledger.timeline(since=now - lag.WINDOW)) if as_json else []
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
            print_json({"providers": answers})

    only_asking(settings, work)


@commands.command(short_help="How far each source can be believed.", epilog="Example: statusbot sources --kinds")
def sources(
    context: typer.Context,
    kinds: Annotated[bool, typer.Option("--kinds", help="Print the kinds of sources instead.")] = False,
) -> None:
    """Each source: ok, stale, unreadable or silent, since when, last change, next poll."""
    from bot import answer
    from bot.clock import SystemClock
    from bot.collectors import REGISTRY
    from bot.watch import watching

    if kinds:
        for name, kind in REGISTRY.items():
            typer.echo(f"{name:14} {kind.about}")
        return
    settings = settings_of(context)
    watch = watching(settings)

    async def work(store: Store) -> None:
        now = SystemClock().now()
        lines = await store.read(lambda ledger: answer.sources(ledger, watch.providers, watch.left_out, now))
        longest = max((len(line.source) for line in lines), default=0)
        for line in lines:
            typer.echo(f"{line.source:{longest}}  {answer.source_words(line, now)}")
        if not lines:
            typer.echo("nothing is watched")

    only_asking(settings, work)


@commands.command(
    short_help="Why an incident reads as it does, and who was told.", epilog="Example: statusbot why MO1221364 console"
)
def why(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="Its id, or a reference: MO1221364.", metavar="INCIDENT")],
    to: Annotated[str | None, typer.Argument(help="As it was subscribed; none: all.", metavar="[DEST]")] = None,
) -> None:
    """Tell which rule joined each report to the incident, and which sent or held back each message."""
    from bot import answer
    from bot.config import parse_destination
    from bot.watch import directory_of, vocabulary_of, watching

    settings = settings_of(context)
    providers = watching(settings).providers
    destination = parse_destination(to) if to else None

    async def work(store: Store) -> None:
        told = await store.read(
            lambda ledger: answer.account(ledger, incident, lambda name: vocabulary_of(name, providers), destination)
        )
        if told is None:
            raise UsageError(f'INCIDENT: "{incident}" is none that is known; see `statusbot timeline`')
        typer.echo(answer.why_words(told, directory_of(providers), destination))

    only_asking(settings, work)
