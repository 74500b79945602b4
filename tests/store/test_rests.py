"""What the ledger keeps of the rests that platforms have asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.model import Rest
from bot.ports import Ledger
from bot.store import SqlStore, bell, open_store
from tests.store.build import at
from tests.store.test_bell import listening

LONG, SHORT = Rest("slack:C1", at(9), at(9)), Rest("slack:C1", at(5), at(5))


async def kept(store: SqlStore, *asked: Sequence[Rest]) -> list[Rest]:
    """What stands after these were written down one after the other."""

    def work(ledger: Ledger) -> list[Rest]:
        for rests in asked:
            ledger.rest(rests, at(0))
        return sorted(ledger.rests(at(0)), key=lambda rest: rest.name)

    return await store.write(work)


@pytest.mark.parametrize("asked", [(LONG, SHORT), (SHORT, LONG)])
async def test_of_two_the_longer_counts(store: SqlStore, asked: tuple[Rest, Rest]) -> None:
    assert await kept(store, *([rest] for rest in asked)) == [LONG]


async def test_what_headers_ask_for_is_no_refusal_and_takes_none_away(store: SqlStore) -> None:
    asked = Rest("slack:C1", at(12))
    assert await kept(store, [asked]) == [asked]
    assert await kept(store, [SHORT], [asked]) == [Rest("slack:C1", at(12), at(5))]


async def test_what_was_over_is_neither_told_nor_kept(store: SqlStore) -> None:
    other = Rest("slack", at(30))
    await kept(store, [LONG], [other])
    assert await store.read(lambda ledger: ledger.rests(at(9))) == [other]
    await store.write(lambda ledger: ledger.rest([other], at(9)))
    assert await store.read(lambda ledger: ledger.rests(at(0))) == [other]


async def test_every_process_is_woken_to_hear_it(common: SqlStore, common_url: str) -> None:
    other = open_store(common_url)
    async with listening(other) as waking:
        await common.write(lambda ledger: ledger.rests(at(0)))
        await common.write(lambda ledger: ledger.rest([LONG], at(0)))
        async with asyncio.timeout(bell.QUIET / 2):
            await waking.once_more()
    assert waking.times == 2
    await other.close()


async def test_processes_that_write_down_the_same_rests_do_not_stop_each_other(common: SqlStore) -> None:
    """Each in another order, with old ones to be cleared away by all of them."""
    names = [f"webhook:{number}" for number in range(40)]
    await common.write(lambda ledger: ledger.rest([Rest(name, at(1)) for name in names], at(0)))

    async def write(number: int) -> None:
        turned = [Rest(name, at(20)) for name in (*names[number:], *names[:number])[:30]]
        await common.write(lambda ledger: ledger.rest(turned, at(2)))

    async with asyncio.timeout(30):
        await asyncio.gather(*(write(number % 40) for number in range(60)))
    assert {rest.until for rest in await common.read(lambda ledger: ledger.rests(at(2)))} == {at(20)}
