"""The ledger's part about digests: what was believed when, and what was told of which window where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select, update

from bot.model import Act, Delivery, Destination, Sighting, State
from bot.store.outbox import Outbox
from bot.store.owing import digest_key
from bot.store.part import Part
from bot.store.rows import pick
from bot.store.schema import beliefs, deliveries, digests

EDGE = ("source", "since", "belief", "reason", "ours")
GIVEN_UP = (State.DEAD, State.HELD)


class Beliefs(Part):
    """ports.Ledger's part about the history of what was believed."""

    def note_beliefs(self, edges: Collection[Sighting]) -> None:
        """Remember from when on each belief held."""
        self._upsert(beliefs, [pick(edge, EDGE) for edge in edges])

    def beliefs(self, since: datetime, until: datetime) -> dict[str, list[Sighting]]:
        """By source what was believed of it within a window, oldest first, the first as the window began."""
        earlier = beliefs.alias()
        before = and_(earlier.c.source == beliefs.c.source, earlier.c.since <= since)
        first = select(func.max(earlier.c.since)).where(before).scalar_subquery()
        query = select(beliefs).where(beliefs.c.since >= func.coalesce(first, beliefs.c.since), beliefs.c.since < until)
        found: dict[str, list[Sighting]] = {}
        for row in self._rows(query.order_by(beliefs.c.source, beliefs.c.since)):
            found.setdefault(row["source"], []).append(Sighting(**row))
        return found


class Digests(Outbox):
    """ports.Ledger's part about digests in the outbox."""

    def queue_digest(
        self, name: str, to: Destination, document: Mapping[str, object], at: datetime, again: timedelta | None
    ) -> Delivery:
        """The delivery that stands for a window at a destination (ports.Ledger.queue_digest).

        Whoever asks at the same time waits for this transaction, so that both are given the same delivery.
        """
        self._one_at_a_time()
        standing = self._standing(name, to, None if again is None else at - again)
        if standing is None:
            return self._queue(name, to, document, at, fixed=again is None)
        if standing.state in GIVEN_UP:
            self._db.execute(update(digests).where(digests.c.key == standing.key).values(document=document))
            self.retry(standing.id, at)
            self._change([standing.id], created_at=at)
        elif standing.state is State.PENDING:
            self._change([standing.id], due=at)  # somebody asks for it now
        return self._fetch(deliveries.c.id == standing.id)[0]

    def digest(self, key: str) -> Mapping[str, Any] | None:
        """What the delivery with this key tells."""
        document: Mapping[str, Any] | None = self._db.execute(
            select(digests.c.document).where(digests.c.key == key)
        ).scalar()
        return document

    def delivery(self, delivery: int) -> Delivery | None:
        """One entry of the outbox."""
        return next(iter(self._fetch(deliveries.c.id == delivery)), None)

    def _standing(self, name: str, to: Destination, after: datetime | None) -> Delivery | None:
        """The newest delivery of the window there, if it was queued after that moment."""
        keys = select(digests.c.key).where(digests.c.name == name, digests.c.destination == str(to))
        found = self._fetch(deliveries.c.lane.in_(keys))
        return next((each for each in reversed(found) if _since(each, after)), None)

    def _queue(
        self, name: str, to: Destination, document: Mapping[str, object], at: datetime, *, fixed: bool
    ) -> Delivery:
        window = name if fixed else f"{name}|{at:%Y-%m-%dT%H:%M:%S.%fZ}"
        key = digest_key(window, str(to))
        self._upsert(digests, [{"key": key, "name": name, "destination": str(to), "document": document}])
        row = {
            "kind": to.kind,
            "destination": str(to),
            "incident_id": "",
            "lane": key,  # it waits for nothing
            "update_id": window,
            "updates": (),
            "act": Act.DIGEST,
            "revision": 0,
            "state": State.PENDING,
            "tries": 0,
            "due": at,
            "created_at": at,
            "reason": "",
            "opens": False,
            "limited": False,
            "aside": False,
        }
        self._db.execute(deliveries.insert().values(row))
        return self._fetch(deliveries.c.lane == key)[0]

    def _one_at_a_time(self) -> None:
        """Keep others from deciding about digests until this transaction ends; SQLite has one writer anyway."""
        if self._db.dialect.name == "postgresql":
            self._db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("digest", 0))))


def _since(delivery: Delivery, after: datetime | None) -> bool:
    return after is None or (delivery.created_at is not None and delivery.created_at > after)
