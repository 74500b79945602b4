"""Apprise's notifier against a service on loopback."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given

from bot.bounded import LONGEST
from bot.core.digest import Digest
from bot.errors import Permanent, SendError, Temporary
from bot.model import Act, Delivery, Destination, Receipt
from bot.notifiers.apprise import Apprise
from tests.notifiers.digests import broken, large, nothing, ordinary
from tests.notifiers.notices import outcome, tools, whole_text
from tests.support.notices import DOWN, HOSTILE, hostile, notice, notices, update
from tests.support.server import Server, serve
from tests.support.until import until
from tests.test_bounded import dripping_head

OPS = Destination("apprise", "ops-eu")
DELIVERY = Delivery(1, "key-1", OPS, "i1", "u1", Act.POST)
SECRET = "very-secret-token-of-the-service"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answering(status: int = 200) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    return answer


def notifier(url: str = "", timeout: float = 20) -> Apprise:
    return Apprise(tools(APPRISE_URL_OPS_EU=url) if url else tools(), timeout=timeout)


async def send(server: Server, patience: float = 20, wish: str = "") -> Receipt | SendError:
    made = notifier(server.url.replace("http://", "json://") + f"/{SECRET}{wish}", patience)
    return await outcome(made.send(OPS, made.render(notice(act=Act.POST, sightings=(DOWN,))), DELIVERY))


async def test_title_and_words_go_to_the_service_with_the_key_for_a_reader() -> None:
    async with serve(answering()) as server:
        assert await send(server) == Receipt()
    (request,) = server.requests
    assert request.path.startswith(f"/{SECRET}")
    body: dict[str, Any] = await request.json()
    assert "Microsoft 365: Users can't sign in [MO1221364]" in body["title"]
    for words in (
        "Investigating · major impact",
        "Exchange Online",
        "We're investigating a potential",
        "X · 2026-01-22",
    ):
        assert words in body["message"]
    assert "The status page has given no readable answer since 2026-01-22 19:42 UTC" in body["message"]
    assert body["message"].rstrip().endswith("id key-1")


@pytest.mark.parametrize("status", [400, 404, 429, 500])
async def test_a_no_is_tried_again_and_shows_nothing(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serve(answering(status)) as server:
        error = await send(server)
    assert isinstance(error, Temporary)
    assert SECRET not in whole_text(error)
    assert SECRET not in "".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")


async def test_a_service_that_is_not_there_or_breaks_off_is_tried_again() -> None:
    async def breaking_off(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serve(breaking_off) as server:
        assert isinstance(await send(server), Temporary)
    assert isinstance(await send(server), Temporary)


async def test_a_service_that_hangs_holds_up_nothing() -> None:
    over = asyncio.Event()

    async def hanging(request: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    async with serve(hanging) as server:
        error = await send(server, patience=0.2)
        over.set()
    assert isinstance(error, Temporary)
    assert str(error) == "no answer in time"


@pytest.mark.parametrize("wish", ["", "?redirect=yes"])
async def test_an_answer_that_leads_elsewhere_is_not_followed_whatever_the_address_wants(wish: str) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": f"http://{request.host}/elsewhere"})

    async with serve(elsewhere) as server:
        assert isinstance(await send(server, wish=wish), Temporary)
    assert [request.path for request in server.requests if request.path == "/elsewhere"] == []


async def test_a_service_whose_head_drips_for_ever_holds_no_thread() -> None:
    async with dripping_head() as address:
        error = await send(Server(address), patience=0.5)
        assert isinstance(error, Temporary)
        await until(lambda: not any(thread.name == "apprise" for thread in threading.enumerate()))


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    written, cut = [0], asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65536)
                written[0] += 65536
        finally:
            cut.set()

    async with serve(endless) as server:
        assert await send(server) == Receipt(), "its status has said all"
        await asyncio.wait_for(cut.wait(), 10)
    assert written[0] < 50 * LONGEST, "what stands in the system's buffers is more than what was read"


@pytest.mark.parametrize(("url", "words"), [("", "is not set"), ("nonsense://x", "is no address that Apprise knows")])
async def test_an_address_that_is_none_is_permanent_and_named(url: str, words: str) -> None:
    made = notifier(url)
    error = await outcome(made.send(OPS, made.render(notice()), DELIVERY))
    assert isinstance(error, Permanent)
    assert str(error) == f"APPRISE_URL_OPS_EU {words}"


@pytest.mark.parametrize("words", HOSTILE)
async def test_whatever_comes_the_words_fit_and_are_printable(words: str) -> None:
    shown = notifier().render(hostile(words, Act.POST, 3))
    assert len(str(shown.body["title"])) <= 200
    assert not {"\x1b", "\x00", "\x9b"} & set(shown.text)


@given(notices)
async def test_it_renders_anything(told: Any) -> None:
    assert notifier().render(told).text


async def test_several_updates_are_told_with_their_words() -> None:
    shown = notifier().render(notice(update(0), update(1, "A second word."), act=Act.POST, catch_up=True, covered=True))
    assert "Catch-up: 2 updates" in shown.text
    assert "A second word." in shown.text


@pytest.mark.parametrize("digest", [ordinary(), large(), nothing(), broken("<b>*_|" * 500)])
def test_a_digest_is_its_text_under_its_first_line(digest: Digest) -> None:
    message = Apprise(tools()).render_digest(digest, "key")
    title, body = message.body["title"], message.body["body"]
    assert isinstance(title, str)
    assert isinstance(body, str)
    assert title.startswith("Digest")
    assert len(title) <= 200
    assert body
