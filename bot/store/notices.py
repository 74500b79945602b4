"""The ledger's part about our own trouble: what stands, what of it the operator is still to be told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, delete, func, literal, select, update

from bot.model import State, Trouble
from bot.store.columns import Instant
from bot.store.part import Part, Row
from bot.store.schema import deliveries, pulse
from bot.store.schema import notices as table

KEPT = timedelta(days=30)  #: after its end
STANDING = table.c.until.is_(None)


class Notices(Part):
    """ports.Ledger's part about our own trouble."""

    def keep_trouble(self, trouble: Trouble, due: datetime | None) -> bool:
        """Remember a trouble, to be told when `due` (None: to nobody); False where one of its key stands already."""
        self._db.execute(delete(table).where(table.c.until < trouble.since - KEPT))
        row = {"key": trouble.key, "words": trouble.words, "since": trouble.since, "until": trouble.until}
        row |= {"ending": trouble.ending, "told": trouble.told, "tries": 0, "due": due}
        made = self._insert(table).values(row)
        if trouble.until is None:
            made = made.on_conflict_do_nothing(index_elements=["key"], index_where=STANDING)
        return bool(self._db.execute(made.execution_options(preserve_rowcount=True)).rowcount)

    def end_trouble(self, key: str, words: str, at: datetime, due: datetime | None) -> bool:
        """The trouble of a key is over, which is to be told when `due`; False where none stands."""
        over = {"until": at, "ending": words, "due": due, "tries": 0}
        return bool(self._db.execute(update(table).where(table.c.key == key, STANDING).values(over)).rowcount)

    def troubles(self) -> list[Trouble]:
        """Those that stand, oldest first."""
        return [trouble_of(row) for row in self._rows(select(table).where(STANDING).order_by(table.c.id))]

    def owed_troubles(self, now: datetime, again: datetime) -> list[Trouble]:
        """Those to be told by now, each handed to one process, and to the next one `again` later."""
        due = self._rows(select(table).where(table.c.due <= now).order_by(table.c.id))
        return [trouble_of(row) for row in due if self._taken(row, again)]

    def settle_trouble(self, trouble: Trouble, due: datetime | None) -> None:
        """It was told (`due` None), or is to be told again when due; what has changed meanwhile stays owed."""
        same = table.c.until.is_(None) if trouble.until is None else table.c.until == trouble.until
        values: dict[str, Any] = {"due": case((same, literal(due, Instant())), else_=table.c.due)}
        if due is None:
            values["told"] = True
        self._db.execute(update(table).where(table.c.id == trouble.id).values(values))

    def touch(self, name: str, at: datetime) -> None:
        """Write something, to know that it can be written."""
        self._upsert(pulse, [{"name": name, "at": at}])

    def tally(self) -> dict[tuple[str, State], int]:
        """How many deliveries there are, by the destination's kind and the state."""
        groups = (deliveries.c.state, deliveries.c.kind)  # as the index goes
        rows = self._rows(select(*groups, func.count().label("n")).group_by(*groups))
        return {(row["kind"], row["state"]): row["n"] for row in rows}

    def _taken(self, row: Row, again: datetime) -> bool:
        mine = and_(table.c.id == row["id"], table.c.due == row["due"])
        taking = update(table).where(mine).values(due=again, tries=table.c.tries + 1)
        return bool(self._db.execute(taking).rowcount)


def trouble_of(row: Row) -> Trouble:
    """A trouble from its row."""
    names = ("key", "words", "since", "until", "ending", "told", "tries", "id")
    return Trouble(**{name: row[name] for name in names})
