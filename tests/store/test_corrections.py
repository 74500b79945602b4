from __future__ import annotations

import pytest

from bot.model import Act, Corrections, Incident, Mode, Outcome, Receipt, State
from bot.ports import Ledger
from bot.store import SqlStore
from bot.store.outbox import AIMLESS
from tests.store.build import SLACK, T0, TEAMS, at, change, incident, report, routing, subscription, update

A, B = report("a"), report("b", source="acme/x", minutes=1)
LEASE = at(1) - T0
MERGED = Corrections({("acme/page|a", "acme/x|b"): ("i1", "i2")}, frozenset({("acme/page|c", "acme/page|a")}))


async def test_corrections_come_back(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.correct("acme", MERGED))
    assert await store.read(lambda ledger: ledger.corrections("acme")) == MERGED
    assert await store.read(lambda ledger: ledger.corrections("other")) == Corrections()


async def test_the_corrections_are_those_said_last(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.correct("acme", MERGED))
    await store.write(lambda ledger: ledger.correct("other", MERGED))
    await store.write(lambda ledger: ledger.correct("acme", Corrections()))
    assert await store.read(lambda ledger: ledger.corrections("acme")) == Corrections()
    assert await store.read(lambda ledger: ledger.corrections("other")) == MERGED


def tell(ledger: Ledger, each: Incident) -> None:
    """Put an incident on the timeline and tell it; its message stands at once at each destination."""
    ledger.save([change(each)])
    ledger.route(routing(each.updates[0].id, incident=each.id), T0)
    for owed in ledger.claim(T0, LEASE, 10):
        ledger.settle([Outcome(owed, State.SENT, Receipt(f"message of {owed.incident}"))], T0)


def move(ledger: Ledger) -> int:
    """`i2` turns out to be `i1`."""
    queued = ledger.move(["i2"], "i1", at(5))
    ledger.save([change(incident("i1", update(A), update(B)), incident("i1", update(A)), absorbed=["i2"])])
    return queued


@pytest.mark.parametrize(("mode", "act"), [(Mode.THREAD, Act.EDIT), (Mode.EDIT, Act.EDIT), (Mode.POST, Act.POST)])
async def test_where_both_were_told_the_absorbed_one_s_message_is_put_right(
    store: SqlStore, mode: Mode, act: Act
) -> None:
    def work(ledger: Ledger) -> int:
        ledger.subscribe(subscription(mode=mode))
        tell(ledger, incident("i1", update(A)))
        tell(ledger, incident("i2", update(B)))
        return move(ledger) + ledger.move(["i2"], "i1", at(5))

    assert await store.write(work) == 1, "asked twice, queued once"
    (owed,) = await store.write(lambda ledger: ledger.claim(at(5), LEASE, 10))
    assert (owed.incident, owed.update, owed.updates, owed.act, owed.destination) == ("i2", "", (), act, SLACK)
    assert owed.root == (Receipt("message of i2") if act is Act.EDIT else None)


async def test_where_only_the_absorbed_one_was_told_nothing_needs_a_word(store: SqlStore) -> None:
    def work(ledger: Ledger) -> int:
        tell(ledger, incident("i1", update(A)))
        ledger.subscribe(subscription())
        tell(ledger, incident("i2", update(B)))
        return move(ledger)

    assert await store.write(work) == 0


async def test_of_two_absorbed_at_once_the_first_s_message_goes_on(store: SqlStore) -> None:
    def work(ledger: Ledger) -> int:
        tell(ledger, incident("i1", update(A)))
        ledger.subscribe(subscription())
        tell(ledger, incident("i2", update(B)))
        tell(ledger, incident("i3", update(report("c"))))
        return ledger.move(["i2", "i3"], "i1", at(5))

    assert await store.write(work) == 1
    (owed,) = await store.write(lambda ledger: ledger.claim(at(5), LEASE, 10))
    assert owed.incident == "i3"


async def test_a_word_with_no_message_to_stand_on_is_set_aside(store: SqlStore) -> None:
    def work(ledger: Ledger) -> list[tuple[State, str]]:
        ledger.subscribe(subscription())
        tell(ledger, incident("i1", update(A)))
        ledger.save([change(incident("i2", update(B)))])
        ledger.route(routing(B.native_id, incident="i2"), T0)
        (refused,) = ledger.claim(T0, LEASE, 10)
        ledger.settle([Outcome(refused, State.DEAD, reason="no such channel")], T0)
        assert move(ledger) == 1
        assert ledger.claim(at(5), LEASE, 10) == []
        newest = ledger.deliveries()[0]
        return [(newest.state, newest.reason)]

    assert await store.write(work) == [(State.HELD, AIMLESS)]


async def test_an_id_that_lives_again_takes_its_message_back(store: SqlStore) -> None:
    """A destination that the merge had led on knows the other incident no more; one that knew both still does."""

    def work(ledger: Ledger) -> list[tuple[str, str, str]]:
        ledger.subscribe(subscription(SLACK))
        tell(ledger, incident("i1", update(A)))
        ledger.subscribe(subscription(TEAMS))
        tell(ledger, incident("i2", update(B)))
        move(ledger)
        ledger.claim(at(5), LEASE, 10)
        both, one, other = incident("i1", update(A), update(B)), incident("i1", update(A)), incident("i2", update(B))
        ledger.save([change(one, both), change(other)])
        for name in ("i1", "i2"):
            ledger.route(routing("u9", incident=name, opens=False), at(6))
        owed = [entry for entry in ledger.deliveries() if entry.update == "u9" and entry.act is Act.REPLY]
        return sorted(
            (str(entry.destination), entry.incident, entry.root.message if entry.root else "") for entry in owed
        )

    assert await store.write(work) == [
        ("slack:C1", "i1", "message of i1"),
        ("slack:C1", "i2", "message of i2"),
        ("teams:ops", "i2", "message of i2"),
    ]
