"""What the ledger keeps of our own trouble."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.model import State, Trouble
from bot.ports import Ledger
from bot.store import SqlStore
from tests.store.build import SLACK, T0, TEAMS, at, routing, subscription

DISK = Trouble("disk", "the disk is nearly full", at(0))


async def test_one_stands_for_each_key_until_it_is_over(store: SqlStore) -> None:
    def work(ledger: Ledger) -> list[bool]:
        first = ledger.keep_trouble(DISK, at(0))
        again = ledger.keep_trouble(replace(DISK, words="fuller", since=at(1)), at(1))
        over = ledger.end_trouble("disk", "room again", at(2), at(2))
        return [first, again, over, ledger.end_trouble("disk", "twice", at(3), at(3)), ledger.keep_trouble(DISK, at(4))]

    assert await store.write(work) == [True, False, True, False, True]
    (standing,) = await store.read(lambda ledger: ledger.troubles())
    assert (standing.key, standing.words, standing.since, standing.until) == ("disk", DISK.words, at(0), None)


async def test_what_is_owed_is_in_one_hand_until_it_is_told(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.keep_trouble(DISK, at(0)))
    assert await store.write(lambda ledger: ledger.owed_troubles(at(-1), at(5))) == []
    (owed,) = await store.write(lambda ledger: ledger.owed_troubles(at(0), at(5)))
    assert (owed.words, owed.tries, owed.told) == (DISK.words, 0, False)
    assert await store.write(lambda ledger: ledger.owed_troubles(at(4), at(9))) == []
    (again,) = await store.write(lambda ledger: ledger.owed_troubles(at(5), at(9)))
    assert again.tries == 1, "somebody may have told it and died"
    await store.write(lambda ledger: ledger.settle_trouble(again, at(6)))
    (again,) = await store.write(lambda ledger: ledger.owed_troubles(at(6), at(9)))
    await store.write(lambda ledger: ledger.settle_trouble(again, None))
    assert await store.write(lambda ledger: ledger.owed_troubles(at(99), at(99))) == []


async def test_an_end_that_came_while_the_beginning_was_told_stays_owed(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.keep_trouble(DISK, at(0)))
    (begun,) = await store.write(lambda ledger: ledger.owed_troubles(at(0), at(5)))
    await store.write(lambda ledger: ledger.end_trouble("disk", "room again", at(1), at(1)))
    await store.write(lambda ledger: ledger.settle_trouble(begun, None))
    (over,) = await store.write(lambda ledger: ledger.owed_troubles(at(1), at(5)))
    assert (over.until, over.ending, over.told) == (at(1), "room again", True)
    assert begun.name != over.name


async def test_what_nobody_is_told_is_never_owed(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.keep_trouble(DISK, None))
    assert await store.write(lambda ledger: ledger.owed_troubles(at(99), at(99))) == []
    assert len(await store.read(lambda ledger: ledger.troubles())) == 1


async def test_what_is_long_over_is_forgotten(store: SqlStore) -> None:
    def work(ledger: Ledger) -> list[Trouble]:
        ledger.keep_trouble(replace(DISK, until=at(1), ending="room"), at(1))
        ledger.keep_trouble(replace(DISK, key="network", since=at(0) + timedelta(days=31)), None)
        return ledger.owed_troubles(at(99), at(99))

    assert await store.write(work) == []


async def test_the_pulse_can_be_written_again_and_again(store: SqlStore) -> None:
    for minutes in (0, 1):
        await store.write(lambda ledger, minutes=minutes: ledger.touch("run", at(minutes)))  # type: ignore[misc]


async def test_the_tally_counts_by_kind_and_state(store: SqlStore) -> None:
    def work(ledger: Ledger) -> dict[tuple[str, State], int]:
        for to in (SLACK, TEAMS):
            ledger.subscribe(subscription(to))
        ledger.route(routing("u1"), T0)
        ledger.route(routing("u1", incident="i2"), T0)
        ledger.claim(T0, timedelta(minutes=1), 1)
        return ledger.tally()

    assert await store.write(work) == {
        ("slack", State.SENDING): 1,
        ("slack", State.PENDING): 1,
        ("teams", State.SENDING): 1,
        ("teams", State.PENDING): 1,
    }
