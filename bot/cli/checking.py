"""doctor, test: whether everything is as it has to be."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import DONE, FAILED, settings_of, waited_for
from bot.errors import StatusbotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.doctor import Finding
    from bot.model import Destination, Receipt

commands = typer.Typer()


@commands.command(
    short_help="Check configuration, tokens, destinations and sources.", epilog="Example: statusbot doctor"
)
def doctor(context: typer.Context) -> int:
    """Check configuration, tokens, scopes, destinations and sources, one line each; nothing is sent."""
    from bot.app import toolbox
    from bot.clock import SystemClock
    from bot.doctor import Level, examine
    from bot.watch import watching

    settings = settings_of(context)
    watch = watching(settings)

    async def work() -> list[Finding]:
        async with toolbox(settings.env, SystemClock()) as tools:
            return await examine(settings, watch, tools)

    found = waited_for(work())
    for one in found:
        typer.echo(f"{one.level.value:8} {one.what}: {one.words}")
    return FAILED if any(one.level is Level.FAILURE for one in found) else DONE


@commands.command(short_help="Send one labelled test message.", epilog="Example: statusbot test slack:C0123456789")
def test(
    context: typer.Context,
    to: Annotated[str, typer.Argument(help="Any destination, subscribed or not.", metavar="DESTINATION")],
) -> None:
    """Send one labelled test message, and say what came of it."""
    from bot.config import check_destination, parse_destination

    env = settings_of(context).env
    destination = parse_destination(to)
    check_destination(destination, env)
    receipt = waited_for(_tried(destination, env))
    typer.echo(_words(destination, receipt))


async def _tried(to: Destination, env: Mapping[str, str]) -> Receipt:
    """The receipt of a test message. Raises StatusbotError where it did not arrive, or may not have."""
    from bot.app import Notifiers, toolbox
    from bot.clock import SystemClock
    from bot.core import own
    from bot.errors import Doubtful, SendError
    from bot.model import Act, Delivery
    from bot.ports import Finds

    clock = SystemClock()
    async with toolbox(env, clock) as tools:
        made = Notifiers(tools)
        try:
            notifier, notice = made(to.kind), own.trial(to, clock.now())
            delivery = Delivery(0, notice.key, to, notice.incident.id, notice.key, Act.POST, created_at=clock.now())
            try:
                return await notifier.send(to, notifier.render(notice), delivery)
            except Doubtful as error:
                with suppress(SendError):  # who may not be asked
                    if isinstance(notifier, Finds) and (found := await notifier.find(to, delivery)) is not None:
                        return found
                raise StatusbotError(f"{to}: {error}; it may have arrived, and cannot be found") from None
            except SendError as error:
                raise StatusbotError(f"{to}: {error}; nothing was told") from None
        finally:
            await made.close()


def _words(to: Destination, receipt: Receipt) -> str:
    from bot.core.carrier import QUEUED

    if to.kind in QUEUED:
        return f"{to} accepted it; whether it is shown, nobody is told: look there"
    return f"{to} has it" + (f" (message {receipt.message})" if receipt.message else "")
