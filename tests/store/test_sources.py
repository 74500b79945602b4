from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy.exc import StatementError

from bot.model import Belief, Cursor, Sighting, Validators
from bot.store import SqlStore
from tests.store.build import T0, at

CURSOR = Cursor({"https://a.example/x": Validators('W/"1"', "Thu", "d1")}, {"since_id": "17"})
SIGHTING = Sighting(
    "acme/page",
    Belief.UNREADABLE,
    since=T0,
    reason="429 Too Many Requests",
    ours=True,
    failures=3,
    failing_since=T0,
    read_at=at(-5),
    asked_at=at(1),
    changed_at=at(-60),
    next_at=at(2),
)


async def test_a_source_never_read_has_an_empty_cursor_and_no_sighting(store: SqlStore) -> None:
    assert await store.read(lambda ledger: ledger.cursor("acme/page")) == Cursor()
    assert await store.read(lambda ledger: ledger.sightings()) == {}


async def test_a_cursor_comes_back_and_is_replaced_whole(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.save_cursor("acme/page", CURSOR))
    assert await store.read(lambda ledger: ledger.cursor("acme/page")) == CURSOR
    newer = Cursor({}, {"since_id": "18"})
    await store.write(lambda ledger: ledger.save_cursor("acme/page", newer))
    assert await store.read(lambda ledger: ledger.cursor("acme/page")) == newer


async def test_a_cursor_alone_is_no_sighting(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.save_cursor("acme/page", CURSOR))
    assert await store.read(lambda ledger: ledger.sightings()) == {}


async def test_sightings_come_back_and_leave_the_cursor_alone(store: SqlStore) -> None:
    other = Sighting("acme/x", Belief.OK, since=T0)
    await store.write(lambda ledger: ledger.save_cursor("acme/page", CURSOR))
    await store.write(lambda ledger: ledger.save_sightings([SIGHTING, other]))
    await store.write(lambda ledger: ledger.save_cursor("acme/page", CURSOR))
    assert await store.read(lambda ledger: ledger.sightings()) == {"acme/page": SIGHTING, "acme/x": other}
    assert await store.read(lambda ledger: ledger.sightings(["acme/x", "no/such"])) == {"acme/x": other}
    assert await store.read(lambda ledger: ledger.sightings([])) == {}
    assert await store.read(lambda ledger: ledger.cursor("acme/page")) == CURSOR


async def test_saving_no_sightings_is_nothing(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.save_sightings([]))
    assert await store.read(lambda ledger: ledger.sightings()) == {}


async def test_a_naive_time_is_refused_and_nothing_is_written(store: SqlStore) -> None:
    naive = Sighting("acme/page", Belief.OK, since=datetime(2026, 1, 22))  # noqa: DTZ001
    with pytest.raises(StatementError, match="naive"):
        await store.write(lambda ledger: ledger.save_sightings([Sighting("acme/x", Belief.OK), naive]))
    assert await store.read(lambda ledger: ledger.sightings()) == {}


async def test_moving_clocks_leaves_what_is_believed(store: SqlStore) -> None:
    seen = Sighting("acme/page", Belief.UNREADABLE, T0, "429", failures=3, asked_at=T0)
    ticked = Sighting("acme/page", Belief.OK, read_at=at(1), asked_at=at(2), changed_at=at(1), next_at=at(3))
    await store.write(lambda ledger: ledger.save_sightings([seen]))
    await store.write(lambda ledger: ledger.save_clocks([ticked, replace(ticked, source="acme/unknown")]))
    kept = await store.read(lambda ledger: ledger.sightings())
    clocks = {name: getattr(ticked, name) for name in ("read_at", "asked_at", "changed_at", "next_at")}
    assert kept == {"acme/page": replace(seen, **clocks)}
