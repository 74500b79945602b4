"""What is removed after `keep`, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from bot.core.normalise import digest, words_digest
from bot.model import Act, Incident, Mode, State, Status, Subscription
from bot.store import SqlStore
from bot.store.schema import metadata
from tests.store.build import SLACK, T0, at, change, incident, report, routing, update

LATER = at(60)
OVER = {"status": Status.RESOLVED, "resolved_at": T0}


def over(name: str, native_id: str, minutes: float = 0, **facts: object) -> Incident:
    said = update(report(native_id, minutes=minutes, thread=f"t{native_id}"))
    return incident(name, said, **OVER | {"title": f"Trouble {native_id}"} | facts)


async def save(store: SqlStore, *incidents: Incident) -> None:
    await store.write(lambda ledger: ledger.save([change(one) for one in incidents]))


async def prune(store: SqlStore, limit: int = 50) -> int:
    return await store.write(lambda ledger: ledger.prune(LATER, limit))


async def names(store: SqlStore) -> set[str]:
    return {one.id for one in await store.read(lambda ledger: ledger.timeline())}


def rows(store: SqlStore) -> dict[str, int]:
    """How many rows each table has that is not empty."""
    with store._engine.connect() as connection:
        counts = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
    return {name: count for name, count in counts.items() if count}


async def test_what_was_over_before_goes_and_what_is_open_or_newer_stays(store: SqlStore) -> None:
    going_on = incident("open", update(report("2")))
    await save(store, over("old", "1"), going_on, over("new", "3", minutes=61))
    assert await prune(store) == 1
    assert await names(store) == {"open", "new"}
    assert await prune(store) == 0


async def test_an_old_incident_that_was_spoken_of_lately_stays(store: SqlStore) -> None:
    await save(store, over("old", "1", updated_at=at(61)))
    assert await prune(store) == 0


async def test_no_text_is_left_and_that_it_was_seen_is(store: SqlStore) -> None:
    await save(store, over("old", "1", references=("MO1",)))
    assert await prune(store) == 1
    assert rows(store) == {"seen": 1}
    (known,) = await store.read(lambda ledger: ledger.known("acme/page", ["t1"], []))
    first = report("1", thread="t1")
    assert (known.native_id, known.thread, known.forgotten) == ("1", "t1", True)
    assert (known.digest, known.words) == (digest(first), words_digest(first.text))
    assert [known] == await store.read(lambda ledger: ledger.known("acme/page", [], ["1"]))
    assert await store.read(lambda ledger: ledger.known("acme/x", ["t1"], ["1"])) == []


async def test_what_is_known_and_kept_is_not_forgotten(store: SqlStore) -> None:
    await save(store, over("new", "1", minutes=61))
    (known,) = await store.read(lambda ledger: ledger.known("acme/page", [], ["1"]))
    assert known.forgotten is False


@pytest.mark.parametrize("state", [State.PENDING, State.DOUBTFUL, State.SENDING])
async def test_what_is_still_owed_is_not_removed_before_it_is_told(store: SqlStore, state: State) -> None:
    await store.write(lambda ledger: ledger.subscribe(Subscription(SLACK, mode=Mode.THREAD)))
    await save(store, over("i1", "1"))
    await store.write(lambda ledger: ledger.route(routing("1"), T0))
    with store._engine.begin() as connection:
        connection.execute(metadata.tables["deliveries"].update().values(state=state))
    assert await prune(store) == 0
    with store._engine.begin() as connection:
        connection.execute(metadata.tables["deliveries"].update().values(state=State.SENT, act=Act.CREATE))
    assert await prune(store) == 1
    assert rows(store) == {"seen": 1, "subscriptions": 1}


async def test_what_was_told_of_absorbed_incidents_goes_with_them(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.subscribe(Subscription(SLACK, mode=Mode.THREAD)))
    first, second = over("i1", "1"), over("i2", "2")
    await save(store, first, second)
    for name, said in (("i1", "1"), ("i2", "2")):
        await store.write(lambda ledger, name=name, said=said: ledger.route(routing(said, name), T0))  # type: ignore[misc]
    both = replace(first, updates=(*first.updates, *second.updates))
    await store.write(lambda ledger: ledger.save([change(both, first, ["i2"])]))
    with store._engine.begin() as connection:
        connection.execute(metadata.tables["deliveries"].update().values(state=State.SENT))
    assert await prune(store) == 1
    assert rows(store) == {"seen": 2, "subscriptions": 1}


async def test_it_goes_in_small_batches_the_oldest_first(store: SqlStore) -> None:
    await save(store, *(over(f"i{number}", str(number), minutes=number) for number in range(5)))
    assert await prune(store, 2) == 2
    assert await names(store) == {"i2", "i3", "i4"}
    assert [await prune(store, 2), await prune(store, 2), await prune(store, 2)] == [2, 1, 0]
