from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import UsageError
from bot.model import Act, Aside, Belief, Delivery, Destination, Outcome, Sighting, State
from bot.store import SqlStore, open_store
from tests.store.build import SLACK, TEAMS, at, routing, subscription

HALF = timedelta(minutes=30)
DOCUMENT = {"digest": 1}


def edge(minutes: float, belief: Belief = Belief.OK, source: str = "acme/page") -> Sighting:
    return Sighting(source, belief, at(minutes), reason=f"as of {minutes}", ours=minutes > 50)


async def queue(
    store: SqlStore,
    name: str = "24h/now",
    to: Destination = SLACK,
    minutes: float = 0,
    again: timedelta | None = HALF,
    document: dict[str, object] = DOCUMENT,  # type: ignore[assignment]
) -> Delivery:
    return await store.write(lambda ledger: ledger.queue_digest(name, to, document, at(minutes), again))


async def settle(store: SqlStore, delivery: Delivery, state: State, due: datetime | None = None) -> None:
    """Let a delivery come to a state as a sender does: by a claim, and by what came of it."""
    if state is State.PENDING and due is None:
        return
    (claimed,) = await store.write(lambda ledger: ledger.claim(at(1), HALF, 10, by="us", only=[delivery.id]))
    if state is State.SENDING:
        return
    outcome = Outcome(claimed, state, reason="so it went", due=due)
    assert await store.write(lambda ledger: ledger.settle([outcome], at(1))) == 0


async def test_beliefs_come_back_within_a_window_with_the_one_that_held_as_it_began(store: SqlStore) -> None:
    edges = [edge(10), edge(20, Belief.UNREADABLE), edge(60), edge(90, Belief.SILENT), edge(30, source="acme/x")]
    await store.write(lambda ledger: ledger.note_beliefs(edges))
    await store.write(lambda ledger: ledger.note_beliefs([edges[0]]))  # twice is once
    found = await store.read(lambda ledger: ledger.beliefs(at(25), at(90)))
    assert found == {"acme/page": edges[1:3], "acme/x": [edges[4]]}
    assert await store.read(lambda ledger: ledger.beliefs(at(0), at(9))) == {}


async def test_a_digest_is_a_delivery_of_no_incident(store: SqlStore) -> None:
    made = await queue(store)
    assert (made.act, made.state, made.incident, made.destination) == (Act.DIGEST, State.PENDING, "", SLACK)
    assert await store.read(lambda ledger: ledger.digest(made.key)) == DOCUMENT
    assert await store.read(lambda ledger: ledger.digest("none")) is None
    (claimed,) = await store.write(lambda ledger: ledger.claim(at(1), HALF, 10))
    assert (claimed.id, claimed.state) == (made.id, State.SENDING)


@pytest.mark.parametrize("state", [State.PENDING, State.SENDING, State.DOUBTFUL, State.SENT])
async def test_a_window_that_is_owed_or_told_is_not_queued_again(store: SqlStore, state: State) -> None:
    made = await queue(store)
    await settle(store, made, state)
    second = await queue(store, minutes=29)
    assert (second.id, second.state) == (made.id, state)
    assert len(await store.read(lambda ledger: ledger.deliveries())) == 1


@pytest.mark.parametrize("again", [HALF, None])
@pytest.mark.parametrize("state", [State.DEAD, State.HELD])
async def test_one_that_was_given_up_is_queued_again_under_the_same_key(
    store: SqlStore, state: State, again: timedelta | None
) -> None:
    made = await queue(store, again=again)
    await settle(store, made, state)
    second = await queue(store, minutes=5, again=again, document={"digest": 2})
    assert (second.id, second.key, second.state, second.tries) == (made.id, made.key, State.PENDING, 0)
    assert await store.read(lambda ledger: ledger.digest(made.key)) == {"digest": 2}
    assert second.created_at == at(5)


async def test_after_its_time_the_same_words_are_another_window(store: SqlStore) -> None:
    made = await queue(store)
    await settle(store, made, State.SENT)
    assert (await queue(store, minutes=30)).id != made.id


async def test_a_window_of_the_calendar_is_told_once_for_ever(store: SqlStore) -> None:
    made = await queue(store, again=None)
    await settle(store, made, State.SENT)
    assert (await queue(store, minutes=10**6, again=None)).id == made.id


async def test_other_words_and_other_destinations_are_other_digests(store: SqlStore) -> None:
    made = [await queue(store), await queue(store, "25h/now"), await queue(store, to=TEAMS)]
    assert len({delivery.key for delivery in made}) == 3


async def test_who_asks_again_wants_it_now(store: SqlStore) -> None:
    made = await queue(store)
    await settle(store, made, State.PENDING, due=at(300))
    assert (await queue(store, minutes=5)).due == at(5)


async def test_only_the_deliveries_named_are_claimed_and_looked_for(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.subscribe(subscription(TEAMS)))
    await store.write(lambda ledger: ledger.route(routing("u1"), at(0)))
    made = await queue(store)
    claimed = await store.write(lambda ledger: ledger.claim(at(1), HALF, 10, only=[made.id]))
    assert [delivery.id for delivery in claimed] == [made.id]
    (other,) = await store.write(lambda ledger: ledger.claim(at(1), HALF, 10))
    assert other.destination == TEAMS
    doubted = await store.write(lambda ledger: ledger.doubt(at(60), only=[made.id]))
    assert [delivery.id for delivery in doubted] == [made.id]


async def test_a_digest_waits_for_nothing_and_nothing_for_it(store: SqlStore) -> None:
    first, second = await queue(store), await queue(store, "7d/now")
    claimed = await store.write(lambda ledger: ledger.claim(at(1), HALF, 10))
    assert [delivery.id for delivery in claimed] == [first.id, second.id]


async def test_of_many_at_once_one_is_queued(tmp_path: Path) -> None:
    await at_once(f"sqlite:///{tmp_path}/statusbot.db")


async def test_of_many_at_once_one_is_queued_on_postgresql_too(make_database: Callable[[], str]) -> None:
    await at_once(make_database())


async def at_once(url: str) -> None:
    """Several processes' stores (each with connections of its own) on one database."""
    stores = [open_store(url) for _ in range(4)]
    await stores[0].upgrade()
    try:
        made = await asyncio.gather(*(queue(store, minutes=turn / 100) for turn in range(3) for store in stores))
    finally:
        await asyncio.gather(*(store.close() for store in stores))
    assert len({delivery.id for delivery in made}) == 1


async def test_a_start_of_run_leaves_a_digest_on_its_way_to_its_lease(store: SqlStore) -> None:
    made = await queue(store)
    await store.write(lambda ledger: ledger.claim(at(0), HALF, 10))
    assert await store.write(lambda ledger: ledger.orphan(at(1))) == 0
    assert await store.write(lambda ledger: ledger.doubt(at(29))) == []
    assert [delivery.id for delivery in await store.write(lambda ledger: ledger.doubt(at(31)))] == [made.id]


async def test_one_at_a_time_is_alone(tmp_path: Path) -> None:
    await taking_turns(f"sqlite:///{tmp_path}/statusbot.db")


async def test_one_at_a_time_is_alone_on_postgresql_too(make_database: Callable[[], str]) -> None:
    await taking_turns(make_database())


async def taking_turns(url: str) -> None:
    """Two processes' stores: the second is alone once the first has left, and never disturbed by another name."""
    first, second = open_store(url), open_store(url)
    try:
        async with first.alone("digest") as one, second.alone("digest") as two, second.alone("other") as other:
            assert (one, two, other) == (True, False, True)
        async with second.alone("digest") as after:
            assert after
    finally:
        await first.close()
        await second.close()


async def test_a_database_in_memory_is_always_alone() -> None:
    store = open_store("sqlite://")
    async with store.alone("digest") as one, store.alone("digest") as two:
        assert (one, two) == (True, True)
    await store.close()


async def test_where_no_lock_can_be_kept_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "statusbot.db.digest.lock").mkdir()
    store = open_store(f"sqlite:///{tmp_path}/statusbot.db")
    with pytest.raises(UsageError, match=r"digest\.lock cannot be written"):
        async with store.alone("digest"):
            pass
    await store.close()


async def test_a_start_of_run_leaves_a_digest_that_is_looked_for_to_its_lease(store: SqlStore) -> None:
    made = await queue(store)
    await settle(store, made, State.DOUBTFUL)
    (ours,) = await store.write(lambda ledger: ledger.doubt(at(2), HALF, by="another"))
    await store.write(lambda ledger: ledger.orphan(at(3)))
    assert await store.write(lambda ledger: ledger.doubt(at(4), HALF, by="run")) == []
    assert await store.write(lambda ledger: ledger.settle([Outcome(ours, State.SENT)], at(5))) == 0


async def test_who_asks_again_takes_up_a_destination_that_was_set_aside(store: SqlStore) -> None:
    made = await queue(store)
    await settle(store, made, State.HELD)
    await store.write(lambda ledger: ledger.set_aside(Aside(SLACK, at(1), "no such channel", "")))
    await queue(store, minutes=5)
    assert [each.id for each in await store.write(lambda ledger: ledger.claim(at(6), HALF, 10))] == [made.id]
