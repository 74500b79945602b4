"""What Slack is asked, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.doctor import slack
from bot.doctor.finding import Finding, Level
from bot.model import Destination
from tests.notifiers.notices import tools
from tests.support.server import serve

TOKEN = "xoxb-very-secret"
EVERY = "chat:write,chat:write.public,channels:read,groups:read,channels:history,groups:history"
TO = Destination("slack", "C1")
PUBLIC = {"id": "C1", "name": "ops", "is_member": True, "is_private": False}


async def examined(
    channel: Mapping[str, Any] | str = PUBLIC, scopes: str | None = EVERY, auth: Mapping[str, Any] | None = None
) -> list[Finding]:
    """What doctor says of such a workspace; `channel` in words is Slack's error."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        headers = {} if scopes is None else {"x-oauth-scopes": scopes}
        if request.path == "/api/auth.test":
            return web.json_response(auth or {"ok": True, "user": "bot", "team": "Acme"}, headers=headers)
        assert (request.path, (await request.post())["channel"]) == ("/api/conversations.info", "C1")
        body = {"ok": False, "error": channel} if isinstance(channel, str) else {"ok": True, "channel": dict(channel)}
        return web.json_response(body)

    async with serve(answer) as server, aiohttp.ClientSession() as session:
        env = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": f"{server.url}/api/"}
        return await slack.examine(tools(lambda: session, **env), [TO])


async def test_all_is_well() -> None:
    assert await examined() == [
        Finding(Level.OK, "SLACK_BOT_TOKEN", "bot in Acme"),
        Finding(Level.OK, "slack:C1", "the app is in #ops"),
    ]


@pytest.mark.parametrize(
    ("word", "mend"), [("invalid_auth", "SLACK_BOT_TOKEN is not valid"), ("token_revoked", "has been revoked")]
)
async def test_a_token_that_is_refused_is_one_failure(word: str, mend: str) -> None:
    (found,) = await examined(auth={"ok": False, "error": word})
    assert found.level is Level.FAILURE
    assert mend in found.words


@pytest.mark.parametrize(
    ("channel", "scopes", "level", "words"),
    [
        (
            PUBLIC,
            EVERY.replace("channels:history,", ""),
            Level.WARNING,
            "repeat after a lost answer: grant the scope channels:history",
        ),
        ({**PUBLIC, "is_private": True}, EVERY.replace(",groups:history", ""), Level.WARNING, "groups:history"),
        (
            {**PUBLIC, "is_member": False},
            EVERY,
            Level.WARNING,
            "deliveries may repeat after a lost answer: invite the app",
        ),
        ({**PUBLIC, "is_member": False}, EVERY.replace(",chat:write.public", ""), Level.FAILURE, "invite the app"),
        ({**PUBLIC, "is_member": False, "is_private": True}, EVERY, Level.FAILURE, "invite the app"),
        ({**PUBLIC, "is_archived": True}, EVERY, Level.FAILURE, "archived"),
        ("channel_not_found", EVERY, Level.FAILURE, "no such channel"),
        ("missing_scope", EVERY, Level.WARNING, "grant channels:read"),
    ],
)
async def test_a_channel(channel: Any, scopes: str, level: Level, words: str) -> None:
    _, found = await examined(channel, scopes)
    assert (found.level, words in found.words) == (level, True), found


async def test_an_app_that_may_not_write_and_one_that_does_not_tell() -> None:
    assert (await examined(scopes="channels:read"))[0].level is Level.FAILURE
    assert [one.level for one in await examined(scopes=None)] == [Level.WARNING, Level.OK]


async def test_a_slack_that_is_not_there_or_speaks_in_tongues_is_a_failure_without_the_token() -> None:
    async def html(request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"<html>{TOKEN}")

    async with aiohttp.ClientSession() as session:
        async with serve(html) as server:
            made = tools(lambda: session, SLACK_BOT_TOKEN=TOKEN, SLACK_API_URL=f"{server.url}/api/")
            (odd,) = await slack.examine(made, [TO])
        (gone,) = await slack.examine(made, [TO])
    assert odd == Finding(Level.FAILURE, "SLACK_BOT_TOKEN", "Slack: an answer that is not its own")
    assert gone == Finding(Level.FAILURE, "SLACK_BOT_TOKEN", "Slack: it cannot be reached")
