from __future__ import annotations

from typing import Any

import pytest

from bot.model import Act, Destination, Impact, Incident, Mode, Outcome, Receipt, State, Verdict
from bot.ports import Ledger
from bot.store import SqlStore
from tests.store.build import SLACK, T0, TEAMS, at, change, incident, report, routing, subscription, update

#: a subscription's filter, what the incident is, whether the one passes the other
FILTERS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({"providers": ("acme",)}, {}, True),
    ({"providers": ("Other", "ACME")}, {}, True),
    ({"providers": ("other",)}, {}, False),
    ({"components": ("Mail",)}, {"components": ("mail", "chat")}, True),
    ({"components": ("Mail",)}, {"components": ("chat",)}, False),
    ({"components": ("Mail",)}, {"components": ()}, True),
    ({"components": ()}, {"components": ("chat",)}, True),
    ({"regions": ("Europe",)}, {"regions": ("europe",)}, True),
    ({"regions": ("Europe",)}, {"regions": ("asia",)}, False),
    ({"regions": ("Europe",)}, {"regions": ()}, True),
    ({"regions": ("mail",)}, {"regions": ("asia",), "components": ("mail",)}, False),
    ({"components": ("Mail",), "regions": ("Europe",)}, {"components": ("mail",), "regions": ("asia",)}, False),
    ({"min_impact": Impact.MAJOR}, {"rank": 2}, True),
    ({"min_impact": Impact.MAJOR}, {"rank": 1}, False),
    ({"min_impact": Impact.MAJOR}, {"rank": None}, True),
    ({"min_impact": Impact.NONE}, {"rank": 0}, True),
    ({"maintenance": False}, {"maintenance": True}, False),
    ({"maintenance": False}, {"maintenance": False}, True),
    ({"maintenance": True}, {"maintenance": True}, True),
    ({"providers": ("acme",), "components": ("Mail",)}, {"provider": "other", "components": ("mail",)}, False),
]


@pytest.mark.parametrize(("filter_", "facets", "passes"), FILTERS)
async def test_a_filter(store: SqlStore, filter_: dict[str, Any], facets: dict[str, Any], passes: bool) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(subscription(**filter_))
        return ledger.route(routing(**facets), T0)

    assert await store.write(work) == int(passes)


@pytest.mark.parametrize(("filter_", "facets", "passes"), FILTERS)
async def test_the_explanation_of_a_filter_is_the_statement_s_own(
    store: SqlStore, filter_: dict[str, Any], facets: dict[str, Any], passes: bool
) -> None:
    def work(ledger: Ledger) -> tuple[list[Verdict], int]:
        ledger.subscribe(subscription(**filter_))
        return ledger.explain(routing(**facets)), ledger.route(routing(**facets), T0)

    (verdict,), queued = await store.write(work)
    assert (verdict.owed, verdict.held_by == (), verdict.told_at) == (passes, passes, None)
    assert queued == int(passes)
    assert set(verdict.held_by) <= {*filter_, "maintenance"}, "only what the filter asks for holds anything back"


@pytest.mark.parametrize(
    ("held_by", "facets"),
    [
        ("providers", {"provider": "other"}),
        ("components", {"components": ("chat",)}),
        ("regions", {"regions": ("asia",)}),
        ("min_impact", {"rank": 1}),
        ("maintenance", {"maintenance": True}),
    ],
)
async def test_each_setting_that_holds_back_is_named_alone(
    store: SqlStore, held_by: str, facets: dict[str, Any]
) -> None:
    picky = subscription(
        SLACK,
        providers=("acme",),
        components=("Mail",),
        regions=("Europe",),
        min_impact=Impact.MAJOR,
        maintenance=False,
    )
    fitting: dict[str, Any] = {"components": ("mail",), "regions": ("europe",), "rank": 2}

    def work(ledger: Ledger) -> list[Verdict]:
        ledger.subscribe(picky)
        return [*ledger.explain(routing(**(fitting | facets))), *ledger.explain(routing(**fitting))]

    held, let_through = await store.write(work)
    assert (held.held_by, held.owed) == ((held_by,), False)
    assert (let_through.held_by, let_through.owed) == ((), True)


async def test_the_explanation_of_who_was_told_says_since_when(store: SqlStore) -> None:
    def work(ledger: Ledger) -> list[Verdict]:
        ledger.subscribe(subscription(SLACK, min_impact=Impact.MAJOR))
        ledger.subscribe(subscription(TEAMS, min_impact=Impact.MAJOR))
        ledger.unsubscribe(TEAMS, [])
        ledger.route(routing("u1"), T0)
        ledger.subscribe(subscription(TEAMS, min_impact=Impact.MAJOR))
        return ledger.explain(routing("u2", rank=1))

    slack, teams = await store.write(work)
    assert (slack.told_at, slack.owed, slack.held_by) == (T0, True, ("min_impact",))
    assert (teams.told_at, teams.owed, teams.held_by) == (None, False, ("min_impact",))


async def test_one_destination_is_explained_alone_and_nothing_is_queued(store: SqlStore) -> None:
    def work(ledger: Ledger) -> list[Verdict]:
        ledger.subscribe(subscription(SLACK))
        ledger.subscribe(subscription(TEAMS))
        return ledger.explain(routing(), TEAMS)

    (verdict,) = await store.write(work)
    assert (verdict.subscription.to, verdict.owed) == (TEAMS, True)
    assert await store.read(lambda ledger: ledger.deliveries()) == []
    assert await store.read(lambda ledger: ledger.explain(routing(), Destination("slack", "C9"))) == []


#: mode, what the routing says, what is queued for one who was not told and for one who was
ACTS: list[tuple[Mode, dict[str, Any], list[Act], list[Act]]] = [
    (Mode.THREAD, {}, [Act.CREATE], [Act.REPLY, Act.EDIT]),
    (Mode.EDIT, {}, [Act.CREATE], [Act.EDIT]),
    (Mode.POST, {}, [Act.POST], [Act.POST]),
    (Mode.THREAD, {"opens": False}, [], [Act.REPLY, Act.EDIT]),
    (Mode.EDIT, {"opens": False}, [], [Act.EDIT]),
    (Mode.POST, {"opens": False}, [], [Act.POST]),
    (Mode.THREAD, {"news": False, "opens": False}, [], [Act.EDIT]),
    (Mode.EDIT, {"news": False, "opens": False}, [], [Act.EDIT]),
    (Mode.POST, {"news": False, "opens": False}, [], []),
    (Mode.THREAD, {"news": False}, [Act.CREATE], [Act.EDIT]),
    (Mode.POST, {"news": False}, [Act.POST], []),
]


@pytest.mark.parametrize(("mode", "facts", "fresh", "told"), ACTS)
async def test_the_acts_of_a_mode(
    store: SqlStore, mode: Mode, facts: dict[str, Any], fresh: list[Act], told: list[Act]
) -> None:
    def work(ledger: Ledger) -> None:
        ledger.subscribe(subscription(SLACK, mode))
        ledger.route(routing("u1"), T0)
        ledger.subscribe(subscription(TEAMS, mode))
        ledger.route(routing("u2", **facts), at(1))

    await store.write(work)
    queued = (await store.read(lambda ledger: ledger.deliveries()))[::-1]
    second = [each for each in queued if each.update == "u2"]
    assert [each.act for each in second if each.destination == TEAMS] == fresh
    assert [each.act for each in second if each.destination == SLACK] == told


async def test_what_a_delivery_carries(store: SqlStore) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(subscription(mention={"critical": "<!here>"}))
        return ledger.route(routing("u2", updates=("u1", "u2"), revision=3), T0)

    assert await store.write(work) == 1
    (queued,) = await store.read(lambda ledger: ledger.deliveries())
    assert queued.key == "i1|u2|3|slack:C1|create"
    assert (queued.incident, queued.update, queued.updates, queued.revision) == ("i1", "u2", ("u1", "u2"), 3)
    assert (queued.destination, queued.state, queued.tries) == (SLACK, State.PENDING, 0)
    assert (queued.due, queued.created_at, queued.root, queued.receipt) == (T0, T0, None, None)
    assert queued.mention == {"critical": "<!here>"}


@pytest.mark.parametrize("mode", Mode)
async def test_asking_twice_queues_once(store: SqlStore, mode: Mode) -> None:
    def work(ledger: Ledger) -> list[int]:
        ledger.subscribe(subscription(SLACK, mode))
        return [ledger.route(routing(name), T0) for name in ("u1", "u1", "u2", "u2", "u1")]

    counts = await store.write(work)
    assert counts == [1, 0, 2 if mode is Mode.THREAD else 1, 0, 0]


async def test_nobody_subscribed_is_nothing(store: SqlStore) -> None:
    assert await store.write(lambda ledger: ledger.route(routing(), T0)) == 0


async def test_several_subscriptions_of_a_destination_are_one_message(store: SqlStore) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(subscription(SLACK, Mode.POST, providers=("other",), mention={"none": "wrong"}))
        ledger.subscribe(subscription(SLACK, Mode.EDIT, providers=("acme",), mention={"none": "right"}))
        ledger.subscribe(subscription(SLACK, Mode.THREAD, mention={"none": "late"}))
        return ledger.route(routing(), T0)

    assert await store.write(work) == 1
    (queued,) = await store.read(lambda ledger: ledger.deliveries())
    assert (queued.act, queued.mention) == (Act.CREATE, {"none": "right"})


async def test_who_was_told_is_told_the_end_whatever_the_filter_says(store: SqlStore) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(subscription(SLACK, Mode.POST, components=("Mail",), min_impact=Impact.MAJOR))
        ledger.route(routing("u1"), T0)
        return ledger.route(routing("u2", components=("chat",), rank=0, maintenance=True), at(1))

    assert await store.write(work) == 1


async def test_who_took_the_subscription_off_is_told_no_more(store: SqlStore) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(subscription(SLACK))
        ledger.route(routing("u1"), T0)
        ledger.unsubscribe(SLACK, [])
        return ledger.route(routing("u2"), at(1))

    assert await store.write(work) == 0


async def test_an_incident_goes_on_in_the_mode_in_which_it_was_opened(store: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        ledger.subscribe(subscription(SLACK, Mode.THREAD))
        ledger.route(routing("u1"), T0)
        ledger.subscribe(subscription(SLACK, Mode.POST))
        ledger.route(routing("u2"), at(1))
        ledger.route(routing("u1", incident="i2"), at(1))

    await store.write(work)
    queued = await store.read(lambda ledger: ledger.deliveries())
    assert [each.act for each in reversed(queued)] == [Act.CREATE, Act.REPLY, Act.EDIT, Act.POST]


async def test_one_destination_told_of_one_incident_is_not_told_of_another(store: SqlStore) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(subscription(SLACK))
        ledger.route(routing("u1"), T0)
        return ledger.route(routing("u1", incident="i2", opens=False), T0)

    assert await store.write(work) == 0


A, B = report("a"), report("b", source="acme/x", minutes=1)


def absorb(ledger: Ledger) -> None:
    """`i2` turns out to be `i1`."""
    before, now = incident("i1", update(A)), incident("i1", update(A), update(B))
    ledger.save([change(now, before, absorbed=["i2"])])


def open_one(ledger: Ledger, each: Incident, to: Destination) -> None:
    """Tell a destination alone of an incident."""
    ledger.subscribe(subscription(to))
    ledger.save([change(each)])
    ledger.route(routing("u1", incident=each.id), T0)


async def test_who_was_told_of_the_absorbed_incident_gets_the_rest_under_its_message(store: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        open_one(ledger, incident("i2", update(B)), SLACK)
        ledger.save([change(incident("i1", update(A)))])
        absorb(ledger)
        ledger.route(routing("u2", opens=False), at(2))

    await store.write(work)
    (create,) = await store.write(lambda ledger: ledger.claim(at(2), T0 - at(-1), 10))
    assert (create.incident, create.act) == ("i2", Act.CREATE)
    await store.write(lambda ledger: ledger.settle([Outcome(create, State.SENT, Receipt("m2", "t2"))], at(2)))
    (reply,) = await store.write(lambda ledger: ledger.claim(at(2), T0 - at(-1), 10))
    assert (reply.incident, reply.act, reply.root) == ("i1", Act.REPLY, Receipt("m2", "t2"))


async def test_who_was_told_of_both_goes_on_under_the_remaining_one_s_message(store: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        open_one(ledger, incident("i1", update(A)), SLACK)
        open_one(ledger, incident("i2", update(B)), SLACK)

    await store.write(work)
    for create in await store.write(lambda ledger: ledger.claim(T0, T0 - at(-1), 10)):
        receipt = Receipt(f"message of {create.incident}")
        await store.write(
            lambda ledger, create=create, receipt=receipt: ledger.settle([Outcome(create, State.SENT, receipt)], T0)  # type: ignore[misc]
        )
    await store.write(absorb)
    await store.write(lambda ledger: ledger.route(routing("u2"), at(2)))
    (reply,) = await store.write(lambda ledger: ledger.claim(at(2), T0 - at(-1), 10))
    assert reply.root == Receipt("message of i1")


async def test_a_change_routed_under_the_absorbed_id_keeps_the_lane(store: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        open_one(ledger, incident("i2", update(B)), SLACK)
        ledger.save([change(incident("i1", update(A)))])
        absorb(ledger)
        ledger.route(routing("u2", incident="i2"), at(2))
        ledger.route(routing("u3", incident="i1"), at(2))

    await store.write(work)
    assert len(await store.write(lambda ledger: ledger.claim(at(2), T0 - at(-1), 10))) == 1
