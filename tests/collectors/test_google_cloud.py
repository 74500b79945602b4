from __future__ import annotations

import json

import pytest
from aiohttp import web

from bot.collectors.google_cloud import GoogleCloud, address
from bot.errors import Unreadable
from bot.model import Impact, Item, Status
from tests.collectors.pairs import as_json, capture, document, expected, fetched, online, source, tools
from tests.support.server import serve

URL = "https://status.cloud.google.com/incidents.json"
COLLECTOR = GoogleCloud(tools())
SOURCE = source("google-cloud", "https://status.cloud.google.com")


def update(hour: int, status: str | None = None, **more: object) -> dict[str, object]:
    return {"when": f"2026-06-07T{hour:02}:00:00Z", "text": f"at {hour}", "status": status, **more}


def items(*incidents: object, url: str = URL) -> list[Item]:
    return list(COLLECTOR.parse(SOURCE, capture(json.dumps(incidents), url)))


@pytest.mark.parametrize("name", ["incidents", "before-ids"])
def test_reads_what_stands_in_the_golden_files(name: str) -> None:
    found = COLLECTOR.parse(SOURCE, document(f"google_cloud/{name}.json", URL))
    assert [as_json(item) for item in found] == expected(f"google_cloud/{name}.json")


def test_a_report_after_the_end_takes_the_end_from_nobody() -> None:
    words = ["AVAILABLE", "AVAILABLE", "SERVICE_OUTAGE", "AVAILABLE", "SERVICE_OUTAGE"]
    updates = [update(9 - n, word) for n, word in enumerate(words)]
    told = [item.status for item in items({"id": "a", "end": "2026-06-07T08:30:00Z", "updates": updates})]
    assert told == [None, None, None, Status.RESOLVED, Status.RESOLVED]


@pytest.mark.parametrize("end", [None, "", " "])
def test_without_an_end_nothing_is_resolved(end: str | None) -> None:
    updates = [update(9, "AVAILABLE"), update(8, "SERVICE_OUTAGE")]
    assert [item.status for item in items({"id": "a", "end": end, "updates": updates})] == [None, None]


def test_an_ended_incident_whose_newest_update_says_nothing_of_it_is_resolved() -> None:
    updates = [update(9, "SERVICE_DISRUPTION"), update(8, "SERVICE_DISRUPTION")]
    told = [item.status for item in items({"id": "a", "end": "2026-06-07T08:30:00Z", "updates": updates})]
    assert told == [None, Status.RESOLVED]


@pytest.mark.parametrize(
    ("severity", "impact"),
    [("low", Impact.MINOR), ("medium", Impact.MAJOR), ("high", Impact.CRITICAL), ("severe", None), (None, None)],
)
def test_severity_is_the_impact_of_the_newest_update_only(severity: str | None, impact: Impact | None) -> None:
    found = items({"id": "a", "severity": severity, "updates": [update(9), update(8)]})
    assert [item.impact for item in found] == [None, impact]


def test_equal_times_are_read_from_the_documents_older_end() -> None:
    found = items({"id": "a", "updates": [update(9, text="second"), update(9, text="first")]})
    assert [item.text for item in found] == ["first", "second"]


def test_an_incident_without_updates_speaks_by_its_description() -> None:
    [item] = items(
        {"id": "open-high", "external_desc": "Increased latency", "begin": "2026-06-07T09:00:00Z", "end": ""}
    )
    assert (item.text, item.thread, item.status, item.at is None) == ("Increased latency", "open-high", None, False)


def test_the_marks_of_markdown_are_taken_off() -> None:
    [item] = items({"id": "a", "updates": [update(9, text="# ISSUE SUMMARY\r\n\r\n**Impact:** 47 minutes, 5 # 6")]})
    assert item.text == "ISSUE SUMMARY\nImpact: 47 minutes, 5 # 6"


def test_regions_are_all_that_were_touched_and_none_where_it_is_everywhere() -> None:
    tokyo, iowa = {"title": "Tokyo (asia-northeast1)", "id": "asia-northeast1"}, {"id": "us-central1"}
    places = {"currently_affected_locations": [tokyo], "previously_affected_locations": [iowa, tokyo]}
    assert items({"id": "a", **places})[0].regions == ("Tokyo (asia-northeast1)", "us-central1")
    places["previously_affected_locations"] = [{"title": "Global", "id": "global"}]
    assert items({"id": "a", **places})[0].regions == ()


@pytest.mark.parametrize("uri", ["//incident.example.net/", "https://example.net/", "javascript:1", "", None, 7])
def test_a_strange_address_is_no_link(uri: object) -> None:
    [item] = items({"id": "a", "uri": uri})
    assert (item.url, item.links) == ("", ())


def test_junk_dates_and_null_members_cost_nothing_but_themselves() -> None:
    updates = [{"when": "soon", "created": "2026-06-07T08:00:00Z", "text": None}, {"when": None, "text": ["x"]}]
    incident = {"id": "a", "external_desc": "Trouble", "updates": updates, "affected_products": None, "severity": 3}
    found = items({**incident, "service_name": "Cloud SQL", "end": 5})
    assert [(item.text, item.at is None, item.components) for item in found] == [
        ("Trouble", True, ("Cloud SQL",)),
        ("Trouble", False, ("Cloud SQL",)),
    ]


def test_an_empty_history_says_nothing() -> None:
    assert items() == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "an empty answer"),
        ("<html><body>Sign in</body></html>", "HTML where JSON should be"),
        ('[{"id": "a"', "broken JSON"),
        ('{"error": {"code": 404}}', "no list of incidents in the answer"),
        ("null", "no list of incidents in the answer"),
        ("[null]", "a list of an unexpected shape in the answer"),
        ('[{"number": 20003}]', "an incident without `id` and `uri` in the answer"),
        ('[{"id": "a", "updates": {}}]', "a list of an unexpected shape in the answer"),
    ],
)
def test_what_is_no_history_is_unreadable(body: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        COLLECTOR.parse(SOURCE, capture(body, URL))
    assert caught.value.reason == reason


def test_503_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="503 Service Unavailable"):
        COLLECTOR.parse(SOURCE, capture("[]", URL, status=503))


def test_the_sites_address_stands_for_its_document() -> None:
    assert address("https://status.cloud.google.com/") == URL
    assert address(URL) == URL


async def test_one_document_is_the_whole_poll() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    async with serve(answer) as server, online() as real:
        pages = await fetched(GoogleCloud(real), source("google-cloud", server.url))
    assert [(page.body, page.partial) for page in pages] == [(b"/incidents.json", False)]
