from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.collectors.statuspage import Statuspage, addresses
from bot.errors import Unreadable
from bot.model import Impact, Item, Status
from tests.collectors.pairs import as_json, capture, document, expected, fetched, online, source, tools
from tests.support.server import serve

PAGE = "https://status.example.com"
SUMMARY, INCIDENTS, MAINTENANCES = (
    f"{PAGE}/api/v2/{name}.json" for name in ("summary", "incidents", "scheduled-maintenances")
)
COLLECTOR = Statuspage(tools())
SOURCE = source("statuspage", PAGE)
ENVELOPE = {"page": {"id": "p1", "name": "Acme", "url": PAGE}}


def parsed(body: object, url: str = INCIDENTS) -> list[Item]:
    return list(COLLECTOR.parse(SOURCE, capture(json.dumps(body), url)))


def incident(**members: object) -> dict[str, Any]:
    facts = {"id": "i1", "name": "Search is slow", "status": "investigating", "impact": "minor"}
    return {**ENVELOPE, "incidents": [{**facts, "created_at": "2026-01-22T19:00:00Z", **members}]}


def update(number: int, **members: object) -> dict[str, object]:
    facts = {"id": f"u{number}", "status": "investigating", "body": f"words {number}"}
    return {**facts, "display_at": f"2026-01-22T19:0{number}:00Z", **members}


@pytest.mark.parametrize("name", ["incident", "maintenance", "all-clear"])
def test_reads_what_stands_in_the_golden_files(name: str) -> None:
    found = COLLECTOR.parse(SOURCE, document(f"statuspage/{name}.json", SUMMARY))
    assert [as_json(item) for item in found] == expected(f"statuspage/{name}.json")


def test_a_document_says_what_it_is_where_its_address_does_not() -> None:
    found = COLLECTOR.parse(SOURCE, document("statuspage/incident.json", "https://mirror.example.com/acme"))
    assert [as_json(item) for item in found] == expected("statuspage/incident.json")


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("status", {"status": {"indicator": "major", "description": "x"}}),
        ("components", {"components": [{"id": "c1", "name": "Search", "status": "major_outage"}]}),
        ("incidents", {"incidents": []}),
        ("incidents/unresolved", {"incidents": []}),
        ("scheduled-maintenances", {"scheduled_maintenances": []}),
        ("scheduled-maintenances/upcoming", {"scheduled_maintenances": []}),
        ("scheduled-maintenances/active", {"scheduled_maintenances": []}),
        ("summary", {"status": {"indicator": "none"}, "components": [], "incidents": []}),
    ],
)
def test_each_endpoint_needs_its_own_members_to_say_nothing(name: str, members: dict[str, object]) -> None:
    url = f"{PAGE}/api/v2/{name}.json"
    assert parsed({**ENVELOPE, **members}, url) == []
    with pytest.raises(Unreadable):
        parsed({**ENVELOPE, "error": "try again"}, url)
    with pytest.raises(Unreadable):
        parsed(members, url)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"error": "Service Unavailable"}', "no `page` in the answer"),
        ('{"page": {"id": "p"}, "incidents": []}', "no `status.indicator` in the answer"),
        ('{"page": {"id": "p"}, "status": {"indicator": null}, "incidents": []}', "`status.indicator` of an unexp"),
        ('{"page": {"id": "p"}, "status": {"indicator": "none"}}', "no `incidents` in the answer"),
        ('{"page": {"id": "p"}, "status": {"indicator": "none"}, "incidents": {}}', "`incidents` of an unexpected"),
        ('{"page": {"name": "A", "status": "UP"}}', "no `status.indicator` in the answer"),
        ('{"page": {}, "status": {"indicator": "none"}, "incidents": [7]}', "unexpected shape"),
        ('{"status": "good", "last_updated": "2012-12-07T18:11:55Z"}', "no `page` in the answer"),
        ("[]", "no `page` in the answer"),
        ("null", "no `page` in the answer"),
        ("<!DOCTYPE html><html>moved</html>", "HTML where JSON should be"),
        ('{"page": {"id"', "broken JSON"),
        ("", "an empty answer"),
    ],
)
def test_an_error_is_never_all_well(body: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        COLLECTOR.parse(SOURCE, capture(body, SUMMARY))
    assert reason in caught.value.reason


def test_a_page_of_an_unknown_address_with_nothing_known_in_it() -> None:
    with pytest.raises(Unreadable, match="not a document of Statuspage's API v2"):
        parsed({"page": {"name": "A", "status": "UP"}}, PAGE)


@pytest.mark.parametrize("status", [302, 401, 429, 500, 503])
def test_a_dead_page_is_unreadable(status: int) -> None:
    with pytest.raises(Unreadable):
        COLLECTOR.parse(SOURCE, capture(json.dumps(incident()), SUMMARY, status=status))


@pytest.mark.parametrize("lists", [{}, {"incident_updates": None, "components": None}, {"incident_updates": []}])
def test_an_incident_without_updates_speaks_for_itself(lists: dict[str, object]) -> None:
    assert parsed(incident(**lists)) == [
        Item(
            text="Search is slow",
            thread="i1",
            native_id="i1",
            at=datetime(2026, 1, 22, 19, tzinfo=UTC),
            title="Search is slow",
            status=Status.INVESTIGATING,
            impact=Impact.MINOR,
            url=f"{PAGE}/incidents/i1",
            links=(f"{PAGE}/incidents/i1",),
        )
    ]


def test_only_the_newest_update_states_the_impact_and_the_incidents_own_status() -> None:
    found = parsed(incident(status="resolved", impact="none", incident_updates=[update(2), update(1)]))
    assert [(item.native_id, item.status, item.impact) for item in found] == [
        ("u1", Status.INVESTIGATING, None),
        ("u2", Status.RESOLVED, Impact.NONE),
    ]


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 2, 1], [2, 3, 1]])
def test_updates_come_oldest_first(order: list[int]) -> None:
    found = parsed(incident(incident_updates=[update(number) for number in order]))
    assert [item.native_id for item in found] == ["u1", "u2", "u3"]


def test_equal_or_missing_times_keep_the_pages_order() -> None:
    same = [update(number, display_at="2026-01-22T19:00:00Z") for number in (3, 2, 1)]
    assert [item.native_id for item in parsed(incident(incident_updates=same))] == ["u1", "u2", "u3"]
    undated = [update(3), update(2, display_at="0001-01-01T00:00:00Z"), update(1)]
    assert [item.native_id for item in parsed(incident(incident_updates=undated))] == ["u1", "u2", "u3"]


def test_dates_that_cannot_be_believed() -> None:
    junk = [update(2, display_at=None, created_at="2026-01-22T20:00:00+01:00"), update(1, display_at="soon")]
    assert [item.at for item in parsed(incident(incident_updates=junk))] == [
        None,
        datetime(2026, 1, 22, 19, tzinfo=UTC),
    ]


def test_words_outside_the_vocabulary_are_not_guessed() -> None:
    found = parsed(incident(status="simmering", impact=7, incident_updates=[update(1, status="boiling")]))
    assert [(item.status, item.impact) for item in found] == [(None, None)]


def test_components_are_the_incidents_and_the_updates_known_by_id() -> None:
    parts = [
        {"code": "c1", "name": "APIs - Search"},
        {"code": "c9", "name": "APIs - Mail"},
        {"code": None, "name": None},
    ]
    facts = incident(
        components=[{"id": "c1", "name": "Search"}],
        incident_updates=[update(2), update(1, affected_components=parts)],
    )
    assert [item.components for item in parsed(facts)] == [("Search", "APIs - Mail"), ("Search",)]


def test_a_body_is_plain_text_and_never_empty() -> None:
    body = "We&#39;re <b>looking</b><br>5 < 7"
    found = parsed(incident(incident_updates=[update(2, body=None), update(1, body=body)]))
    assert [item.text for item in found] == ["We're looking\n5 < 7", "Search is slow"]


def test_a_page_that_does_not_give_its_address_is_known_by_the_one_it_was_asked_at() -> None:
    facts = {**incident(), "page": {"id": "p1"}}
    assert parsed(facts)[0].links == (f"{PAGE}/incidents/i1",)


@pytest.mark.parametrize("broken", [{"id": None}, {"incident_updates": [{"body": "x"}]}, {"components": ["x"]}])
def test_a_statement_that_cannot_be_told_apart_makes_the_page_unreadable(broken: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        parsed(incident(**broken))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["id", "name", "status", "impact", "shortlink", "incident_updates", "components"]), JSON
    )
)
def test_no_shape_of_an_incident_is_a_crash(members: dict[str, object]) -> None:
    try:
        found = parsed(incident(**members))
    except Unreadable:
        return
    assert found


@pytest.mark.parametrize("url", [PAGE, f"{PAGE}/", f"{PAGE}/history", f"{PAGE}/?x=1#y"])
def test_a_pages_address_stands_for_three_documents(url: str) -> None:
    assert addresses(url) == (SUMMARY, INCIDENTS, MAINTENANCES)


def test_an_endpoints_address_stands_for_itself() -> None:
    assert addresses(f"{PAGE}/api/v2/incidents/unresolved.json") == (f"{PAGE}/api/v2/incidents/unresolved.json",)


async def test_three_documents_are_one_poll() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=404 if "summary" in request.path else 200, text=request.path)

    async with serve(answer) as server, online() as real:
        pages = await fetched(Statuspage(real), source("statuspage", f"{server.url}/history"))
    assert [(page.url.removeprefix(server.url), page.status, page.partial) for page in pages] == [
        ("/api/v2/summary.json", 404, True),
        ("/api/v2/incidents.json", 200, True),
        ("/api/v2/scheduled-maintenances.json", 200, False),
    ]


async def test_a_page_that_refuses_is_not_asked_again_in_the_same_poll() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with serve(answer) as server, online() as real:
        pages = await fetched(Statuspage(real), source("statuspage", server.url))
    assert [(page.status, page.partial) for page in pages] == [(429, False)]
    assert len(server.requests) == 1
