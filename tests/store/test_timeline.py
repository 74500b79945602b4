from __future__ import annotations

import pytest

from bot.core.normalise import digest, words_digest
from bot.model import Incident, Known, Status
from bot.ports import Ledger
from bot.store import SqlStore
from bot.store.timeline import BATCH, batches
from tests.store.build import T0, at, change, incident, report, update

PAGE = report("p1", thread="t1", keys=frozenset({"MO1221364"}), references=("MO1221364",))
POST = report("x1", source="acme/x", minutes=4, keys=frozenset({"MO1221364", "tracking-7"}))
NAMED = incident("i1", update(PAGE, POST), references=("MO1221364",), components=("Mail",))
OVER = incident("i0", update(report("p0", thread="t0", minutes=-300)), status=Status.RESOLVED, resolved_at=at(-200))
WORKS = incident("m1", update(report("p9", thread="t9", minutes=-10)), status=Status.SCHEDULED, maintenance=True)


@pytest.fixture
async def kept(store: SqlStore) -> SqlStore:
    await store.write(lambda ledger: ledger.save([change(OVER), change(NAMED), change(WORKS)]))
    return store


def names(incidents: list[Incident]) -> list[str]:
    return [incident.id for incident in incidents]


@pytest.mark.parametrize("name", ["i1", "MO1221364", "mo1221364 "])
async def test_an_incident_is_found_by_its_id_and_by_its_references(kept: SqlStore, name: str) -> None:
    assert await kept.read(lambda ledger: ledger.incident(name)) == NAMED


@pytest.mark.parametrize("name", ["", "i2", "MO", "'; DROP TABLE incidents; --"])
async def test_no_incident_is_none(kept: SqlStore, name: str) -> None:
    assert await kept.read(lambda ledger: ledger.incident(name)) is None


async def test_of_two_incidents_with_a_reference_the_newer_is_meant(kept: SqlStore) -> None:
    newer = incident("i5", update(report("p5", minutes=90)), references=("MO1221364",))
    await kept.write(lambda ledger: ledger.save([change(newer)]))
    assert await kept.read(lambda ledger: ledger.incident("MO1221364")) == newer


async def test_an_id_goes_before_a_reference(kept: SqlStore) -> None:
    mocking = incident("i6", references=("i1",))
    await kept.write(lambda ledger: ledger.save([change(mocking)]))
    assert await kept.read(lambda ledger: ledger.incident("i1")) == NAMED


async def test_a_dropped_reference_leads_nowhere(kept: SqlStore) -> None:
    await kept.write(lambda ledger: ledger.save([change(incident("i1", *NAMED.updates), NAMED)]))
    assert await kept.read(lambda ledger: ledger.incident("MO1221364")) is None


async def test_components_as_incidents_have_named_them_the_newest_first(kept: SqlStore) -> None:
    more = [
        incident("i7", update(report("p7", minutes=60)), components=("Chat", "Mail")),
        incident("i8", update(report("p8", minutes=70)), provider="other", components=("Disk",)),
    ]
    await kept.write(lambda ledger: ledger.save([change(one) for one in more]))
    assert await kept.read(lambda ledger: ledger.components("acme")) == ["Chat", "Mail"]
    assert await kept.read(lambda ledger: ledger.components("acme", limit=0)) == []
    assert await kept.read(lambda ledger: ledger.components("nobody")) == []


async def test_the_timeline_is_newest_first(kept: SqlStore) -> None:
    assert names(await kept.read(lambda ledger: ledger.timeline())) == ["i1", "m1", "i0"]


async def test_the_timeline_can_be_narrowed(kept: SqlStore) -> None:
    foreign = incident("f1", update(report("f", source="other/page")), provider="other")
    await kept.write(lambda ledger: ledger.save([change(foreign)]))
    assert names(await kept.read(lambda ledger: ledger.timeline(provider="other"))) == ["f1"]
    assert names(await kept.read(lambda ledger: ledger.timeline(provider="acme", open_only=True))) == ["i1", "m1"]
    assert names(await kept.read(lambda ledger: ledger.timeline(provider="nobody"))) == []


async def test_since_keeps_what_was_updated_then_or_is_still_open(kept: SqlStore) -> None:
    assert names(await kept.read(lambda ledger: ledger.timeline(since=at(600)))) == ["i1", "m1"]
    assert names(await kept.read(lambda ledger: ledger.timeline(since=OVER.updated_at))) == ["i1", "m1", "i0"]


async def test_only_open_incidents_make_an_open_provider(kept: SqlStore) -> None:
    assert await kept.read(lambda ledger: ledger.open_providers()) == {"acme"}
    over = incident("i1", *NAMED.updates, status=Status.RESOLVED)
    await kept.write(lambda ledger: ledger.save([change(over, NAMED)]))
    assert await kept.read(lambda ledger: ledger.open_providers()) == set()


async def test_what_is_known_of_a_report(kept: SqlStore) -> None:
    seen = (PAGE.first_seen_at, PAGE.seen_at)
    expected = Known("p1", "t1", PAGE.at, digest(PAGE), words_digest(PAGE.text), 0, *seen, 0, PAGE.status, PAGE.impact)
    assert await kept.read(lambda ledger: ledger.known("acme/page", ["t1"], ["p1"])) == [expected]
    assert await kept.read(lambda ledger: ledger.known("acme/page", [], ["p1"])) == [expected]
    assert await kept.read(lambda ledger: ledger.known("acme/x", ["t1"], ["p1"])) == []
    assert await kept.read(lambda ledger: ledger.known("acme/page", [], [])) == []


def test_values_are_asked_for_in_no_more_than_a_statement_takes() -> None:
    parts = list(batches(range(40_000)))
    assert [value for part in parts for value in part] == list(range(40_000))
    assert max(map(len, parts)) <= 32_000


async def test_known_asks_for_more_values_than_a_statement_takes(kept: SqlStore) -> None:
    many = [f"t{number}" for number in range(BATCH + 1, -1, -1)]
    assert len(await kept.read(lambda ledger: ledger.known("acme/page", many, []))) == 3


NEIGHBOURS = {
    "nothing asked": ({}, []),
    "thread": ({"threads": [("acme/page", "t1")]}, ["i1"]),
    "thread of another source": ({"threads": [("acme/x", "t1")]}, []),
    "native id": ({"native_ids": [("acme/x", "x1"), ("acme/page", "none")]}, ["i1"]),
    "key": ({"keys": ["tracking-7"]}, ["i1"]),
    "key of nobody": ({"keys": ["tracking-8"]}, []),
    "spoke in the window": ({"window": (at(-301), at(-299))}, ["i0"]),
    "open and began before the window's end": ({"window": (at(500), at(600))}, ["m1", "i1"]),
    "began after the window": ({"window": (at(-20), at(-5))}, ["m1"]),
    "several reasons, once each": ({"keys": ["MO1221364"], "threads": [("acme/page", "t0")], "window": (T0, T0)}, None),
}


@pytest.mark.parametrize("case", NEIGHBOURS)
async def test_the_neighbourhood(kept: SqlStore, case: str) -> None:
    asked, expected = NEIGHBOURS[case]
    found = await kept.read(lambda ledger: ledger.neighbourhood("acme", **asked))  # type: ignore[arg-type]
    assert names(found) == (["i0", "m1", "i1"] if expected is None else expected)
    assert all(each in (OVER, NAMED, WORKS) for each in found)
    assert await kept.read(lambda ledger: ledger.neighbourhood("other", **asked)) == []  # type: ignore[arg-type]


async def test_the_neighbourhood_may_be_asked_within_a_writing_transaction(kept: SqlStore) -> None:
    def work(ledger: Ledger) -> list[Incident]:
        ledger.save([change(incident("i7", update(report("p7", keys=frozenset({"K"})))))])
        return ledger.neighbourhood("acme", keys=["K"])

    assert names(await kept.write(work)) == ["i7"]
