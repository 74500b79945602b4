from __future__ import annotations

import sys
from asyncio import create_subprocess_exec
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from bot.errors import UsageError
from bot.store import SqlStore, migrations, open_store, versions
from bot.store.schema import VERSION


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes a new, empty database; its address."""
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("make_database")
        return make
    numbers = iter(range(9))
    return lambda: f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"


def described(connection: Connection) -> dict[str, Any]:
    """Everything that a database knows of its tables."""
    seen = inspect(connection)
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"]) for column in seen.get_columns(table)
            },
            "key": seen.get_pk_constraint(table),
            "owners": sorted(map(str, seen.get_foreign_keys(table))),
            "unique": sorted(map(str, seen.get_unique_constraints(table))),
            "indexes": sorted(map(index, seen.get_indexes(table))),
        }
        for table in seen.get_table_names()
        if table != "alembic_version"
    }


def index(found: Any) -> str:
    """An index in words; the condition of a partial one as its SQL."""
    options = {name: str(value) for name, value in found.get("dialect_options", {}).items()}
    return str({**found, "dialect_options": options})


def made_by(url: str, how: Callable[[Connection], None]) -> dict[str, Any]:
    store = open_store(url)
    with store._engine.begin() as connection:
        how(connection)
        assert versions.version_of(connection) == VERSION
        made = described(connection)
    store._engine.dispose()
    return made


def test_the_versions_lead_to_the_schema(fresh: Callable[[], str]) -> None:
    at_once = made_by(fresh(), versions.upgrade)
    step_by_step = made_by(fresh(), lambda connection: migrations.migrate(connection, None))
    assert step_by_step == at_once
    assert "deliveries" in at_once


@pytest.mark.parametrize("version", ["0001"])
def test_a_database_of_an_earlier_version_is_brought_to_the_newest(fresh: Callable[[], str], version: str) -> None:
    def earlier(connection: Connection) -> None:
        migrations.migrate(connection, None, version)
        assert versions.version_of(connection) == version
        assert "rests" not in described(connection)
        versions.upgrade(connection)

    assert made_by(fresh(), earlier) == made_by(fresh(), versions.upgrade)


def test_the_schema_s_version_is_the_last_one() -> None:
    assert ScriptDirectory.from_config(migrations.configuration()).get_heads() == [VERSION]


async def test_a_new_database_needs_an_upgrade_and_says_so(fresh: Callable[[], str]) -> None:
    store = open_store(fresh())
    assert await store.needs_upgrade()
    with pytest.raises(UsageError, match="statusbot db upgrade"):
        await store.read(lambda ledger: ledger.timeline())
    await store.upgrade()
    await store.upgrade()
    assert not await store.needs_upgrade()
    assert await store.read(lambda ledger: ledger.timeline()) == []
    await store.close()


async def say(store: SqlStore, statement: str) -> None:
    with store._engine.begin() as connection:
        connection.execute(text(statement))


async def test_a_database_newer_than_the_program_is_left_alone(fresh: Callable[[], str]) -> None:
    store = open_store(fresh())
    await store.upgrade()
    await say(store, "UPDATE alembic_version SET version_num = '9999'")
    assert await store.needs_upgrade()
    with pytest.raises(UsageError, match=r"`database`.*newer statusbot.*9999"):
        await store.upgrade()
    with store._engine.connect() as connection:
        assert versions.version_of(connection) == "9999"
    await store.close()


async def test_another_program_s_database_is_left_alone(fresh: Callable[[], str]) -> None:
    store = open_store(fresh())
    await say(store, "CREATE TABLE incidents (id INTEGER)")
    with pytest.raises(UsageError, match="'incidents' of another program"):
        await store.upgrade()
    with store._engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["incidents"]
    await store.close()


async def test_a_file_of_another_program_is_left_alone_whatever_its_tables_are_called(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'places.sqlite'}")
    await say(store, "CREATE TABLE bookmarks (id INTEGER)")
    with pytest.raises(UsageError, match="'bookmarks' of another program: name another"):
        await store.upgrade()
    with store._engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["bookmarks"]
    await store.close()


async def test_an_upgrade_that_fails_leaves_nothing_half_done(fresh: Callable[[], str]) -> None:
    store = open_store(fresh())
    await say(store, "CREATE VIEW deliveries AS SELECT 1 AS id")
    with pytest.raises(Exception, match="deliveries"):
        await store.upgrade()
    with store._engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    await store.close()


async def test_a_database_of_the_newest_version_costs_no_alembic(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from bot.store import open_store\n"
        "store = open_store(sys.argv[1])\n"
        "asyncio.run(store.upgrade())\n"
        "asyncio.run(store.upgrade())\n"
        "asyncio.run(store.close())\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    other = await create_subprocess_exec(sys.executable, "-c", program, f"sqlite:///{tmp_path / 'statusbot.db'}")
    assert await other.wait() == 0
