from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest

from bot.model import Act, Delivery, Mode, Outcome, Receipt, State
from bot.store import SqlStore
from bot.store.outbox import REPLACED
from tests.store.build import SLACK, TEAMS, at, routing, subscription

LEASE = timedelta(minutes=1)


class Post:
    """A deliverer's hands on a store, to say in one line what a test does."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    async def owe(self, *updates: str, incident: str = "i1", minutes: float = 0, news: bool = True) -> None:
        for name in updates:
            await self.store.write(
                lambda ledger, name=name: ledger.route(routing(name, incident=incident, news=news), at(minutes))  # type: ignore[misc]
            )

    async def claim(self, minutes: float = 10, limit: int = 100, busy: Collection[str] = ()) -> list[Delivery]:
        return await self.store.write(lambda ledger: ledger.claim(at(minutes), LEASE, limit, busy))

    async def settle(
        self,
        delivery: Delivery,
        state: State = State.SENT,
        minutes: float = 10,
        receipt: Receipt | None = None,
        due: datetime | None = None,
        reason: str = "",
    ) -> None:
        await self.store.write(
            lambda ledger: ledger.settle([Outcome(delivery, state, receipt, reason, due)], at(minutes))
        )

    async def send_all(self) -> list[Delivery]:
        """Claim and confirm until nothing is due; what was sent, in its order."""
        sent = []
        while claimed := await self.claim():
            for delivery in claimed:
                await self.settle(delivery, receipt=Receipt(f"m{delivery.id}", f"t{delivery.id}"))
            sent += claimed
        return sent

    async def all(self, *states: State) -> list[Delivery]:
        return (await self.store.read(lambda ledger: ledger.deliveries(states=states)))[::-1]

    async def next_due(self) -> datetime | None:
        return await self.store.read(lambda ledger: ledger.next_due())


@pytest.fixture
async def post(store: SqlStore) -> Post:
    await store.write(lambda ledger: ledger.subscribe(subscription(SLACK)))
    return Post(store)


def acts(deliveries: list[Delivery]) -> list[tuple[str, Act]]:
    return [(delivery.update, delivery.act) for delivery in deliveries]


async def test_nothing_is_owed_at_first(post: Post) -> None:
    assert await post.claim() == []
    assert await post.all() == []
    assert await post.next_due() is None


async def test_a_claimed_delivery_is_leased(post: Post) -> None:
    await post.owe("u1")
    (claimed,) = await post.claim(minutes=5)
    assert (claimed.state, claimed.tries, claimed.act) == (State.SENDING, 1, Act.CREATE)
    assert await post.claim(minutes=5) == []
    assert await post.next_due() == at(5) + LEASE


async def test_what_is_not_due_waits(post: Post) -> None:
    await post.owe("u1", minutes=20)
    assert await post.claim(minutes=19.99) == []
    assert await post.next_due() == at(20)
    assert len(await post.claim(minutes=20)) == 1


async def test_a_lane_goes_in_order_and_skips_edits_that_a_newer_one_replaces(post: Post) -> None:
    await post.owe("u1", "u2", "u3")
    sent = await post.send_all()
    assert acts(sent) == [("u1", Act.CREATE), ("u2", Act.REPLY), ("u3", Act.REPLY), ("u3", Act.EDIT)]
    assert [each.root for each in sent] == [None, *[Receipt(f"m{sent[0].id}", f"t{sent[0].id}")] * 3]
    (held,) = await post.all(State.HELD)
    assert (held.update, held.act, held.reason) == ("u2", Act.EDIT, REPLACED)


async def test_edits_are_replaced_although_more_lanes_are_waiting_than_are_claimed(post: Post) -> None:
    await post.owe("u1", incident="i1")
    await post.owe("u1", incident="i2")
    await post.send_all()
    for name in ("u2", "u3", "u4"):
        await post.owe(name, incident="i1", news=False)
        await post.owe(name, incident="i2", news=False)
    assert acts(await post.claim(limit=1)) == [("u4", Act.EDIT)]
    assert acts(await post.claim(limit=1)) == [("u4", Act.EDIT)]
    assert await post.claim() == []


@pytest.mark.parametrize("state", [State.SENDING, State.DOUBTFUL, State.PENDING])
async def test_a_lane_waits_for_what_is_not_settled(post: Post, state: State) -> None:
    await post.owe("u1", "u2")
    (create,) = await post.claim()
    if state is not State.SENDING:
        await post.settle(create, state, due=at(100))
    assert await post.claim(minutes=11) == []


@pytest.mark.parametrize("state", [State.DEAD, State.HELD])
async def test_a_dead_delivery_does_not_block_its_lane(post: Post, state: State) -> None:
    await post.owe("u1")
    await post.send_all()
    await post.owe("u2", "u3")
    (reply,) = await post.claim()
    await post.settle(reply, state, reason="gone")
    assert acts(await post.claim()) == [("u3", Act.REPLY)]


async def test_lanes_do_not_wait_for_each_other(post: Post) -> None:
    await post.store.write(lambda ledger: ledger.subscribe(subscription(TEAMS, Mode.POST)))
    await post.owe("u1", "u2", incident="i1")
    await post.owe("u1", incident="i2")
    claimed = await post.claim()
    assert {(each.destination, each.incident) for each in claimed} == {
        (SLACK, "i1"),
        (SLACK, "i2"),
        (TEAMS, "i1"),
        (TEAMS, "i2"),
    }


async def test_a_limit_takes_the_longest_due_first(post: Post) -> None:
    await post.owe("u1", incident="late", minutes=3)
    await post.owe("u1", incident="early", minutes=1)
    assert [each.incident for each in await post.claim(limit=1)] == ["early"]
    assert await post.claim(limit=0) == []


async def test_a_busy_destination_is_left_alone(post: Post) -> None:
    await post.owe("u1")
    assert await post.claim(busy={"slack:C1"}) == []
    assert len(await post.claim(busy={"slack:C2"})) == 1


async def test_a_try_that_failed_comes_again_later(post: Post) -> None:
    await post.owe("u1")
    (first,) = await post.claim(minutes=1)
    await post.settle(first, State.PENDING, minutes=1, due=at(5), reason="429")
    assert await post.next_due() == at(5)
    assert await post.claim(minutes=4) == []
    (second,) = await post.claim(minutes=5)
    assert (second.id, second.tries, second.reason) == (first.id, 2, "429")


async def test_the_next_due_is_of_what_can_be_claimed(post: Post) -> None:
    await post.owe("u1", "u2")
    (create,) = await post.claim(minutes=1)
    await post.settle(create, State.PENDING, minutes=1, due=at(30))
    assert await post.next_due() == at(30)


async def test_what_was_sent_keeps_its_receipt(post: Post) -> None:
    await post.owe("u1")
    (create,) = await post.claim()
    await post.settle(create, receipt=Receipt("m1", "t1"))
    (sent,) = await post.all(State.SENT)
    assert sent.receipt == Receipt("m1", "t1")
    assert await post.next_due() is None


async def test_the_first_post_is_what_later_ones_may_point_at(post: Post) -> None:
    await post.store.write(lambda ledger: ledger.subscribe(subscription(SLACK, Mode.POST)))
    await post.owe("u1", "u2")
    sent = await post.send_all()
    assert acts(sent) == [("u1", Act.POST), ("u2", Act.POST)]
    assert [each.root for each in sent] == [None, None]


@pytest.mark.parametrize("state", [State.DEAD, State.HELD])
@pytest.mark.parametrize(("mode", "then"), [(Mode.THREAD, [("u2", Act.EDIT)]), (Mode.EDIT, [])])
async def test_where_the_opening_failed_the_next_update_opens(
    post: Post, state: State, mode: Mode, then: list[tuple[str, Act]]
) -> None:
    await post.store.write(lambda ledger: ledger.subscribe(subscription(SLACK, mode)))
    await post.owe("u1")
    (create,) = await post.claim()
    await post.settle(create, state, reason="channel_not_found")
    await post.owe("u2")
    (opening, *rest) = await post.send_all()
    assert (opening.update, opening.act, opening.root) == ("u2", Act.CREATE, None)
    assert acts(rest) == then
    assert all(each.root == Receipt(f"m{opening.id}", f"t{opening.id}") for each in rest)


async def test_an_opening_tried_again_does_not_take_the_place_of_the_one_that_stands(post: Post) -> None:
    await post.owe("u1")
    (create,) = await post.claim()
    await post.settle(create, State.DEAD)
    await post.owe("u2")
    (opening, *_) = await post.send_all()
    await post.store.write(lambda ledger: ledger.retry(create.id, at(10)))
    await post.owe("u3")
    assert {each.root for each in await post.send_all() if each.act is Act.REPLY} == {
        Receipt(f"m{opening.id}", f"t{opening.id}")
    }


async def test_a_refused_try_leaves_no_message_to_stand_on(post: Post) -> None:
    await post.owe("u1")
    (create,) = await post.claim()
    await post.settle(create, State.DOUBTFUL, receipt=Receipt("m?"))
    (doubtful,) = await post.store.write(lambda ledger: ledger.doubt(at(10), LEASE))
    await post.settle(doubtful, State.DEAD)
    await post.owe("u2")
    assert acts(await post.claim()) == [("u2", Act.CREATE)]


async def test_a_lease_that_runs_out_is_doubtful(post: Post) -> None:
    await post.owe("u1")
    (claimed,) = await post.claim(minutes=1)
    assert await post.store.write(lambda ledger: ledger.doubt(at(1.9))) == []
    (doubtful,) = await post.store.write(lambda ledger: ledger.doubt(at(2)))
    assert (doubtful.id, doubtful.state) == (claimed.id, State.DOUBTFUL)
    assert await post.claim(minutes=60) == []


async def test_doubt_may_be_looked_at_later(post: Post) -> None:
    await post.owe("u1")
    (claimed,) = await post.claim(minutes=1)
    await post.settle(claimed, State.DOUBTFUL, minutes=1, due=at(4), reason="connection lost")
    assert await post.next_due() == at(4)
    assert await post.store.write(lambda ledger: ledger.doubt(at(3))) == []
    (doubtful,) = await post.store.write(lambda ledger: ledger.doubt(at(4)))
    assert doubtful.reason == "connection lost"


async def test_at_the_start_what_nobody_else_can_have_in_hand_is_doubtful(post: Post) -> None:
    await post.owe("u1", incident="i1")
    await post.owe("u1", incident="i2")
    await post.claim(limit=1)
    alone = 1 if post.store.embedded else 0  # else another process may be sending it, until its lease is over
    assert await post.store.write(lambda ledger: ledger.orphan(at(10))) == alone
    assert await post.store.write(lambda ledger: ledger.orphan(at(11))) == 1 - alone
    assert len(await post.store.write(lambda ledger: ledger.doubt(at(11)))) == 1


@pytest.mark.parametrize("state", [State.DEAD, State.HELD])
async def test_what_was_given_up_may_be_tried_again(post: Post, state: State) -> None:
    await post.owe("u1")
    (claimed,) = await post.claim()
    await post.settle(claimed, state, reason="channel_not_found")
    again = await post.store.write(lambda ledger: ledger.retry(claimed.id, at(20)))
    assert again is not None
    assert (again.id, again.state, again.due, again.tries, again.reason) == (claimed.id, State.PENDING, at(20), 0, "")
    assert [each.id for each in await post.claim(minutes=20)] == [claimed.id]


async def test_nothing_else_is_tried_again(post: Post) -> None:
    await post.owe("u1")
    (pending,) = await post.all()
    assert await post.store.write(lambda ledger: ledger.retry(pending.id, at(20))) is None
    assert await post.store.write(lambda ledger: ledger.retry(9999, at(20))) is None
    await post.send_all()
    assert await post.store.write(lambda ledger: ledger.retry(pending.id, at(20))) is None


async def test_the_outbox_is_listed_newest_first(post: Post) -> None:
    for name in ("i1", "i2", "i3"):
        await post.owe("u1", incident=name)
    listed = await post.store.read(lambda ledger: ledger.deliveries(limit=2))
    assert [each.incident for each in listed] == ["i3", "i2"]
    assert await post.all(State.SENT, State.DEAD) == []
    assert len(await post.all(State.PENDING)) == 3


async def test_a_delivery_whose_subscription_is_gone_calls_nobody_and_goes_out(post: Post) -> None:
    await post.store.write(lambda ledger: ledger.subscribe(subscription(SLACK, mention={"none": "<!here>"})))
    await post.owe("u1")
    await post.store.write(lambda ledger: ledger.unsubscribe(SLACK, []))
    (claimed,) = await post.claim()
    assert claimed.mention == {}


async def test_ids_are_not_used_again(post: Post) -> None:
    kept = await post.store.write(lambda ledger: ledger.subscribe(subscription(TEAMS)))
    await post.store.write(lambda ledger: ledger.unsubscribe(TEAMS, []))
    assert (await post.store.write(lambda ledger: ledger.subscribe(subscription(TEAMS)))).id > kept.id
