"""audit: what of a recording would go untold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import DONE, FAILED, in_memory

if TYPE_CHECKING:
    from bot.ports import Store

commands = typer.Typer()


@commands.command(
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

    return in_memory(work)
