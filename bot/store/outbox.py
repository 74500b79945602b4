"""The ledger's part that hands out what is owed, in order, and writes what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    or_,
    select,
    update,
)

from bot.model import Act, Aside, Delivery, Outcome, Receipt, State
from bot.store.aside import Asides
from bot.store.columns import EPOCH
from bot.store.fallback import Fallbacks
from bot.store.many import packed
from bot.store.owing import Owing, delivery_of
from bot.store.part import Row
from bot.store.schema import aliases, deliveries, told
from bot.store.statements import (
    HEADS,
    IN_HAND,
    KINDS,
    LEASED,
    LOST,
    LOST_ONES,
    PACKED_HEADS,
    SETTLED,
    THESE,
    among,
    waits,
    whole,
)

REPLACED = "replaced by a newer edit"
AIMLESS = "there is no message to put right"
GATHERED = "told together with an earlier one, after a limit"
MOST = 500  #: values in one statement's list


class Outbox(Fallbacks, Asides):
    """ports.Ledger's part about deliveries."""

    def claim(
        self,
        now: datetime,
        lease: timedelta,
        limit: int,
        busy: Collection[str] = (),
        *,
        by: str = "",
        rooms: Mapping[str, int] | None = None,
        behind: Mapping[str, datetime] | None = None,
        only: Collection[int] = (),
    ) -> list[Delivery]:
        """Lease deliveries that are due, the first of each lane only, none of the `busy` destinations (ports.Ledger).

        A reply or an edit whose lane has no message to stand on (its opening was refused or held back) becomes the
        opening itself: it is owed to somebody who has been told nothing yet.
        """
        self.catch_up(now)
        refusing = {str(row["destination"]): row["reason"] for row in self.aside_rows() if row["since"]}
        rows: list[Owing] = []
        for kind in self.kinds(State.PENDING):
            if (room := (rooms or {}).get(kind, limit)) > 0:
                rows += self._workable(kind, now, room, busy, refusing, only)
        if not rows:
            return []
        self._change([row.id for row in rows if row.homeless], opens=True)
        self._lease([row.id for row in rows], by, now + lease)
        claimed = [delivery_of(row, by) for row in rows]
        return [self._gather(head, behind) for head in claimed] if behind else claimed

    def settle(self, outcomes: Sequence[Outcome], now: datetime) -> int:
        """Write what came of deliveries in hand; how many of them were no longer in the hand that settles them."""
        written, roots, failed = 0, list[tuple[int, Receipt]](), list[int]()
        for alike in _alike(outcomes):
            like, ids = alike[0], [outcome.delivery.id for outcome in alike]
            written += sum(self._settle(some, like, now) for some in _batches(ids))
            if like.state is State.SENT and like.receipt is not None and like.receipt.message:
                roots += ((each, like.receipt) for each in ids)
            if like.state is State.DEAD or like.digest is not None:
                failed += ids
        for each, receipt in roots:
            self._root(each, receipt)
        self.fall_back(failed, now)
        return len(outcomes) - written

    def renew(self, leases: Collection[str], until: datetime) -> None:
        """Keep what these leases are on in hand until then."""
        held = and_(deliveries.c.state.in_(IN_HAND), deliveries.c.lease.in_(leases))
        self._db.execute(update(deliveries).where(held).values(leased_until=until))

    def give_up(self, leases: Collection[str], due: datetime) -> int:
        """What these leases are still on is doubtful, and whoever comes first looks for it when due; how many."""
        left = self._doubt(and_(deliveries.c.state.in_(IN_HAND), deliveries.c.lease.in_(leases)), due)
        self.queued += left
        return left

    def doubt(
        self,
        now: datetime,
        lease: timedelta = timedelta(0),
        limit: int = 100,
        busy: Collection[str] = (),
        *,
        by: str = "",
        only: Collection[int] = (),
    ) -> list[Delivery]:
        """Turn sendings whose lease has run out into doubtful ones; lease those (`only` these) that are due."""
        self._db.execute(LOST, {"now": now})
        rows = self._owing(among(LOST_ONES, only), {"now": now, "busy": busy, "limit": limit})
        self._change([row.id for row in rows], lease=by, leased_until=now + lease)
        return [delivery_of(row._replace(lease=by)) for row in rows]

    def orphan(self, now: datetime) -> int:
        """At the start: what an earlier process left in flight is doubtful; how many deliveries that were.

        On a database of its own nobody else can be sending, but a digest from a process of its own. On a shared one
        another process may. Their leases hold.
        """
        if self._db.dialect.name != "sqlite":
            return self._doubt(and_(deliveries.c.state == State.SENDING, deliveries.c.leased_until <= now), now)
        ours = deliveries.c.act != Act.DIGEST
        looked_for = and_(deliveries.c.state == State.DOUBTFUL, deliveries.c.lease.is_not(None), ours)
        self._db.execute(update(deliveries).where(looked_for).values(lease=None, leased_until=None))
        return self._doubt(and_(deliveries.c.state == State.SENDING, ours), now)

    def deliveries(self, *, states: Collection[State] = (), limit: int = 200) -> list[Delivery]:
        """The outbox, newest first; `states` empty: all."""
        query = whole().order_by(deliveries.c.id.desc()).limit(limit)
        if states:
            query = query.where(deliveries.c.state.in_(states))
        return [delivery_of(row) for row in self._owing(query)]

    def deliveries_of(self, incident: str) -> list[Delivery]:
        """What was ever owed for an incident and for those that it absorbed, oldest first."""
        absorbed = select(aliases.c.id).where(aliases.c.incident_id == incident)
        return self._fetch(or_(deliveries.c.incident_id == incident, deliveries.c.incident_id.in_(absorbed)))

    def retry(self, delivery: int, now: datetime) -> Delivery | None:
        """Make a dead or held delivery pending again, its tries counted anew; None where there is no such one.

        Where its destination is set aside, that is taken up again, and with it all that was held for it.
        """
        given_up = and_(deliveries.c.id == delivery, deliveries.c.state.in_((State.DEAD, State.HELD)))
        found = self._fetch(given_up)
        if not found:
            return None
        self.release(str(found[0].destination), now)
        self._again(given_up, now)
        return self._fetch(deliveries.c.id == delivery)[0]

    def next_due(self, busy: Collection[str] = ()) -> datetime | None:
        """When the next delivery is due (first of its lane, of no `busy` place or kind, or a lease that runs out)."""
        waiting = [deliveries.c.destination.not_in(busy)] if busy else []
        kinds = [kind for kind in self.kinds() if kind not in busy]
        soonest = [self._soonest(deliveries.c.due, State.PENDING, kind, ~waits(), *waiting) for kind in kinds]
        free = deliveries.c.leased_until.is_(None)
        soonest += [self._soonest(deliveries.c.leased_until, state, None, ~free) for state in IN_HAND]
        soonest.append(self._soonest(deliveries.c.due, State.DOUBTFUL, None, free, *waiting))
        return min((moment for moment in soonest if moment), default=None)

    def kinds(self, state: State = State.PENDING) -> list[str]:
        """The kinds of destinations for which there are deliveries in a state."""
        return list(self._db.execute(KINDS, {"in": state}).scalars())

    def set_aside(self, which: Aside) -> bool:
        """Hold whatever is and will be owed to a destination (ports.Ledger); its fallback is owed it instead."""
        new = super().set_aside(which)
        name = str(which.destination)
        held = and_(deliveries.c.destination == name, deliveries.c.state == State.HELD, deliveries.c.aside)
        self.owe(held, which.since or EPOCH)
        return new

    def _workable(
        self,
        kind: str,
        now: datetime,
        room: int,
        busy: Collection[str],
        refusing: Mapping[str, str],
        only: Collection[int],
    ) -> list[Owing]:
        """The heads of lanes that can be sent; what stands before them and cannot be is set aside as held."""
        while True:
            rows = self._heads(kind, now, room, busy, only)
            idle = [row for row in rows if row.replaced or row.destination in refusing or row.aimless]
            if not idle:
                return rows
            for row in idle:
                if row.replaced or row.aimless:
                    self._change([row.id], state=State.HELD, reason=REPLACED if row.replaced else AIMLESS)
                else:
                    self._change([row.id], state=State.HELD, reason=refusing[row.destination], aside=True)
                    self.fall_back([row.id], now)

    def _heads(self, kind: str, now: datetime, limit: int, busy: Collection[str], only: Collection[int]) -> list[Owing]:
        """The first waiting deliveries of their lanes, the longest due first, each locked where that is possible."""
        values = {"kind": kind, "now": now, "limit": limit, "busy": busy}
        if self._db.dialect.name != "sqlite":
            return self._owing(among(HEADS, only), values)
        query = packed(among(HEADS, only)) if only else PACKED_HEADS
        return [Owing(*row) for row in orjson.loads(self._db.execute(query, values).scalar_one())]

    def _owing(self, query: Select[Any], values: Row | None = None) -> list[Owing]:
        return [Owing(*row) for row in self._db.execute(query, values)]

    def _gather(self, head: Delivery, behind: Mapping[str, datetime]) -> Delivery:
        """Where its destination was limited, what came meanwhile goes into one message that carries the words of each.

        Only what was never tried is put together: the key of a message that may stand there stands for its words alone.
        """
        until = behind.get(str(head.destination))
        if until is None or head.act not in (Act.REPLY, Act.POST) or head.tries > 1:
            return head
        same = and_(deliveries.c.incident_id == head.incident, deliveries.c.destination == str(head.destination))
        waiting = and_(same, deliveries.c.act == head.act, deliveries.c.state == State.PENDING, deliveries.c.tries == 0)
        which = and_(waiting, deliveries.c.id > head.id, deliveries.c.created_at <= until, deliveries.c.update_id != "")
        more = self._fetch(which)
        if not more or not head.update:
            return head
        updates = tuple(dict.fromkeys(name for each in (head, *more) for name in each.updates))
        self._change([each.id for each in more], state=State.HELD, reason=GATHERED)
        self._change([head.id], updates=updates, limited=True)
        return head._replace(updates=updates, limited=True)

    def _settle(self, ids: Sequence[int], like: Outcome, now: datetime) -> int:
        """Write the same outcome for some deliveries of one lease; how many were still in that hand."""
        receipt, by = like.receipt, like.delivery.lease
        values = {
            "ids": ids,
            "by": by,
            "free": by if like.state is State.SENT else None,
            "becomes": like.state,
            "why": like.reason,
            "then": like.due or now,
            "got": None if receipt is None else {"message": receipt.message, "thread": receipt.thread},
            "spared": int(like.spared),
            "refused": like.digest is not None,
        }
        return self._db.execute(SETTLED, values).rowcount

    def _lease(self, ids: Sequence[int], by: str, until: datetime) -> None:
        for some in _batches(ids):
            self._db.execute(LEASED, {"ids": some, "by": by, "until": until})

    def _change(self, ids: Sequence[int], **values: Any) -> None:
        for some in _batches(ids):
            self._db.execute(update(deliveries).where(THESE).values(values), {"ids": some})

    def _doubt(self, which: ColumnElement[bool], now: datetime) -> int:
        values = {"state": State.DOUBTFUL, "due": now, "lease": None, "leased_until": None}
        return self._db.execute(update(deliveries).where(which).values(values)).rowcount

    def _fetch(self, which: ColumnElement[bool]) -> list[Delivery]:
        query = whole().where(which).order_by(deliveries.c.id)
        return [delivery_of(row) for row in self._owing(query)]

    def _soonest(
        self, moment: ColumnElement[Any], state: State, kind: str | None, *which: ColumnElement[bool]
    ) -> datetime | None:
        query = select(moment).where(deliveries.c.state == state, *which)
        if kind is not None:
            query = query.where(deliveries.c.kind == kind)
        found: datetime | None = self._db.execute(query.order_by(moment).limit(1)).scalar()
        return found

    def _root(self, delivery: int, receipt: Receipt) -> None:
        """Let a new message be the one that replies and edits stand on, unless there is one already.

        It counts for the incident that absorbed the delivery's own as well: its lane goes on here.
        """
        opening = or_(deliveries.c.act.in_((Act.CREATE, Act.POST)), deliveries.c.opens)
        new = select(deliveries.c.destination, deliveries.c.incident_id, deliveries.c.lane).where(
            deliveries.c.id == delivery, deliveries.c.state == State.SENT, opening
        )
        for destination, incident, lane in self._db.execute(new):
            here = and_(told.c.destination == destination, told.c.incident_id.in_((incident, lane)))
            self._db.execute(
                update(told).where(here, told.c.message == "").values(message=receipt.message, thread=receipt.thread)
            )


def _alike(outcomes: Iterable[Outcome]) -> Iterable[list[Outcome]]:
    """Outcomes that one statement can write."""
    groups: defaultdict[tuple[object, ...], list[Outcome]] = defaultdict(list)
    for it in outcomes:
        stands = it.receipt and (it.receipt.message, it.receipt.thread)
        alike = (it.delivery.lease, it.state, stands, it.reason, it.due, it.spared, it.digest)
        groups[alike].append(it)
    return groups.values()


def _batches(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    left = iter(ids)
    while some := list(islice(left, MOST)):
        yield some
