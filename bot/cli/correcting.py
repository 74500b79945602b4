"""merge, split: an operator's corrections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import settings_of, with_store

if TYPE_CHECKING:
    from datetime import datetime

    from bot.core.match import Vocabulary
    from bot.model import Incident
    from bot.ports import Ledger, Store

commands = typer.Typer()


@commands.command(short_help="Make one incident of two.", epilog="Example: statusbot merge 3fa9c1d20b7e MO1221364")
def merge(
    context: typer.Context,
    one: Annotated[str, typer.Argument(help="An id or a reference, from `statusbot timeline`.", metavar="A")],
    other: Annotated[str, typer.Argument(help="Another of the same provider.", metavar="B")],
) -> None:
    """Make one incident of two, for good; `split` undoes it. What was told is put right in the channels."""
    from bot import correct

    _correcting(context, "now one", lambda ledger, known, at: correct.merge(ledger, one, other, known, at))


@commands.command(
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
    from bot.clock import SystemClock
    from bot.core.match import Vocabulary as Names
    from bot.watch import watching

    settings = settings_of(context)
    known = {entry.id: Names(entry.components, entry.regions) for entry in watching(settings).providers}

    async def work(store: Store) -> None:
        made = await store.write(lambda ledger: make(ledger, known, SystemClock().now()))
        typer.echo(f"{words}: {incident_line(made)}")

    with_store(settings, work)
