"""Two processes that collect into one database: who has lost a source writes nothing, and what each sees counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.collect import Collect
from bot.core.health import NETWORK
from bot.errors import Lost
from bot.model import Mode, Source, Subscription
from bot.store import SqlStore
from tests.core.build import PAGE, X, at
from tests.test_collect import OTHERS, TOLD, Corridor, answer, said

TERM = timedelta(minutes=5)
EVERY = [PAGE, X, *OTHERS]


class Process(Corridor):
    """One of several processes, which holds what it is given."""

    def __init__(self, store: SqlStore, worker: str) -> None:
        super().__init__(store)
        self.worker = worker
        self.collect = Collect(store, self.collect.watched.values(), worker)

    async def takes(self, *sources: Source) -> None:
        """Take these, whoever holds them."""
        names = [source.id for source in sources]
        with self.store._engine.begin() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql("UPDATE holdings SET owner = ''")
        await self.store.write(lambda ledger: ledger.live(self.worker, "", TERM))
        await self.store.write(lambda ledger: ledger.offer("source", names))
        assert await self.store.write(lambda ledger: ledger.take(self.worker, "source", names, 9)) == set(names)
        await self.collect.load(names)


@pytest.fixture
async def pair(common: SqlStore) -> tuple[Process, Process]:
    await common.write(lambda ledger: ledger.adopt_file([Subscription(TOLD, mode=Mode.POST)]))
    return Process(common, "1"), Process(common, "2")


async def test_who_has_lost_a_source_writes_nothing(pair: tuple[Process, Process]) -> None:
    first, second = pair
    await first.takes(PAGE)
    await first.take(answer(0, said(0, "slow")))
    await second.takes(PAGE)
    with pytest.raises(Lost):
        await first.take(answer(1, said(0, "slow"), said(1, "still slow")))
    assert await first.texts() == ["slow"]
    outcome = await second.take(answer(2, said(0, "slow"), said(1, "still slow")))
    assert outcome.queued == 1
    assert await first.texts() == ["slow", "still slow"]


async def test_its_clocks_are_not_written_either(pair: tuple[Process, Process]) -> None:
    first, second = pair
    await first.takes(PAGE)
    await first.take(answer(0, said(0, "slow")))
    await first.take(answer(1, status=304))
    first.collect.plan(PAGE.id, at(2))
    await second.takes(PAGE)
    await first.collect.flush()
    seen = await first.store.read(lambda ledger: ledger.sightings())
    assert (seen[PAGE.id].read_at, seen[PAGE.id].next_at) == (at(0), None)
    second.collect.plan(PAGE.id, at(3))
    await second.collect.flush()
    seen = await first.store.read(lambda ledger: ledger.sightings())
    assert seen[PAGE.id].next_at == at(3)


async def test_a_source_that_comes_back_is_read_as_the_other_left_it(pair: tuple[Process, Process]) -> None:
    first, second = pair
    before, after = answer(0, said(0, "slow", native_id="1")), answer(1, said(0, "down", native_id="1"))
    await first.takes(PAGE)
    await first.take(before)
    await second.takes(PAGE)
    await second.take(after)
    await first.takes(PAGE)
    assert (await first.take(answer(2, said(0, "down", native_id="1")))).changes == (), "known from the other's cursor"
    await first.take(answer(3, said(0, "slow", native_id="1")))
    assert await first.texts() == ["slow"], "its words of long ago are an edit now"


async def test_a_page_that_is_down_for_one_is_told_when_the_other_hears_of_trouble(
    pair: tuple[Process, Process],
) -> None:
    first, second = pair
    await first.takes(PAGE)
    await first.take(answer(0))
    await first.store.write(lambda ledger: ledger.live("2", "", TERM))
    await second.store.write(lambda ledger: ledger.offer("source", [X.id]))
    await second.store.write(lambda ledger: ledger.take("2", "source", [X.id], 1))
    await second.collect.load([X.id])
    for minute in (1, 2):
        await first.take(answer(minute, status=503))
    post = answer(
        3, {"at": 3, "text": "We look into slow mail.", "native_id": "9", "status": "investigating"}, source=X
    )
    await second.take(post)
    words = await second.texts()
    assert any("has not answered since" in text for text in words)
    assert second.collect.sighting(PAGE.id).failures == 0, "learnt in the transaction, kept when looking around"
    await second.collect.look_around()
    assert second.collect.sighting(PAGE.id).failures == 2
    await first.take(answer(9))
    assert any("answers again" in text for text in await first.texts())


async def test_only_what_a_process_asks_itself_tells_of_its_network(pair: tuple[Process, Process]) -> None:
    first, second = Network(pair[0]), Network(pair[1])
    await first.own.takes(*EVERY)
    for index, source in enumerate(EVERY):
        await first.own.take(answer(index / 12, source=source))
    await second.own.takes(PAGE)
    for source in EVERY[1:]:  # the others go on being well, elsewhere
        assert second.own.collect.sighting(source.id).read_at is None
    await second.own.collect.look_around()
    for minute in (1, 2):
        await second.own.take(answer(minute, status=503))
    assert second.own.collect.sighting(PAGE.id).reason != NETWORK
    await first.own.takes(*EVERY)
    for minute in (3, 4, 5):
        for index, source in enumerate(EVERY):
            await first.own.take(answer(minute + index / 12, source=source, status=503))
    assert first.own.collect.sighting(PAGE.id).reason == NETWORK
    assert first.own.collect.offline is not None
    known = [second.own.collect.offline_elsewhere]
    for process in (second, first):
        await process.own.collect.look_around()
        known.append(process.own.collect.offline_elsewhere)
    assert known == [False, True, False]
    assert second.own.collect.offline is None


class Network:
    """A process that watches three providers."""

    def __init__(self, process: Process) -> None:
        from tests.test_collect import Network as Pages

        self.own = process
        process.collect = Collect(process.store, Pages(process.store).collect.watched.values(), process.worker)


async def test_what_is_let_go_of_is_written_down_with_the_time_of_its_next_poll(pair: tuple[Process, Process]) -> None:
    first, _ = pair
    await first.takes(PAGE)
    await first.take(answer(0, said(0, "slow")))
    first.collect.plan(PAGE.id, at(2))
    first.collect.let_go([PAGE.id])
    await first.collect.flush()
    seen = await first.store.read(lambda ledger: ledger.sightings())
    assert seen[PAGE.id].next_at == at(2)


async def test_when_a_source_taken_over_is_asked_next(pair: tuple[Process, Process]) -> None:
    first, second = pair
    await first.takes(PAGE)
    await first.take(answer(0, said(0, "slow")))
    assert first.collect.planned(PAGE.id, at(1)) == at(1)
    for planned, asked in ((at(1.5), at(1.5)), (at(600), at(1) + PAGE.interval)):
        await first.takes(PAGE)
        await first.take(answer(0.5, status=304))
        first.collect.plan(PAGE.id, planned)
        await first.collect.flush()
        await second.takes(PAGE)
        assert second.collect.planned(PAGE.id, at(1)) == asked
    await second.take(answer(1, status=503))  # it may have asked for a long pause
    second.collect.plan(PAGE.id, at(600))
    await second.collect.flush()
    await first.takes(PAGE)
    assert first.collect.planned(PAGE.id, at(2)) == at(600)
