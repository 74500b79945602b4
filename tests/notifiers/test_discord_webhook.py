from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.errors import Doubtful, Permanent, SendError, Temporary, Unsendable
from bot.model import Act, Destination, Receipt
from bot.notifiers.discord_webhook import DiscordWebhook
from tests.notifiers.notices import delivery, notice, outcome, tools, whole_text
from tests.support.server import Handler, serve

OPS = Destination("discord-webhook", "ops")
TOKEN = "t0ken_very-secret"
POST = delivery("discord-webhook", "ops", Act.CREATE)
EDIT = delivery("discord-webhook", "ops", Act.EDIT, root="777")


def answering(status: int, body: Any = None, **headers: str) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers={"Location": str(request.url), **headers})

    return answer


async def send(
    handler: Handler,
    act: Act = Act.CREATE,
    query: str = "",
    timeout: float = 5,  # noqa: ASYNC109
) -> tuple[Receipt | SendError, list[web.Request]]:
    """What came of one message, and the requests that arrived."""
    async with serve(handler) as server, aiohttp.ClientSession() as session:
        env = {"DISCORD_WEBHOOK_OPS": f"{server.url}/api/webhooks/1/{TOKEN}{query}"}
        webhook = DiscordWebhook(tools(lambda: session, **env), timeout=timeout)
        came = await outcome(webhook.send(OPS, webhook.render(notice(act=act)), EDIT if act is Act.EDIT else POST))
    assert TOKEN not in whole_text(came)
    return came, server.requests


async def test_a_message_is_waited_for_and_named() -> None:
    came, (request,) = await send(answering(200, {"id": "777"}))
    assert came == Receipt("777")
    assert (request.method, request.raw_path) == ("POST", f"/api/webhooks/1/{TOKEN}?wait=true")
    body = await request.json()
    assert body["allowed_mentions"] == {"parse": [], "roles": [], "users": []}
    assert len(body["embeds"]) == 1
    assert "nonce" not in body


async def test_the_addresss_own_query_goes_along() -> None:
    _, (posted,) = await send(answering(200, {"id": "777"}), query="?thread_id=42")
    assert dict(posted.query) == {"thread_id": "42", "wait": "true"}
    _, (edited,) = await send(answering(200, {"id": "777"}), Act.EDIT, query="?thread_id=42")
    assert edited.raw_path == f"/api/webhooks/1/{TOKEN}/messages/777?thread_id=42"


async def test_an_edit_changes_the_message() -> None:
    came, (request,) = await send(answering(200, {"id": "777"}), Act.EDIT)
    assert came == Receipt("777")
    assert (request.method, request.raw_path) == ("PATCH", f"/api/webhooks/1/{TOKEN}/messages/777")


async def test_there_is_nothing_to_edit_without_a_message() -> None:
    async with aiohttp.ClientSession() as session:
        webhook = DiscordWebhook(tools(lambda: session, DISCORD_WEBHOOK_OPS="https://discord.example/api"))
        with pytest.raises(Permanent, match="no message"):
            await webhook.send(OPS, webhook.render(notice()), delivery("discord-webhook", "ops", Act.EDIT))


@pytest.mark.parametrize(
    ("status", "creating", "editing"),
    [
        (400, Unsendable, Unsendable),
        (401, Permanent, Permanent),
        (404, Permanent, Permanent),
        (307, Permanent, Permanent),
        (429, Temporary, Temporary),
        (503, Doubtful, Temporary),
    ],
)
async def test_each_answer_says_what_to_do(status: int, creating: type[SendError], editing: type[SendError]) -> None:
    for act, error in ((Act.CREATE, creating), (Act.EDIT, editing)):
        came, requests = await send(answering(status, {"message": "no"}), act)
        assert type(came) is error
        assert len(requests) == 1


async def test_the_wait_is_read_from_the_answer() -> None:
    came, _ = await send(answering(429, {"retry_after": 1.5}, **{"Retry-After": "2"}))
    assert isinstance(came, Temporary)
    assert came.delay == timedelta(seconds=1.5)


async def test_an_answer_that_is_not_discords_confirms_nothing() -> None:
    bodies: tuple[Any, ...] = ("<html>", None, [], {"id": ""}, {"id": 7})
    for body in bodies:
        came, _ = await send(answering(200, body))
        assert type(came) is Doubtful


async def test_an_answer_that_never_comes_is_doubt_and_for_an_edit_none() -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    for act, error in ((Act.CREATE, Doubtful), (Act.EDIT, Temporary)):
        came, requests = await send(hang, act, timeout=0.2)
        assert type(came) is error
        assert len(requests) == 1
