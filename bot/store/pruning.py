"""The ledger's part that removes the texts of what has long been over, and keeps that it was seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select

from bot.model import State
from bot.store.rows import KNOWN
from bot.store.schema import aliases, deliveries, incidents, reports, seen, told
from bot.store.timeline import Timeline

OWED = (State.PENDING, State.SENDING, State.DOUBTFUL)


class Pruner(Timeline):
    """ports.Ledger's part about what is kept for how long."""

    def prune(self, before: datetime, limit: int) -> int:
        """Remove the texts of up to `limit` incidents that were over before this time (ports.Ledger.prune)."""
        past = select(incidents.c.provider, incidents.c.id).where(_over(before)).order_by(incidents.c.updated_at)
        found = self._db.execute(past.limit(limit)).all()
        for provider in sorted({row.provider for row in found}):
            self._hold(provider)  # whoever decides about it has written what he decided, or waits
        chosen = and_(incidents.c.id.in_([row.id for row in found]), _over(before))
        ids = list(self._db.execute(select(incidents.c.id).where(chosen)).scalars())
        if ids:
            self._remember(ids)
            self._forget(ids)
        return len(ids)

    def _remember(self, ids: Sequence[str]) -> None:
        """What their reports are known again by."""
        names = ("source", *KNOWN)
        known = select(*(reports.c[name] for name in names)).where(reports.c.incident_id.in_(ids))
        self._db.execute(self._insert(seen).from_select(names, known).on_conflict_do_nothing())

    def _forget(self, ids: Sequence[str]) -> None:
        """The incidents with their updates, reports and absorbed ids, and what was told of them."""
        absorbed = select(aliases.c.id).where(aliases.c.incident_id.in_(ids))
        self._db.execute(delete(told).where(or_(told.c.incident_id.in_(ids), told.c.incident_id.in_(absorbed))))
        owed = or_(deliveries.c.incident_id.in_(ids), deliveries.c.lane.in_(ids))
        self._db.execute(delete(deliveries).where(owed))
        self._db.execute(delete(incidents).where(incidents.c.id.in_(ids)))


def _over(before: datetime) -> ColumnElement[bool]:
    """Whether an incident was over before this time, and nothing is owed for it any more."""
    lane = or_(deliveries.c.lane == incidents.c.id, deliveries.c.incident_id == incidents.c.id)
    owed = exists().where(lane, deliveries.c.state.in_(OWED))
    return and_(~incidents.c.open, incidents.c.updated_at < before, incidents.c.last_at < before, ~owed)
