from __future__ import annotations

import json

import pytest
from aiohttp import web

from bot.collectors.m365_public import M365Public, address
from bot.errors import Unreadable
from bot.model import Impact, Item, Status
from tests.collectors.pairs import as_json, capture, document, expected, fetched, online, source, tools
from tests.support.server import serve

URL = "https://status.cloud.microsoft/api/posts/mac"
STANDING = "<p>This site is updated when service issues are preventing tenant administrators from …</p>"
NOBODY = "00000000-0000-0000-0000-000000000000"
COLLECTOR = M365Public(tools())
SOURCE = source("m365-public", URL)


def post(**members: object) -> dict[str, object]:
    return {
        "Id": "f10e7fc7-b313-1af7-59c0-6239cc1a66fd",
        "AuthoredDateTime": "2026-01-22T20:20:00Z",
        "InternalDateTime": "2026-01-22T20:30:00Z",
        "LastUpdatedTime": "2026-01-22T20:31:00Z",
        "Title": "Microsoft 365 service health",
        "Message": "<p>Traffic isn't processed.</p>",
        "Status": "Service degradation",
        **members,
    }


def items(body: object) -> list[Item]:
    return list(COLLECTOR.parse(SOURCE, capture(json.dumps(body), URL)))


@pytest.mark.parametrize("name", ["mac", "mac-healthy"])
def test_reads_what_stands_in_the_golden_feeds(name: str) -> None:
    found = COLLECTOR.parse(SOURCE, document(f"m365_public/{name}.xml", URL))
    assert [as_json(item) for item in found] == expected(f"m365_public/{name}.xml")


@pytest.mark.parametrize("name", ["healthy", "degradation", "restored", "consumer"])
def test_reads_what_stands_in_the_golden_posts(name: str) -> None:
    found = COLLECTOR.parse(SOURCE, document(f"m365_public/{name}.json", URL))
    assert [as_json(item) for item in found] == expected(f"m365_public/{name}.json")


@pytest.mark.parametrize("word", ["Available", "Operational", "available", " Operational "])
@pytest.mark.parametrize("words", [STANDING, "We have service issues", "", None])
def test_a_healthy_post_is_no_statement_whatever_its_words(word: str, words: str | None) -> None:
    assert items(post(Status=word, Message=words)) == []


@pytest.mark.parametrize(
    ("word", "status", "impact"),
    [
        ("Service degradation", None, Impact.MINOR),
        ("ServiceDegradation", None, Impact.MINOR),
        ("Service interruption", None, Impact.MAJOR),
        ("ServiceInterruption", None, Impact.MAJOR),
        ("Service restored", Status.RESOLVED, None),
        ("ServiceRestored", Status.RESOLVED, None),
        ("Investigating", Status.INVESTIGATING, None),
        ("Unknown", None, None),
        ("Some new word", None, None),
    ],
)
def test_the_status_word_tells_phase_or_impact(word: str, status: Status | None, impact: Impact | None) -> None:
    [item] = items(post(Status=word))
    assert (item.status, item.impact) == (status, impact)


@pytest.mark.parametrize(
    "members", [{"Id": NOBODY}, {"Message": STANDING}, {"Message": ""}, {"Message": None, "Status": ""}]
)
def test_a_page_that_does_not_know_its_own_status_is_unreadable(members: dict[str, object]) -> None:
    with pytest.raises(Unreadable, match="it calls its own status unknown"):
        items(post(**{"Status": "Unknown", **members}))


def test_one_unknown_service_does_not_hide_the_others() -> None:
    unknown = post(Id=NOBODY, Status="Unknown")
    assert items([unknown, post(Status="Available")]) == []
    assert [item.text for item in items([unknown, post()])] == ["Traffic isn't processed."]


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "", "soon", None, 5])
def test_only_the_authors_date_counts(date: object) -> None:
    [item] = items(post(AuthoredDateTime=date))
    assert item.at is None


def test_the_clocks_of_the_request_change_nothing() -> None:
    later = post(InternalDateTime="2026-01-22T21:30:00Z", LastUpdatedTime="2026-01-22T21:31:00Z")
    assert items(later) == items(post())


def test_only_a_title_of_its_own_is_a_title() -> None:
    assert [items(post(Title=title))[0].title for title in ("Microsoft Admin Center", None, "Mail <b>is</b> late")] == [
        "",
        "",
        "Mail is late",
    ]


def test_references_are_incident_ids_as_written() -> None:
    words = "See MO1221364 and <b>EX1234</b>, EX226792; MO1221364 again. Not KB5012345, MO 1221364, TMO1221364."
    assert items(post(Message=words))[0].references == ("MO1221364", "EX226792")


def test_posts_of_nobody_are_told_apart_by_service_and_day() -> None:
    told = [
        items(post(Id=NOBODY, ServiceDisplayName=name, AuthoredDateTime=date))[0].native_id
        for name, date in (
            ("Outlook.com", "2026-01-22T20:20:00Z"),
            ("Outlook.com", "2026-01-22T20:30:00Z"),
            ("OneDrive", "2026-01-22T20:20:00Z"),
            ("OneDrive", "2026-02-22T20:20:00Z"),
        )
    ]
    assert told[0] == told[1]
    assert len(set(told)) == 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "an empty answer"),
        ("<!doctype html><title>Service health</title>", "HTML where JSON should be"),
        ("{", "broken JSON"),
        ("[]", "no post where one always stands"),
        ("null", "a list of an unexpected shape in the answer"),
        ("[null]", "a list of an unexpected shape in the answer"),
        ('{"page": {}, "status": {"indicator": "none"}}', "no `Id` in the answer"),
        (json.dumps(post(Status=None)), "`Status` of an unexpected type"),
        (json.dumps(post(Message=["x"])), "`Message` of an unexpected type"),
        ("<?xml version='1.0'?><rss version='2.0'><channel/></rss>", "a feed without an item"),
        ("<?xml version='1.0'?><html><body>Sign in</body></html>", "HTML where a feed should be"),
        (
            "<rss version='2.0'><channel><item><guid>1</guid><title>x</title></item></channel></rss>",
            "`Status` of an unexpected type",
        ),
    ],
)
def test_what_is_no_post_is_unreadable(body: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        COLLECTOR.parse(SOURCE, capture(body, URL))
    assert caught.value.reason == reason


def test_429_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="429 Too Many Requests"):
        COLLECTOR.parse(SOURCE, capture("", URL, status=429))


def test_the_sites_address_stands_for_the_admin_centres_post() -> None:
    assert address("https://status.cloud.microsoft") == URL
    assert address("https://status.cloud.microsoft/api/feed/ppac") == "https://status.cloud.microsoft/api/feed/ppac"


async def test_one_document_is_the_whole_poll() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    async with serve(answer) as server, online() as real:
        pages = await fetched(M365Public(real), source("m365-public", server.url))
    assert [(page.body, page.partial) for page in pages] == [(b"/api/posts/mac", False)]
