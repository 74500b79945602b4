from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

from bot.model import Outcome, Receipt, State
from bot.store import SqlStore, open_store
from bot.store.many import one_of, packed
from bot.store.schema import notes, subscriptions
from tests.store.build import SLACK, T0, TEAMS, at, routing, subscription
from tests.store.plans import plans
from tests.store.test_outbox import LEASE

NAMES = ("plain", "O'Neil", 'say "x"', "naïve ☂", "a,b", "{c}", "back\\slash", "")


@pytest.mark.parametrize("wanted", [(), NAMES[:1], NAMES, (*NAMES, "unknown")])
async def test_what_is_among_many_is_found_on_every_database(store: SqlStore, wanted: tuple[str, ...]) -> None:
    with store._engine.begin() as connection:
        connection.execute(notes.insert(), [{"name": name, "text": "x"} for name in NAMES])
        among = select(notes.c.name).where(one_of(notes.c.name, "wanted"))
        others = select(notes.c.name).where(~one_of(notes.c.name, "wanted"))
        assert set(connection.scalars(among, {"wanted": wanted})) == set(wanted) & set(NAMES)
        assert set(connection.scalars(others, {"wanted": wanted})) == set(NAMES).difference(wanted)


async def test_numbers_are_found_as_numbers(store: SqlStore) -> None:
    for to in (SLACK, TEAMS):
        await store.write(lambda ledger, to=to: ledger.subscribe(subscription(to)))  # type: ignore[misc]
    with store._engine.begin() as connection:
        every = list(connection.scalars(select(subscriptions.c.id)))
        among = select(subscriptions.c.id).where(one_of(subscriptions.c.id, "wanted"))
        assert sorted(connection.scalars(among, {"wanted": every[1:]})) == sorted(every[1:])


async def test_rows_come_packed_as_they_come_one_by_one(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'statusbot.db'}")
    await store.upgrade()
    with store._engine.begin() as connection:
        connection.execute(notes.insert(), [{"name": name, "text": name * 3} for name in NAMES])
        query = select(notes).order_by(notes.c.text.desc())
        rows = orjson.loads(connection.scalars(packed(query)).one())
        assert [tuple(row) for row in rows] == [tuple(row) for row in connection.execute(query)]
        assert orjson.loads(connection.scalars(packed(query.where(notes.c.name == "nobody"))).one()) == []
    await store.close()


async def test_what_is_claimed_and_settled_is_found_by_its_ids_however_much_else_waits(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'statusbot.db'}")
    await store.upgrade()
    await store.write(lambda ledger: ledger.subscribe(subscription(SLACK)))
    await store.write(lambda ledger: ledger.route(routing("u1"), T0))
    claimed = await store.write(lambda ledger: ledger.claim(at(1), LEASE, 9))
    sent = [Outcome(each, State.SENT, Receipt("m1")) for each in claimed]
    asked = await plans(store, lambda ledger: ledger.settle(sent, at(1)))
    asked += await plans(store, lambda ledger: ledger.claim(at(2), LEASE, 9))
    await store.write(lambda ledger: ledger.route(routing("u2", opens=False), at(3)))
    asked += await plans(store, lambda ledger: ledger.claim(at(4), LEASE, 9))
    by_ids = [plan for words, plan in asked if words.startswith("UPDATE deliveries") and "json_each" in words]
    assert len(by_ids) == 2  # what was settled, and what was claimed last
    assert all("deliveries USING INTEGER PRIMARY KEY" in plan and "SCAN deliveries" not in plan for plan in by_ids)
    assert not any("SCAN deliveries" in plan for _, plan in asked)
    await store.close()
