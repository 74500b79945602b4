from __future__ import annotations

from dataclasses import replace

from bot.store import SqlStore
from bot.store.memory import Memory
from tests.store.build import at, change, incident, report, update

ONE = incident("i1", update(report("p1", thread="t1")))


def test_what_was_asked_for_last_stays_longest() -> None:
    memory = Memory(most=2)
    memory.keep([(("a", "1"), ONE), (("b", "1"), ONE)])
    assert list(memory.recall([("a", "1")])) == [("a", "1")]
    memory.keep([(("c", "1"), ONE)])
    assert set(memory.recall([("a", "1"), ("b", "1"), ("c", "1")])) == {("a", "1"), ("c", "1")}


def test_another_content_is_not_remembered_under_the_same_id() -> None:
    memory = Memory()
    memory.keep([(("a", "1"), ONE)])
    assert memory.recall([("a", "2")]) == {}


async def test_the_ledger_never_answers_with_what_has_changed_since(store: SqlStore) -> None:
    begin, end = at(-600), at(600)
    await store.write(lambda ledger: ledger.save([change(ONE)]))
    assert await store.read(lambda ledger: ledger.likely("acme", [], begin, end)) == [ONE]
    now = replace(ONE, title="Another title")
    await store.write(lambda ledger: ledger.save([change(now, ONE)]))
    assert await store.read(lambda ledger: ledger.likely("acme", [], begin, end)) == [now]


async def test_near_tells_the_bound_from_those_that_spoke_since(store: SqlStore) -> None:
    late = incident("i2", update(report("p2", thread="t2", minutes=30, keys=frozenset({"id:MO2"}))))
    await store.write(lambda ledger: ledger.save([change(ONE), change(late)]))

    def ask(threads: list[str], keys: list[str], since: float) -> object:
        return store.read(
            lambda ledger: ledger.near("acme", "acme/page", threads=threads, keys=keys, native_ids=[], since=at(since))
        )

    near = await ask(["t1"], [], 10)  # type: ignore[misc]
    assert ([i.id for i in near.bound], [i.id for i in near.spoken]) == (["i1"], ["i2"])
    near = await ask([], ["id:MO2"], 10)  # type: ignore[misc]
    assert ([i.id for i in near.bound], [i.id for i in near.spoken]) == (["i2"], [])
    near = await ask(["t9"], ["id:MO9"], 40)  # type: ignore[misc]
    assert (near.bound, near.spoken) == ((), ())


async def test_words_older_than_some_days_are_forgotten(store: SqlStore) -> None:
    begin, end = at(-20000), at(20000)
    old = incident("i0", update(report("p0", thread="t0", minutes=-10000, text="Catastrophic refrigeration failure")))
    crowd = [incident(f"c{n}", update(report(f"c{n}", thread=f"c{n}", minutes=-9000 + n))) for n in range(5)]
    await store.write(lambda ledger: ledger.save([change(it) for it in (old, *crowd)]))
    found = await store.read(lambda ledger: ledger.likely("acme", ["refriger"], begin, end))
    assert "i0" not in [it.id for it in found], "nothing leads there but its words, which are not so stemmed"
    found = await store.read(lambda ledger: ledger.likely("acme", ["catastrophic"], begin, end))
    assert "i0" in [it.id for it in found]
    await store.write(lambda ledger: ledger.save([change(ONE)]))
    found = await store.read(lambda ledger: ledger.likely("acme", ["catastrophic"], begin, end))
    assert "i0" not in [it.id for it in found]
