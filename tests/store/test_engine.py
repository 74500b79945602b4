from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from bot.errors import StatusbotError, UsageError
from bot.model import Cursor, Delivery, Incident
from bot.ports import Ledger
from bot.store import SqlStore, open_store
from tests.store.build import SLACK, T0, at, change, incident, report, routing, subscription, update

SECRET = "hunter2"
SOME = Cursor({}, {"since_id": "1"})


def on_kinds(*kinds: str) -> pytest.MarkDecorator:
    """Run a test on these kinds of databases only (see conftest.py)."""
    return pytest.mark.parametrize("shared", kinds, indirect=True, scope="session")


def keep(source: str) -> Callable[[Ledger], None]:
    return lambda ledger: ledger.save_cursor(source, SOME)


def count_up(ledger: Ledger) -> None:
    """Reads, then writes: what fails at once on SQLite where a writer begins as a reader."""
    number = int(ledger.cursor("counter").state.get("n", "0"))
    ledger.save_cursor("counter", Cursor({}, {"n": str(number + 1)}))


def counted(ledger: Ledger) -> int:
    return int(ledger.cursor("counter").state.get("n", "0"))


# transactions


async def test_what_a_transaction_returns_comes_back(store: SqlStore) -> None:
    assert await store.write(lambda ledger: 7) == 7
    assert await store.read(lambda ledger: ledger.timeline()) == []


async def test_whatever_is_raised_rolls_everything_back(store: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        ledger.save([change(incident("i1", update(report())))])
        ledger.subscribe(subscription(SLACK))
        ledger.route(routing(), T0)
        ledger.save_cursor("acme/page", SOME)
        raise KeyError("a fault of ours")

    with pytest.raises(KeyError, match="a fault of ours"):
        await store.write(work)
    assert await store.read(lambda ledger: ledger.timeline()) == []
    assert await store.read(lambda ledger: ledger.subscriptions()) == []
    assert await store.read(lambda ledger: ledger.deliveries()) == []
    assert await store.read(lambda ledger: ledger.cursor("acme/page")) == Cursor()


async def test_a_reader_cannot_write(store: SqlStore) -> None:
    with pytest.raises(UsageError, match="only be read"):
        await store.read(keep("acme/page"))
    await store.write(keep("acme/x"))
    assert await store.read(lambda ledger: ledger.cursor("acme/page")) == Cursor()
    assert await store.read(lambda ledger: ledger.cursor("acme/x")) == SOME


@on_kinds("file", "memory")  # on PostgreSQL a lost update is prevented per provider, see below
async def test_transactions_at_once_do_not_lose_each_other_s_work(store: SqlStore) -> None:
    await asyncio.gather(*(store.write(count_up) for _ in range(20)))
    assert await store.read(counted) == 20


# two programs on one database


@pytest.fixture
async def pair(shared: SqlStore, store: SqlStore) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    """Two stores on one database, as two processes would have them."""
    other = open_store(store._engine.url.render_as_string(hide_password=False))
    yield store, other
    await other.close()


@on_kinds("file", "postgresql")  # memory is not shared
async def test_a_long_read_holds_up_no_write_and_sees_none(pair: tuple[SqlStore, SqlStore]) -> None:
    begun, written = threading.Event(), threading.Event()

    def slowly(ledger: Ledger) -> Cursor:
        ledger.cursor("acme/page")
        begun.set()
        assert written.wait(60)
        return ledger.cursor("acme/page")

    reading = asyncio.create_task(pair[0].read(slowly))
    await asyncio.to_thread(begun.wait, 60)
    await pair[0].write(keep("acme/page"))
    await pair[1].write(keep("acme/x"))
    written.set()
    assert await reading == Cursor()
    assert await pair[1].read(lambda ledger: ledger.cursor("acme/page")) == SOME


@on_kinds("file", "postgresql")  # memory is not shared
async def test_two_programs_write_at_the_same_time(pair: tuple[SqlStore, SqlStore]) -> None:
    one, other = pair
    if one.embedded:
        await asyncio.gather(*(each.write(count_up) for _ in range(15) for each in pair))
        assert await one.read(counted) == 30
    await asyncio.gather(*(each.write(keep(f"acme/{n}")) for n in range(15) for each in pair))
    assert await other.read(lambda ledger: ledger.cursor("acme/14")) == SOME


@on_kinds("file", "postgresql")  # memory is not shared
async def test_two_programs_claim_different_deliveries(pair: tuple[SqlStore, SqlStore]) -> None:
    def owe(ledger: Ledger) -> None:
        ledger.subscribe(subscription(SLACK))
        for number in range(40):
            ledger.route(routing("u1", incident=f"i{number}"), T0)

    def claim(ledger: Ledger) -> list[Delivery]:
        return ledger.claim(at(1), T0 - at(-1), 5)

    await pair[0].write(owe)
    claimed = []
    while batches := [batch for batch in await asyncio.gather(*(each.write(claim) for each in pair * 2)) if batch]:
        claimed += [delivery.incident for batch in batches for delivery in batch]
    assert sorted(claimed) == sorted({f"i{number}" for number in range(40)})


LOOKS: dict[str, Callable[[Ledger], list[Incident]]] = {
    "neighbourhood": lambda ledger: ledger.neighbourhood("acme", window=(at(-60), at(60))),
    "timeline": lambda ledger: ledger.timeline(provider="acme"),
}


@on_kinds("file", "postgresql")  # memory is not shared
@pytest.mark.parametrize("look", LOOKS)
async def test_a_provider_is_decided_about_by_one_program_at_a_time(pair: tuple[SqlStore, SqlStore], look: str) -> None:
    begun, go = threading.Event(), threading.Event()

    def decide(ledger: Ledger, name: str) -> list[Incident]:
        seen = LOOKS[look](ledger)
        begun.set()
        assert go.wait(60)
        if not seen:
            ledger.save([change(incident(name, update(report(name))))])
        return seen

    first = asyncio.create_task(pair[0].write(lambda ledger: decide(ledger, "i1")))
    await asyncio.to_thread(begun.wait, 60)
    second = asyncio.create_task(pair[1].write(lambda ledger: decide(ledger, "i2")))
    if not pair[0].embedded:
        await _until_somebody_waits(pair[0])
    go.set()
    assert (await first, len(await second)) == ([], 1)


async def _until_somebody_waits(store: SqlStore) -> None:
    query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    for _ in range(6000):
        if await store.read(lambda ledger: ledger._db.execute(query).scalar()):  # type: ignore[attr-defined]
            return
        await asyncio.sleep(0.01)
    pytest.fail("nobody waits for a lock")


async def test_another_process_may_subscribe_meanwhile(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'statusbot.db'}"
    program = (
        "import asyncio, sys\n"
        "from bot.model import Destination, Subscription\n"
        "from bot.store import open_store\n"
        "async def main():\n"
        "    store = open_store(sys.argv[1])\n"
        "    await store.upgrade()\n"
        "    for number in range(20):\n"
        "        each = Subscription(Destination('slack', f'D{number}'))\n"
        "        await store.write(lambda ledger: ledger.subscribe(each))\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
    )
    others = [await asyncio.create_subprocess_exec(sys.executable, "-c", program, url) for _ in range(2)]
    store = open_store(url)
    await store.upgrade()
    ended = asyncio.gather(*(other.wait() for other in others))
    while not ended.done():
        await store.write(count_up)
    assert await ended == [0, 0]
    assert len(await store.read(lambda ledger: ledger.subscriptions())) == 20
    await store.close()


async def test_closing_waits_for_what_runs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'statusbot.db'}"
    store = open_store(url)
    await store.upgrade()
    writing = asyncio.create_task(store.write(keep("acme/page")))
    await asyncio.sleep(0)
    await store.close()
    await writing
    again = open_store(url)
    assert await again.read(lambda ledger: ledger.cursor("acme/page")) == SOME
    await again.close()


# addresses that cannot be


BAD_ADDRESSES = {
    "": "no database's address",
    "statusbot.db": "no database's address",
    f"postgresql://u:{SECRET}@host:port/x": "no database's address",
    f"mysql://u:{SECRET}@host/x": "'mysql' are not known",
    f"postgresql+asyncpg://u:{SECRET}@host/x": "'postgresql+asyncpg' are not known",
    "sqlite://statusbot.db": "three slashes",
    "sqlite:////no/such/folder/statusbot.db": "no folder /no/such/folder",
    "sqlite:///.": "this is a folder",
}


@pytest.mark.parametrize("url", BAD_ADDRESSES)
def test_an_address_that_cannot_be(url: str) -> None:
    with pytest.raises(UsageError, match=re.escape(BAD_ADDRESSES[url])) as caught:
        open_store(url)
    assert_fit_to_be_shown(caught.value)


def assert_fit_to_be_shown(error: StatusbotError) -> None:
    line = str(error)
    assert "`database` (or STATUSBOT_DATABASE)" in line
    assert "\n" not in line
    assert SECRET not in line
    assert SECRET not in repr(error)
    assert error.__context__ is None or error.__suppress_context__


def test_a_missing_driver_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"pip install 'statusbot\[postgresql\]'") as caught:
        open_store(f"postgresql://u:{SECRET}@host/x")
    assert_fit_to_be_shown(caught.value)


async def refusal(url: str, kind: type[StatusbotError] = UsageError) -> str:
    """What is said when a database that cannot be used is brought to the newest version."""
    store = open_store(url)
    with pytest.raises(kind) as caught:
        await store.upgrade()
    await store.close()
    assert_fit_to_be_shown(caught.value)
    return str(caught.value)


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database, but of some length\n" * 100)
    assert "no SQLite database" in await refusal(f"sqlite:///{path}")
    assert path.read_text().startswith("no database")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody may write")
async def test_a_folder_that_nobody_may_write() -> None:
    assert "may be written" in await refusal("sqlite:////proc/self/statusbot.db")


async def test_a_file_that_may_only_be_read_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "statusbot.db"
    store = open_store(f"sqlite:///{path}")
    await store.upgrade()
    await store.write(keep("acme/page"))
    await store.close()
    reader = open_store(f"sqlite:///file:{path}?mode=ro&uri=true")
    await reader.upgrade()
    assert await reader.read(lambda ledger: ledger.cursor("acme/page")) == SOME
    with pytest.raises(UsageError, match="only be read") as caught:
        await reader.write(keep("acme/x"))
    assert_fit_to_be_shown(caught.value)
    await reader.close()


async def test_a_locked_file_is_said_to_be_locked_and_is_usable_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "statusbot.db"
    store = open_store(f"sqlite:///{path}?timeout=0.01")
    await store.upgrade()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StatusbotError, match="locked") as caught:
        await store.write(keep("acme/page"))
    assert_fit_to_be_shown(caught.value)
    assert not isinstance(caught.value, UsageError)
    holder.execute("ROLLBACK")
    await store.write(keep("acme/page"))
    holder.close()
    await store.close()


async def test_a_commit_survives_a_power_cut_by_its_settings(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'statusbot.db'}")
    await store.upgrade()
    with store._engine.connect() as connection:
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]
    await store.close()


async def test_no_server_there(unused_tcp_port: int) -> None:
    url = f"postgresql://u:{SECRET}@127.0.0.1:{unused_tcp_port}/x"
    assert "does not answer" in await refusal(url)
    store = open_store(url)
    with pytest.raises(StatusbotError, match="does not answer"):
        await store.read(lambda ledger: ledger.timeline())
    await store.close()


async def test_a_user_that_the_server_refuses(server: str) -> None:
    url = make_url(server).set(username="nobody", password=SECRET)
    assert "user or password are refused" in await refusal(url.render_as_string(hide_password=False))


async def test_a_database_that_the_server_lacks(server: str) -> None:
    url = make_url(server).set(database="none", password=SECRET)
    assert "no such database" in await refusal(url.render_as_string(hide_password=False))


@pytest.mark.parametrize("prefix", ["postgres", "postgresql", "postgresql+psycopg"])
async def test_postgresql_s_names(server: str, prefix: str) -> None:
    store = open_store(server.replace("postgresql", prefix, 1))
    assert not store.embedded
    await store.close()
