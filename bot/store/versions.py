"""Which version a database's schema has, and bringing it to the newest.

A new database is made from schema.py at once; only one of an older version needs Alembic, whose import takes 0.3 s.
"""

from __future__ import annotations

from importlib import import_module

from sqlalchemy import Connection, Text, column, func, insert, inspect, select, table

from bot.errors import UsageError
from bot.store.schema import VERSION, metadata
from bot.store.trouble import line

__all__ = ["VERSION", "upgrade", "version_of"]

stamp = table("alembic_version", column("version_num", Text))
LOCK = 0x5354_4154  #: any number of our own


def version_of(connection: Connection) -> str | None:
    """The version that the database says it has; None for a new one."""
    if not inspect(connection).has_table(stamp.name):
        return None
    return connection.execute(select(stamp.c.version_num)).scalar()


def upgrade(connection: Connection) -> None:
    """Bring the schema to the newest version within the caller's transaction, one process at a time.

    Raises UsageError for a database that is newer than the program, or another program's.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    version = version_of(connection)
    if version is None:
        _create(connection)
    elif version != VERSION:
        import_module("bot.store.migrations").migrate(connection, version)


def _create(connection: Connection) -> None:
    foreign = set(inspect(connection).get_table_names())
    if connection.dialect.name == "postgresql":  # where several programs share one; a file is one program's
        foreign &= set(metadata.tables)
    if foreign:
        what = f"it has a table {min(foreign)!r} of another program: name another database"
        raise UsageError(line(connection.engine.url, what))
    metadata.create_all(connection, checkfirst=False)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.execute(insert(stamp).values(version_num=VERSION))
