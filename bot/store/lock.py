"""A lock that one process at a time holds on a database, and that the system drops when the process dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, func, select

from bot.errors import UsageError
from bot.store.place import file_of


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[bool]:
    """Whether no other process is within such a block. Raises UsageError where there can be no lock file."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            number = func.hashtextextended(f"statusbot {name}", 0)
            yield bool(connection.execute(select(func.pg_try_advisory_lock(number))).scalar())
            connection.execute(select(func.pg_advisory_unlock_all()))
        return
    path = file_of(engine.url)
    if path is None:
        yield True
        return
    with _locked(Path(f"{path}.{name}.lock")) as held:
        yield held


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    import fcntl  # noqa: PLC0415  # not on every system, and only here

    try:
        lock = path.open("w")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}); give this user the right to") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
