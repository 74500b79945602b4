"""digest: a window of time, summed up."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import DONE, FAILED, only_asking, print_json, settings_of, with_store
from bot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.config import Settings
    from bot.core.digest import Digest
    from bot.core.window import Window
    from bot.model import Destination
    from bot.ports import Store
    from bot.store import SqlStore

commands = typer.Typer()

FORMATS = ("text", "markdown", "html", "json")


@commands.command(
    short_help="A window of time, summed up; made for cron.",
    epilog="Example: statusbot digest --since yesterday --to slack:C0123456789 --quiet-when-empty",
)
def digest(
    context: typer.Context,
    since: Annotated[
        str, typer.Option(help="24h, 7d, yesterday, monday, 2026-01-22, 08:30 or both.", metavar="WHEN")
    ] = "24h",
    until: Annotated[str, typer.Option(help="The same; a duration is so long ago.", metavar="WHEN")] = "now",
    to: Annotated[
        list[str] | None, typer.Option(help="Deliver it there, once for each window; repeatable.", metavar="DEST")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="text, markdown, html or json, printed.", metavar="FORMAT")
    ] = None,
    tz: Annotated[str | None, typer.Option(help="Europe/Berlin; default: the machine's own.", metavar="ZONE")] = None,
    quiet_when_empty: Annotated[
        bool, typer.Option("--quiet-when-empty", help="Nothing at all where there is nothing to say.")
    ] = False,
) -> int:
    """Sum up a window of time: incidents, what is open and ahead, how components fared, what could not be read.

    Without --to it is printed. With it, a second run of the same window to the same destination sends nothing, and
    nothing is printed unless something failed. A duration counts back from --until, and is the same window until half
    of it has gone by; a weekday is the last one, today included.
    """
    from bot.clock import SystemClock
    from bot.config import zone_named
    from bot.core.window import window

    settings = settings_of(context)
    zone = zone_named(tz)
    asked = window(since, until, zone, SystemClock().now())
    if form is not None and form not in FORMATS:
        raise UsageError(f'--format: "{form}" is none; write {", ".join(FORMATS)}')
    if to and form is not None:
        raise UsageError("--format: a destination has its own form; leave out --format, or --to to print it")
    if to:
        return _deliver(settings, asked, zone.key, to, quiet=quiet_when_empty)

    async def work(store: Store) -> None:
        made = await _summary(store, settings, asked, zone.key)
        if not (quiet_when_empty and made.empty):
            _print(made, form or "text")

    only_asking(settings, work)
    return DONE


async def _summary(store: Store, settings: Settings, asked: Window, zone: str) -> Digest:
    from bot.digest import summary
    from bot.model import Provider
    from bot.watch import directory_of, known, watching

    providers = watching(settings).providers
    directory = directory_of(providers)
    return await store.read(
        lambda ledger: summary(ledger, providers, lambda name: known(Provider(name, name)), directory, asked, zone)
    )


def _print(made: Digest, form: str) -> None:
    if form == "json":
        from bot.core.digest_shape import digest_json

        print_json(digest_json(made))
    elif form == "html":
        from bot.markup.digest_html import html

        typer.echo(html(made), nl=False)
    else:
        from bot.markup.digest_text import markdown, text

        typer.echo(markdown(made) if form == "markdown" else text(made), nl=False)


def _deliver(settings: Settings, asked: Window, zone: str, to: Sequence[str], *, quiet: bool) -> int:
    from bot.config import check_destination, parse_destination

    destinations = [parse_destination(word) for word in to]
    for destination in destinations:
        check_destination(destination, settings.env)

    async def work(store: SqlStore) -> int:
        async with store.alone("digest") as alone:
            if not alone:
                _say("another digest is under way on this database; this one has sent nothing")
                return DONE
            return await _send(store, settings, asked, zone, destinations, quiet=quiet)

    return with_store(settings, work)


async def _send(
    store: Store, settings: Settings, asked: Window, zone: str, to: Sequence[Destination], *, quiet: bool
) -> int:
    import logging

    from bot.dispatch import dispatch
    from bot.model import State

    if not logging.getLogger("statusbot").isEnabledFor(logging.DEBUG):
        logging.getLogger("statusbot.deliver").setLevel(logging.CRITICAL)  # what came of it is said below, once

    made = await _summary(store, settings, asked, zone)
    if quiet and made.empty:
        return DONE
    sent = await dispatch(store, settings, made, asked, to)
    failed = [delivery for delivery in sent if delivery.state is not State.SENT]
    for delivery in failed:
        given_up = delivery.state in (State.DEAD, State.HELD)
        mend = "run this again once that is mended" if given_up else "`statusbot run` still sends it, or run this again"
        _say(f"{delivery.destination}: {delivery.reason or 'not sent yet'}; {mend}")
    if not sent and sys.stderr.isatty():
        _say("this window was told there already")
    return FAILED if failed else DONE


def _say(words: str) -> None:
    print(f"statusbot: {words}", file=sys.stderr)  # noqa: T201
