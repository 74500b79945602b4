from __future__ import annotations

from bot.model import Act, Destination, Mode, Mute, Outcome, Receipt, State, Verdict
from bot.ports import Ledger
from bot.store import SqlStore
from tests.store.build import SLACK, T0, TEAMS, at, change, incident, report, routing, subscription, update


def told(ledger: Ledger, *modes: Mode) -> None:
    """Each mode's channel was told of the incident i1 by its update u1."""
    ledger.save([change(incident("i1", update(report("u1"))))])
    for mode in modes:
        ledger.subscribe(subscription(channel(mode), mode=mode))
    ledger.route(routing(), T0)
    for delivery in ledger.deliveries():
        ledger.settle([Outcome(delivery, State.SENT, Receipt(f"m{delivery.id}", ""))], T0)


def channel(mode: Mode) -> Destination:
    return Destination("slack", mode.value)


def owed(ledger: Ledger) -> set[tuple[str, Act]]:
    return {(d.destination.name, d.act) for d in ledger.deliveries(states=(State.PENDING,))}


async def test_the_muted_have_their_message_kept_and_hear_no_more(store: SqlStore) -> None:
    def work(ledger: Ledger) -> set[tuple[str, Act]]:
        told(ledger, *Mode)
        for mode in Mode:
            ledger.mute(Mute(channel(mode), incident="i1"))
        ledger.route(routing("u2"), at(1))
        return owed(ledger)

    assert await store.write(work) == {("thread", Act.EDIT), ("edit", Act.EDIT)}


async def test_the_muted_are_told_the_end(store: SqlStore) -> None:
    def work(ledger: Ledger) -> set[tuple[str, Act]]:
        told(ledger, *Mode)
        for mode in Mode:
            ledger.mute(Mute(channel(mode), provider="acme"))
        ledger.route(routing("u2", ends=True), at(1))
        return owed(ledger)

    every = {("thread", Act.EDIT), ("thread", Act.REPLY), ("edit", Act.EDIT), ("post", Act.POST)}
    assert await store.write(work) == every


async def test_whoever_muted_a_provider_is_not_told_of_what_begins(store: SqlStore) -> None:
    def work(ledger: Ledger) -> tuple[set[tuple[str, Act]], int]:
        ledger.subscribe(subscription(SLACK))
        ledger.subscribe(subscription(TEAMS, mode=Mode.POST))
        ledger.mute(Mute(SLACK, provider="acme"))
        ledger.route(routing(), T0)
        opened = owed(ledger)
        return opened, ledger.route(routing("u2", ends=True), at(1))

    opened, ended = await store.write(work)
    assert opened == {("ops", Act.POST)}
    assert ended == 1  # the other was never told of it


async def test_a_mute_of_another_matter_changes_nothing(store: SqlStore) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(subscription(SLACK))
        ledger.mute(Mute(SLACK, incident="i2"))
        ledger.mute(Mute(SLACK, provider="other"))
        ledger.mute(Mute(TEAMS, provider="acme"))
        return ledger.route(routing(), T0)

    assert await store.write(work) == 1


async def test_a_mute_ends_with_its_time(store: SqlStore) -> None:
    wish = Mute(SLACK, provider="acme", until=at(60))

    def work(ledger: Ledger) -> list[int]:
        ledger.subscribe(subscription(SLACK))
        ledger.mute(wish)
        return [ledger.route(routing("u1"), at(59)), ledger.route(routing("u2"), at(60))]

    assert await store.write(work) == [0, 1]
    assert await store.write(lambda ledger: list(ledger.lapse(at(59)))) == []
    assert await store.write(lambda ledger: list(ledger.lapse(at(60)))) == [wish]
    assert await store.read(lambda ledger: ledger.mutes()) == []


async def test_a_second_wish_replaces_the_first_and_unmute_lifts_it(store: SqlStore) -> None:
    def work(ledger: Ledger) -> list[Mute]:
        ledger.mute(Mute(SLACK, incident="i1", until=at(5)))
        ledger.mute(Mute(SLACK, incident="i1"))
        return ledger.mutes(SLACK)

    assert await store.write(work) == [Mute(SLACK, incident="i1")]
    assert await store.write(lambda ledger: ledger.unmute(Mute(SLACK, incident="i1"))) is True
    assert await store.write(lambda ledger: ledger.unmute(Mute(SLACK, incident="i1"))) is False


async def test_a_mute_follows_the_incident_into_the_one_that_absorbs_it(store: SqlStore) -> None:
    one, other = incident("i1", update(report("u1"))), incident("i2", update(report("u2", source="acme/x")))

    def work(ledger: Ledger) -> int:
        ledger.subscribe(subscription(SLACK))
        ledger.save([change(one), change(other)])
        ledger.mute(Mute(SLACK, incident="i2"))
        whole = incident("i1", *one.updates, *other.updates)
        ledger.save([change(whole, before=one, absorbed=["i2"])])
        return ledger.route(routing("u2"), at(1))

    assert await store.write(work) == 0


async def test_the_explanation_names_the_mute(store: SqlStore) -> None:
    def work(ledger: Ledger) -> tuple[list[Verdict], list[Verdict]]:
        ledger.subscribe(subscription(SLACK))
        ledger.mute(Mute(SLACK, provider="acme", until=at(60)))
        return ledger.explain(routing(), at=at(1)), ledger.explain(routing(), at=at(61))

    muted, heard = await store.write(work)
    assert [verdict.held_by for verdict in muted] == [("muted",)]
    assert [verdict.held_by for verdict in heard] == [()]


async def test_one_destination_alone_is_told_of_what_stands(store: SqlStore) -> None:
    def work(ledger: Ledger) -> tuple[int, int, set[tuple[str, Act]]]:
        ledger.subscribe(subscription(SLACK))
        ledger.subscribe(subscription(TEAMS, mode=Mode.POST))
        first, again = ledger.route(routing(), T0, SLACK), ledger.route(routing("u2"), at(1), SLACK)
        return first, again, owed(ledger)

    assert await store.write(work) == (1, 0, {("C1", Act.CREATE)})
