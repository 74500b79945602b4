"""What the program has written down of its deliveries, read beside it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bot.model import Delivery, State
from bot.ports import Ledger
from bot.store import open_store

T = TypeVar("T")

SQLITE = "sqlite:///"
ALL = 100_000
UNSETTLED = (State.PENDING, State.SENDING, State.DOUBTFUL)


async def sent_after_death(database: str) -> frozenset[str]:
    """The keys that a killed program has written down as sent; a file is left as it was, for the next life to mend."""
    if not database.startswith(SQLITE):
        return await sent(database)
    path = Path(database.removeprefix(SQLITE))
    with tempfile.TemporaryDirectory() as folder:
        for part in (path, path.with_name(f"{path.name}-wal")):
            if part.exists():
                shutil.copy(part, folder)
        return await sent(f"{SQLITE}{folder}/{path.name}")


async def sent(database: str) -> frozenset[str]:
    """The keys of the deliveries that are written down as sent; none where the tables are not made yet."""
    found = await read(database, lambda ledger: ledger.deliveries(states=[State.SENT], limit=ALL))
    return frozenset(delivery.key for delivery in found or ())


async def owed(database: str) -> list[Delivery]:
    """What is still to be sent, or to be looked for."""
    return await read(database, lambda ledger: ledger.deliveries(states=UNSETTLED, limit=ALL)) or []


async def read(database: str, work: Callable[[Ledger], T]) -> T | None:
    """What the work comes to on a database; None where it has no tables yet."""
    store = open_store(database)
    try:
        return None if await store.needs_upgrade() else await store.read(work)
    finally:
        await store.close()
