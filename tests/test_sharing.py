"""Processes that share one database: here each is a Sharing of its own, whose beats the test gives."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

import pytest

from bot import sharing
from bot.errors import StatusbotError
from bot.sharing import Alone, Sharing
from bot.store import SqlStore
from tests.support.until import until

NAMES = [f"acme/{number}" for number in range(10)]


class Poller:
    """Keeps in mind what it was told to poll."""

    def __init__(self, busy: Collection[str] = ()) -> None:
        self.polled: set[str] = set()
        self.busy = busy
        self.flushed: list[set[str]] = []  # what was still polled at each flush
        self.fails = False

    async def take_up(self, sources: Collection[str]) -> None:
        if self.fails:
            raise StatusbotError("no database just now")
        self.polled |= set(sources)

    def let_go(self, sources: Collection[str]) -> None:
        self.polled -= set(sources)

    def idle(self, sources: Collection[str]) -> list[str]:
        return sorted(sources, key=lambda source: source in self.busy)

    async def flush(self) -> None:
        self.flushed.append(set(self.polled))


class Process(Sharing):
    """A process, and its poller."""

    def __init__(
        self, store: SqlStore, worker: str, names: Collection[str] = NAMES, busy: Collection[str] = ()
    ) -> None:
        self.poller = Poller(busy)
        self.names = names
        super().__init__(store, self.poller, names, worker)

    @property
    def polls(self) -> set[str]:
        return self.poller.polled


async def dies(store: SqlStore, process: Process) -> None:
    """Its lease has run out, without a word."""
    await store.write(lambda ledger: ledger.live(process.worker, "", timedelta(0)))


async def beats(*processes: Process) -> None:
    for process in processes:
        await process.beat()


async def test_one_process_polls_everything_and_a_newcomer_gets_its_share(common: SqlStore) -> None:
    first, second = Process(common, "1"), Process(common, "2")
    await beats(first)
    assert first.polls == set(NAMES)
    await beats(second, first, second)
    assert (len(first.polls), len(second.polls)) == (5, 5)
    assert first.polls | second.polls == set(NAMES)


async def test_what_a_newcomer_gets_was_written_down_and_was_not_being_polled(common: SqlStore) -> None:
    first, second = Process(common, "1", busy=NAMES[:5]), Process(common, "2")
    await beats(first, second, first, second)
    assert first.polls == set(NAMES[:5])
    assert first.poller.flushed == [set(NAMES[:5])], "let go of, then saved, then handed over"
    assert second.polls == set(NAMES[5:])


async def test_three_share_ten_so_that_nobody_has_more_than_four(common: SqlStore) -> None:
    three = [Process(common, name) for name in "123"]
    await beats(*three, *three, *three)
    assert sorted(len(process.polls) for process in three) == [2, 4, 4]
    assert set.union(*(process.polls for process in three)) == set(NAMES)
    before = [set(process.polls) for process in three]
    await beats(*three)
    assert [process.polls for process in three] == before, "nothing goes to and fro"


async def test_the_sources_of_the_dead_are_taken_up(common: SqlStore) -> None:
    first, second = Process(common, "1"), Process(common, "2")
    await beats(first, second, first, second)
    await dies(common, first)
    await beats(second)
    assert second.polls == set(NAMES)


async def test_who_was_only_thought_dead_lets_go_and_gets_a_share_again(common: SqlStore) -> None:
    first, second = Process(common, "1"), Process(common, "2")
    await beats(first)
    await dies(common, first)
    await beats(second, first)
    assert (first.polls, second.polls) == (set(), set(NAMES))
    await beats(second, first)
    assert (len(first.polls), len(second.polls)) == (5, 5)


async def test_who_ends_hands_everything_back_at_once(common: SqlStore) -> None:
    first, second = Process(common, "1"), Process(common, "2")
    await beats(first, second)
    await first.leave()
    assert first.polls == set()
    assert first.poller.flushed == [set()]
    await beats(second)
    assert second.polls == set(NAMES)


async def test_processes_that_watch_otherwise_leave_nothing_unwatched(common: SqlStore) -> None:
    some, all_of_them = Process(common, "1", NAMES[:2]), Process(common, "2")
    nothing = Process(common, "3", [])
    await beats(some, all_of_them, nothing, some, all_of_them, nothing)
    assert some.polls == set(NAMES[:2])
    assert all_of_them.polls == set(NAMES[2:])
    await some.leave()
    await beats(all_of_them)
    assert all_of_them.polls == set(NAMES)


async def test_what_could_not_be_taken_up_is_tried_at_the_next_beat(common: SqlStore) -> None:
    process = Process(common, "1")
    process.poller.fails = True
    with pytest.raises(StatusbotError):
        await process.begin()
    process.poller.fails = False
    await process.beat()
    assert process.polls == set(NAMES)


async def test_a_source_that_the_poller_gave_up_is_taken_up_again_while_it_is_held(common: SqlStore) -> None:
    process = Process(common, "1")
    await process.beat()
    process.poller.let_go(NAMES[:1])
    await process.beat()
    assert process.polls == set(NAMES)


class Torn:
    """A store that has lost its database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.gone = False

    async def write(self, work: object) -> object:
        if self.gone:
            raise StatusbotError("the server does not answer")
        return await self._store.write(work)  # type: ignore[arg-type]


async def test_who_cannot_renew_its_lease_lets_go_of_everything_and_is_back_afterwards(common: SqlStore) -> None:
    torn = Torn(common)
    process = Process(torn, "1")  # type: ignore[arg-type]
    process._term, process._pause = 0.5, 0.1
    work = Work()
    await process.begin()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(process.run()), group.create_task(process.while_leading("socket", work))]
        await until(lambda: work.under_way)
        torn.gone = True
        await until(lambda: not process.polls and not work.under_way)
        torn.gone = False
        await until(lambda: process.polls == set(NAMES) and work.under_way)
        for task in tasks:
            task.cancel()
    assert work.begun == 2


class Work:
    """Work that lasts until it is cancelled, or that fails at first."""

    def __init__(self) -> None:
        self.under_way, self.begun = False, 0

    async def __call__(self) -> None:
        self.begun += 1
        self.under_way = True
        try:
            await asyncio.Event().wait()
        finally:
            self.under_way = False


async def settle() -> None:
    """Let what was woken run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_leads_at_a_time_and_another_takes_over_when_it_dies(common: SqlStore) -> None:
    first, second = Process(common, "1"), Process(common, "2")
    one, other = Work(), Work()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(first.while_leading("socket", one)),
            group.create_task(second.while_leading("socket", other)),
        ]
        await settle()
        await beats(first, second)
        await settle()
        assert [work.under_way for work in (one, other)] == [True, False]
        await dies(common, first)
        await beats(second, first)
        await settle()
        assert [work.under_way for work in (one, other)] == [False, True]
        await second.leave()
        await beats(first)
        await settle()
        assert [work.under_way for work in (one, other)] == [True, False]
        for task in tasks:
            task.cancel()
    assert (one.begun, other.begun) == (2, 1)
    assert not one.under_way


async def test_who_fails_to_lead_hands_it_back_and_who_is_done_leads_no_more(common: SqlStore) -> None:
    first, second = Process(common, "1"), Process(common, "2")
    done = asyncio.Event()

    async def fails() -> None:
        raise StatusbotError("no such token")

    async def ends() -> None:
        done.set()

    failing = asyncio.create_task(first.while_leading("socket", fails))
    ending = asyncio.create_task(second.while_leading("socket", ends))
    await settle()
    await beats(first)
    await settle()
    assert not done.is_set()
    await beats(first, second)  # handed back, and taken
    await asyncio.wait_for(ending, 30)
    assert done.is_set()
    failing.cancel()
    await asyncio.wait([failing])


async def test_alone_one_polls_everything_and_leads() -> None:
    poller, work = Poller(), Work()
    alone = Alone(poller, NAMES)
    await alone.begin()
    assert poller.polled == set(NAMES)
    leading = asyncio.create_task(alone.while_leading("socket", work))
    await settle()
    assert work.under_way
    leading.cancel()
    await asyncio.wait([leading])
    assert work.begun == 1
    await alone.leave()
    assert len(poller.flushed) == 1


async def test_alone_a_fault_is_logged_and_the_work_begins_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "AGAIN", 0.0)
    begun, times = asyncio.Event(), []

    async def work() -> None:
        times.append(1)
        if len(times) < 3:
            raise ValueError("a fault")
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(Alone(Poller(), []).while_leading("slack-socket", work))
    await asyncio.wait_for(begun.wait(), 30)
    task.cancel()
    await asyncio.wait([task])
    assert [record.getMessage() for record in caplog.records] == [
        "slack-socket failed in our own code; beginning again in 0 s"
    ] * 2
