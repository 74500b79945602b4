"""What the program has written down of its deliveries, read beside it."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

SQLITE = "sqlite:///"


def sent(database: str) -> frozenset[str]:
    """The keys of the deliveries that are written down as sent."""
    return frozenset(key for key, state in _rows(database) if state == "sent")


def sent_after_death(database: str) -> frozenset[str]:
    """The same of a program that was killed; a file is left as it was, for the next life to mend."""
    if not database.startswith(SQLITE):
        return sent(database)
    path = Path(database.removeprefix(SQLITE))
    with tempfile.TemporaryDirectory() as folder:
        for part in (path, path.with_name(f"{path.name}-wal")):
            if part.exists():
                shutil.copy(part, folder)
        return sent(f"{SQLITE}{folder}/{path.name}")


def states(database: str) -> Counter[str]:
    """How many deliveries are in which state."""
    return Counter(state for _, state in _rows(database))


def _rows(database: str) -> list[tuple[str, str]]:
    """Keys and states; none where the tables are not made yet."""
    url = make_url(database)
    postgresql = url.get_backend_name() == "postgresql"
    engine = create_engine(url.set(drivername="postgresql+psycopg") if postgresql else url, poolclass=NullPool)
    with engine.connect() as connection:
        if not engine.dialect.has_table(connection, "deliveries"):
            return []
        found = connection.execute(text("SELECT key, state FROM deliveries"))
        return [(str(key), str(state)) for key, state in found]
