"""The ledger's part that decides to whom a change is owed: one INSERT … SELECT, however many subscribe."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from bot.model import Act, Mode, Routing, State
from bot.store.columns import Instant, Strings, Word
from bot.store.part import Part
from bot.store.schema import aliases, deliveries, subscription_facets, subscriptions, told

OPENING = ((Mode.THREAD, Act.CREATE), (Mode.EDIT, Act.CREATE), (Mode.POST, Act.POST))
NEWS = ((Mode.THREAD, Act.REPLY), (Mode.THREAD, Act.EDIT), (Mode.EDIT, Act.EDIT), (Mode.POST, Act.POST))
earlier = deliveries.alias("earlier")

BRINGING_UP_TO_DATE = ((Mode.THREAD, Act.EDIT), (Mode.EDIT, Act.EDIT))


class Router(Part):
    """ports.Ledger's part about routing."""

    def route(self, routing: Routing, at: datetime) -> int:
        """Queue what is owed for one change with one INSERT … SELECT; how many deliveries that were.

        A destination that was told of the incident's opening is told everything, in the mode in which it was opened,
        as long as it has any subscription; another is told where one of its subscriptions matches, and only by
        `routing.opens`. Of several subscriptions of one destination the oldest that matches stands for it.
        """
        owed = _owed(routing, at)
        names = [column.name for column in owed.selected_columns]
        queued = self._insert(deliveries).from_select(names, owed).on_conflict_do_nothing(index_elements=["key"])
        count = self._db.execute(queued.execution_options(preserve_rowcount=True)).rowcount
        if routing.opens and count:
            self._remember_told(routing, at)
        return count

    def _remember_told(self, routing: Routing, at: datetime) -> None:
        """Note who is told of the incident from now on; the message is filled in when it stands there."""
        opened = and_(deliveries.c.update_id == routing.update, deliveries.c.revision == routing.revision)
        query = (
            select(
                deliveries.c.destination,
                deliveries.c.incident_id,
                subscriptions.c.mode,
                literal("").label("message"),
                literal("").label("thread"),
                literal(at, Instant()).label("at"),
            )
            .join_from(deliveries, subscriptions, subscriptions.c.id == deliveries.c.subscription_id)
            .where(deliveries.c.incident_id == routing.incident, opened)
            .where(deliveries.c.act.in_((Act.CREATE, Act.POST)))
        )
        names = [column.name for column in query.selected_columns]
        self._db.execute(self._insert(told).from_select(names, query).on_conflict_do_nothing())


def _owed(routing: Routing, at: datetime) -> Select[Any]:
    """The rows of the outbox that a change is worth, a thread's reply before the edit that goes with it."""
    chosen, acts = _chosen(routing), _acts(routing)
    already = case((chosen.c.told_mode.is_(None), 0), else_=1)
    mode = func.coalesce(chosen.c.told_mode, subscriptions.c.mode)
    prefix = f"{routing.incident}|{routing.update}|{routing.revision}|"
    opened = exists().where(earlier.c.key == literal(prefix) + chosen.c.destination + "|create")
    leads_to = select(aliases.c.incident_id).where(aliases.c.id == routing.incident).scalar_subquery()
    return (
        select(
            (literal(prefix) + chosen.c.destination + "|" + acts.c.act).label("key"),
            chosen.c.destination,
            literal(routing.incident).label("incident_id"),
            func.coalesce(leads_to, routing.incident).label("lane"),
            literal(routing.update).label("update_id"),
            literal(routing.updates, Strings()).label("updates"),
            acts.c.act,
            literal(routing.revision).label("revision"),
            literal(State.PENDING, Word(State)).label("state"),
            literal(0).label("tries"),
            literal(at, Instant()).label("due"),
            literal(at, Instant()).label("created_at"),
            literal("").label("reason"),
            chosen.c.subscription_id,
        )
        .join_from(chosen, subscriptions, subscriptions.c.id == chosen.c.subscription_id)
        .join(acts, and_(acts.c.mode == mode, acts.c.told == already))
        .where(~opened if routing.news else true())  # the opening said it: asking twice is asking once
        .order_by(chosen.c.subscription_id, acts.c.place)
    )


def _chosen(routing: Routing) -> Subquery:
    """Each destination that the change concerns, with the subscription that stands for it and how it was told."""
    here = and_(told.c.destination == subscriptions.c.destination, told.c.incident_id == routing.incident)
    matches = _matches(routing)
    concerned = or_(matches, told.c.destination.is_not(None)) if routing.opens else told.c.destination.is_not(None)
    oldest = func.coalesce(func.min(case((matches, subscriptions.c.id))), func.min(subscriptions.c.id))
    return (
        select(
            subscriptions.c.destination,
            oldest.label("subscription_id"),
            func.max(told.c.mode).label("told_mode"),
        )
        .join_from(subscriptions, told, here, isouter=True)
        .where(concerned)
        .group_by(subscriptions.c.destination)
        .subquery("chosen")
    )


def _matches(routing: Routing) -> ColumnElement[bool]:
    """Whether a subscription wants such an incident; what the incident does not name passes (rule of truth 12)."""
    wanted = [or_(subscriptions.c.every_provider, _names("provider", [routing.provider.casefold()]))]
    if routing.components:
        wanted.append(or_(subscriptions.c.every_component, _names("component", routing.components)))
    if routing.regions:
        wanted.append(or_(subscriptions.c.every_region, _names("region", routing.regions)))
    if routing.rank is not None:
        wanted.append(subscriptions.c.min_rank <= routing.rank)
    if routing.maintenance:
        wanted.append(subscriptions.c.maintenance)
    return and_(true(), *wanted)


def _names(kind: str, values: Collection[str]) -> ColumnElement[bool]:
    """Whether a subscription names one of these."""
    facets = subscription_facets.c
    found = select(facets.subscription_id).where(facets.kind == kind, facets.value.in_(values))
    return subscriptions.c.id.in_(found)


def _acts(routing: Routing) -> Subquery:
    """What is done in each mode, for those not told yet (0) and those who were (1), in its order."""
    opening = OPENING if routing.opens else ()
    going_on = NEWS if routing.news else BRINGING_UP_TO_DATE
    rows = [(0, mode, act) for mode, act in opening] + [(1, mode, act) for mode, act in going_on]
    lines = [
        select(
            literal(already).label("told"),
            literal(mode, Word(Mode)).label("mode"),
            literal(act, Word(Act)).label("act"),
            literal(place).label("place"),
        )
        for place, (already, mode, act) in enumerate(rows)
    ]
    return union_all(*lines).subquery("acts")
