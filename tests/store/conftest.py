"""The three databases on which the store's tests run: a file, memory, and a PostgreSQL of its own from its wheel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bot.store import SqlStore, open_store
from bot.store.schema import metadata


@pytest.fixture(scope="session", params=["file", "memory", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    """One store of each kind, used by one test after the other, since to empty it is quicker than to make it."""
    if request.param == "postgresql":
        url = request.getfixturevalue("make_database")()
    else:
        url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path_factory.mktemp('store')}/statusbot.db"
    store = open_store(url)
    asyncio.run(store.upgrade())
    yield store
    asyncio.run(store.close())


@pytest.fixture
def store(shared: SqlStore) -> SqlStore:
    """An empty store with its tables, on each kind of database in turn."""
    with shared._engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return shared
