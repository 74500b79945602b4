"""The ledger's part that shares the work among the processes on one PostgreSQL: who lives, and who holds what.

A process has one lease, renewed by one row; what it holds is its own for as long as that lasts and nobody took it.
Times are the database's own: the machines' clocks may differ. On SQLite there is one process, and none of this is used.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from bot.store.columns import MICROSECOND
from bot.store.part import Part
from bot.store.schema import holdings, workers

NOBODY = ""


class Leases(Part):
    """ports.Ledger's part about processes and what they hold."""

    def live(self, worker: str, watching: str, term: timedelta) -> int:
        """A process lives for another `term`; how many live that watch the same. Who outlived his term is forgotten."""
        until = _now() + term // MICROSECOND
        row = self._insert(workers).values(id=worker, watching=watching, until=until)
        self._db.execute(row.on_conflict_do_update(index_elements=["id"], set_={"watching": watching, "until": until}))
        dead = select(workers.c.id).where(workers.c.until <= _now()).with_for_update(skip_locked=True)
        self._db.execute(delete(workers).where(workers.c.id.in_(dead)))
        alike = select(func.count()).where(workers.c.watching == watching, workers.c.until > _now())
        return self._db.execute(alike).scalar_one()

    def offer(self, kind: str, names: Collection[str]) -> None:
        """Let these be held by somebody; what is offered already stays as it is."""
        rows = [{"kind": kind, "name": name, "owner": NOBODY} for name in sorted(names)]
        if rows:
            self._db.execute(self._insert(holdings).on_conflict_do_nothing(), rows)

    def take(self, worker: str, kind: str, names: Collection[str], limit: int) -> set[str]:
        """Hold up to `limit` of these that nobody living holds; which they are."""
        if limit <= 0 or not names:
            return set()
        living = exists().where(workers.c.id == holdings.c.owner, workers.c.until > _now())
        free = select(holdings.c.name).where(_these(kind, names), or_(holdings.c.owner == NOBODY, ~living))
        mine = free.limit(limit).with_for_update(skip_locked=True, of=holdings).cte("mine")
        taking = update(holdings).where(holdings.c.kind == kind, holdings.c.name.in_(select(mine.c.name)))
        return set(self._db.execute(taking.values(owner=worker).returning(holdings.c.name)).scalars())

    def held(self, worker: str, kind: str) -> set[str]:
        """What a process holds."""
        query = select(holdings.c.name).where(holdings.c.owner == worker, holdings.c.kind == kind)
        return set(self._db.execute(query).scalars())

    def keep(self, worker: str, kind: str, names: Collection[str]) -> set[str]:
        """Which of these a process still holds; nobody can take them before this transaction has ended."""
        query = select(holdings.c.name).where(_these(kind, names), holdings.c.owner == worker)
        return set(self._db.execute(query.order_by(holdings.c.name).with_for_update(read=True)).scalars())

    def give(self, worker: str, kind: str, names: Collection[str]) -> None:
        """Hand these back, as far as the process holds them."""
        mine = select(holdings.c.name).where(_these(kind, names), holdings.c.owner == worker)
        mine = mine.order_by(holdings.c.name).with_for_update()
        self._db.execute(
            update(holdings).where(holdings.c.kind == kind, holdings.c.name.in_(mine)).values(owner=NOBODY)
        )

    def leave(self, worker: str) -> None:
        """A process ends: hand back all that it holds."""
        self._db.execute(update(holdings).where(holdings.c.owner == worker).values(owner=NOBODY))
        self._db.execute(delete(workers).where(workers.c.id == worker))


def _now() -> ColumnElement[int]:
    """The database's time in the columns' microseconds; it runs on within a transaction."""
    return cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)


def _these(kind: str, names: Collection[str]) -> ColumnElement[bool]:
    """One array, however many names: they may be all of thousands of sources, every few seconds."""
    wanted: Any = bindparam("names", list(names), type_=ARRAY(Text))
    return (holdings.c.kind == kind) & (holdings.c.name == any_(wanted))
