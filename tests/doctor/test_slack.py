"""What Slack is asked, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.doctor import slack
from bot.doctor.finding import Finding, Level
from bot.frontends.slack.manifest import SCOPES
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


# --- the commands ------------------------------------------------------------------------------------------------

APP = {"SLACK_APP_TOKEN": "xapp-very-secret"}
WHOLE = ",".join(SCOPES)


async def heard(
    env: Mapping[str, str] = APP,
    scopes: str | None = WHOLE,
    may_subscribe: Sequence[str] = (),
    *,
    connections: Mapping[str, Any] | None = None,
    group: Mapping[str, Any] | None = None,
) -> list[tuple[Level, str]]:
    """What doctor says of the commands: everything but a channel's line, `what: words`."""

    async def answer(request: web.Request) -> web.StreamResponse:
        method = request.path.removeprefix("/api/")
        token = "xapp-very-secret" if method == "apps.connections.open" else TOKEN
        assert request.headers["Authorization"] == f"Bearer {token}"
        said = {
            "auth.test": {"ok": True, "user": "bot", "team": "Acme"},
            "apps.connections.open": connections or {"ok": True, "url": "wss://x/?ticket=very-secret"},
            "usergroups.users.list": group or {"ok": True, "users": ["U1"]},
        }[method]
        return web.json_response(said, headers={} if scopes is None else {"x-oauth-scopes": scopes})

    async with serve(answer) as server, aiohttp.ClientSession() as session:
        given = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": f"{server.url}/api/", **env}
        found = await slack.examine(tools(lambda: session, **given), [], may_subscribe)
    lines = [(one.level, f"{one.what}: {one.words}") for one in found]
    assert "very-secret" not in str(lines)
    return lines


async def test_commands_by_socket_with_all_scopes() -> None:
    assert await heard(may_subscribe=["S1", "U1"]) == [
        (Level.OK, "SLACK_BOT_TOKEN: bot in Acme"),
        (Level.OK, "SLACK_APP_TOKEN: Slack gives connections by Socket Mode"),
        (Level.OK, "[slack] may_subscribe S1: 1 person in it"),
    ]


async def test_each_scope_that_is_missing_is_a_line_with_what_it_is_for() -> None:
    lines = await heard(scopes="chat:write,groups:read,channels:read,chat:write.public,groups:history")
    missing = [(level, line) for level, line in lines if "is missing" in line]
    assert [(level, line.split(" is missing")[0].split()[-1]) for level, line in missing] == [
        (Level.FAILURE, "commands"),
        (Level.WARNING, "channels:history"),
        (Level.WARNING, "channels:join"),
        (Level.WARNING, "files:write"),
    ]
    assert all("install the app again" in line for _, line in missing)
    assert "which it takes to join the public channel that subscribes" in missing[2][1]


async def test_scopes_that_nothing_needs_are_named_and_no_fault() -> None:
    (level, line), *_ = await heard(scopes=f"{WHOLE},users:read,admin")
    assert (level, line) == (Level.OK, "SLACK_BOT_TOKEN: bot in Acme; nothing here needs the scopes admin, users:read")


async def test_where_slack_does_not_tell_the_scopes_none_is_called_missing() -> None:
    assert not [line for _, line in await heard(scopes=None) if "is missing" in line]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("invalid_auth", "SLACK_APP_TOKEN: is not valid; make one with the scope connections:write"),
        ("not_allowed_token_type", "SLACK_APP_TOKEN: is no app-level token (xapp-…); make one"),
        ("missing_scope", "SLACK_APP_TOKEN: lacks the scope connections:write; make one"),
        ("something_new", "SLACK_APP_TOKEN: Slack: something_new"),
    ],
)
async def test_an_app_token_that_is_refused(word: str, said: str) -> None:
    lines = await heard(connections={"ok": False, "error": word})
    assert [line.startswith(said) for level, line in lines if level is Level.FAILURE] == [True]


@pytest.mark.parametrize(
    ("env", "level", "said"),
    [
        ({"SLACK_SIGNING_SECRET": "s" * 32, "STATUSBOT_LISTEN": ":8080"}, Level.OK, "look for 401 of /slack/events"),
        ({"SLACK_SIGNING_SECRET": "s" * 32}, Level.FAILURE, "STATUSBOT_LISTEN is not: /statusbot is not answered"),
        ({**APP, "SLACK_SIGNING_SECRET": "s" * 32}, Level.OK, "not needed beside SLACK_APP_TOKEN"),
        ({**APP, "SLACK_BOT_TOKEN": ""}, Level.FAILURE, "SLACK_BOT_TOKEN is not: /statusbot is not answered"),
    ],
)
async def test_the_ways_in(env: dict[str, str], level: Level, said: str) -> None:
    *_, last = await heard(env)
    assert (last[0], said in last[1]) == (level, True), last


@pytest.mark.parametrize(
    ("group", "level", "said"),
    [
        ({"ok": False, "error": "no_such_subteam"}, Level.FAILURE, "there is no such user group, or it is disabled"),
        ({"ok": False, "error": "missing_scope"}, Level.FAILURE, "the app lacks the scope usergroups:read"),
        ({"ok": True, "users": []}, Level.WARNING, "0 people in it"),
    ],
)
async def test_a_user_group_that_is_named(group: dict[str, Any], level: Level, said: str) -> None:
    *_, last = await heard(may_subscribe=["S1"], group=group)
    assert (last[0], said in last[1]) == (level, True), last
