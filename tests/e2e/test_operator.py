"""`statusbot run` in trouble of its own, asked how it is, and with a platform that is itself in trouble."""

from __future__ import annotations

import json
import socket
from typing import Any

import aiohttp
from aiohttp import web

from tests.collectors.x.fake import TOKEN as X_TOKEN
from tests.e2e.world import World
from tests.support.server import serve

FALLING_BACK = """
[[subscription]]
to = "teams:ops"
fallback = "discord:42"
"""


def rewrite(given: World, *, head: str = "", subscriptions: str | None = None) -> None:
    """Put settings before the configuration, or other subscriptions into it."""
    path = given.folder / "statusbot.toml"
    text = path.read_text()
    if subscriptions is not None:
        text = text[: text.index("[[subscription]]")] + subscriptions
    path.write_text(f"{head}\n{text}")


async def test_a_token_that_is_refused_is_told_to_the_operator_once_through_a_restart_and_its_end_too(
    given: World,
) -> None:
    rewrite(given, head='operator = "discord:42"', subscriptions="")
    given.env["X_BEARER_TOKEN"] = "no-longer-accepted"
    words = "microsoft-365/x cannot be read (our settings): X refuses the token (401)"
    for _ in range(2):
        async with given.run():
            await given.until(lambda: given.shown(words)[2] >= 1, "the operator's notice")
            await given.settled_page()
    assert given.shown(words)[2] == 1
    given.env["X_BEARER_TOKEN"] = X_TOKEN
    async with given.run():
        await given.until(lambda: given.shown(f": {words}")[2] == 1, "that it is over")
    assert len(given.discord.channels["42"]) == 2
    assert given.slack.messages == []


async def test_the_program_says_how_it_is(given: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    given.env["STATUSBOT_LISTEN"] = f"127.0.0.1:{port}"
    async with given.run(), aiohttp.ClientSession() as client:
        await given.settled()
        async with client.get(f"http://127.0.0.1:{port}/healthz/ready") as answer:
            said: dict[str, Any] = await answer.json()
            assert (answer.status, said["alive"], said["ready"]) == (200, True, True)
            assert set(said["checks"].values()) == {"ok"}
        async with client.get(f"http://127.0.0.1:{port}/metrics") as answer:
            text = await answer.text()
    assert 'statusbot_polls_total{outcome="read",source="microsoft-365/page"}' in text
    assert "statusbot_ready 1.0" in text


async def test_teams_during_an_outage_of_its_own_provider(given: World) -> None:
    cards: list[str] = []
    refusing = True

    async def flow(request: web.Request) -> web.StreamResponse:
        if not refusing:
            cards.append(json.dumps(await request.json()))
        return web.Response(status=429 if refusing else 202)

    rewrite(given, subscriptions=FALLING_BACK)
    async with serve(given.noting(flow)) as teams:
        given.env["TEAMS_WEBHOOK_OPS"] = f"{teams.url}/workflows/1"
        async with given.run():
            await given.settled()
            incident = given.page.begin("Sign-in fails", "Users may be unable to sign in.")
            await given.until(lambda: given.shown("unable to sign in")[2] == 1, "the opening at the fallback")
            given.page.add(incident, "identified", "A bad certificate is the cause.")
            await given.until(lambda: given.shown("bad certificate")[2] == 1, "the update at the fallback")
            refusing = False
            await given.until(lambda: cards, "the catch-up")
            await given.settled()
    (card,) = cards
    assert all(words in card for words in ("Catch-up: 2 updates", "unable to sign in", "bad certificate"))
    assert json.dumps(given.discord.channels["42"]).count("As the fallback of teams:ops") == 2
