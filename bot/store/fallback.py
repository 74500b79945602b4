"""The ledger's part about fallbacks: who is told in a destination's place, and how that one catches up later.

A fallback is owed what its destination is owed, each update as a message of its own and once: when the destination's
own platform is the one in trouble (at once), or when a delivery failed for good. What was told there meanwhile is
`covered`: as soon as the destination lags behind, all that it missed goes into one catch-up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, false, func, literal, null, or_, select, update

from bot.core.carrier import QUEUED
from bot.model import Act, Mode, Routing, State
from bot.store.columns import Instant, Word
from bot.store.part import Part, Row
from bot.store.schema import deliveries, subscriptions, told

TOGETHER = "told later, in one catch-up"
BEHIND = timedelta(minutes=5)  #: what waits for so long has fallen behind
WORDS = (
    Act.CREATE,
    Act.REPLY,
    Act.POST,
)  #: acts that bring new words; an edit does so only where a message is kept by edits alone

other = deliveries.alias("other")
WAITING = and_(deliveries.c.covered, deliveries.c.state == State.PENDING)
#: the lanes in which something waits that a fallback was told; asked at every claim, and so made once
LAGGING = (
    select(deliveries.c.lane, deliveries.c.destination)
    .where(WAITING, or_(deliveries.c.tries > 0, deliveries.c.created_at <= bindparam("behind", type_=Instant())))
    .distinct()
)
#: the delivery and the one that stands in for it have these in common
KEY = ("incident_id", "update_id", "revision", "destination", "act")  #: by which two deliveries are one
SAME = ("incident_id", "lane", "update_id", "updates", "revision", "created_at", "subscription_id")


class Fallbacks(Part):
    """ports.Ledger's part about fallbacks."""

    def stand_in(self, routing: Routing, at: datetime) -> int:
        """Owe to the fallbacks what was just queued for destinations that the provider in trouble itself carries.

        An end goes to those whose platform only queues as one catch-up: nobody knows what of the rest was shown.
        """
        carried = [subscriptions.c.destination.startswith(f"{kind}:") for kind in routing.carries]
        if not carried or not self._db.execute(select(exists().where(_backed(), or_(*carried)))).scalar():
            return 0
        theirs = select(subscriptions.c.id).where(_backed(), or_(*carried))
        news = and_(deliveries.c.incident_id == routing.incident, deliveries.c.update_id == routing.update)
        which = and_(news, deliveries.c.revision == routing.revision, deliveries.c.subscription_id.in_(theirs))
        queued = self.owe(which, at)
        if routing.ends:
            self._sum_up(routing)
        return queued

    def fall_back(self, ids: Collection[int], at: datetime) -> int:
        """Owe to the fallbacks what could not be delivered for good; how many deliveries that were."""
        return self.owe(deliveries.c.id.in_(ids), at) if ids else 0

    def catch_up(self, now: datetime) -> None:
        """Put what waits at a destination that lags behind its fallback into the newest of it; hold the others."""
        for lane, destination in self._db.execute(LAGGING, {"behind": now - BEHIND}).all():
            here = and_(deliveries.c.lane == lane, deliveries.c.destination == destination)
            in_hand = and_(here, deliveries.c.state.in_((State.SENDING, State.DOUBTFUL)))
            if not self._db.execute(select(exists().where(in_hand))).scalar():
                self._together(and_(here, WAITING, deliveries.c.act.in_(WORDS)))

    def owe(self, which: ColumnElement[bool], at: datetime) -> int:
        """Owe to the fallbacks what some deliveries are; how many that were."""
        owed = _owed(which, at, kind_of(self._db.dialect.name, subscriptions.c.fallback))
        names = [column.name for column in owed.selected_columns]
        queued = self._insert(deliveries).from_select(names, owed).on_conflict_do_nothing(index_elements=KEY)
        count: int = self._db.execute(queued.execution_options(preserve_rowcount=True)).rowcount
        backed = select(subscriptions.c.id).where(_backed(), subscriptions.c.destination == deliveries.c.destination)
        covered = update(deliveries).where(which, deliveries.c.subscription_id.in_(backed))
        self._db.execute(covered.values(covered=True))
        return count

    def _together(self, which: ColumnElement[bool]) -> None:
        query = select(deliveries).where(which).order_by(deliveries.c.id)
        rows = self._rows(query.with_for_update(skip_locked=True))
        if len(rows) > 1:
            *others, newest = [row["id"] for row in rows]
            self._put(newest, *map(_updates, rows))
            held = {"state": State.HELD, "reason": TOGETHER}
            self._db.execute(update(deliveries).where(deliveries.c.id.in_(others)).values(held))

    def _sum_up(self, routing: Routing) -> None:
        """Let the end carry the words of every update that its destination may not have shown."""
        here = or_(deliveries.c.incident_id == routing.incident, deliveries.c.lane == routing.incident)
        queued = or_(*(deliveries.c.destination.startswith(f"{kind}:") for kind in QUEUED))
        words = and_(deliveries.c.covered, deliveries.c.act.in_(WORDS), deliveries.c.state != State.HELD)
        by_destination: defaultdict[str, list[Any]] = defaultdict(list)
        for row in self._rows(select(deliveries).where(here, queued, words).order_by(deliveries.c.id)):
            by_destination[row["destination"]].append(row)
        for rows in by_destination.values():
            last = rows[-1]
            if (last["update_id"], last["revision"], last["tries"]) == (routing.update, routing.revision, 0):
                self._put(last["id"], *map(_updates, rows))

    def _put(self, delivery: int, *updates: Iterable[str]) -> None:
        together = tuple(dict.fromkeys(name for some in updates for name in some))
        self._db.execute(update(deliveries).where(deliveries.c.id == delivery).values(updates=together))


def _updates(row: Row) -> Sequence[str]:
    """The updates that a delivery stands for: its own alone, where the row names none."""
    return (row["update_id"],) if row["updates"] is None else row["updates"]


def _backed() -> ColumnElement[bool]:
    """Whether a subscription has another destination to fall back on."""
    return and_(subscriptions.c.fallback.is_not(None), subscriptions.c.fallback != subscriptions.c.destination)


def _owed(which: ColumnElement[bool], at: datetime, kind: ColumnElement[str]) -> Select[Any]:
    """The rows of the outbox for the fallbacks of some deliveries; nothing that a fallback was owed already."""
    to = subscriptions.c.fallback
    same = and_(other.c.incident_id == deliveries.c.incident_id, other.c.update_id == deliveries.c.update_id)
    known = exists().where(same, other.c.destination == to)
    here = and_(told.c.incident_id == deliveries.c.incident_id, told.c.destination == deliveries.c.destination)
    edited = and_(deliveries.c.act == Act.EDIT, exists().where(here, told.c.mode == Mode.EDIT))
    own = subscriptions.c.destination == deliveries.c.destination  # what stands in itself has no fallback
    return (
        select(
            kind.label("kind"),
            to.label("destination"),
            literal(Act.POST, Word(Act)).label("act"),
            literal(State.PENDING, Word(State)).label("state"),
            literal(0).label("tries"),
            literal(at, Instant()).label("due"),
            null().label("receipt"),
            literal("").label("reason"),
            *(false().label(mark) for mark in ("opens", "limited", "aside", "covered")),
            *(deliveries.c[name] for name in SAME),
        )
        .join_from(deliveries, subscriptions, subscriptions.c.id == deliveries.c.subscription_id)
        .where(which, own, _backed(), deliveries.c.update_id != "", ~known, or_(deliveries.c.act.in_(WORDS), edited))
        .order_by(deliveries.c.id)
    )


def kind_of(dialect: str, destination: ColumnElement[Any]) -> ColumnElement[str]:
    """A destination's kind: what stands before the colon."""
    if dialect == "postgresql":
        return func.split_part(destination, ":", 1)
    return func.substr(destination, 1, func.instr(destination + ":", ":") - 1)
