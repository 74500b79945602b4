"""deliveries, deliveries retry: the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import only_asking, print_json, settings_of, with_store
from bot.errors import UsageError

if TYPE_CHECKING:
    from bot.ports import Store

commands = typer.Typer()
deliveries_app = typer.Typer(help="The outbox: what is owed, what was sent, what failed.")
commands.add_typer(deliveries_app, name="deliveries", epilog="Example: statusbot deliveries --failed")


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

    settings = settings_of(context)
    states = (State.DEAD, State.HELD) if failed else ()

    async def work(store: Store) -> None:
        found = await store.read(lambda ledger: ledger.deliveries(states=states, limit=limit))
        if as_json:
            print_json({"deliveries": [delivery_json(entry) for entry in found]})
            return
        for entry in found:
            why = f"  {entry.reason}" if entry.reason else ""
            what = f"{entry.id:>6} {entry.state.value:8} {entry.act.value:6} {entry.destination!s:28}"
            typer.echo(f"{what} {entry.incident or entry.key}{why}")
        if not found:
            typer.echo("nothing is owed, nothing was sent" if not failed else "nothing failed")

    only_asking(settings, work)


@deliveries_app.command(epilog="Example: statusbot deliveries retry 42")
def retry(
    context: typer.Context, delivery: Annotated[int, typer.Argument(help="From `statusbot deliveries`.", metavar="ID")]
) -> None:
    """Make a delivery that was given up or held pending again."""
    from bot.clock import SystemClock

    settings = settings_of(context)

    async def work(store: Store) -> None:
        made = await store.write(lambda ledger: ledger.retry(delivery, SystemClock().now()))
        if made is None:
            raise UsageError(
                f"delivery {delivery}: none that was given up or held; see `statusbot deliveries --failed`"
            )
        typer.echo(f"{made.id} will be sent again by `statusbot run`")

    with_store(settings, work)
