from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from bot.model import Change, Delivery, Impact, Incident, Report, Status, Update
from bot.ports import Ledger
from bot.store import SqlStore
from tests.store.build import T0, change, incident, report, routing, subscription, update

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
TIMES = st.datetimes(timezones=st.just(UTC))
MAYBE = st.none() | TIMES
WORDS = st.lists(TEXT, max_size=2).map(tuple)
STATUS, IMPACT = st.sampled_from(Status), st.none() | st.sampled_from(Impact)
NUMBERS = st.integers(0, 2**31 - 1)
SOURCES = st.sampled_from(["acme/page", "acme/x", "acme/ä|b"])


def reports(native_id: str, source: str) -> st.SearchStrategy[Report]:
    return st.builds(
        Report,
        source=st.just(source),
        native_id=st.just(native_id),
        provider=st.just("acme"),
        at=TIMES,
        dated=st.booleans(),
        first_seen_at=TIMES,
        seen_at=TIMES,
        text=TEXT,
        thread=st.none() | TEXT,
        title=TEXT,
        status=st.none() | STATUS,
        impact=IMPACT,
        url=TEXT,
        keys=st.frozensets(TEXT, max_size=3),
        references=WORDS,
        components=WORDS,
        regions=WORDS,
        maintenance=st.booleans(),
        starts=MAYBE,
        ends=MAYBE,
        revision=NUMBERS,
        position=NUMBERS,
    )


def updates(name: str, spoken: tuple[Report, ...]) -> st.SearchStrategy[Update]:
    return st.builds(
        Update,
        id=st.just(name),
        at=TIMES,
        text=TEXT,
        status=st.none() | STATUS,
        impact=IMPACT,
        reports=st.just(spoken),
        revision=NUMBERS,
        observed=TEXT,
        dated=st.booleans(),
        url=TEXT,
    )


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    """Any state of the incident "i1": its updates and reports come from a small pool, so that two states share some."""
    told: dict[str, list[Report]] = {}
    for key in draw(st.lists(st.tuples(st.sampled_from("abcd"), SOURCES), unique=True, max_size=5)):
        told.setdefault(draw(st.sampled_from(["u1", "u2"])), []).append(draw(reports(*key)))
    names = draw(st.permutations(sorted({*told, *draw(st.sets(st.sampled_from(["u2", "seen"])))})))
    entries = tuple(draw(updates(name, tuple(told.get(name, ())))) for name in names)
    spoken = [report for entry in entries for report in entry.reports]
    return Incident(
        id="i1",
        provider="acme",
        title=draw(TEXT),
        status=draw(STATUS),
        started_at=draw(TIMES),
        updated_at=draw(TIMES),
        impact=draw(IMPACT),
        resolved_at=draw(MAYBE),
        references=draw(WORDS),
        components=draw(WORDS),
        regions=draw(WORDS),
        sources=draw(WORDS),
        maintenance=draw(st.booleans()),
        starts=draw(MAYBE),
        ends=draw(MAYBE),
        url=draw(TEXT),
        updates=entries,
        keys=frozenset(key for report in spoken for key in report.keys),
        joined={report.id: draw(TEXT) for report in spoken if draw(st.booleans())},
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=incidents(), second=incidents(), candid=st.booleans())
async def test_whatever_is_saved_comes_back(store: SqlStore, first: Incident, second: Incident, candid: bool) -> None:
    def work(ledger: Ledger) -> tuple[Incident | None, Incident | None]:
        ledger.save([change(first)])
        one = ledger.incident("i1")
        ledger.save([change(second, first if candid else None)])
        return one, ledger.incident("i1")

    assert await store.write(work) == (first, second)


class Counter:
    """The statements that a store sends, and the rows that they carry."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, int]] = []

    def count(self, _c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        self.statements.append((statement, len(parameters) if many else 1))

    def rows(self, table: str) -> int:
        return sum(rows for statement, rows in self.statements if statement.startswith(f"INSERT INTO {table} "))


@pytest.fixture
def counter(store: SqlStore) -> Iterator[Counter]:
    counter = Counter()
    event.listen(store._engine, "before_cursor_execute", counter.count)
    yield counter
    event.remove(store._engine, "before_cursor_execute", counter.count)


def crowd(count: int, *, last: str = "") -> Incident:
    """An incident of so many updates with a report each; `last`: other words for the last of them."""
    spoken = [report(f"n{number}", minutes=number, keys=frozenset({f"k{number}"})) for number in range(count)]
    if last:
        spoken[-1] = report(spoken[-1].native_id, minutes=count - 1, text=last, keys=spoken[-1].keys)
    return incident("i1", *(update(each) for each in spoken))


async def test_one_report_more_is_a_handful_of_statements_and_one_row(store: SqlStore, counter: Counter) -> None:
    before, now = crowd(60), crowd(61)
    await store.write(lambda ledger: ledger.save([change(before)]))
    counter.statements.clear()
    await store.write(lambda ledger: ledger.save([change(now, before)]))
    assert (counter.rows("updates"), counter.rows("reports"), counter.rows("report_keys")) == (1, 1, 1)
    assert len(counter.statements) < 15
    assert await store.read(lambda ledger: ledger.incident("i1")) == now


async def test_an_edited_report_alone_is_written_again(store: SqlStore, counter: Counter) -> None:
    before, now = crowd(60), crowd(60, last="other words")
    await store.write(lambda ledger: ledger.save([change(before)]))
    counter.statements.clear()
    await store.write(lambda ledger: ledger.save([change(now, before)]))
    assert (counter.rows("updates"), counter.rows("reports")) == (1, 1)
    assert await store.read(lambda ledger: ledger.incident("i1")) == now


async def test_reading_whole_incidents_takes_three_statements_however_many(store: SqlStore, counter: Counter) -> None:
    many = [incident(f"i{number}", update(report(f"n{number}"))) for number in range(30)]
    await store.write(lambda ledger: ledger.save([change(each) for each in many]))
    counter.statements.clear()
    assert len(await store.read(lambda ledger: ledger.timeline())) == 30
    assert len([1 for statement, _ in counter.statements if statement.startswith("SELECT")]) == 3


async def test_a_report_moves_from_one_incident_to_another(store: SqlStore) -> None:
    a, b = report("a", keys=frozenset({"K"})), report("b", minutes=1)
    before = incident("i1", update(a), update(b))
    left, new = incident("i1", update(b)), incident("i2", update(a))
    await store.write(lambda ledger: ledger.save([change(before)]))
    await store.write(lambda ledger: ledger.save([change(new), change(left, before)]))
    assert await store.read(lambda ledger: ledger.timeline()) == [left, new]
    assert await store.read(lambda ledger: ledger.neighbourhood("acme", keys=["K"])) == [new]


async def test_a_report_that_drops_a_key_is_not_found_by_it(store: SqlStore) -> None:
    before = incident("i1", update(report("a", keys=frozenset({"K", "L"}))))
    now = incident("i1", update(report("a", keys=frozenset({"L"}))))
    await store.write(lambda ledger: ledger.save([change(before)]))
    await store.write(lambda ledger: ledger.save([change(now, before)]))
    assert await store.read(lambda ledger: ledger.neighbourhood("acme", keys=["K"])) == []
    assert await store.read(lambda ledger: ledger.neighbourhood("acme", keys=["L"])) == [now]


async def test_several_changes_of_an_incident_at_once_leave_the_last(store: SqlStore) -> None:
    states = [crowd(1), crowd(3), crowd(2)]
    changes = [change(now, before) for before, now in zip([None, *states], states, strict=False)]
    await store.write(lambda ledger: ledger.save(changes))
    assert await store.read(lambda ledger: ledger.incident("i1")) == states[-1]


async def test_a_former_state_that_was_never_saved_hides_nothing(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.save([change(crowd(3), crowd(2))]))
    assert await store.read(lambda ledger: ledger.incident("i1")) == crowd(3)


async def test_saving_nothing_is_nothing(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.save([]))
    assert await store.read(lambda ledger: ledger.timeline()) == []


A, B, C = report("a", minutes=0), report("b", source="acme/x", minutes=1), report("c", minutes=2)


@pytest.fixture
async def merged(store: SqlStore) -> SqlStore:
    """`i2` was absorbed by `i1`, which was then absorbed by `i3`."""
    first, second, third = (incident(f"i{n}", update(r)) for n, r in enumerate((A, B, C), start=1))
    both, all_three = incident("i1", update(A), update(B)), incident("i3", update(A), update(B), update(C))
    await store.write(lambda ledger: ledger.save([change(first), change(second), change(third)]))
    await store.write(lambda ledger: ledger.save([change(both, first, absorbed=["i2"])]))
    await store.write(lambda ledger: ledger.save([change(all_three, third, absorbed=["i1"])]))
    return store


async def test_absorbed_ids_lead_on_however_often(merged: SqlStore) -> None:
    (remaining,) = await merged.read(lambda ledger: ledger.timeline())
    assert remaining == incident("i3", update(A), update(B), update(C))
    for name in ("i1", "i2", "i3"):
        assert await merged.read(lambda ledger, name=name: ledger.incident(name)) == remaining  # type: ignore[misc]


async def test_an_id_that_lives_again_leads_to_itself(merged: SqlStore) -> None:
    before = incident("i3", update(A), update(B), update(C))
    left, again = incident("i3", update(B), update(C)), incident("i1", update(A))
    await merged.write(lambda ledger: ledger.save([change(left, before), change(again)]))
    assert await merged.read(lambda ledger: ledger.incident("i1")) == again
    assert await merged.read(lambda ledger: ledger.incident("i2")) == left

    def tell(ledger: Ledger) -> list[Delivery]:
        ledger.subscribe(subscription())
        for name in ("i1", "i3"):
            ledger.route(routing("u1", incident=name), T0)
        return ledger.claim(T0, timedelta(minutes=1), 10)

    assert {each.incident for each in await merged.write(tell)} == {"i1", "i3"}


async def test_an_incident_that_is_new_and_absorbed_at_once(store: SqlStore) -> None:
    short, long = incident("i1", update(A)), incident("i2", update(A), update(B))
    await store.write(lambda ledger: ledger.save([change(short), Change(long, absorbed=("i1",))]))
    assert await store.read(lambda ledger: ledger.timeline()) == [long]
    assert await store.read(lambda ledger: ledger.incident("i1")) == long
