from __future__ import annotations

import json

import pytest
from aiohttp import web

from bot.collectors.slack import Slack, addresses
from bot.errors import Unreadable
from bot.model import Impact, Item, Status
from tests.collectors.pairs import as_json, capture, document, expected, fetched, online, source, tools
from tests.support.server import serve

API = "https://slack-status.com/api/v2.0.0/"
COLLECTOR = Slack(tools())
SOURCE = source("slack", "https://slack-status.com")


def current(*incidents: dict[str, object]) -> str:
    return json.dumps({"status": "active", "active_incidents": incidents})


def items(body: str, url: str = API + "current") -> list[Item]:
    return list(COLLECTOR.parse(SOURCE, capture(body, url)))


@pytest.mark.parametrize("name", ["current", "history"])
def test_reads_what_stands_in_the_golden_files(name: str) -> None:
    found = COLLECTOR.parse(SOURCE, document(f"slack/{name}.json", API + name))
    assert [as_json(item) for item in found] == expected(f"slack/{name}.json")


def test_all_well_says_nothing() -> None:
    assert items('{"status": "ok", "date_updated": "2020-10-12T17:55:02-07:00", "active_incidents": []}') == []


def test_an_outage_is_major_and_only_its_newest_note_says_so() -> None:
    notes = [{"date_created": f"2021-01-04T0{hour}:00:00-08:00", "body": f"at {hour}"} for hour in (9, 8, 7)]
    found = items(current({"id": 931, "type": "outage", "status": "active", "notes": notes}))
    assert [(item.text, item.impact, item.status) for item in found] == [
        ("at 7", None, None),
        ("at 8", None, None),
        ("at 9", Impact.MAJOR, None),
    ]


def test_equal_times_are_read_from_the_documents_older_end() -> None:
    notes = [{"date_created": "2021-01-04T09:00:00-08:00", "body": word} for word in ("second", "first")]
    assert [item.text for item in items(current({"id": 1, "notes": notes}))] == ["first", "second"]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("scheduled", Status.SCHEDULED),
        ("active", Status.IN_PROGRESS),
        ("completed", Status.COMPLETED),
        ("cancelled", Status.COMPLETED),
        ("new word", None),
    ],
)
def test_a_maintenance_has_phases_of_its_own(word: str, status: Status | None) -> None:
    [item] = items(current({"id": 7, "type": "maintenance", "status": word, "title": "Database work", "notes": []}))
    assert (item.maintenance, item.status, item.impact) == (True, status, None)


def test_an_incident_without_a_note_speaks_by_its_title() -> None:
    [item] = items(current({"id": 7, "title": "Trouble", "date_created": "2021-01-04T07:14:44-08:00", "notes": None}))
    assert (item.text, item.thread, item.at is None) == ("Trouble", "7", False)


def test_junk_dates_and_null_members_cost_nothing_but_themselves() -> None:
    notes = [{"date_created": "yesterday", "body": None}, {"date_created": None, "body": "older"}]
    found = items(current({"id": 7, "title": "Trouble", "type": None, "services": None, "url": None, "notes": notes}))
    assert [(item.text, item.at, item.components, item.links) for item in found] == [
        ("older", None, (), ()),
        ("Trouble", None, (), ()),
    ]


def test_version_1_gives_the_incident_itself() -> None:
    url = "https://status.slack.com/api/v1.0.0/current"
    well = {"status": "ok", "date_created": "2018-09-07T18:34:15-07:00", "date_updated": "2018-09-07T18:34:15-07:00"}
    assert items(json.dumps(well), url) == []
    [item] = items(json.dumps({**well, "id": 546, "title": "Slow", "type": "incident", "notes": []}), url)
    assert (item.thread, item.impact) == ("546", Impact.MINOR)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "an empty answer"),
        ("<!DOCTYPE html><html>Slack</html>", "HTML where JSON should be"),
        ('{"status": "ok"}', "no `active_incidents` in the answer"),
        ('{"active_incidents": []}', "no `status` in the answer"),
        ('{"error": "not found"}', "no `status` in the answer"),
        ('{"status": "ok", "active_incidents": null}', "`active_incidents` of an unexpected type"),
        ('{"status": "ok", "active_incidents": [null]}', "a list of an unexpected shape in the answer"),
        ('{"status": "ok", "active_incidents": [{"title": "nameless"}]}', "no `id` in the answer"),
        ('{"status": "ok", "active_incidents": [{"id": null}]}', "`id` of an unexpected type"),
        ("[]", "no `status` in the answer"),
        ("null", "no `status` in the answer"),
    ],
)
def test_what_is_no_current_document_is_unreadable(body: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        items(body)
    assert caught.value.reason == reason
    assert not caught.value.ours


def test_429_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="429 Too Many Requests"):
        COLLECTOR.parse(SOURCE, capture("", API + "current", status=429))


def test_the_sites_address_stands_for_both_documents() -> None:
    assert addresses("https://slack-status.com/") == (API + "current", API + "history")
    assert addresses(API + "history") == (API + "history",)


async def test_both_documents_are_one_poll() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    async with serve(answer) as server, online() as real:
        pages = await fetched(Slack(real), source("slack", server.url))
    assert [(page.body, page.partial) for page in pages] == [
        (b"/api/v2.0.0/current", True),
        (b"/api/v2.0.0/history", False),
    ]


@pytest.mark.parametrize(("status", "headers"), [(429, {}), (503, {"Retry-After": "60"})])
async def test_a_site_that_refuses_is_not_asked_twice(status: int, headers: dict[str, str]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    async with serve(answer) as server, online() as real:
        pages = await fetched(Slack(real), source("slack", server.url))
    assert [(page.status, page.partial) for page in pages] == [(status, False)]
    assert len(server.requests) == 1
