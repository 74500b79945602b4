"""Opening the database, and running whole transactions on threads of the store's own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from bot.errors import StatusbotError, UsageError
from bot.ports import Ledger
from bot.store import versions
from bot.store.ledger import SqlLedger
from bot.store.lock import alone
from bot.store.memory import Memory
from bot.store.trouble import SETTING, explain, line, passes

T = TypeVar("T")

WRITERS = 4  #: transactions at once on PostgreSQL; SQLite has one writer
BUSY = 10.0  #: seconds that SQLite waits for another program's lock
#: seconds that PostgreSQL may take to connect, and after which a connection without an answer is asked and given up
BOUNDS = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
RING = "NOTIFY statusbot_outbox"  #: heard by bell.py when the transaction is committed
FORMS = "write sqlite:///statusbot.db or postgresql://user:password@host/name"
DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class SqlStore:
    """ports.Store on SQLite or PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._memory = Memory()
        self._writers = ThreadPoolExecutor(1 if self.embedded else WRITERS, thread_name_prefix="store-write")
        self._readers = self._writers if self._in_memory else ThreadPoolExecutor(2, thread_name_prefix="store-read")

    @property
    def embedded(self) -> bool:
        """Whether the database is a file of our own (or memory), which `upgrade` may create and change unasked."""
        return self._engine.dialect.name == "sqlite"

    async def write(self, work: Callable[[Ledger], T]) -> T:
        """Run `work` in one transaction and commit it; whatever it raises rolls back.

        Raises UsageError for a database that cannot be used, StatusbotError for one that cannot be used just now.
        """
        return await self._run(self._writers, self._write, work)

    async def read(self, work: Callable[[Ledger], T]) -> T:
        """Run `work` in one read-only view of the database. Raises as `write` does."""
        return await self._run(self._readers, self._read, work)

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever any process has queued deliveries, until cancelled; at once back where embedded."""
        if not self.embedded:
            from bot.store.bell import listen  # noqa: PLC0415  (its driver is an optional extra)

            await listen(self._engine.dialect.create_connect_args(self._engine.url)[1], wake)

    async def needs_upgrade(self) -> bool:
        """Whether the schema is not the newest. Raises UsageError for a database that cannot be used."""
        return await self._run(self._readers, self._needs_upgrade)

    async def upgrade(self) -> None:
        """Bring the schema to the newest version. Raises UsageError where the database is newer than the program."""
        await self._run(self._writers, self._upgrade)

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[bool]:
        """Whether no other process is within the same block ; the system ends it with the process."""
        holding = contextlib.ExitStack()
        try:
            yield await asyncio.to_thread(holding.enter_context, alone(self._engine, name))
        finally:
            await asyncio.to_thread(holding.close)

    async def close(self) -> None:
        """Give back every connection, after the transactions that run."""
        for threads in (self._writers, self._readers):
            await asyncio.to_thread(threads.shutdown)
        self._engine.dispose()

    @property
    def _in_memory(self) -> bool:
        return isinstance(self._engine.pool, StaticPool)

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[..., T], *parts: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, work, *parts)

    def _write(self, work: Callable[[Ledger], T]) -> T:
        with self._plainly(), self._engine.connect() as connection, connection.begin():
            ledger = SqlLedger(connection, memory=self._memory)
            result = work(ledger)
            if (ledger.queued or ledger.rings) and not self.embedded:
                connection.exec_driver_sql(RING)
            return result

    def _read(self, work: Callable[[Ledger], T]) -> T:
        with self._plainly(), self._viewing() as connection:
            return work(SqlLedger(connection, writing=False, memory=self._memory))

    def _needs_upgrade(self) -> bool:
        with self._plainly(UsageError), self._viewing() as connection:
            return versions.version_of(connection) != versions.VERSION

    def _upgrade(self) -> None:
        if not self._needs_upgrade():
            return  # a file that may only be read, or that another program is writing, is as good
        with self._plainly(UsageError):
            if self.embedded and not self._in_memory:
                self._keep_a_write_ahead_log()
            with self._engine.connect() as connection, connection.begin():
                versions.upgrade(connection)

    @contextmanager
    def _viewing(self) -> Iterator[Connection]:
        """A connection that sees one state of the database and can change nothing."""
        with self._engine.connect() as connection:
            options = {} if self.embedded else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            connection = connection.execution_options(viewing=True, **options)
            with connection.begin() as view:
                yield connection
                view.rollback()

    def _keep_a_write_ahead_log(self) -> None:
        """Write-ahead logging is a property of the file; it lets one write while others read."""
        raw = self._engine.raw_connection()
        try:
            cursor = raw.cursor()
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode = WAL")
        finally:
            raw.close()

    @contextmanager
    def _plainly(self, passing: type[StatusbotError] = StatusbotError) -> Iterator[None]:
        """Say a database's trouble in one line; `passing` is raised for what may be over by itself."""
        try:
            yield
        except DBAPIError as error:
            what = explain(error)
            if what is None:
                raise
            kind = passing if passes(error) else UsageError
            raise kind(line(self._engine.url, what)) from None


def open_store(url: str) -> SqlStore:
    """The store at an address: `sqlite:///file`, `sqlite://` (memory) or `postgresql://user:password@host/name`.

    Nothing is connected to yet. Raises UsageError, in one line without the password, for an address that cannot be.
    """
    address = _address(url)
    if address.get_backend_name() == "postgresql":
        return SqlStore(_postgresql(address))
    _check_file(address)
    return SqlStore(_sqlite(address))


def _address(url: str) -> URL:
    try:
        address = make_url(url)
        return address.set(drivername=DRIVERS[address.drivername])
    except KeyError:
        raise UsageError(f"{SETTING}: databases of the kind {address.drivername!r} are not known: {FORMS}") from None
    except (ArgumentError, ValueError):
        raise UsageError(f"{SETTING}: this is no database's address: {FORMS}") from None


def _check_file(address: URL) -> None:
    """Say what is wrong with a file's place in better words than SQLite's "unable to open database file"."""
    if address.host:
        raise UsageError(f"{SETTING}: a file's address has three slashes, or four for a whole path: {FORMS}")
    name = address.database
    if not name or name == ":memory:" or name.startswith("file:"):
        return
    path = Path(name)
    if path.is_dir():
        raise UsageError(line(address, "this is a folder: name a file in it"))
    if not path.parent.is_dir():
        raise UsageError(line(address, f"there is no folder {path.parent}: create it, or name another"))


def _sqlite(address: URL) -> Engine:
    memory = address.database in (None, "", ":memory:")
    options: dict[str, Any] = {"poolclass": StaticPool} if memory else {"pool_size": 3}
    connecting: dict[str, Any] = {"check_same_thread": False}
    if "timeout" not in address.query:
        connecting["timeout"] = BUSY
    engine = create_engine(address, hide_parameters=True, connect_args=connecting, **options)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    """Leave transactions to `_begin`; a commit is on the disk when it returns."""
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    """Begin as a writer, or as a reader who cannot write.

    A writer that began as a reader fails at once where another program wrote in between, whatever the busy time-out.
    """
    viewing = connection.get_execution_options().get("viewing", False)
    if connection.info.get("viewing") != viewing:
        connection.exec_driver_sql(f"PRAGMA query_only = {int(viewing)}")
        connection.info["viewing"] = viewing
    connection.exec_driver_sql("BEGIN" if viewing else "BEGIN IMMEDIATE")


def _postgresql(address: URL) -> Engine:
    try:
        import_module("psycopg")
        return create_engine(
            address,
            hide_parameters=True,
            pool_size=WRITERS + 2,
            pool_pre_ping=True,
            connect_args={name: value for name, value in BOUNDS.items() if name not in address.query},
        )
    except (ImportError, NoSuchModuleError):
        raise UsageError(f"{SETTING}: PostgreSQL needs its driver: pip install 'statusbot[postgresql]'") from None
