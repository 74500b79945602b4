"""Destinations that answer slowly, without end, or from elsewhere, for each transport: bounded, and nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.app import toolbox
from bot.errors import Doubtful, Permanent, SendError
from bot.model import Act, Delivery, Destination
from bot.notifiers.discord import Discord
from bot.notifiers.slack import Slack
from bot.notifiers.webhook import Webhook
from bot.ports import Notifier, Tools
from tests.core.build import at
from tests.notifiers.notices import notice
from tests.support.clock import StillClock
from tests.support.server import Server, serve

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAKES: Mapping[str, Callable[[Tools, float], Notifier]] = {
    "slack": lambda tools, timeout: Slack(tools, timeout=timeout),
    "discord": lambda tools, timeout: Discord(tools, timeout=timeout),
    "webhook": lambda tools, timeout: Webhook(tools, timeout=timeout),
}


async def slow(request: web.Request) -> web.StreamResponse:
    """Never answers."""
    await asyncio.Event().wait()
    raise AssertionError


async def endless(request: web.Request) -> web.StreamResponse:
    """Answers 200 and goes on for ever."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


async def elsewhere(request: web.Request) -> web.StreamResponse:
    """Sends the caller to another address."""
    return web.Response(status=307, headers={"Location": f"http://{request.host}/elsewhere"})


@asynccontextmanager
async def facing(kind: str, answer: Answer, timeout: float) -> AsyncIterator[tuple[Notifier, Server]]:  # noqa: ASYNC109
    """A notifier whose platform answers so; Discord's log-in alone goes well."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/users/@me"):
            return web.json_response({"id": "1", "username": "bot", "discriminator": "0", "avatar": None})
        return await answer(request)

    async with serve(handle) as server:
        env = {
            "SLACK_BOT_TOKEN": "xoxb-1",
            "SLACK_API_URL": f"{server.url}/api/",
            "DISCORD_BOT_TOKEN": "token",
            "DISCORD_API_URL": f"{server.url}/api/v10",
            "WEBHOOK_42": f"{server.url}/hook",
        }
        async with toolbox(env, StillClock()) as tools:
            notifier = MAKES[kind](tools, timeout)
            try:
                yield notifier, server
            finally:
                await notifier.close()


async def send(notifier: Notifier, kind: str) -> SendError | None:
    """What a create came to."""
    owed = Delivery(1, "key-1", Destination(kind, "42"), "i1", "u1", Act.CREATE, created_at=at(0))
    try:
        await notifier.send(owed.destination, notifier.render(notice()), owed)
    except SendError as error:
        return error
    return None


@pytest.mark.parametrize("kind", MAKES)
async def test_an_answer_that_never_comes_is_doubt(kind: str) -> None:
    async with facing(kind, slow, 0.3) as (notifier, server):
        assert isinstance(await send(notifier, kind), Doubtful)
        assert len([request for request in server.requests if not request.path.endswith("/users/@me")]) == 1


@pytest.mark.parametrize("kind", MAKES)
async def test_an_answer_without_end_is_not_read_to_its_end(kind: str) -> None:
    async with facing(kind, endless, 1 if kind == "discord" else 30) as (notifier, _):
        came = await send(notifier, kind)
        assert came is None if kind == "webhook" else isinstance(came, Doubtful), "its status has said all of a webhook"


@pytest.mark.parametrize("kind", MAKES)
async def test_an_answer_that_leads_elsewhere_is_not_followed(kind: str) -> None:
    async with facing(kind, elsewhere, 5) as (notifier, server):
        came = await send(notifier, kind)
        assert isinstance(came, (Permanent, Doubtful))
        assert not [request for request in server.requests if request.path == "/elsewhere"]
