"""The Slack incoming webhook's notifier against a server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from bot.errors import Doubtful, Permanent, SendError, Temporary
from bot.model import Act, Delivery, Destination, Receipt
from bot.notifiers.slack_webhook import SlackWebhook
from bot.ports import Fetcher, Tools
from tests.support.clock import StillClock
from tests.support.notices import notice
from tests.support.server import serve

OPS = Destination("slack-webhook", "ops-eu")
SETTING = "SLACK_WEBHOOK_OPS_EU"
SECRET = "/services/T000/B000/very-secret"
DELIVERY = Delivery(1, "key-1", OPS, "i1", "u1", Act.POST)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answering(text: str = "ok", status: int = 200, **headers: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, headers=headers)

    return answer


async def breaking_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def send(address: str, *, patience: float = 5) -> Receipt:
    async with aiohttp.ClientSession() as session:
        tools = Tools(StillClock(), cast("Fetcher", None), lambda: session, {SETTING: address})
        webhook = SlackWebhook(tools, timeout=patience)
        return await webhook.send(OPS, webhook.render(notice(act=Act.POST)), DELIVERY)


async def test_blocks_and_text_are_posted_once_with_the_key_for_a_reader() -> None:
    bodies: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        return web.Response(text="ok")

    async with serve(answer) as server:
        assert await send(server.url + SECRET) == Receipt()
    assert [(request.method, request.path) for request in server.requests] == [("POST", SECRET)]
    [body] = bodies
    assert set(body) == {"text", "blocks"}
    assert body["text"].startswith("🟠 Investigating: We're investigating")
    assert body["blocks"][-1]["elements"][0]["text"] == "id key-1"


@pytest.mark.parametrize("text", ["", '{"success":true}', "OK"])
async def test_a_server_that_accepts_in_its_own_words_has_accepted(text: str) -> None:
    async with serve(answering(text)) as server:
        assert await send(server.url + SECRET) == Receipt()


@pytest.mark.parametrize(
    ("handler", "kind", "reason"),
    [
        (answering("no_service", 404), Permanent, "Slack: no_service"),
        (answering("action_prohibited", 403), Permanent, "Slack: action_prohibited"),
        (answering("channel_is_archived", 410), Permanent, "Slack: channel_is_archived"),
        (answering("invalid_blocks", 400), Permanent, "Slack: invalid_blocks"),
        (answering("<html>gone</html>", 404), Permanent, "404 Not Found"),
        (answering("", 302, Location="https://elsewhere.example/"), Permanent, "302 Found"),
        (answering("rate_limited", 429, **{"Retry-After": "30"}), Temporary, "429 Too Many Requests"),
        (answering("rollup_error", 500), Doubtful, "500 Internal Server Error"),
        (answering("<html>bad gateway</html>", 502), Doubtful, "502 Bad Gateway"),
        (answering("<html>Sign in to this hotel</html>"), Doubtful, "a web page instead of Slack's `ok`"),
        (breaking_off, Doubtful, "broke off"),
    ],
)
async def test_each_other_answer_has_its_advice_and_is_not_asked_twice(
    handler: Handler, kind: type[SendError], reason: str
) -> None:
    async with serve(handler) as server:
        with pytest.raises(kind, match=reason) as caught:
            await send(server.url + SECRET)
    assert len(server.requests) == 1
    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_the_wait_that_slack_asks_for_is_handed_on() -> None:
    async with serve(answering("rate_limited", 429, **{"Retry-After": "30"})) as server:
        with pytest.raises(Temporary) as caught:
            await send(server.url + SECRET)
    assert caught.value.delay == timedelta(seconds=30)


async def test_silence_after_the_request_is_doubt() -> None:
    over = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    async with serve(silent) as server:
        with pytest.raises(Doubtful, match="no answer in time"):
            await send(server.url + SECRET, patience=0.05)
        over.set()


@pytest.mark.parametrize(
    ("address", "kind", "reason"),
    [
        ("http://127.0.0.1:1" + SECRET, Temporary, "could not connect"),
        ("", Permanent, f"{SETTING} is not set"),
        ("very-secret", Permanent, f"{SETTING} is no http or https address"),
    ],
)
async def test_what_cannot_be_sent_is_no_doubt_and_names_the_setting(
    address: str, kind: type[SendError], reason: str
) -> None:
    with pytest.raises(kind, match=reason) as caught:
        await send(address)
    assert "secret" not in repr(caught.value)
