from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from aiohttp import web

from bot.collectors.msgraph import ISSUES, PAGES, TOKEN, MsGraph, Token, address, granted
from bot.errors import Unreadable
from bot.http import digest
from bot.model import Capture, Cursor, Impact, Item, Status
from bot.ports import Tools
from tests.collectors.pairs import as_json, capture, document, expected, fetched, online, source, tools
from tests.support.clock import StillClock
from tests.support.server import Server, serve

URL = f"https://graph.microsoft.com{ISSUES}"
LOGIN = f"https://login.microsoftonline.com{TOKEN}"
SECRET, TENANT = "s3cret~value", "4d1c2f00-tenant"
COLLECTOR = MsGraph(tools())
SOURCE = source("msgraph", URL)


def issue(**members: object) -> dict[str, object]:
    return {
        "id": "EX1",
        "title": "Mail is late",
        "status": "serviceDegradation",
        "service": "Exchange Online",
        "startDateTime": "2026-01-22T19:00:00Z",
        "isResolved": False,
        "posts": [
            {
                "createdDateTime": "2026-01-22T20:00:00Z",
                "description": {"contentType": "html", "content": "<p>two</p>"},
            },
            {
                "createdDateTime": "2026-01-22T19:00:00Z",
                "description": {"contentType": "html", "content": "<p>one</p>"},
            },
        ],
        **members,
    }


def items(*issues: object) -> list[Item]:
    return list(COLLECTOR.parse(SOURCE, capture(json.dumps({"value": issues}), URL)))


# parse


@pytest.mark.parametrize(
    ("modified", "ended", "resolved", "stated_at"),
    [
        ("2026-01-22T22:00:00Z", "2026-01-22T21:00:00Z", True, "22:00"),
        ("2026-01-22T20:00:00Z", "2026-01-22T21:00:00Z", True, "21:00"),
        ("2026-01-22T20:00:00Z", "2026-01-22T21:00:00Z", False, None),
        ("2026-01-22T20:00:00Z", "2026-01-22T19:30:00Z", True, None),
        ("0001-01-01T00:00:00Z", None, True, None),
    ],
)
def test_an_end_without_a_word_is_dated_by_the_last_change_else_by_the_end_that_the_issue_states(
    modified: str, ended: str | None, resolved: bool, stated_at: str | None
) -> None:
    *_, newest = items(issue(lastModifiedDateTime=modified, endDateTime=ended, isResolved=resolved))
    assert newest.status is (Status.RESOLVED if resolved else Status.IDENTIFIED)
    assert (f"{newest.stated_at:%H:%M}" if newest.stated_at else None) == stated_at


@pytest.mark.parametrize("name", ["MO1221364", "documented", "health-overviews"])
def test_reads_what_stands_in_the_golden_files(name: str) -> None:
    found = COLLECTOR.parse(SOURCE, document(f"msgraph/{name}.json", URL))
    assert [as_json(item) for item in found] == expected(f"msgraph/{name}.json")


def test_no_issues_say_nothing() -> None:
    assert items() == []
    assert items({"id": "Exchange", "service": "Exchange Online", "status": "serviceDegradation"}) == []


def test_posts_come_oldest_first_and_the_newest_tells_the_state() -> None:
    assert [(item.text, item.status, item.impact) for item in items(issue())] == [
        ("one", None, None),
        ("two", Status.IDENTIFIED, Impact.MINOR),
    ]


@pytest.mark.parametrize(
    ("word", "status", "impact"),
    [
        ("investigating", Status.INVESTIGATING, None),
        ("serviceDegradation", Status.IDENTIFIED, Impact.MINOR),
        ("ServiceInterruption", Status.IDENTIFIED, Impact.MAJOR),
        ("RESTORINGSERVICE", Status.IDENTIFIED, None),
        ("verifyingService", Status.MONITORING, None),
        ("extendedRecovery", Status.MONITORING, Impact.MINOR),
        ("investigationSuspended", Status.MONITORING, None),
        ("serviceRestored", Status.RESOLVED, None),
        ("falsePositive", Status.RESOLVED, None),
        ("serviceOperational", Status.RESOLVED, None),
        ("postIncidentReviewPublished", Status.POSTMORTEM, None),
        ("unknownFutureValue", None, None),
    ],
)
def test_each_status_of_graph(word: str, status: Status | None, impact: Impact | None) -> None:
    newest = items(issue(status=word))[-1]
    assert (newest.status, newest.impact) == (status, impact)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("serviceDegradation", Status.RESOLVED),
        ("unknownFutureValue", Status.RESOLVED),
        ("postIncidentReviewPublished", Status.POSTMORTEM),
    ],
)
def test_is_resolved_outweighs_a_status_of_trouble(word: str, status: Status) -> None:
    assert items(issue(status=word, isResolved=True))[-1].status is status


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Access was restored. Status: postIncidentReviewPublished", Status.POSTMORTEM),
        ("All is well. Status: ServiceRestored.", Status.RESOLVED),
        ("Status: postIncidentReviewPublished is what comes next", Status.IDENTIFIED),
        ("We are on it. Status: neverHeardOfThis", Status.IDENTIFIED),
    ],
)
def test_the_status_that_the_newest_post_names_at_its_end_is_newer_than_the_issue_s(words: str, status: Status) -> None:
    post = {"createdDateTime": "2026-01-23T18:29:00Z", "description": {"contentType": "html", "content": words}}
    assert items(issue(status="serviceDegradation", posts=[post]))[-1].status is status


def test_an_advisory_is_minor() -> None:
    assert items(issue(classification="Advisory", status="serviceInterruption"))[-1].impact is Impact.MINOR


@pytest.mark.parametrize("posts", [None, []])
def test_an_issue_without_posts_speaks_by_its_title_and_impact(posts: object) -> None:
    [item] = items(issue(posts=posts, impactDescription="Users wait."))
    assert (item.text, item.status, item.at is None) == ("Mail is late\nUsers wait.", Status.IDENTIFIED, False)


def test_junk_dates_and_null_members_cost_nothing_but_themselves() -> None:
    posts = [{"createdDateTime": "0001-01-01T00:00:00Z", "description": None}, {"description": {"content": None}}]
    found = items(issue(posts=posts, service=None, classification=None, isResolved=None, impactDescription=None))
    assert [(item.text, item.at, item.components) for item in found] == [("Mail is late", None, ())] * 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "an empty answer"),
        ("<!DOCTYPE html><html></html>", "HTML where JSON should be"),
        ('{"error": {"code": "UnknownError"}}', "no `value` in the answer"),
        ("[]", "no `value` in the answer"),
        ('{"value": null}', "`value` of an unexpected type"),
        ('{"value": [null]}', "a list of an unexpected shape in the answer"),
        ('{"value": [{"id": "EX1", "title": "x"}]}', "no `status` in the answer"),
        ('{"value": [{"title": "x", "status": "investigating"}]}', "no `id` in the answer"),
        ('{"value": [{"id": "EX1", "title": "x", "status": "", "posts": "none"}]}', "a list of an unexpected shape"),
    ],
)
def test_what_is_no_list_of_issues_is_unreadable(body: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        COLLECTOR.parse(SOURCE, capture(body, URL))
    assert not caught.value.ours


@pytest.mark.parametrize(
    ("status", "reason", "ours"),
    [
        (401, "Microsoft Graph refuses the token of MSGRAPH_CLIENT_ID", True),
        (403, "Microsoft Graph refuses: the application lacks ServiceHealth.Read.All", True),
        (429, "429 Too Many Requests", False),
        (503, "503 Service Unavailable", False),
    ],
)
def test_what_graph_refuses(status: int, reason: str, ours: bool) -> None:
    with pytest.raises(Unreadable) as caught:
        COLLECTOR.parse(SOURCE, capture("{}", URL, status=status))
    assert (caught.value.reason, caught.value.ours) == (reason, ours)


@pytest.mark.parametrize(
    ("status", "body", "reason", "ours"),
    [
        (401, {"error_codes": [7000215]}, "MSGRAPH_CLIENT_SECRET is wrong (its value is wanted, not its id)", True),
        (401, {"error_codes": [7000222]}, "MSGRAPH_CLIENT_SECRET has expired", True),
        (400, {"error_codes": [700016]}, "the tenant knows no application MSGRAPH_CLIENT_ID", True),
        (400, {"error_codes": [90002]}, "the login server knows no tenant MSGRAPH_TENANT_ID", True),
        (400, {"error": "invalid_client"}, "refuses MSGRAPH_CLIENT_ID or MSGRAPH_CLIENT_SECRET: invalid_client", True),
        (401, {"error": ["x"], "error_codes": [[7000215], {}]}, "or MSGRAPH_CLIENT_SECRET: 401 Unauthorized", True),
        (403, {"error_codes": 7000215}, "refuses MSGRAPH_CLIENT_ID or MSGRAPH_CLIENT_SECRET: 403 Forbidden", True),
        (429, {"error": "x"}, "the login server: 429 Too Many Requests", False),
        (503, {"error": "x"}, "the login server: 503 Service Unavailable", False),
        (200, {"error": ""}, "the login server: no token in its answer", False),
    ],
)
def test_what_the_login_server_refuses(status: int, body: object, reason: str, ours: bool) -> None:
    with pytest.raises(Unreadable) as caught:
        COLLECTOR.parse(SOURCE, capture(json.dumps(body), LOGIN, status=status))
    assert caught.value.reason.endswith(reason)
    assert caught.value.ours is ours


def test_a_login_server_that_does_not_answer_is_not_our_fault() -> None:
    silent = Capture(at=StillClock().now(), source=SOURCE.id, url=LOGIN, error="timeout")
    with pytest.raises(Unreadable) as caught:
        COLLECTOR.parse(SOURCE, silent)
    assert (caught.value.reason, caught.value.ours) == ("the login server: no answer in time", False)


# the token


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b"{}", b'{"access_token": ""}', b'{"access_token": 7}', b'{"access_token": "a\\r\\nb"}'],
)
def test_what_is_no_token(answer: bytes) -> None:
    assert granted(answer, StillClock().now()) is None


@pytest.mark.parametrize(("seconds", "minutes"), [(3600, 55), (300, 2.5), (None, 0), (10**12, 24 * 60 - 5)])
def test_a_token_is_not_used_until_its_very_end(seconds: int | None, minutes: float) -> None:
    now = StillClock().now()
    token = granted(json.dumps({"access_token": "abc", "expires_in": seconds}).encode(), now)
    assert token is not None
    assert token.until - now == timedelta(minutes=minutes)


def test_a_token_is_not_shown() -> None:
    assert "abc" not in repr(Token({"Authorization": "Bearer abc"}, StillClock().now()))


# fetch


@dataclass
class Microsoft:
    """A login server and Graph at one address. Each token is good until it stands in `revoked`."""

    pages: list[list[object]] = field(default_factory=lambda: [[issue()]])
    login: web.Response | None = None  #: in place of a token
    graph: int = 200
    plain_only: bool = False  #: 400 for any query
    elsewhere: str = ""  #: where `nextLink` leads, in place of here
    revoked: set[str] = field(default_factory=set)
    logins: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == f"/{TENANT}{TOKEN}":
            return await self._log_in(request)
        self.asked.append(request.path_qs)
        if request.headers.get("Authorization") not in {f"Bearer token-{n}" for n in self._good()}:
            return web.json_response({"error": {"code": "InvalidAuthenticationToken"}}, status=401)
        if self.graph != 200 or (self.plain_only and request.query_string):
            return web.json_response({"error": {"code": "x"}}, status=400 if self.graph == 200 else self.graph)
        return self._page(request)

    async def _log_in(self, request: web.Request) -> web.StreamResponse:
        self.logins.append({name: str(value) for name, value in (await request.post()).items()})
        token = {"token_type": "Bearer", "expires_in": 3599, "access_token": f"token-{len(self.logins)}"}
        return self.login or web.json_response(token)

    def _good(self) -> list[int]:
        return [n for n in range(1, len(self.logins) + 1) if f"token-{n}" not in self.revoked]

    def _page(self, request: web.Request) -> web.Response:
        n = int(request.query.get("$skiptoken", "0"))
        body: dict[str, object] = {"value": self.pages[n]}
        if n + 1 < len(self.pages):
            body["@odata.nextLink"] = f"{self.elsewhere or request.url.origin()}{ISSUES}?$skiptoken={n + 1}"
        return web.json_response(body)


@asynccontextmanager
async def asking(microsoft: Microsoft) -> AsyncIterator[tuple[MsGraph, Tools, Server]]:
    async with serve(microsoft.answer) as server:
        env = {
            "MSGRAPH_URL": server.url,
            "MSLOGIN_URL": server.url,
            "MSGRAPH_TENANT_ID": TENANT,
            "MSGRAPH_CLIENT_ID": "client-1",
            "MSGRAPH_CLIENT_SECRET": SECRET,
        }
        async with online(env) as real:
            yield MsGraph(real), real, server


SOMEWHERE = source("msgraph")


async def test_the_token_is_asked_for_once_and_kept() -> None:
    microsoft = Microsoft()
    async with asking(microsoft) as (collector, _, server):
        first, second = await fetched(collector, SOMEWHERE), await fetched(collector, SOMEWHERE)
    assert [item.text for item in collector.parse(SOMEWHERE, first[0])] == ["one", "two"]
    assert [page.status for page in second] == [200]
    assert microsoft.logins == [
        {
            "grant_type": "client_credentials",
            "client_id": "client-1",
            "client_secret": SECRET,
            "scope": f"{server.url}/.default",
        }
    ]
    assert microsoft.asked == [f"{ISSUES}?$orderby=lastModifiedDateTime%20desc&$top=100"] * 2


async def test_an_expired_token_is_replaced_before_it_is_refused() -> None:
    microsoft = Microsoft()
    async with asking(microsoft) as (collector, real, _):
        await fetched(collector, SOMEWHERE)
        assert isinstance(real.clock, StillClock)
        real.clock.forward(minutes=56)
        await fetched(collector, SOMEWHERE)
    assert (len(microsoft.logins), len(microsoft.asked)) == (2, 2)


async def test_a_refused_token_is_replaced_once() -> None:
    microsoft = Microsoft()
    async with asking(microsoft) as (collector, _, _):
        await fetched(collector, SOMEWHERE)
        microsoft.revoked.add("token-1")
        assert [page.status for page in await fetched(collector, SOMEWHERE)] == [200]
    assert len(microsoft.logins) == 2


async def test_a_token_that_is_refused_again_is_reported() -> None:
    microsoft = Microsoft(revoked={f"token-{n}" for n in range(9)})
    async with asking(microsoft) as (collector, _, _):
        for _ in range(2):
            [page] = await fetched(collector, SOMEWHERE)
            assert page.status == 401
        with pytest.raises(Unreadable, match="refuses the token"):
            collector.parse(SOMEWHERE, page)
    assert (len(microsoft.logins), len(microsoft.asked)) == (2, 3)  # a token that is fresh is not replaced


async def test_every_page_is_followed() -> None:
    microsoft = Microsoft(pages=[[issue(id="EX1")], [issue(id="EX2")], []])
    async with asking(microsoft) as (collector, _, _):
        pages = await fetched(collector, SOMEWHERE)
    assert [page.partial for page in pages] == [True, True, False]
    assert [item.thread for page in pages for item in collector.parse(SOMEWHERE, page)] == ["EX1", "EX1", "EX2", "EX2"]


async def test_pages_without_end_are_cut_off() -> None:
    async with asking(Microsoft(pages=[[]] * (PAGES + 5))) as (collector, _, _):
        assert len(await fetched(collector, SOMEWHERE)) == PAGES


async def test_the_token_goes_to_no_other_host() -> None:
    microsoft = Microsoft(pages=[[issue()], [issue()]])
    async with serve(microsoft.answer) as stranger, asking(microsoft) as (collector, _, _):
        microsoft.elsewhere = stranger.url
        [page] = await fetched(collector, SOMEWHERE)
    assert (page.status, page.partial, stranger.requests) == (200, False, [])


async def test_a_server_that_takes_no_query_is_asked_without() -> None:
    microsoft = Microsoft(plain_only=True)
    async with asking(microsoft) as (collector, _, server):
        for _ in range(2):
            assert [page.status for page in await fetched(collector, source("msgraph", server.url + ISSUES))] == [200]
    assert [path.partition("?")[1] for path in microsoft.asked] == ["?", "", ""]


async def test_another_document_is_asked_for_as_it_is_named() -> None:
    microsoft = Microsoft(pages=[[{"id": "Exchange", "status": "serviceOperational"}]])
    overviews = "/v1.0/admin/serviceAnnouncement/healthOverviews"
    async with asking(microsoft) as (collector, _, server):
        [page] = await fetched(collector, source("msgraph", server.url + overviews))
    assert (microsoft.asked, list(collector.parse(SOMEWHERE, page))) == ([overviews], [])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", URL),
        ("https://graph.microsoft.com", URL),
        ("https://graph.microsoft.com/", URL),
        ("https://evil.example.net", URL),
        (f"{URL}?$top=5", f"{URL}?$top=5"),
        ("https://evil.example.net/v1.0/x?y=1", "https://graph.microsoft.com/v1.0/x?y=1"),
        ("https://graph.microsoft.com.evil.example.net/v1.0/x", "https://graph.microsoft.com/v1.0/x"),
    ],
)
def test_the_setting_names_the_host_whatever_the_source_says(url: str, expected: str) -> None:
    assert address(url, "https://graph.microsoft.com/") == expected


async def test_a_catalogues_source_follows_the_setting_to_a_private_address() -> None:
    microsoft = Microsoft()
    async with asking(microsoft) as (collector, _, _):
        [page] = await fetched(collector, replace(source("msgraph", URL), trusted=False))
    assert (page.status, len(microsoft.asked)) == (200, 1)


@pytest.mark.parametrize("status", [403, 429, 503])
async def test_what_graph_refuses_is_a_capture(status: int) -> None:
    async with asking(Microsoft(graph=status)) as (collector, _, _):
        assert [page.status for page in await fetched(collector, SOMEWHERE)] == [status]


async def test_a_refused_login_is_a_capture_without_secrets() -> None:
    refusal = {
        "error": "invalid_client",
        "error_description": f"AADSTS7000215: Invalid client secret {SECRET} for app client-1 of {TENANT}",
        "error_codes": [7000215, None],
    }
    microsoft = Microsoft(login=web.json_response(refusal, status=401))
    async with asking(microsoft) as (collector, _, server):
        [page] = await fetched(collector, SOMEWHERE)
    assert (page.url, page.status, page.partial) == (server.url + TOKEN, 401, False)
    assert page.digest == digest(page.body)
    assert json.loads(page.body) == {"error": "invalid_client", "error_codes": [7000215]}
    assert not any(word in repr(page) for word in (SECRET, TENANT, "client-1"))
    assert microsoft.asked == []
    with pytest.raises(Unreadable, match="MSGRAPH_CLIENT_SECRET is wrong") as caught:
        collector.parse(SOMEWHERE, page)
    assert caught.value.ours


async def test_a_login_server_in_trouble_says_when_to_come_again() -> None:
    busy = web.Response(status=429, headers={"Retry-After": "90"})
    async with asking(Microsoft(login=busy)) as (collector, real, _):
        [page] = await fetched(collector, SOMEWHERE)
    assert (page.status, page.retry_at) == (429, real.clock.now() + timedelta(seconds=90))


async def test_a_login_server_that_is_gone_is_a_capture() -> None:
    async with asking(Microsoft()) as (_, real, server):
        gone = MsGraph(Tools(real.clock, real.fetcher, real.session, {**real.env, "MSLOGIN_URL": "http://127.0.0.1:1"}))
        [page] = await fetched(gone, SOMEWHERE)
    assert (page.error, page.status, server.requests) == ("connect", None, [])


async def test_a_login_that_fails_between_pages_ends_the_poll() -> None:
    microsoft = Microsoft(pages=[[issue()], [issue()]])
    async with asking(microsoft) as (collector, _, server):
        pages = collector.fetch(SOMEWHERE, cursor=Cursor())
        first = await anext(pages)
        microsoft.revoked.add("token-1")
        microsoft.login = web.Response(status=503)
        rest = [page async for page in pages]
    assert (first.status, first.partial) == (200, True)
    assert [(page.url, page.status, page.partial) for page in rest] == [(server.url + TOKEN, 503, False)]
