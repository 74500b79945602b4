"""What Discord is asked, and what a bot may do by its answers."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.doctor import discord
from bot.doctor.discord import ADMINISTRATOR, HISTORY, NEEDED, THREADS, allowed
from bot.doctor.finding import Finding, Level
from bot.model import Destination
from tests.notifiers.notices import tools
from tests.support.server import serve

TOKEN = "very.secret"
TO = Destination("discord", "42")
ALL = sum(NEEDED.values()) + sum(THREADS.values()) + HISTORY
CHANNEL = {"id": "42", "guild_id": "7", "permission_overwrites": []}
MEMBER = {"roles": ["8"]}


def role(name: str, may: int) -> dict[str, str]:
    return {"id": name, "permissions": str(may)}


async def examined(may: int = ALL, status: int = 200, to: Destination = TO, *, roles: bool = True) -> list[Finding]:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bot {TOKEN}"
        said: Any = {
            "/api/users/@me": {"id": "1", "username": "statusbot"},
            "/api/channels/42": CHANNEL,
            "/api/guilds/7/members/1": MEMBER,
            "/api/guilds/7/roles": [role("7", 0), role("8", may)] if roles else {"message": "no"},
        }[request.path]
        return web.json_response(said, status=status if "users" not in request.path or status == 401 else 200)

    async with serve(answer) as server, aiohttp.ClientSession() as session:
        env = {"DISCORD_BOT_TOKEN": TOKEN, "DISCORD_API_URL": f"{server.url}/api"}
        return await discord.examine(tools(lambda: session, **env), [to])


@pytest.mark.parametrize(
    ("may", "level", "words"),
    [
        (ALL, Level.OK, "may write there"),
        (ADMINISTRATOR, Level.OK, "may write there"),
        (ALL & ~NEEDED["Send Messages"], Level.FAILURE, "grant it Send Messages"),
        (ALL & ~THREADS["Create Public Threads"], Level.WARNING, "grant Create Public Threads"),
        (ALL & ~HISTORY, Level.WARNING, "may repeat after a lost answer: grant Read Message History"),
    ],
)
async def test_what_the_bot_may_do_in_a_channel(may: int, level: Level, words: str) -> None:
    token, found = await examined(may)
    assert token == Finding(Level.OK, "DISCORD_BOT_TOKEN", "the bot statusbot")
    assert (found.level, words in found.words) == (level, True), found


async def test_a_token_that_is_refused_is_one_failure() -> None:
    (found,) = await examined(status=401)
    assert (found.level, found.what) == (Level.FAILURE, "DISCORD_BOT_TOKEN")


@pytest.mark.parametrize(
    ("status", "mend"), [(403, "invite the bot"), (404, "invite the bot"), (500, "try again later")]
)
async def test_a_channel_that_cannot_be_seen(status: int, mend: str) -> None:
    _, found = await examined(status=status)
    assert (found.level, mend in found.words) == (Level.FAILURE, True)


async def test_a_channel_that_is_no_number_is_not_asked_for() -> None:
    _, found = await examined(to=Destination("discord", "general"))
    assert found == Finding(Level.FAILURE, "discord:general", "a Discord channel is named by its id, a number")


async def test_roles_that_are_not_told_are_a_warning() -> None:
    assert (await examined(roles=False))[1].level is Level.WARNING


def test_overwrites_apply_for_everybody_then_for_roles_together_then_for_the_bot() -> None:
    def rules(*found: tuple[str, int, int]) -> dict[str, Any]:
        written = [{"id": name, "allow": str(allow), "deny": str(deny)} for name, allow, deny in found]
        return {**CHANNEL, "permission_overwrites": written}

    roles = [role("7", 0b0011), role("8", 0b0100), role("9", 0b10000)]
    assert allowed(rules(), MEMBER, roles, "1") == 0b0111, "not another's role"
    assert allowed(rules(("7", 0, 0b0001)), MEMBER, roles, "1") == 0b0110
    assert allowed(rules(("7", 0, 0b0001), ("8", 0b0001, 0)), MEMBER, roles, "1") == 0b0111
    assert allowed(rules(("8", 0b0001, 0), ("1", 0, 0b0001)), MEMBER, roles, "1") == 0b0110
    both = {"roles": ["8", "9"]}
    assert allowed(rules(("8", 0, 0b0001), ("9", 0b0001, 0)), both, roles, "1") == 0b10111, "an allowing role wins"


async def test_what_keeps_the_commands_from_being_heard_is_a_line_and_nothing_else_is() -> None:
    limit = {"total": 1000, "remaining": 3, "reset_after": 2_400_000}
    assert (
        discord.commands({"interactions_endpoint_url": None}, {"session_start_limit": {**limit, "remaining": 900}})
        == []
    )
    assert discord.commands(None, {"message": "no"}) == []
    elsewhere, spent = discord.commands({"interactions_endpoint_url": "https://x"}, {"session_start_limit": limit})
    assert (elsewhere.level, "Interactions Endpoint URL" in elsewhere.words) == (Level.FAILURE, True)
    assert (spent.level, "3 times more in the next 40 min" in spent.words) == (Level.WARNING, True)
