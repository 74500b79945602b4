from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bot.model import Mode, Subscription
from bot.store import SqlStore, bell, open_store
from tests.store.build import SLACK, T0, change, incident, report, routing, update
from tests.support import postgresql

KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(query, 'LISTEN')"


class Waking:
    """Counts how often it was woken."""

    def __init__(self) -> None:
        self.times, self._woken = 0, asyncio.Event()

    def __call__(self) -> None:
        self.times += 1
        self._woken.set()

    async def once_more(self) -> None:
        async with asyncio.timeout(60):
            await self._woken.wait()
        self._woken.clear()


@asynccontextmanager
async def listening(store: SqlStore) -> AsyncIterator[Waking]:
    waking = Waking()
    task = asyncio.create_task(store.listen(waking))
    await waking.once_more()  # when the connection is new
    yield waking
    task.cancel()
    await asyncio.wait([task])


async def queue(store: SqlStore, update_id: str = "u1") -> None:
    await store.write(lambda ledger: ledger.subscribe(Subscription(SLACK, mode=Mode.POST)))
    await store.write(lambda ledger: ledger.save([change(incident("i1", update(report(update_id))))]))
    await store.write(lambda ledger: [ledger.route(routing(update_id), T0) for _ in range(3)])


async def test_who_listens_is_woken_once_for_each_transaction_that_queues(common: SqlStore, common_url: str) -> None:
    other = open_store(common_url)
    async with listening(other) as waking:
        await queue(common)
        await waking.once_more()
        await common.write(lambda ledger: ledger.route(routing("u1"), T0))  # there already: nothing is queued
        await queue(common, "u2")
        await waking.once_more()
    assert waking.times == 3
    await other.close()


async def test_what_is_rolled_back_wakes_nobody(common: SqlStore) -> None:
    async with listening(common) as waking:

        def torn(ledger: object) -> None:
            ledger.route(routing("u1"), T0)  # type: ignore[attr-defined]
            raise KeyError

        await common.write(lambda ledger: ledger.subscribe(Subscription(SLACK, mode=Mode.POST)))
        with pytest.raises(KeyError):
            await common.write(torn)
        await queue(common)
        await waking.once_more()
    assert waking.times == 2


async def test_a_connection_that_is_cut_is_made_again(
    common: SqlStore, common_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "SHORTEST", 0.01)
    async with listening(common) as waking:
        postgresql.run(common_url, KILL)
        await waking.once_more()
        await queue(common)
        await waking.once_more()
    assert waking.times == 3
    lost, back = (record.message for record in caplog.records)
    assert lost.startswith("the database does not tell of other processes' deliveries (")
    assert back == "the database tells of other processes' deliveries again"


async def test_a_quiet_connection_is_asked_whether_it_is_there(
    common: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "QUIET", 0.01)
    async with listening(common) as waking:
        await waking.once_more()


async def test_an_embedded_database_has_nobody_to_listen_to(make_store: Callable[[], SqlStore]) -> None:
    await make_store().listen(lambda: pytest.fail("woken"))


@pytest.fixture
def make_store() -> Callable[[], SqlStore]:
    return lambda: open_store("sqlite://")
