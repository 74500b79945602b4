"""The ledger's part that decides to whom a change is owed: one INSERT … SELECT, however many subscribe."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from bot.model import Act, Destination, Mode, Routing, State, Verdict
from bot.store.columns import Instant, Strings, Word
from bot.store.fallback import Fallbacks
from bot.store.mutes import standing
from bot.store.part import Row, insert_of
from bot.store.schema import aliases, deliveries, mutes, subscription_facets, subscriptions, told
from bot.store.subscriptions import subscription_of

OPENING = ((Mode.THREAD, Act.CREATE), (Mode.EDIT, Act.CREATE), (Mode.POST, Act.POST))
KEY = ("incident_id", "update_id", "revision", "destination", "act")  #: by which two deliveries are one
NEWS = ((Mode.THREAD, Act.REPLY), (Mode.THREAD, Act.EDIT), (Mode.EDIT, Act.EDIT), (Mode.POST, Act.POST))
earlier = deliveries.alias("earlier")

BRINGING_UP_TO_DATE = ((Mode.THREAD, Act.EDIT), (Mode.EDIT, Act.EDIT))


class Router(Fallbacks):
    """ports.Ledger's part about routing."""

    def route(self, routing: Routing, at: datetime, only: Destination | None = None) -> int:
        """Queue what is owed for one change with one INSERT … SELECT; how many deliveries that were.

        only: for this destination alone, and only where it was not told of the incident yet.

        A destination that was told of the incident's opening is told everything, in the mode in which it was opened,
        as long as it has any subscription; another is told where one of its subscriptions matches, and only by
        `routing.opens`. Of several subscriptions of one destination the oldest that matches stands for it. Where it is
        muted, its standing message is kept up to date and it is told the end of what it was told of, and no more.
        """
        shape = _shape(routing, muted=self._anybody_muted(routing, at), alone=only is not None)
        values = {**_values(routing, at), "only": str(only)} if only is not None else _values(routing, at)
        count = self._db.execute(_queue(self._db.dialect.name, shape), values).rowcount
        if routing.opens and count:
            self._remember_told(routing, at)
        count += self.stand_in(routing, at) if count else 0
        self.queued += count
        return count

    def explain(self, routing: Routing, to: Destination | None = None, at: datetime | None = None) -> list[Verdict]:
        """What `route` makes of each subscription (of one destination), condition by condition; nothing is queued.

        at: now, by which mutes are over; None: only those without an end count.
        """
        query = _explained(_shape(routing))
        if to is not None:
            query = query.where(subscriptions.c.destination == str(to))
        found = self._db.execute(query, _values(routing, at)).mappings()
        return [verdict_of(dict(row)) for row in found]

    def _anybody_muted(self, routing: Routing, at: datetime) -> bool:
        """Whether the muted have to be looked for at all."""
        values = {"incident": routing.incident, "owner": routing.provider, "at": at}
        return self._db.execute(_muted_at_all(), values).first() is not None

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


class Shape(NamedTuple):
    """What of a routing makes another statement, rather than other values in it."""

    news: bool
    opens: bool
    components: bool
    regions: bool
    rank: bool
    maintenance: bool
    ends: bool = False
    muted: bool = False  #: somebody wants to hear nothing new of it
    alone: bool = False  #: for one destination that was not told yet


def _shape(routing: Routing, *, muted: bool = False, alone: bool = False) -> Shape:
    named = (bool(routing.components), bool(routing.regions), routing.rank is not None)
    return Shape(routing.news, routing.opens, *named, routing.maintenance, routing.ends, muted, alone)


def _values(routing: Routing, at: datetime | None) -> dict[str, Any]:
    """The values in a routing's statement."""
    return {
        "incident": routing.incident,
        "update": routing.update,
        "updates": routing.updates if routing.updates != (routing.update,) else None,
        "revision": routing.revision,
        "at": at,
        "provider": [routing.provider.casefold()],
        "owner": routing.provider,
        "component": routing.components,
        "region": routing.regions,
        "rank": routing.rank,
    }


@cache
def _queue(dialect: str, shape: Shape) -> Any:
    """The statement that queues what is owed; kept, because to build it costs many times what it takes to run."""
    owed = _owed(shape, ordered=dialect != "sqlite")
    names = [column.name for column in owed.selected_columns]
    queued = insert_of(dialect)(deliveries).from_select(names, owed).on_conflict_do_nothing(index_elements=KEY)
    return queued.execution_options(preserve_rowcount=True)


def _owed(shape: Shape, *, ordered: bool) -> Select[Any]:
    """The rows of the outbox that a change is worth, by destination, a thread's reply before the edit beside it.

    ordered: sort them. SQLite walks them in this order, and to sort once more would take it a third of the time.
    """
    chosen, acts = _chosen(shape), _acts(shape)
    already = case((chosen.c.told_mode.is_(None), 0), else_=1)
    mode = func.coalesce(chosen.c.told_mode, subscriptions.c.mode)
    incident, update, at = _named("incident"), _named("update"), _at()
    revision = bindparam("revision", type_=BigInteger())
    opening = and_(earlier.c.incident_id == incident, earlier.c.update_id == update, earlier.c.revision == revision)
    opened = exists().where(opening, earlier.c.destination == chosen.c.destination, earlier.c.act == Act.CREATE)
    leads_to = select(aliases.c.incident_id).where(aliases.c.id == incident).scalar_subquery()
    owed = (
        select(
            subscriptions.c.kind,
            chosen.c.destination,
            incident.label("incident_id"),
            func.coalesce(leads_to, incident).label("lane"),
            update.label("update_id"),
            bindparam("updates", type_=Strings()).label("updates"),
            acts.c.act,
            revision.label("revision"),
            literal(State.PENDING, Word(State)).label("state"),
            literal(0).label("tries"),
            at.label("due"),
            at.label("created_at"),
            literal("").label("reason"),
            chosen.c.subscription_id,
            *unmarked(),
        )
        .join_from(chosen, subscriptions, subscriptions.c.id == chosen.c.subscription_id)
        .join(acts, and_(acts.c.mode == mode, acts.c.told == already))
        .where(~opened if shape.news else true())  # the opening said it: asking twice is asking once
        .where(_heard(shape, chosen, acts) if shape.muted else true())
    )
    return owed.order_by(chosen.c.destination, acts.c.place) if ordered else owed


def unmarked() -> list[ColumnElement[Any]]:
    """The marks that no delivery bears when it is queued."""
    return [false().label("opens"), false().label("limited"), false().label("aside")]


def _named(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text())


def _heard(shape: Shape, chosen: Subquery, acts: Subquery) -> ColumnElement[bool]:
    """What the muted are told none the less: edits, which call nobody, and the end of what they were told of."""
    told_before = chosen.c.told_mode.is_not(None)
    return or_(~_muted(chosen.c.destination), told_before if shape.ends else and_(told_before, acts.c.act == Act.EDIT))


def _muted(destination: ColumnElement[str]) -> ColumnElement[bool]:
    concerned = standing(bindparam("incident", type_=Text()), bindparam("owner", type_=Text()), _at())
    return exists().where(mutes.c.destination == destination, concerned)


@cache
def _muted_at_all() -> Select[Any]:
    """Any mute that concerns the incident or its provider; made once, since it is asked at every change."""
    concerned = standing(bindparam("incident", type_=Text()), bindparam("owner", type_=Text()), _at())
    return select(mutes.c.value).where(concerned).limit(1)


def _at() -> BindParameter[Any]:
    return bindparam("at", type_=Instant())


def _chosen(shape: Shape) -> Subquery:
    """Each destination that the change concerns, with the subscription that stands for it and how it was told."""
    oldest = func.coalesce(func.min(case((_matches(shape), subscriptions.c.id))), func.min(subscriptions.c.id))
    return (
        select(
            subscriptions.c.destination,
            oldest.label("subscription_id"),
            func.max(told.c.mode).label("told_mode"),
        )
        .join_from(subscriptions, told, _here(), isouter=True)
        .where(_concerned(shape))
        .where(_untold() if shape.alone else true())
        .group_by(subscriptions.c.destination)
        .subquery("chosen")
    )


def _untold() -> ColumnElement[bool]:
    """Whether it is the one destination meant, and was told nothing of the incident yet."""
    return and_(subscriptions.c.destination == bindparam("only", type_=Text()), told.c.destination.is_(None))


def _explained(shape: Shape) -> Select[Any]:
    """Every subscription with the parts of the selection above, each told by itself instead of all in one."""
    conditions = {**_conditions(shape), "muted": ~_muted(subscriptions.c.destination)}
    parts = [condition.label(f"passes_{name}") for name, condition in conditions.items()]
    return (
        select(subscriptions, told.c.at.label("told_at"), _concerned(shape).label("owed"), *parts)
        .join_from(subscriptions, told, _here(), isouter=True)
        .order_by(subscriptions.c.id)
    )


def verdict_of(row: Row) -> Verdict:
    """What the selection says of one subscription, from its row."""
    parts = {name.removeprefix("passes_"): passes for name, passes in row.items() if name.startswith("passes_")}
    held = tuple(name for name, passes in parts.items() if not passes)
    return Verdict(subscription_of(row), held, row["told_at"], bool(row["owed"]))


def _here() -> ColumnElement[bool]:
    """Whether a subscription's destination was told of the incident."""
    incident = bindparam("incident", type_=Text())
    return and_(told.c.destination == subscriptions.c.destination, told.c.incident_id == incident)


def _concerned(shape: Shape) -> ColumnElement[bool]:
    """Whether the change is owed to a subscription's destination: it was told, or may be told now and wants it."""
    already = told.c.destination.is_not(None)
    return or_(_matches(shape), already) if shape.opens else already


def _matches(shape: Shape) -> ColumnElement[bool]:
    """Whether a subscription wants such an incident."""
    return and_(true(), *_conditions(shape).values())


def _conditions(shape: Shape) -> dict[str, ColumnElement[bool]]:
    """What makes a subscription want an incident, by the setting that asks for it.

    What the incident does not name is no condition, and so passes (rule of truth 12).
    """
    wanted: dict[str, ColumnElement[bool]] = {"providers": or_(subscriptions.c.every_provider, _names("provider"))}
    if shape.components:
        wanted["components"] = or_(subscriptions.c.every_component, _names("component"))
    if shape.regions:
        wanted["regions"] = or_(subscriptions.c.every_region, _names("region"))
    if shape.rank:
        wanted["min_impact"] = subscriptions.c.min_rank <= bindparam("rank", type_=Integer())
    if shape.maintenance:
        wanted["maintenance"] = subscriptions.c.maintenance
    return wanted


def _names(kind: str) -> ColumnElement[bool]:
    """Whether a subscription names one of the routing's."""
    facets = subscription_facets.c
    found = select(facets.subscription_id).where(facets.kind == kind, facets.value.in_(bindparam(kind, expanding=True)))
    return subscriptions.c.id.in_(found)


def _acts(shape: Shape) -> Subquery:
    """What is done in each mode, for those not told yet (0) and those who were (1), in its order."""
    opening = OPENING if shape.opens else ()
    going_on = NEWS if shape.news else BRINGING_UP_TO_DATE
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
