"""subscribe, unsubscribe, subscriptions: who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import only_asking, settings_of, with_store
from bot.errors import UsageError

if TYPE_CHECKING:
    from bot.model import Subscription
    from bot.ports import Ledger, Store

commands = typer.Typer()


@commands.command(epilog='Example: statusbot subscribe slack:C0123456789 microsoft-365 --component "Exchange Online"')
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
    from bot.answer.welcome import greet
    from bot.clock import SystemClock
    from bot.watch import subscription_of, watching

    settings = settings_of(context)
    watch = watching(settings)
    wanted = subscription_of(
        settings, watch, to, providers, component or (), region or (), min_impact, mode, maintenance
    )

    def make(ledger: Ledger) -> tuple[Subscription, int]:
        made = ledger.subscribe(wanted)
        return made, len(greet(ledger, made, watch.providers, SystemClock().now()))

    async def work(store: Store) -> None:
        made, queued = await store.write(make)
        typer.echo(subscription_words(made))
        if queued:
            typer.echo(f"open now, and told there by `statusbot run`: {queued}")

    with_store(settings, work)


@commands.command(epilog="Example: statusbot unsubscribe slack:C0123456789 microsoft-365")
def unsubscribe(
    context: typer.Context,
    to: Annotated[str, typer.Argument(help="As it was subscribed.", metavar="DEST")],
    providers: Annotated[list[str] | None, typer.Argument(help="Ids; none: all of them.", metavar="PROVIDER")] = None,
) -> None:
    """Tell a destination no more about providers."""
    from bot.answer import subscription_words
    from bot.config import parse_destination

    settings = settings_of(context)
    destination = parse_destination(to)

    async def work(store: Store) -> None:
        gone = await store.write(lambda ledger: ledger.unsubscribe(destination, providers or ()))
        if not gone:
            raise UsageError(f"{destination}: no such subscription made by command; see `statusbot subscriptions`")
        for subscription in gone:
            typer.echo(f"removed: {subscription_words(subscription)}")

    with_store(settings, work)


@commands.command(epilog="Example: statusbot subscriptions")
def subscriptions(context: typer.Context) -> None:
    """Every subscription, those of statusbot.toml too."""
    from bot.answer import subscription_words

    settings = settings_of(context)

    async def work(store: Store) -> None:
        await store.write(lambda ledger: ledger.adopt_file(settings.subscriptions))
        found = await store.read(lambda ledger: ledger.subscriptions())
        typer.echo("\n".join(map(subscription_words, found)) or "nobody is told")

    only_asking(settings, work)
