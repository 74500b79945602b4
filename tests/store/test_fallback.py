"""Who is told in a destination's place, and how that one catches up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.model import Act, Aside, Delivery, Destination, Mode, Outcome, State
from bot.ports import Ledger
from bot.store import SqlStore, open_store
from tests.store.build import SLACK, T0, TEAMS, at, routing, subscription
from tests.store.plans import plans

DISCORD = Destination("discord", "11")
LEASE = timedelta(minutes=1)


def carried(update: str = "u1", **facts: Any) -> Any:
    """News of an incident of whoever carries Teams' messages."""
    return routing(update, provider="microsoft-365", carries=("teams",), **facts)


def backed(to: Destination = TEAMS, mode: Mode = Mode.POST, fallback: Destination = DISCORD, **facts: Any) -> Any:
    return subscription(to, mode, fallback=fallback, **facts)


async def outbox(store: SqlStore) -> list[Delivery]:
    """Oldest first."""
    return (await store.read(lambda ledger: ledger.deliveries()))[::-1]


async def told(store: SqlStore, to: Destination) -> list[tuple[str, Act, State]]:
    return [(each.update, each.act, each.state) for each in await outbox(store) if each.destination == to]


async def test_the_fallback_gets_as_well_what_the_provider_in_trouble_carries_itself(store: SqlStore) -> None:
    def work(ledger: Ledger) -> list[int]:
        ledger.subscribe(backed(mention={"none": "<!here>"}))
        return [ledger.route(carried("u1"), T0), ledger.route(carried("u1"), T0), ledger.route(carried("u2"), at(1))]

    assert await store.write(work) == [2, 0, 2]
    first, stand_in, *_ = await outbox(store)
    assert (first.destination, first.instead, first.covered) == (TEAMS, None, True)
    assert (stand_in.destination, stand_in.instead, stand_in.covered) == (DISCORD, TEAMS, False)
    assert (stand_in.act, stand_in.updates, stand_in.created_at) == (Act.POST, ("u1",), T0)
    assert (first.mention, stand_in.mention) == ({"none": "<!here>"}, {}), "each platform calls in its own form"
    assert await told(store, DISCORD) == [("u1", Act.POST, State.PENDING), ("u2", Act.POST, State.PENDING)]


async def test_in_a_thread_the_fallback_gets_each_update_once(store: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        ledger.subscribe(backed(SLACK, Mode.THREAD))
        ledger.subscribe(backed(Destination("slack", "C2"), Mode.EDIT))
        for name in ("u1", "u2"):
            ledger.route(routing(name, provider="slack", carries=("slack",)), T0)
        ledger.route(routing("u2", provider="slack", carries=("slack",), news=False, opens=False, revision=9), T0)

    await store.write(work)
    assert [update for update, *_ in await told(store, DISCORD)] == ["u1", "u2"]


async def test_a_thread_s_message_brought_up_to_date_is_no_news_to_the_fallback(store: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        ledger.subscribe(backed(SLACK, Mode.THREAD))
        for name, news in (("u1", True), ("u2", False)):
            ledger.route(routing(name, provider="slack", carries=("slack",), news=news), T0)

    await store.write(work)
    assert [act for _, act, _ in await told(store, SLACK)] == [Act.CREATE, Act.EDIT]
    assert [update for update, *_ in await told(store, DISCORD)] == ["u1"]


@pytest.mark.parametrize(
    ("facts", "kinds"),
    [({"fallback": None}, ("teams",)), ({}, ()), ({}, ("slack",)), ({"fallback": TEAMS}, ("teams",))],
)
async def test_else_nobody_stands_in(store: SqlStore, facts: dict[str, Any], kinds: tuple[str, ...]) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(backed(**facts))
        return ledger.route(routing(carries=kinds), T0)

    assert await store.write(work) == 1
    assert not (await outbox(store))[0].covered


async def test_a_fallback_that_is_subscribed_itself_is_told_once(store: SqlStore) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(backed())
        ledger.subscribe(subscription(DISCORD, Mode.THREAD))
        return ledger.route(carried(), T0)

    assert await store.write(work) == 2
    assert await told(store, DISCORD) == [("u1", Act.CREATE, State.PENDING)]


async def test_two_destinations_with_one_fallback_are_told_once_there(store: SqlStore) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(backed())
        ledger.subscribe(backed(Destination("teams", "dev")))
        return ledger.route(carried(), T0)

    assert await store.write(work) == 3


async def settle(store: SqlStore, now: Any, state: State, **facts: Any) -> list[Delivery]:
    """Claim what can be, and let Teams' come to a state."""
    claimed = await store.write(lambda ledger: ledger.claim(now, LEASE, 9))
    for each in claimed:
        end = (state, facts) if each.destination.kind != "discord" else (State.SENT, {})
        outcome = Outcome(each, end[0], **end[1])
        await store.write(lambda ledger, outcome=outcome: ledger.settle([outcome], now))  # type: ignore[misc]
    return claimed


async def test_what_fails_for_good_goes_to_the_fallback_and_no_further(store: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        ledger.subscribe(backed(SLACK, Mode.THREAD))
        ledger.subscribe(subscription(DISCORD, providers=("other",), fallback=TEAMS))
        ledger.route(routing("u1"), T0)

    await store.write(work)
    assert await told(store, DISCORD) == []
    await settle(store, at(1), State.DEAD, reason="channel_not_found")
    assert await told(store, DISCORD) == [("u1", Act.POST, State.PENDING)]
    (stand_in,) = await store.write(lambda ledger: ledger.claim(at(1), LEASE, 9))
    assert (stand_in.instead, stand_in.created_at) == (SLACK, T0), "it says how late it is"
    await store.write(lambda ledger: ledger.settle([Outcome(stand_in, State.DEAD)], at(1)))
    assert await told(store, TEAMS) == []
    await store.write(lambda ledger: ledger.route(routing("u2", opens=False), at(2)))
    await settle(store, at(2), State.DEAD, reason="channel_not_found")
    assert [update for update, *_ in await told(store, DISCORD)] == ["u1", "u2"], "and so is the rest"


async def test_who_lags_behind_gets_all_that_was_missed_in_one(store: SqlStore) -> None:
    await store.write(lambda ledger: (ledger.subscribe(backed()), ledger.route(carried("u1"), T0)))
    await settle(store, T0, State.PENDING, reason="503", due=at(1))
    for minutes, name in ((2, "u2"), (3, "u3")):
        await store.write(lambda ledger, m=minutes, n=name: ledger.route(carried(n, opens=False), at(m)))  # type: ignore[misc]
    claimed = {each.destination: each for each in await store.write(lambda ledger: ledger.claim(at(4), LEASE, 9))}
    assert claimed[TEAMS].updates == ("u1", "u2", "u3")
    assert (claimed[TEAMS].update, claimed[TEAMS].covered) == ("u3", True)
    assert [state for *_, state in await told(store, TEAMS)] == [State.HELD, State.HELD, State.SENDING]


async def test_what_is_in_hand_is_settled_before_anything_is_put_together(store: SqlStore) -> None:
    await store.write(lambda ledger: (ledger.subscribe(backed()), ledger.route(carried("u1"), T0)))
    await settle(store, T0, State.DOUBTFUL, reason="lost", due=at(9))
    await store.write(lambda ledger: ledger.route(carried("u2", opens=False), at(1)))
    await store.write(lambda ledger: ledger.route(carried("u3", opens=False), at(1)))
    await store.write(lambda ledger: ledger.claim(at(8), LEASE, 9))
    assert [state for *_, state in await told(store, TEAMS)] == [State.DOUBTFUL, State.PENDING, State.PENDING]


async def test_who_keeps_up_gets_one_after_the_other(store: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        ledger.subscribe(backed())
        ledger.route(carried("u1"), T0)
        ledger.route(carried("u2"), T0)

    await store.write(work)
    assert [each.updates for each in await settle(store, T0, State.SENT) if each.destination == TEAMS] == [("u1",)]
    assert [each.updates for each in await settle(store, T0, State.SENT) if each.destination == TEAMS] == [("u2",)]


async def test_a_thread_that_could_not_be_opened_opens_with_all_that_was_missed(store: SqlStore) -> None:
    def slack(name: str, **facts: Any) -> Any:
        return routing(name, provider="slack", carries=("slack",), **facts)

    await store.write(lambda ledger: (ledger.subscribe(backed(SLACK, Mode.THREAD)), ledger.route(slack("u1"), T0)))
    await settle(store, T0, State.PENDING, reason="503", due=at(1))
    for name in ("u2", "u3"):
        await store.write(lambda ledger, n=name: ledger.route(slack(n, opens=False), at(2)))  # type: ignore[misc]
    claimed = {each.destination: each for each in await store.write(lambda ledger: ledger.claim(at(3), LEASE, 9))}
    assert (claimed[SLACK].act, claimed[SLACK].updates) == (Act.CREATE, ("u1", "u2", "u3"))


async def test_an_end_is_one_catch_up_where_nobody_knows_what_was_shown(store: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        ledger.subscribe(backed())
        ledger.subscribe(backed(SLACK, Mode.POST))

    await store.write(work)
    kinds = ("teams", "slack")
    for name in ("u1", "u2"):
        await store.write(lambda ledger, n=name: ledger.route(routing(n, carries=kinds), T0))  # type: ignore[misc]
        await settle(store, T0, State.SENT)
    await store.write(lambda ledger: ledger.route(routing("u3", opens=False, ends=True, carries=kinds), at(9)))
    last = {each.destination: each for each in await outbox(store) if each.update == "u3"}
    assert last[TEAMS].updates == ("u1", "u2", "u3"), "Teams says yes to what it may never show"
    assert last[SLACK].updates == ("u3",), "Slack's yes means that it stands there"
    assert last[DISCORD].updates == ("u3",)


async def test_what_is_held_because_its_destination_is_set_aside_goes_to_the_fallback_and_comes_back_as_one(
    store: SqlStore,
) -> None:
    await store.write(lambda ledger: ledger.subscribe(backed(SLACK)))
    for name in ("u1", "u2"):
        await store.write(lambda ledger, n=name: ledger.route(routing(n), T0))  # type: ignore[misc]
    (first,) = await store.write(lambda ledger: ledger.claim(T0, LEASE, 9))
    refused = Outcome(first, State.HELD, reason="channel_not_found", digest="d")
    await store.write(lambda ledger: ledger.settle([refused], T0))
    await store.write(lambda ledger: ledger.set_aside(Aside(SLACK, T0, "channel_not_found", "d")))
    await store.write(lambda ledger: ledger.route(routing("u3", opens=False), at(1)))
    await store.write(lambda ledger: ledger.claim(at(1), LEASE, 9))
    assert [update for update, *_ in await told(store, DISCORD)] == ["u1", "u2", "u3"]
    assert [state for *_, state in await told(store, SLACK)] == [State.HELD] * 3
    await store.write(lambda ledger: ledger.retry(first.id, at(60)))
    claimed = {each.destination: each for each in await store.write(lambda ledger: ledger.claim(at(60), LEASE, 9))}
    assert claimed[SLACK].updates == ("u1", "u2", "u3")


async def test_to_see_who_lags_behind_costs_nothing_where_much_waits_and_nobody_does(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'statusbot.db'}")
    await store.upgrade()
    asked = await plans(store, lambda ledger: ledger.claim(T0, LEASE, 1))
    (plan,) = [plan for words, plan in asked if "DISTINCT" in words]
    assert "ix_deliveries_covered (state=?)" in plan
    await store.close()
