"""The ledger's part that hands out what is owed, in order, and writes what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, or_, select, update

from bot.model import Act, Delivery, Receipt, State
from bot.store.fallback import Fallbacks
from bot.store.part import Row
from bot.store.schema import deliveries, subscriptions, told
from bot.store.subscriptions import destination_of

OPEN = (State.PENDING, State.SENDING, State.DOUBTFUL)  #: what later deliveries of the lane wait for
REPLACED = "replaced by a newer edit"
AIMLESS = "there is no message to put right"

earlier, later = deliveries.alias("earlier"), deliveries.alias("later")


class Outbox(Fallbacks):
    """ports.Ledger's part about deliveries."""

    def claim(
        self, now: datetime, lease: timedelta, limit: int, busy: Collection[str] = (), only: Collection[int] = ()
    ) -> list[Delivery]:
        """Lease deliveries that are due, the first of each lane only, none of the `busy` destinations.

        An edit that a newer waiting one of its lane replaces is set aside as held. A reply or an edit whose lane has no
        message to stand on (its opening was refused or held back) becomes the opening itself: it is owed to somebody
        who has been told nothing yet. `only`: none but these, where any are named.
        """
        self.catch_up(now)
        rows = self._heads(now, limit, busy, only)
        while idle := [row for row in rows if row["replaced"] or _aimless(row)]:
            self._change([row["id"] for row in idle if row["replaced"]], state=State.HELD, reason=REPLACED)
            self._change([row["id"] for row in idle if not row["replaced"]], state=State.HELD, reason=AIMLESS)
            rows = self._heads(now, limit, busy, only)
        self._change([row["id"] for row in rows if _homeless(row)], act=Act.CREATE)
        ids = [row["id"] for row in rows]
        self._change(ids, state=State.SENDING, leased_until=now + lease, tries=deliveries.c.tries + 1)
        return self._fetch(deliveries.c.id.in_(ids)) if ids else []

    def settle(
        self,
        delivery: int,
        state: State,
        now: datetime,
        *,
        receipt: Receipt | None = None,
        reason: str = "",
        due: datetime | None = None,
    ) -> None:
        """Write what came of a try; a receipt of a `create` becomes the incident's message at that destination.

        due: when to look at it again, for a pending or doubtful one; None is now.
        """
        values: dict[str, Any] = {"state": state, "reason": reason, "due": due or now, "leased_until": None}
        if receipt is not None:
            values["receipt"] = {"message": receipt.message, "thread": receipt.thread}
        self._change([delivery], **values)
        if receipt is not None and state is State.SENT:
            self._root(delivery, receipt)
        if state is State.DEAD:
            self.fall_back([delivery], now)

    def doubt(self, now: datetime, only: Collection[int] = ()) -> list[Delivery]:
        """Turn sendings whose lease has run out into doubtful ones; all (`only` these) that are doubtful and due."""
        lost = and_(deliveries.c.state == State.SENDING, deliveries.c.leased_until <= now)
        self._doubt(lost, now)
        due = and_(deliveries.c.state == State.DOUBTFUL, deliveries.c.due <= now)
        return self._fetch(and_(due, deliveries.c.id.in_(only)) if only else due)

    def orphan(self, now: datetime) -> int:
        """At the start of the only process: every sending is doubtful; how many."""
        ours = deliveries.c.act != Act.DIGEST  # a digest may be on its way from another process: it has its lease
        return self._doubt(and_(deliveries.c.state == State.SENDING, ours), now)

    def deliveries(self, *, states: Collection[State] = (), limit: int = 200) -> list[Delivery]:
        """The outbox, newest first; `states` empty: all."""
        query = _whole().order_by(deliveries.c.id.desc()).limit(limit)
        if states:
            query = query.where(deliveries.c.state.in_(states))
        return [delivery_of(row) for row in self._rows(query)]

    def deliveries_of(self, incident: str) -> list[Delivery]:
        """What was ever owed for an incident and for those that it absorbed, oldest first."""
        return self._fetch(or_(deliveries.c.lane == incident, deliveries.c.incident_id == incident))

    def retry(self, delivery: int, now: datetime) -> Delivery | None:
        """Make a dead or held delivery pending again, its tries counted anew; None where there is no such one."""
        given_up = and_(deliveries.c.id == delivery, deliveries.c.state.in_((State.DEAD, State.HELD)))
        again = {"state": State.PENDING, "due": now, "tries": 0, "reason": ""}
        if not self._db.execute(update(deliveries).where(given_up).values(again)).rowcount:
            return None
        return self._fetch(deliveries.c.id == delivery)[0]

    def next_due(self) -> datetime | None:
        """When the next delivery is due (pending or doubtful and first of its lane, or a lease that runs out)."""
        moments = select(
            _soonest(deliveries.c.due, State.PENDING, ~_waits()),
            _soonest(deliveries.c.due, State.DOUBTFUL),
            _soonest(deliveries.c.leased_until, State.SENDING),
        )
        return min((moment for moment in self._db.execute(moments).one() if moment), default=None)

    def _heads(self, now: datetime, limit: int, busy: Collection[str], only: Collection[int]) -> Sequence[Row]:
        """The first waiting deliveries of their lanes, the longest due first, each locked where that is possible."""
        query = (
            _whole()
            .add_columns(_replaced().label("replaced"))
            .where(deliveries.c.state == State.PENDING, deliveries.c.due <= now, ~_waits())
            .order_by(deliveries.c.due, deliveries.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=deliveries)
        )
        if busy:
            query = query.where(deliveries.c.destination.not_in(busy))
        if only:
            query = query.where(deliveries.c.id.in_(only))
        return self._rows(query)

    def _change(self, ids: Collection[int], **values: Any) -> None:
        if ids:
            self._db.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(values))

    def _doubt(self, which: ColumnElement[bool], now: datetime) -> int:
        values = {"state": State.DOUBTFUL, "due": now, "leased_until": None}
        return self._db.execute(update(deliveries).where(which).values(values)).rowcount

    def _fetch(self, which: ColumnElement[bool]) -> list[Delivery]:
        query = _whole().where(which).order_by(deliveries.c.id)
        return [delivery_of(row) for row in self._rows(query)]

    def _root(self, delivery: int, receipt: Receipt) -> None:
        """Let a new message be the one that replies and edits stand on, unless there is one already.

        It counts for the incident that absorbed the delivery's own as well: its lane goes on here.
        """
        new = select(deliveries.c.destination, deliveries.c.incident_id, deliveries.c.lane).where(
            deliveries.c.id == delivery, deliveries.c.act.in_((Act.CREATE, Act.POST))
        )
        for destination, incident, lane in self._db.execute(new):
            here = and_(told.c.destination == destination, told.c.incident_id.in_((incident, lane)))
            self._db.execute(
                update(told).where(here, told.c.message == "").values(message=receipt.message, thread=receipt.thread)
            )


def _whole() -> Select[Any]:
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


def _waits() -> ColumnElement[bool]:
    """Whether something earlier in its lane is not settled yet; what is dead or held is."""
    same = and_(earlier.c.lane == deliveries.c.lane, earlier.c.destination == deliveries.c.destination)
    return exists().where(same, earlier.c.id < deliveries.c.id, earlier.c.state.in_(OPEN))


def _replaced() -> ColumnElement[bool]:
    """Whether a newer edit of the same message waits behind it."""
    same = and_(later.c.lane == deliveries.c.lane, later.c.destination == deliveries.c.destination)
    newer = and_(later.c.id > deliveries.c.id, later.c.incident_id == deliveries.c.incident_id)
    waiting = exists().where(same, newer, later.c.act == Act.EDIT, later.c.state == State.PENDING)
    return and_(deliveries.c.act == Act.EDIT, waiting)


def _soonest(moment: ColumnElement[Any], state: State, *which: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(moment).where(deliveries.c.state == state, *which).order_by(moment).limit(1).scalar_subquery()


def _homeless(row: Row) -> bool:
    """Whether a reply or an edit has no message to stand on."""
    return row["act"] in (Act.REPLY, Act.EDIT) and not row["root"]


def _aimless(row: Row) -> bool:
    """Whether it would say where a message went on that never stood there."""
    return not row["update_id"] and _homeless(row)


def delivery_of(row: Row) -> Delivery:
    """A delivery from its row."""
    on_a_message = row["act"] in (Act.REPLY, Act.EDIT) and row["root"]
    to, subscribed = destination_of(row["destination"]), destination_of(row["subscribed"] or row["destination"])
    return Delivery(
        id=row["id"],
        key=row["key"],
        destination=to,
        incident=row["incident_id"],
        update=row["update_id"],
        act=row["act"],
        state=row["state"],
        updates=row["updates"],
        revision=row["revision"],
        tries=row["tries"],
        due=row["due"],
        created_at=row["created_at"],
        root=Receipt(row["root"], row["root_thread"]) if on_a_message else None,
        receipt=Receipt(**row["receipt"]) if row["receipt"] else None,
        reason=row["reason"],
        mention=row["mention"] or {} if to.kind == subscribed.kind else {},  # each platform calls in its own form
        instead=subscribed if subscribed != to else None,
        covered=row["covered"],
    )
