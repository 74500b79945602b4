"""What tests of several rooms need: a PostgreSQL of their own; and `--no-skips`, under which none may be skipped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from itertools import count

import pytest

from bot import loop
from bot.store import SqlStore, open_store
from bot.store.schema import metadata
from tests.support import postgresql

skipped: list[str] = []


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the loop on which the program runs."""
    return {"own": loop.new}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server that lasts as long as the tests."""
    with postgresql.server(tmp_path_factory.mktemp("pg")) as uri:
        yield uri


@pytest.fixture(scope="session")
def make_database(server: str) -> Callable[[], str]:
    """Makes a new, empty database on PostgreSQL; its address."""
    numbers = count(1)
    return lambda: postgresql.database(server, f"test_{next(numbers)}")


@pytest.fixture(scope="session")
def common_url(make_database: Callable[[], str]) -> str:
    """The address of a database with its tables, for what several processes share."""
    url = make_database()
    store = open_store(url)
    asyncio.run(store.upgrade())
    asyncio.run(store.close())
    return url


@pytest.fixture
def common(common_url: str) -> Iterator[SqlStore]:
    """An empty store on PostgreSQL."""
    store = open_store(common_url)
    with store._engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    yield store
    asyncio.run(store.close())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --no-skips."""
    parser.addoption("--no-skips", action="store_true", help="fail where any test was skipped")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what was skipped."""
    if report.skipped and not hasattr(report, "wasxfail"):
        skipped.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which none may be skipped and some were."""
    if skipped and session.config.getoption("--no-skips"):
        print(f"\nskipped, which --no-skips forbids: {', '.join(skipped)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
