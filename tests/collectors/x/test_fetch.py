"""bot.collectors.x against a loopback server that speaks X API v2, through the real tweepy."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import aiohttp
import pytest
from aiohttp import web

from bot.collectors.x import X
from bot.errors import Unreadable
from bot.model import Capture, Cursor, Source
from bot.ports import Fetcher, Tools
from tests.collectors.x.fake import PROTECTED, TOKEN, FakeX, denied, epoch, not_found, post, problem
from tests.support.clock import StillClock
from tests.support.server import serve

ACCOUNT = "265134900959913"
SOURCE = Source("microsoft-365/x", "microsoft-365", "x", "x", account="MSFT365Status")
HTML = "<!DOCTYPE html><html><body>Over capacity</body></html>"
#: xdevplatform/xdk#25
CAPPED = {
    "account_id": "1",
    "product_name": "standard-basic",
    "title": "UsageCapExceeded",
    "period": "Monthly",
    "scope": "Product",
    "detail": "Usage cap exceeded: Monthly product cap",
    "type": "https://api.twitter.com/2/problems/usage-capped",
}


@dataclass
class Desk:
    """One collector, the server that it asks, and what it was told to remember."""

    fake: FakeX
    clock: StillClock
    x: X
    tools: Tools
    source: Source = SOURCE
    cursor: Cursor = field(default_factory=Cursor)

    async def poll(self) -> list[Capture]:
        captures = [capture async for capture in self.x.fetch(self.source, self.cursor)]
        for capture in captures:  # as bot.collect does
            self.cursor = Cursor(state={**self.cursor.state, **capture.state})
        return captures

    async def texts(self) -> list[str]:
        captures = await self.poll()
        return [item.text for capture in captures for item in self.x.parse(self.source, capture)]

    async def only(self) -> Capture:
        (capture,) = await self.poll()
        return capture

    def refusal(self, capture: Capture) -> Unreadable:
        with pytest.raises(Unreadable) as caught:
            self.x.parse(self.source, capture)
        return caught.value


@asynccontextmanager
async def desk(fake: FakeX, *, patience: float = 20, token: str = TOKEN, url: str = "") -> AsyncIterator[Desk]:
    async with serve(fake) as server, aiohttp.ClientSession() as session:
        clock = StillClock()
        env = {"X_API_URL": url or server.url, "X_BEARER_TOKEN": token}
        tools = Tools(clock=clock, fetcher=cast("Fetcher", None), session=lambda: session, env=env)
        yield Desk(fake, clock, X(tools, patience=patience), tools)


@pytest.fixture
async def here() -> AsyncIterator[Desk]:
    async with desk(FakeX()) as one:
        yield one


# The account


async def test_the_account_is_resolved_once(here: Desk) -> None:
    await here.poll()
    await here.poll()
    assert [path for path, _ in here.fake.asked] == [
        "/2/users/by/username/MSFT365Status",
        f"/2/users/{ACCOUNT}/tweets",
        f"/2/users/{ACCOUNT}/tweets",
    ]


async def test_the_look_up_is_no_capture_and_costs_one_read(here: Desk) -> None:
    capture = await here.only()
    assert capture.url.endswith(f"/2/users/{ACCOUNT}/tweets")
    assert capture.state["user_id"] == ACCOUNT
    assert capture.state["reads"] == "1"


async def test_another_handle_is_resolved_anew_and_starts_anew(here: Desk) -> None:
    here.fake.posts = [post(10)]
    here.fake.users["azuresupport"] = "17000457"
    await here.poll()
    assert here.cursor.state["since_id"] == "10"
    here.source = replace(SOURCE, account="AzureSupport")
    capture = await here.only()
    assert capture.state["user_id"] == "17000457"
    assert here.cursor.state["since_id"] == ""
    assert here.fake.polls[-1]["start_time"] == "2026-01-21T19:00:00Z"


async def test_a_renamed_account_goes_on_where_it_was_left(here: Desk) -> None:
    here.fake.posts = [post(10)]
    here.fake.users["m365status"] = ACCOUNT
    await here.poll()
    here.source = replace(SOURCE, account="M365Status")
    await here.poll()
    assert here.fake.polls[-1]["since_id"] == "10"


async def test_digits_are_the_account_itself(here: Desk) -> None:
    here.source = replace(SOURCE, account=ACCOUNT)
    await here.poll()
    assert [path for path, _ in here.fake.asked] == [f"/2/users/{ACCOUNT}/tweets"]


async def test_an_at_sign_before_the_handle_is_no_part_of_it(here: Desk) -> None:
    here.source = replace(SOURCE, account="@MSFT365Status")
    await here.poll()
    assert here.fake.asked[0][0] == "/2/users/by/username/MSFT365Status"


async def test_a_handle_cannot_reach_another_address(here: Desk) -> None:
    here.source = replace(SOURCE, account="../../tweets?ids=1")
    here.refusal(await here.only())
    assert [query for _, query in here.fake.asked] == [{}]


async def test_an_unknown_account(here: Desk) -> None:
    here.source = replace(SOURCE, account="nobody")
    capture = await here.only()
    refusal = here.refusal(capture)
    assert (refusal.reason, refusal.ours) == ("no such account", True)
    assert "user_id" not in capture.state


async def test_a_poll_without_news_leaves_nothing_to_save(here: Desk) -> None:
    """So that it costs no transaction (bot.collect.quiet)."""
    here.fake.posts = [post(10)]
    await here.poll()
    await here.poll()
    assert (await here.only()).state == {}


async def test_what_is_known_survives_a_failure(here: Desk) -> None:
    here.fake.posts = [post(10)]
    await here.poll()
    known = dict(here.cursor.state)
    here.fake.first = [problem(503, title="Service Unavailable")]
    await here.poll()
    assert dict(here.cursor.state) == known


# Which posts


async def test_the_first_poll_looks_back_a_day_and_at_ten_posts(here: Desk) -> None:
    here.fake.posts = [post(number) for number in range(1, 31)]
    assert await here.texts() == [f"Post {number}" for number in range(21, 31)]
    (query,) = here.fake.polls
    assert query["start_time"] == "2026-01-21T19:00:00Z"
    assert query["max_results"] == "10"
    assert query["exclude"] == "replies,retweets"


async def test_later_polls_ask_for_what_is_newer(here: Desk) -> None:
    here.fake.posts = [post(99)]
    await here.poll()
    here.fake.posts += [post(100), post(101)]
    assert await here.texts() == ["Post 100", "Post 101"]
    assert here.fake.polls[-1]["since_id"] == "99"
    assert here.cursor.state["since_id"] == "101"
    assert await here.texts() == []
    assert here.cursor.state["since_id"] == "101"


async def test_an_account_that_was_quiet_at_first_is_asked_from_the_same_minute_on(here: Desk) -> None:
    assert await here.texts() == []
    here.clock.forward(days=3)
    here.fake.posts = [post(number, "2026-01-23T08:00:00.000Z") for number in range(1, 21)]
    assert len(await here.texts()) == 20
    assert here.fake.polls[-1]["start_time"] == "2026-01-21T19:00:00Z"
    await here.poll()
    assert here.fake.polls[-1].keys() & {"start_time", "since_id"} == {"since_id"}


async def test_replies_and_reposts_are_not_asked_for(here: Desk) -> None:
    repost = [{"type": "retweeted", "id": "1"}]
    here.fake.posts = [
        post(2),
        post(3, referenced_tweets=repost),
        post(4, referenced_tweets=[{"type": "replied_to", "id": "1"}]),
    ]
    assert await here.texts() == ["Post 2"]


async def test_an_edit_is_read_as_the_same_statement(here: Desk) -> None:
    here.fake.posts = [post(10, text="Outlok is down")]
    (before,) = here.x.parse(SOURCE, await here.only())
    here.fake.posts = [post(12, text="Outlook is down", edit_history_tweet_ids=["10", "12"])]
    (after,) = here.x.parse(SOURCE, await here.only())
    assert (before.native_id, before.text) == ("10", "Outlok is down")
    assert (after.native_id, after.text) == ("10", "Outlook is down")


# Both vocabularies

LONG = post(
    7,
    text="We're investigating an issue with… https://t.co/a",
    note_tweet={"text": "We're investigating an issue with Exchange Online &amp; Teams. Details: MO1221364"},
    edit_history_tweet_ids=["6", "7"],
    lang="en",
)


@pytest.mark.parametrize("version", ["2.164", "2.167"])
async def test_long_and_edited_posts_are_the_same_in_both_vocabularies(version: str) -> None:
    async with desk(FakeX(version, posts=[LONG])) as one:
        (item,) = one.x.parse(SOURCE, await one.only())
    assert item.text == "We're investigating an issue with Exchange Online & Teams. Details: MO1221364"
    assert item.native_id == "6"
    assert item.at is not None
    assert item.url == "https://x.com/MSFT365Status/status/7"


async def test_the_vocabulary_that_was_understood_is_remembered() -> None:
    async with desk(FakeX("2.167", posts=[LONG])) as one:
        await one.poll()
        assert ["tweet.fields" in query for query in one.fake.polls] == [True, False]
        assert one.cursor.state["vocabulary"] == "post"
        await one.poll()
        assert len(one.fake.polls) == 3


async def test_a_return_to_the_old_vocabulary_is_followed() -> None:
    async with desk(FakeX("2.167", posts=[LONG])) as one:
        await one.poll()
        one.fake.version = "2.164"
        one.fake.posts.append(post(8))
        assert await one.texts() == ["Post 8"]
        assert one.cursor.state["vocabulary"] == "tweet"


async def test_fields_passed_over_in_silence_are_asked_for_in_the_other_vocabulary(here: Desk) -> None:
    bare = {"data": [{"id": "7", "text": "cut off…", "edit_history_tweet_ids": ["7"]}], "meta": {"result_count": 1}}
    here.fake.version = "2.167"
    here.fake.posts = [LONG]
    here.fake.first = [None, web.json_response(bare)]
    assert await here.texts() == ["We're investigating an issue with Exchange Online & Teams. Details: MO1221364"]
    assert here.cursor.state["reads"] == "2"  # the account and the post, that came twice


async def test_a_request_refused_in_both_vocabularies_is_our_fault(here: Desk) -> None:
    here.fake.first = [None, problem(400, title="Invalid Request"), problem(400, title="Invalid Request")]
    refusal = here.refusal(await here.only())
    assert (refusal.reason, refusal.ours) == ("X refuses the request (400)", True)
    assert len(here.fake.polls) == 2


# Pages


async def test_every_page_is_read_and_only_the_last_moves_on(here: Desk) -> None:
    here.fake.posts = [post(1)]
    await here.poll()
    here.fake.posts += [post(number) for number in range(2, 252)]
    captures = await here.poll()
    assert [capture.partial for capture in captures] == [True, True, False]
    assert [capture.state["since_id"] for capture in captures] == ["1", "1", "251"]
    items = [item for capture in captures for item in here.x.parse(SOURCE, capture)]
    assert {item.native_id for item in items} == {str(number) for number in range(2, 252)}


async def test_a_page_that_fails_loses_nothing(here: Desk) -> None:
    here.fake.posts = [post(1)]
    await here.poll()
    here.fake.posts += [post(number) for number in range(2, 152)]
    here.fake.first = [None, problem(503, title="Service Unavailable")]
    first, failed = await here.poll()
    assert (first.partial, failed.partial, failed.status) == (True, False, 503)
    assert here.cursor.state["since_id"] == "1"
    assert len(await here.texts()) == 150


async def test_a_page_that_cannot_be_read_is_asked_for_again(here: Desk) -> None:
    here.fake.posts = [post(1)]
    await here.poll()
    broken = {"data": [{"id": "2"}], "meta": {"result_count": 1, "next_token": "1"}}
    here.fake.first = [web.json_response(broken), web.json_response(broken)]  # no date: both vocabularies are tried
    capture = await here.only()
    assert here.refusal(capture).reason == "no `text` in the answer"
    assert capture.state["since_id"] == "1"


async def test_pages_end(here: Desk) -> None:
    here.fake.posts = [post(1)]
    await here.poll()
    here.fake.posts += [post(number) for number in range(2, 1000)]
    assert [capture.partial for capture in await here.poll()] == [True, True, True, True, False]
    assert here.cursor.state["since_id"] == "999"


# Refusals


@pytest.mark.parametrize(
    ("answer", "reason", "ours"),
    [
        (problem(401, title="Unauthorized", detail="Unauthorized"), "X refuses the token (401)", True),
        (web.Response(status=402, body=b""), "credits spent (402)", True),
        (problem(403, title="Client Forbidden"), "the app or its plan lacks access (403)", True),
        (web.Response(status=404, body=b""), "no such account", True),
        (problem(500, title="Internal Server Error"), "500 Internal Server Error", False),
        (web.Response(status=503, text=HTML, content_type="text/html"), "503 Service Unavailable", False),
        (web.Response(text=HTML, content_type="text/html"), "HTML where JSON should be", False),
        (web.Response(text='{"data": [', content_type="application/json"), "broken JSON", False),
        (web.Response(text="", content_type="application/json"), "an empty answer", False),
        (web.json_response({"status": "ok"}), "no `meta.result_count` in the answer", False),
        (web.json_response([]), "no `meta.result_count` in the answer", False),
        (web.Response(status=302, headers={"location": "https://x.com/login"}), "redirected to x.com", False),
        (not_found("x"), "no such account", True),
        (denied(title="Forbidden", detail="User has been suspended: [1].", type="?"), "no such account", True),
        (denied(title="Authorization Error", type=PROTECTED), "X answers: Authorization Error", True),
        (denied(type="about:blank"), "X answers: an error without a name", False),
    ],
)  # fmt: skip
async def test_an_answer_without_posts_says_why(here: Desk, answer: web.Response, reason: str, ours: bool) -> None:
    here.source = replace(SOURCE, account=ACCOUNT)
    here.fake.first = [answer]
    capture = await here.only()
    refusal = here.refusal(capture)
    assert (refusal.reason, refusal.ours) == (reason, ours)
    assert len(here.fake.asked) == 1
    assert "since_id" not in capture.state


async def test_spent_credits_are_left_alone_for_an_hour(here: Desk) -> None:
    here.fake.first = [web.Response(status=402, body=b"")]
    capture = await here.only()
    assert capture.retry_at == here.clock.at + timedelta(hours=1)


@pytest.mark.parametrize("remaining", [{"x-rate-limit-remaining": "0"}, {}])
async def test_a_rate_limit_is_obeyed_to_its_end(here: Desk, remaining: dict[str, str]) -> None:
    reset = here.clock.at + timedelta(minutes=14)
    headers = {**remaining, "x-rate-limit-reset": epoch(reset)}
    here.fake.first = [None, web.json_response({"title": "Too Many Requests"}, status=429, headers=headers)]
    capture = await here.only()
    refusal = here.refusal(capture)
    assert (refusal.reason, refusal.ours) == ("rate limit, until 19:14 UTC", True)
    assert capture.retry_at == reset
    assert len(here.fake.polls) == 1


async def test_a_spent_window_is_waited_for_before_it_is_refused(here: Desk) -> None:
    reset = here.clock.at + timedelta(minutes=14)
    here.fake.headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": epoch(reset)}
    assert (await here.only()).retry_at == reset
    here.fake.headers = {"x-rate-limit-remaining": "1", "x-rate-limit-reset": epoch(reset)}
    assert (await here.only()).retry_at is None


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, {"title": "Too Many Requests"}),
        ({"x-rate-limit-remaining": "39999", "x-rate-limit-reset": "1769110000"}, CAPPED),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "1769110000"}, CAPPED),
        ({"x-rate-limit-reset": "soon"}, {"title": "Too Many Requests"}),
    ],
)
async def test_a_cap_without_an_end_is_asked_once_and_ever_later(
    here: Desk, headers: dict[str, str], body: dict[str, str]
) -> None:
    here.source = replace(SOURCE, account=ACCOUNT)
    waits = []
    for _ in range(4):
        here.fake.first = [web.json_response(body, status=429, headers=headers)]
        capture = await here.only()
        assert capture.retry_at is not None
        waits.append((capture.retry_at - here.clock.at) / timedelta(hours=1))
    assert waits == [1, 2, 4, 4]
    assert len(here.fake.polls) == 4
    assert here.refusal(capture).reason == "rate limit or monthly cap (429)"
    await here.poll()
    here.fake.first = [web.json_response(body, status=429, headers=headers)]
    assert (await here.only()).retry_at == here.clock.at + timedelta(hours=1)


@pytest.mark.parametrize(("reset", "minutes"), [("1", 0), ("99999999999999999", 24 * 60)])
async def test_an_unbelievable_reset_is_bounded(here: Desk, reset: str, minutes: int) -> None:
    headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": reset}
    here.fake.first = [web.json_response({}, status=429, headers=headers)]
    assert (await here.only()).retry_at == here.clock.at + timedelta(minutes=minutes)


async def test_retry_after_is_obeyed(here: Desk) -> None:
    here.fake.first = [web.Response(status=503, headers={"retry-after": "120"})]
    assert (await here.only()).retry_at == here.clock.at + timedelta(minutes=2)


# The wire


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut_in_the_middle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-length": "1000", "content-type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"data": [')
    return await cut(request)


async def bomb(request: web.Request) -> web.StreamResponse:
    body = gzip.compress(b" " * 11 * 1024 * 1024, 1)
    return web.Response(body=body, headers={"content-encoding": "gzip", "content-type": "application/json"})


@pytest.mark.parametrize(
    ("answer", "error", "patience"),
    [(hang, "timeout", 0.1), (cut, "reset", 20), (cut_in_the_middle, "reset", 20), (bomb, "too_large", 20)],
)
async def test_a_failing_wire_is_a_capture(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]], error: str, patience: float
) -> None:
    # twice, because aiohttp asks once more where the connection breaks before an answer
    async with desk(FakeX(first=[answer, answer]), patience=patience) as one:
        capture = await one.only()
        assert (capture.error, capture.status, capture.body) == (error, None, b"")
        assert one.refusal(capture).ours is False
        assert len(one.fake.asked) == (2 if answer is cut else 1)


@pytest.mark.parametrize(
    ("url", "error"), [("http://127.0.0.1:1", "connect"), ("http://127.0.0.1:99999", "connect"), ("x", "connect")]
)
async def test_an_address_that_does_not_answer_is_a_capture(url: str, error: str) -> None:
    async with desk(FakeX(), url=url) as one:
        assert (await one.only()).error == error


async def test_a_cancelled_poll_ends_at_once() -> None:
    reached = asyncio.Event()

    async def reach(request: web.Request) -> web.StreamResponse:
        reached.set()
        return await hang(request)

    async with desk(FakeX(first=[reach])) as one:
        task = asyncio.create_task(one.poll())
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# The secret


async def test_the_token_goes_to_x_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for answers in ([], [problem(401)], [None, web.Response(status=503, text=HTML)], [cut, cut]):
        async with desk(FakeX(first=list(answers))) as one:
            captures = await one.poll()
            for capture in captures:
                assert TOKEN not in repr(capture)
                if capture.status != 200:
                    assert TOKEN not in repr(one.refusal(capture))
    assert TOKEN not in caplog.text


async def test_a_redirect_does_not_take_the_token_along() -> None:
    async with serve(FakeX()) as stranger, desk(FakeX()) as one:
        one.fake.first = [web.Response(status=307, headers={"location": f"{stranger.url}/2/users"})]
        await one.poll()
        assert stranger.requests == []


@pytest.mark.parametrize("token", ["", "  ", "Bearer AAAA", "line\nbreak", "schlüssel"])
async def test_a_token_that_is_none_is_not_sent(token: str) -> None:
    async with desk(FakeX(), token=token) as one:
        capture = await one.only()
        refusal = one.refusal(capture)
        assert (refusal.reason, refusal.ours) == ("X_BEARER_TOKEN is not set, or is no token", True)
        assert one.fake.asked == []


async def test_a_password_in_the_address_is_not_recorded() -> None:
    async with desk(FakeX(), url="http://me:hunter2@127.0.0.1:1/x/") as one:
        capture = await one.only()
        assert capture.url == "http://127.0.0.1:1/x/2/users/by/username/MSFT365Status"
        assert "hunter2" not in repr(capture)


# The budget


async def test_each_post_is_counted_once_a_poll(here: Desk) -> None:
    here.fake.version = "2.167"  # whose expansion gives each post twice
    here.fake.posts = [post(1), post(2)]
    await here.poll()
    assert here.cursor.state["reads"] == "3"
    await here.poll()
    assert here.cursor.state["reads"] == "3"


async def test_spending_begins_anew_with_the_utc_month(here: Desk) -> None:
    here.fake.posts = [post(1)]
    await here.poll()
    assert here.cursor.state["month"] == "2026-01"
    here.clock.forward(days=10)
    await here.poll()
    assert (here.cursor.state["month"], here.cursor.state["reads"]) == ("2026-02", "0")


def spending(here: Desk, reads: int, budget: int) -> None:
    here.source = replace(SOURCE, account=ACCOUNT, budget=budget)
    here.cursor = Cursor(state={"user_id": ACCOUNT, "since_id": "1", "month": "2026-01", "reads": str(reads)})
    here.cursor = Cursor(state={**here.cursor.state, "handle": ACCOUNT})


async def test_a_spent_budget_asks_nothing_until_the_month_turns(here: Desk) -> None:
    spending(here, 100, 100)
    capture = await here.only()
    refusal = here.refusal(capture)
    assert refusal.reason == "monthly read budget of 100 spent (statusbot's own limit)"
    assert refusal.ours
    assert capture.retry_at == here.clock.at + timedelta(hours=1)
    assert here.fake.asked == []
    here.clock.forward(days=10)
    assert (await here.only()).status == 200


async def test_the_look_up_may_spend_the_last_of_the_budget(here: Desk) -> None:
    here.source = replace(SOURCE, budget=100)
    here.cursor = Cursor(state={"month": "2026-01", "reads": "95"})
    assert here.refusal(await here.only()).reason == "monthly read budget of 100 spent (statusbot's own limit)"
    assert (here.fake.polls, here.cursor.state["user_id"]) == ([], ACCOUNT)


async def test_no_more_is_asked_for_than_is_left(here: Desk) -> None:
    spending(here, 93, 100)
    here.fake.posts = [post(number) for number in range(2, 40)]
    page, spent = await here.poll()
    assert here.fake.polls[-1]["max_results"] == "7"
    assert here.cursor.state["reads"] == "100"
    assert (page.partial, spent.partial) == (True, False)
    assert here.refusal(spent).reason == "monthly read budget of 100 spent (statusbot's own limit)"
    assert here.cursor.state["since_id"] == "1"


async def test_the_operator_is_warned_before_the_budget_is_spent(here: Desk) -> None:
    spending(here, 79, 100)
    await here.poll()
    assert here.cursor.state["warning"] == ""
    here.fake.posts = [post(2)]
    await here.poll()
    assert here.cursor.state["warning"] == "80 of 100 reads of X spent this month (80%)"


async def test_fast_spending_slows_polling_down(here: Desk) -> None:
    spending(here, 90, 100)
    assert (await here.only()).retry_at == here.clock.at + timedelta(hours=1)
    spending(here, 50, 100)  # on the 22nd
    assert (await here.only()).retry_at is None


# What it costs to import


def test_a_replay_does_without_tweepy() -> None:
    body = json.dumps({"data": [post(1)], "meta": {"result_count": 1}})
    code = (
        "import sys, datetime\n"
        "from bot.collectors.x import X\n"
        "from bot.model import Capture, Source\n"
        "at = datetime.datetime(2026, 1, 22, tzinfo=datetime.UTC)\n"
        f"capture = Capture(at, 'a/x', 'https://api.x.com/2/users/{ACCOUNT}/tweets', 200, body={body!r}.encode())\n"
        "assert len(X(None).parse(Source('a/x', 'a', 'x', 'x'), capture)) == 1\n"
        "assert 'tweepy' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
