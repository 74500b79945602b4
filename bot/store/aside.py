"""The ledger's part about destinations that are set aside: nothing is tried there until somebody has mended them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, select, update

from bot.model import Aside, Destination, State
from bot.store.part import Part, Row
from bot.store.schema import aside, deliveries
from bot.store.subscriptions import destination_of

ALL = select(aside)  # made once: it is asked at every claim


class Asides(Part):
    """ports.Ledger's part about destinations that are set aside."""

    def asides(self) -> list[Aside]:
        """The destinations that refuse, and those taken up again at which nothing has arrived yet."""
        return [
            Aside(destination_of(row["destination"]), row["since"], row["reason"], row["digest"])
            for row in self.aside_rows()
        ]

    def set_aside(self, which: Aside) -> bool:
        """Hold whatever is and will be owed to a destination; whether it was not set aside already."""
        name = str(which.destination)
        known = any(row["destination"] == name and row["since"] for row in self.aside_rows())
        if not known:
            row = {"destination": name, "since": which.since, "reason": which.reason, "digest": which.digest}
            self._upsert(aside, [row])
        waiting = and_(deliveries.c.destination == name, deliveries.c.state == State.PENDING)
        held = {"state": State.HELD, "reason": which.reason, "aside": True}
        self._db.execute(update(deliveries).where(waiting).values(held))
        return not known

    def mended(self, digest: Callable[[Destination], str], now: datetime) -> list[Destination]:
        """Take up the destinations whose settings have changed since they were set aside; which those are."""
        changed = [it.destination for it in self.asides() if it.since and it.digest != digest(it.destination)]
        for destination in changed:
            self.release(str(destination), now)
        return changed

    def release(self, destination: str, now: datetime) -> int:
        """Owe again what was held because its destination was set aside; how many deliveries that were."""
        self._db.execute(update(aside).where(aside.c.destination == destination).values(since=None))
        held = and_(deliveries.c.destination == destination, deliveries.c.state == State.HELD, deliveries.c.aside)
        return self._again(held, now)

    def works(self, destinations: Collection[Destination]) -> None:
        """Something has arrived at these: they are as any other again."""
        names = [str(destination) for destination in destinations]
        self._db.execute(delete(aside).where(aside.c.destination.in_(names), aside.c.since.is_(None)))

    def aside_rows(self) -> list[Row]:
        """The destinations that were set aside, as they stand in the database."""
        return self._rows(ALL)

    def _again(self, which: ColumnElement[bool], now: datetime) -> int:
        """Make deliveries pending anew."""
        again = {"state": State.PENDING, "due": now, "tries": 0, "reason": "", "aside": False}
        count = self._db.execute(update(deliveries).where(which).values(again)).rowcount
        self.queued += count
        return count
