"""What every part of the ledger stands on: the transaction's connection, and what dialects say differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Insert, Select, Table

from bot.store.memory import Memory

Row = Mapping[str, Any]


class Part:
    """One concern of the ledger, within one transaction."""

    def __init__(self, connection: Connection, *, writing: bool = True, memory: Memory | None = None) -> None:
        self._db = connection
        self._writing = writing
        self._memory = memory or Memory()
        self.queued = 0  #: deliveries that this transaction made due
        self.rings = False  #: it changed something else that every process should know at once

    def _rows(self, query: Select[Any] | CompoundSelect[Any], values: Row | None = None) -> list[Row]:
        """What a query finds, by the columns' names."""
        found = self._db.execute(query, values)
        names = list(found.keys())
        return [dict(zip(names, row, strict=True)) for row in found.all()]

    def _insert(self, table: Table) -> Any:
        """An INSERT of the dialect's own kind, which knows ON CONFLICT."""
        return insert_of(self._db.dialect.name)(table)

    def _upsert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows, or overwrite those with the same primary key, by one statement."""
        if rows:
            self._db.execute(upsert(self._db.dialect.name, table, tuple(rows[0])), rows)


@cache
def insert_of(dialect: str) -> Any:
    """The dialect's `insert`, from a module that is only imported where that dialect is used."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert


@cache
def upsert(dialect: str, table: Table, columns: tuple[str, ...]) -> Insert:
    """INSERT … ON CONFLICT (primary key) DO UPDATE of the other columns, or DO NOTHING where there are none."""
    statement = insert_of(dialect)(table)
    key = [column.name for column in table.primary_key]
    others = {name: statement.excluded[name] for name in columns if name not in key}
    if others:
        updating: Insert = statement.on_conflict_do_update(index_elements=key, set_=others)
        return updating
    nothing: Insert = statement.on_conflict_do_nothing(index_elements=key)
    return nothing
