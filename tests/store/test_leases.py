from __future__ import annotations

import asyncio
from datetime import timedelta
from threading import Event

import pytest

from bot.ports import Ledger
from bot.store import SqlStore

TERM = timedelta(seconds=20)
OVER = timedelta(0)  #: a lease that has run out
NAMES = [f"acme/{number}" for number in range(10)]


async def lives(store: SqlStore, worker: str, term: timedelta = TERM, watching: str = "all") -> int:
    return await store.write(lambda ledger: ledger.live(worker, watching, term))


async def takes(store: SqlStore, worker: str, limit: int) -> set[str]:
    return await store.write(lambda ledger: ledger.take(worker, "source", NAMES, limit))


@pytest.fixture
async def offered(common: SqlStore) -> SqlStore:
    await common.write(lambda ledger: ledger.offer("source", NAMES))
    return common


async def test_who_lives_is_counted_among_those_who_watch_the_same(common: SqlStore) -> None:
    assert await lives(common, "a") == 1
    assert await lives(common, "b") == 2
    assert await lives(common, "a") == 2
    assert await lives(common, "c", watching="less") == 1
    assert await lives(common, "b", OVER) == 1
    assert await lives(common, "a") == 1


async def test_what_one_holds_no_other_can_take(offered: SqlStore) -> None:
    await lives(offered, "a")
    await lives(offered, "b")
    first = await takes(offered, "a", 4)
    second = await takes(offered, "b", 10)
    assert (len(first), len(second)) == (4, 6)
    assert first | second == set(NAMES)
    assert await offered.read(lambda ledger: ledger.held("a", "source")) == first
    assert await offered.read(lambda ledger: ledger.held("a", "lead")) == set()
    assert await takes(offered, "a", 0) == await takes(offered, "a", 10) == set()


async def test_what_the_dead_held_is_free_and_what_was_not_offered_is_nothing(offered: SqlStore) -> None:
    await lives(offered, "a")
    await takes(offered, "a", 10)
    await lives(offered, "a", OVER)
    await lives(offered, "b")
    assert await takes(offered, "b", 10) == set(NAMES)
    await offered.write(lambda ledger: ledger.offer("source", NAMES))  # once more: nothing is taken from anybody
    assert await offered.read(lambda ledger: ledger.held("b", "source")) == set(NAMES)
    assert await offered.write(lambda ledger: ledger.take("b", "source", ["no/such"], 1)) == set()


async def test_only_who_holds_it_keeps_it_and_can_hand_it_back(offered: SqlStore) -> None:
    await lives(offered, "a")
    held = await takes(offered, "a", 5)
    assert await offered.write(lambda ledger: ledger.keep("a", "source", NAMES)) == held
    assert await offered.write(lambda ledger: ledger.keep("b", "source", NAMES)) == set()
    await offered.write(lambda ledger: ledger.give("b", "source", NAMES))
    assert await offered.read(lambda ledger: ledger.held("a", "source")) == held
    await offered.write(lambda ledger: ledger.give("a", "source", sorted(held)[:2]))
    assert await offered.read(lambda ledger: ledger.held("a", "source")) == set(sorted(held)[2:])
    await offered.write(lambda ledger: ledger.leave("a"))
    await lives(offered, "b")
    assert await takes(offered, "b", 10) == set(NAMES)


async def test_nobody_takes_what_its_holder_is_writing_about(offered: SqlStore) -> None:
    await lives(offered, "a")
    await takes(offered, "a", 10)
    await lives(offered, "a", OVER)
    await lives(offered, "b")
    writing, done = Event(), Event()

    def write(ledger: Ledger) -> set[str]:
        kept = ledger.keep("a", "source", NAMES[:1])
        writing.set()
        done.wait(30)
        return kept

    task = asyncio.create_task(offered.write(write))
    await asyncio.to_thread(writing.wait, 30)
    assert await takes(offered, "b", 10) == set(NAMES[1:])
    done.set()
    assert await task == set(NAMES[:1])
    assert await takes(offered, "b", 10) == set(NAMES[:1])
    assert await offered.write(lambda ledger: ledger.keep("a", "source", NAMES)) == set()
