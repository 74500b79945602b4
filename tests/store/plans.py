"""How SQLite goes about a transaction: its statements, each with its plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from bot.ports import Ledger
from bot.store import SqlStore


async def plans(store: SqlStore, work: Callable[[Ledger], object]) -> list[tuple[str, str]]:
    """What a transaction asks, statement by statement, each with the plan that SQLite makes for it afterwards."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(store._engine, "before_cursor_execute", note)
    await store.write(work)
    event.remove(store._engine, "before_cursor_execute", note)
    with store._engine.connect() as connection:
        return [
            (words, str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values).all()))
            for words, values in asked
            if words.startswith(("WITH", "SELECT", "UPDATE", "INSERT", "DELETE"))
        ]
