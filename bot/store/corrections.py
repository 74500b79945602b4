"""The ledger's part that keeps an operator's corrections, and owes a word to those who were told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, case, delete, exists, func, insert, literal, null, select

from bot.model import Act, Corrections, Mode, State
from bot.store.columns import Instant, Word
from bot.store.part import Part
from bot.store.routing import KEY, unmarked
from bot.store.schema import corrections, deliveries, subscriptions, told

TOGETHER, APART = "together", "apart"

own = told.alias("own")


@cache
def _of_provider() -> Select[Any]:
    """A provider's corrections: asked at each joining, so built once."""
    return select(corrections).where(corrections.c.provider == bindparam("provider"))


class Corrector(Part):
    """ports.Ledger's part about corrections."""

    def corrections(self, provider: str) -> Corrections:
        """What an operator has put right about a provider's reports."""
        rows = self._rows(_of_provider(), {"provider": provider})
        pairs = {kind: [row for row in rows if row["kind"] == kind] for kind in (TOGETHER, APART)}
        return Corrections(
            {(row["report"], row["other"]): (row["report_was"], row["other_was"]) for row in pairs[TOGETHER]},
            frozenset((row["report"], row["other"]) for row in pairs[APART]),
        )

    def correct(self, provider: str, now: Corrections) -> None:
        """Make these the corrections of a provider."""
        self._db.execute(delete(corrections).where(corrections.c.provider == provider))
        rows = [(TOGETHER, *pair, *were) for pair, were in now.together.items()]
        rows += [(APART, *pair, "", "") for pair in now.apart]
        if rows:
            names = [column.name for column in corrections.c]
            values = [dict(zip(names, (provider, *row), strict=True)) for row in rows]
            self._db.execute(insert(corrections), values)

    def move(self, absorbed: Sequence[str], incident: str, at: datetime) -> int:
        """Queue, for each message of incidents that are about to be absorbed, the word of where it goes on.

        Only where the incident has a message of its own: elsewhere it goes on under theirs (ports.Ledger.save). Who is
        told in single posts gets one. How many deliveries that were.
        """
        queued = 0
        for place, old in enumerate(absorbed):
            owed = _moved(old, (incident, *absorbed[:place]), incident, at)
            names = [column.name for column in owed.selected_columns]
            rows = self._insert(deliveries).from_select(names, owed).on_conflict_do_nothing(index_elements=KEY)
            queued += self._db.execute(rows.execution_options(preserve_rowcount=True)).rowcount
        self.queued += queued
        return queued


def _moved(old: str, heirs: Sequence[str], incident: str, at: datetime) -> Select[Any]:
    """The rows of the outbox for the messages of one absorbed incident; without an update, by which they are known."""
    act = case((told.c.mode == Mode.POST, Act.POST.value), else_=Act.EDIT.value)
    moment = int(at.timestamp())
    beside = exists().where(own.c.destination == told.c.destination, own.c.incident_id.in_(heirs))
    return (
        select(
            func.min(subscriptions.c.kind).label("kind"),
            told.c.destination,
            literal(old).label("incident_id"),
            literal(incident).label("lane"),
            literal("").label("update_id"),
            null().label("updates"),
            act.label("act"),
            literal(moment).label("revision"),
            literal(State.PENDING, Word(State)).label("state"),
            literal(0).label("tries"),
            literal(at, Instant()).label("due"),
            literal(at, Instant()).label("created_at"),
            literal("").label("reason"),
            func.min(subscriptions.c.id).label("subscription_id"),
            *unmarked(),
        )
        .join_from(told, subscriptions, subscriptions.c.destination == told.c.destination)
        .where(told.c.incident_id == old, beside)
        .group_by(told.c.destination, told.c.mode)
    )
