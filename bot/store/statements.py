"""The statements that find what is owed, made once, and the rows that they find."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    TypeDecorator,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    type_coerce,
    update,
)

from bot.model import Act, State
from bot.store.columns import Instant
from bot.store.many import one_of, packed
from bot.store.owing import Owing
from bot.store.schema import deliveries, subscriptions, told

IN_HAND = (State.SENDING, State.DOUBTFUL)  #: what a lease is on
OPEN = (State.PENDING, *IN_HAND)  #: what later deliveries of the lane wait for
earlier, later = deliveries.alias("earlier"), deliveries.alias("later")
THESE = one_of(deliveries.c.id, "ids")
ELSEWHERE = ~one_of(deliveries.c.destination, "busy")


def whole() -> Select[Any]:
    """Deliveries as Owing has them, each with the message that it stands on and whom its subscription calls."""
    here = and_(told.c.destination == deliveries.c.destination, told.c.incident_id == deliveries.c.incident_id)
    beside = {
        "root": told.c.message,
        "root_thread": told.c.thread,
        "mention": subscriptions.c.mention,
        "subscribed": subscriptions.c.destination,
    }
    wanted = {name: beside.get(name, deliveries.c.get(name)) for name in Owing._fields}
    return (
        select(*(_raw(column).label(name) for name, column in wanted.items() if column is not None))
        .join_from(deliveries, told, here, isouter=True)
        .join(subscriptions, subscriptions.c.id == deliveries.c.subscription_id, isouter=True)
    )


def locked(query: Select[Any]) -> Select[Any]:
    """Its deliveries are this transaction's, and none that another has in hand."""
    return query.with_for_update(skip_locked=True, of=deliveries)


def among(query: Select[Any], only: Collection[int]) -> Select[Any]:
    """The same, of none but these deliveries, where any are named."""
    return query.where(deliveries.c.id.in_(only)) if only else query


def waits() -> ColumnElement[bool]:
    """Whether something earlier in its lane is not settled yet; what is dead or held is."""
    same = and_(earlier.c.lane == deliveries.c.lane, earlier.c.destination == deliveries.c.destination)
    return exists().where(same, earlier.c.id < deliveries.c.id, earlier.c.state.in_(OPEN))


def replaced() -> ColumnElement[bool]:
    """Whether a newer edit of the same message waits behind it."""
    same = and_(later.c.lane == deliveries.c.lane, later.c.destination == deliveries.c.destination)
    newer = and_(later.c.id > deliveries.c.id, later.c.incident_id == deliveries.c.incident_id)
    waiting = exists().where(same, newer, later.c.act == Act.EDIT, later.c.state == State.PENDING)
    return and_(deliveries.c.act == Act.EDIT, waiting)


def _heads() -> Select[Any]:
    """The first waiting deliveries of their lanes, and what a notifier needs of them; the longest due first."""
    waiting = (deliveries.c.state == State.PENDING, deliveries.c.kind == bindparam("kind"))
    due = deliveries.c.due <= bindparam("now", type_=Instant())
    every = whole().add_columns(replaced().label("replaced")).where(*waiting, due, ELSEWHERE, ~waits())
    return locked(every.order_by(deliveries.c.due, deliveries.c.id).limit(bindparam("limit")))


def _lost_ones() -> Select[Any]:
    """The doubtful deliveries that are due and that nobody is looking for."""
    now = bindparam("now", type_=Instant())
    free = or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= now)
    query = whole().where(deliveries.c.state == State.DOUBTFUL, deliveries.c.due <= now, free, ELSEWHERE)
    return locked(query.order_by(deliveries.c.due, deliveries.c.id).limit(bindparam("limit")))


def _kinds() -> Select[Any]:
    """The kinds of destinations for which there are deliveries in a state: one step in the index for each."""
    first = select(func.min(deliveries.c.kind).label("kind")).where(deliveries.c.state == bindparam("in"))
    found = first.cte("kinds", recursive=True)
    after = select(func.min(deliveries.c.kind)).where(
        deliveries.c.state == bindparam("in"), deliveries.c.kind > found.c.kind
    )
    found = found.union_all(select(after.scalar_subquery()).where(found.c.kind.is_not(None)))
    return select(found.c.kind).where(found.c.kind.is_not(None))


def _raw(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column as it stands in the database."""
    kind = column.type
    return type_coerce(column, kind.impl) if isinstance(kind, TypeDecorator) else column


HEADS = _heads()
PACKED_HEADS = packed(HEADS)
LEASED = (
    update(deliveries)
    .where(THESE)
    .values(
        state=State.SENDING,
        lease=bindparam("by"),
        leased_until=bindparam("until", type_=Instant()),
        tries=deliveries.c.tries + 1,
    )
)
#: what came of deliveries that have it in common, of those that the hand `by` still holds. That a message stands there
#: is taken from anybody, as long as nobody else has the delivery in hand: `free` is `by` then, else null. (An OR, or a
#: bare state, would lead SQLite through all that is in these states in place of to the few ids.)
SETTLED = (
    update(deliveries)
    .where(
        THESE,
        type_coerce(deliveries.c.state, Text).concat("").in_(OPEN),
        func.coalesce(deliveries.c.lease, bindparam("free", type_=Text())) == bindparam("by", type_=Text()),
    )
    .values(
        state=bindparam("becomes", type_=deliveries.c.state.type),
        reason=bindparam("why"),
        due=bindparam("then", type_=Instant()),
        receipt=func.coalesce(bindparam("got", type_=deliveries.c.receipt.type), deliveries.c.receipt),
        tries=deliveries.c.tries - bindparam("spared", type_=Integer()),
        aside=or_(deliveries.c.aside, bindparam("refused", type_=Boolean())),
        lease=None,
        leased_until=None,
    )
)
KINDS = _kinds()
LOST = (
    update(deliveries)
    .where(deliveries.c.state == State.SENDING, deliveries.c.leased_until <= bindparam("now", type_=Instant()))
    .values(state=State.DOUBTFUL, due=bindparam("now", type_=Instant()), lease=None, leased_until=None)
)
LOST_ONES = _lost_ones()
