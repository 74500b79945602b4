"""The Slack app's notifier: the real slack-sdk against a workspace on loopback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

import aiohttp
import pytest
from aiohttp import web

from bot.errors import Doubtful, Permanent, SendError, Temporary, Unsendable
from bot.model import Act, Delivery, Destination, Receipt
from bot.notifiers.slack import Slack
from bot.ports import Fetcher, Tools
from tests.support.clock import StillClock
from tests.support.notices import at, notice
from tests.support.slack import DROPPED, HANGING, LOST, TOKEN, Trouble, Workspace, error, said, workspace

CHANNEL = Destination("slack", "C1")
POSTS = (Act.CREATE, Act.POST, Act.REPLY)
METHODS = {Act.CREATE: "chat.postMessage", Act.POST: "chat.postMessage", Act.REPLY: "chat.postMessage"}


@dataclass
class Bench:
    """A notifier, the workspace that it speaks to, and what it was made of."""

    slack: Slack
    space: Workspace
    tools: Tools

    async def send(self, act: Act, root: Receipt | None = None, **parts: object) -> Receipt:
        message = self.slack.render(notice(act=act))
        return await self.slack.send(CHANNEL, message, delivery(act, root, **parts))

    async def create(self) -> Receipt:
        """The incident's message, before a test's trouble begins."""
        return await self.send(Act.CREATE, key="root")


def delivery(act: Act, root: Receipt | None = None, **parts: object) -> Delivery:
    made = Delivery(1, "key-1", CHANNEL, "i1", "u1", act, root=root, created_at=at(0))
    return made._replace(**parts)  # type: ignore[arg-type]


def tools(session: aiohttp.ClientSession, url: str, token: str = TOKEN) -> Tools:
    env = {"SLACK_BOT_TOKEN": token, "SLACK_API_URL": url}
    return Tools(StillClock(), cast("Fetcher", None), lambda: session, env)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with workspace() as space, aiohttp.ClientSession() as session:
        made = tools(session, space.url)
        yield Bench(Slack(made), space, made)


async def test_a_create_stands_in_the_channel_with_blocks_text_and_key(bench: Bench) -> None:
    receipt = await bench.send(Act.CREATE)
    [message] = bench.space.messages
    rendered = bench.slack.render(notice())
    assert (message["blocks"], message["text"]) == (rendered.body["blocks"], rendered.body["text"])
    assert message["metadata"] == {"event_type": "statusbot", "event_payload": {"key": "key-1"}}
    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)
    assert receipt == Receipt(message["ts"], message["ts"])
    assert "thread_ts" not in message


async def test_there_are_buttons_only_where_the_app_hears_them(bench: Bench) -> None:
    hearing = Slack(replace(bench.tools, answered=frozenset({"slack"})))
    assert "button" in str(hearing.render(notice()).body)
    assert "button" not in str(bench.slack.render(notice()).body)


async def test_a_reply_stands_in_the_thread_of_the_root(bench: Bench) -> None:
    root = await bench.create()
    await bench.send(Act.REPLY, root)
    assert bench.space.messages[1]["thread_ts"] == root.message


async def test_an_edit_changes_the_root_with_blocks_and_text(bench: Bench) -> None:
    root = await bench.create()
    assert await bench.send(Act.EDIT, root) == root
    [arguments] = bench.space.called("chat.update")
    assert arguments["blocks"]
    assert arguments["text"]
    assert len(bench.space.messages) == 1


async def test_the_channel_that_slack_names_is_remembered_for_edits_and_replies(bench: Bench) -> None:
    general = Destination("slack", "general")
    root = await bench.slack.send(general, bench.slack.render(notice()), delivery(Act.CREATE))
    assert root.message == f"C1:{root.thread}"
    for act in (Act.EDIT, Act.REPLY):
        await bench.slack.send(general, bench.slack.render(notice(act=act)), delivery(act, root))
    assert [arguments["channel"] for _, arguments in bench.space.calls] == ["general", "C1", "C1"]
    assert bench.space.messages[1]["thread_ts"] == root.thread


@pytest.mark.parametrize("act", [Act.EDIT, Act.REPLY])
async def test_what_belongs_to_a_message_that_is_not_there_is_refused(bench: Bench, act: Act) -> None:
    with pytest.raises(Permanent, match="no message to edit"):
        await bench.send(act)
    assert bench.space.calls == []


PERMANENT = (
    "channel_not_found not_in_channel is_archived invalid_auth token_revoked account_inactive missing_scope "
    "no_permission restricted_action msg_too_long msg_blocks_too_long invalid_blocks a_word_of_tomorrow"
).split()
REFUSED: list[tuple[Trouble, type[SendError], str]] = [
    *((error(word), Permanent, word) for word in PERMANENT),
    (said("", 404), Permanent, "404 Not Found"),
    (error("ratelimited", 429, **{"Retry-After": "17"}), Temporary, "ratelimited"),
    (said("slow down", 429), Temporary, "429 Too Many Requests"),
]
UNSURE: list[tuple[Trouble, str]] = [
    *((error(word), word) for word in ("internal_error", "fatal_error", "service_unavailable", "request_timeout")),
    (error("internal_error", 500), "internal_error"),
    (said("<html>Bad gateway</html>", 502, acts=True), "502 Bad Gateway"),
    (said("<html>Sign in</html>", acts=True), "not in Slack's words"),
    (said("{broken", kind="application/json", acts=True), "not in Slack's words"),
    (said("[1]", kind="application/json", acts=True), "not in Slack's words"),
    (said("ok", kind="text/plain", acts=True), "not in Slack's words"),
    (Trouble(lambda: web.Response(body=b"\xff", content_type="application/json")), "not in Slack's words"),
    (LOST, "connection broke off"),
    (DROPPED, "connection broke off"),
]


@pytest.mark.parametrize("act", POSTS)
@pytest.mark.parametrize(("trouble", "kind", "reason"), REFUSED)
async def test_a_refused_post_is_made_once_and_said_so(
    bench: Bench, act: Act, trouble: Trouble, kind: type[SendError], reason: str
) -> None:
    root = await bench.create()
    bench.space.troubles["chat.postMessage"] = [trouble]
    with pytest.raises(kind, match=reason):
        await bench.send(act, root)
    assert len(bench.space.called("chat.postMessage")) == 2


@pytest.mark.parametrize("act", POSTS)
@pytest.mark.parametrize(("trouble", "reason"), UNSURE)
async def test_a_post_that_may_stand_is_doubtful_and_made_once(
    bench: Bench, act: Act, trouble: Trouble, reason: str
) -> None:
    root = await bench.create()
    bench.space.troubles["chat.postMessage"] = [trouble]
    with pytest.raises(Doubtful, match=reason):
        await bench.send(act, root)
    assert len(bench.space.called("chat.postMessage")) == 2


@pytest.mark.parametrize(("trouble", "reason"), UNSURE)
async def test_an_edit_that_may_stand_is_made_again_later(bench: Bench, trouble: Trouble, reason: str) -> None:
    root = await bench.create()
    bench.space.troubles["chat.update"] = [trouble]
    with pytest.raises(Temporary, match=reason):
        await bench.send(Act.EDIT, root)
    assert len(bench.space.called("chat.update")) == 1


async def test_a_message_follows_nobody_elsewhere(bench: Bench) -> None:
    async with workspace() as stranger:
        there = {"Location": f"{stranger.url}chat.postMessage"}
        bench.space.troubles["chat.postMessage"] = [Trouble(lambda: web.Response(status=307, headers=there))]
        with pytest.raises(Permanent, match="307"):
            await bench.create()
    assert stranger.calls == []


async def test_an_edit_of_a_deleted_message_is_refused_for_good(bench: Bench) -> None:
    with pytest.raises(Permanent, match="message_not_found"):
        await bench.send(Act.EDIT, Receipt("1.1", "1.1"))


async def test_the_wait_that_slack_asks_for_is_handed_on(bench: Bench) -> None:
    bench.space.troubles["chat.postMessage"] = [error("ratelimited", 429, **{"Retry-After": "17"})]
    with pytest.raises(Temporary) as caught:
        await bench.send(Act.CREATE)
    assert caught.value.delay == timedelta(seconds=17)


@pytest.mark.parametrize(("act", "kind"), [(Act.CREATE, Doubtful), (Act.EDIT, Temporary)])
async def test_an_answer_that_never_comes_is_not_waited_for(bench: Bench, act: Act, kind: type[SendError]) -> None:
    root = await bench.create()
    for method in ("chat.postMessage", "chat.update"):
        bench.space.troubles[method] = [HANGING]
    bench.slack = Slack(bench.tools, timeout=0.05)
    with pytest.raises(kind, match="no answer in time"):
        await bench.send(act, root)


@pytest.mark.parametrize(
    ("url", "kind", "reason"),
    [
        ("http://127.0.0.1:1/api/", Temporary, "could not connect"),
        ("not an address", Permanent, "SLACK_API_URL is no address"),
    ],
)
@pytest.mark.parametrize("act", [Act.CREATE, Act.EDIT])
async def test_what_was_never_sent_is_no_doubt(url: str, kind: type[SendError], reason: str, act: Act) -> None:
    async with aiohttp.ClientSession() as session:
        slack = Slack(tools(session, url))
        with pytest.raises(kind, match=reason):
            await slack.send(CHANNEL, slack.render(notice()), delivery(act, Receipt("1.1", "1.1")))


async def test_without_a_token_nothing_is_asked(bench: Bench) -> None:
    slack = Slack(tools(bench.tools.session(), bench.space.url, token=""))
    with pytest.raises(Permanent, match="SLACK_BOT_TOKEN is not set"):
        await slack.send(CHANNEL, slack.render(notice()), delivery(Act.CREATE))
    assert bench.space.calls == []


async def test_a_wrong_token_is_named_by_its_setting_and_never_shown(bench: Bench) -> None:
    slack = Slack(tools(bench.tools.session(), bench.space.url, token="xoxb-wrong-secret"))
    with pytest.raises(Permanent, match="invalid_auth: SLACK_BOT_TOKEN is not valid") as caught:
        await slack.send(CHANNEL, slack.render(notice()), delivery(Act.CREATE))
    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("act", POSTS)
async def test_a_message_whose_answer_was_lost_is_found_again(bench: Bench, act: Act) -> None:
    root = await bench.create()
    await bench.send(Act.POST, key="another")
    bench.space.troubles["chat.postMessage"] = [LOST]
    with pytest.raises(Doubtful):
        await bench.send(act, root)
    stamp = bench.space.messages[-1]["ts"]
    assert await bench.slack.find(CHANNEL, delivery(act, root)) == Receipt(stamp, stamp)


@pytest.mark.parametrize("act", POSTS)
async def test_a_message_that_never_arrived_is_not_found(bench: Bench, act: Act) -> None:
    root = await bench.create()
    bench.space.troubles["chat.postMessage"] = [DROPPED]
    with pytest.raises(Doubtful):
        await bench.send(act, root)
    assert await bench.slack.find(CHANNEL, delivery(act, root)) is None


async def test_the_search_begins_a_minute_before_the_decision(bench: Bench) -> None:
    await bench.slack.find(CHANNEL, delivery(Act.POST))
    [arguments] = bench.space.called("conversations.history")
    assert arguments["oldest"] == f"{at(-1).timestamp():.6f}"
    assert arguments["include_all_metadata"] == "1"


async def test_the_search_turns_pages_but_not_without_end(bench: Bench) -> None:
    for _ in range(14):
        await bench.send(Act.POST)
        await bench.send(Act.POST, key="another")
    bench.space.page = 1
    bench.space.messages[0]["metadata"]["event_payload"]["key"] = "the oldest"
    bench.space.messages[-5]["metadata"]["event_payload"]["key"] = "the fifth"
    assert await bench.slack.find(CHANNEL, delivery(Act.POST, key="the fifth"))
    assert await bench.slack.find(CHANNEL, delivery(Act.POST, key="the oldest")) is None
    assert len(bench.space.called("conversations.history")) == 5 + 10


async def test_other_apps_metadata_is_not_ours(bench: Bench) -> None:
    await bench.send(Act.POST)
    bench.space.messages[0]["metadata"]["event_type"] = "another-app"
    assert await bench.slack.find(CHANNEL, delivery(Act.POST)) is None


async def test_an_edit_is_not_searched_for(bench: Bench) -> None:
    assert await bench.slack.find(CHANNEL, delivery(Act.EDIT, Receipt("1.1"))) is None
    assert bench.space.calls == []


@pytest.mark.parametrize("word", ["missing_scope", "not_in_channel", "channel_not_found"])
async def test_where_the_app_may_not_read_nobody_can_be_asked(bench: Bench, word: str) -> None:
    bench.space.troubles["conversations.history"] = [error(word)]
    with pytest.raises(Permanent, match=word):
        await bench.slack.find(CHANNEL, delivery(Act.POST))


async def test_a_reply_whose_thread_is_gone_is_not_to_be_found(bench: Bench) -> None:
    bench.space.troubles["conversations.replies"] = [error("thread_not_found")]
    with pytest.raises(Unsendable):
        await bench.slack.find(CHANNEL, delivery(Act.REPLY, Receipt("1.1")))


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (error("ratelimited", 429, **{"Retry-After": "60"}), Temporary),
        (error("internal_error"), Temporary),
        (said("<html>", 502), Temporary),
        (DROPPED, Temporary),
        (error("token_revoked"), Permanent),
    ],
)
async def test_a_question_without_an_answer_is_not_taken_for_no(
    bench: Bench, trouble: Trouble, kind: type[SendError]
) -> None:
    bench.space.troubles["conversations.history"] = [
        trouble
    ] * 2  # aiohttp itself reads again after a broken connection
    with pytest.raises(kind):
        await bench.slack.find(CHANNEL, delivery(Act.POST))


def test_rendering_does_not_import_slack_sdk() -> None:
    code = (
        "import sys; from bot.notifiers.slack import Slack; from tests.support.notices import notice\n"
        "from types import SimpleNamespace\n"
        "Slack(SimpleNamespace(answered=())).render(notice()); sys.exit('slack_sdk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
