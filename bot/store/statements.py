"""The statements that find what is owed, made once, and the rows that they find."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Select,
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
from bot.store.columns import EPOCH, MICROSECOND, Instant
from bot.store.part import Row
from bot.store.schema import deliveries, subscriptions, told

OPEN = (State.PENDING, State.SENDING, State.DOUBTFUL)  #: what later deliveries of the lane wait for
earlier, later = deliveries.alias("earlier"), deliveries.alias("later")
THESE = deliveries.c.id.in_(bindparam("ids", expanding=True))  # with its values apart, which is quicker with many


def whole() -> Select[Any]:
    """Deliveries, each with the message that it stands on and whom its subscription calls."""
    here = and_(told.c.destination == deliveries.c.destination, told.c.incident_id == deliveries.c.incident_id)
    return (
        select(
            deliveries,
            told.c.message.label("root"),
            told.c.thread.label("root_thread"),
            subscriptions.c.mention,
            subscriptions.c.destination.label("subscribed"),
        )
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
    free = deliveries.c.destination.not_in(bindparam("busy", expanding=True))
    every = whole().add_columns(replaced().label("replaced")).where(*waiting, due, free, ~waits())
    wanted = [_raw(column) for column in every.selected_columns if column.key in HEAD]
    first = every.with_only_columns(*wanted).order_by(deliveries.c.due, deliveries.c.id)
    return locked(first.limit(bindparam("limit")))


def _lost_ones() -> Select[Any]:
    """The doubtful deliveries that are due and that nobody is looking for."""
    now = bindparam("now", type_=Instant())
    free = or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= now)
    elsewhere = deliveries.c.destination.not_in(bindparam("busy", expanding=True))
    query = whole().where(deliveries.c.state == State.DOUBTFUL, deliveries.c.due <= now, free, elsewhere)
    return locked(query.order_by(deliveries.c.due, deliveries.c.id).limit(bindparam("limit")))


def _raw(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column as it stands in the database: with many rows, turning each value by itself is what takes the time."""
    kind = column.type
    return type_coerce(column, kind.impl).label(column.key) if isinstance(kind, TypeDecorator) else column


#: what of a delivery that is to be sent is read, in the order of the tables' columns
HEAD: tuple[str, ...] = (
    *("id", "destination", "incident_id", "update_id", "updates", "act", "revision", "tries", "due", "created_at"),
    *("reason", "opens", "limited", "covered", "root", "root_thread", "mention", "subscribed", "replaced"),
)
HEADS = _heads()
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
NEXT_KIND = select(func.min(deliveries.c.kind)).where(
    deliveries.c.state == bindparam("in"), deliveries.c.kind > bindparam("after")
)
LOST = (
    update(deliveries)
    .where(deliveries.c.state == State.SENDING, deliveries.c.leased_until <= bindparam("now", type_=Instant()))
    .values(state=State.DOUBTFUL, due=bindparam("now", type_=Instant()), lease=None, leased_until=None)
)
LOST_ONES = _lost_ones()
ACTS = {act.value: act for act in Act}
NO_MENTION: Mapping[str, str] = {}


def head_of(found: Sequence[Any]) -> dict[str, Any]:
    """A delivery's row as it stands in the database, turned into our values."""
    row = dict(zip(HEAD, found, strict=True))
    row["act"] = ACTS[row["act"]]
    row["updates"] = None if row["updates"] is None else tuple(orjson.loads(row["updates"]))
    row["due"], row["created_at"] = moment(row["due"]), moment(row["created_at"])
    row["mention"] = NO_MENTION if row["mention"] in (None, "{}") else orjson.loads(row["mention"])
    return row


@lru_cache(maxsize=16)
def moment(microseconds: int) -> datetime:
    """A point in time from its column; many deliveries share theirs."""
    return EPOCH + microseconds * MICROSECOND


def homeless(row: Row) -> bool:
    """Whether a reply or an edit has no message to stand on."""
    return row["act"] in (Act.REPLY, Act.EDIT) and not row["root"]


def aimless(row: Row) -> bool:
    """Whether it would say where a message went on that never stood there."""
    return not row["update_id"] and homeless(row)
