from __future__ import annotations

import asyncio
import socket
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from bot.errors import Doubtful, Permanent, SendError, Temporary
from bot.post import LARGEST, LONGEST, Answer, address, check, post, seconds, variable
from tests.notifiers.notices import outcome, whole_text
from tests.support.server import Handler, serve

SECRET = "s3cr3t-token"


async def ask(handler: Handler, *, timeout: float = 5) -> tuple[Answer | SendError, int]:  # noqa: ASYNC109
    """What came of one POST, and how many arrived; nothing of the address in any text."""
    async with serve(handler) as server, aiohttp.ClientSession() as session:
        url = URL(f"{server.url}/{SECRET}?sig={SECRET}")
        answer = await outcome(post(session, url, b'{"a": 1}', timeout=timeout))
        assert SECRET not in whole_text(answer)
        assert not isinstance(answer, SendError) or answer.__context__ is None
        assert server.url.removeprefix("http://") not in whole_text(answer)
        return answer, len(server.requests)


async def test_the_answer_is_returned_whatever_it_is() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.content_type == "application/json"
        return web.Response(status=418, text="teapot", headers={"X-A": "b"})

    got, count = await ask(answer)
    assert isinstance(got, Answer)
    assert (got.status, got.headers["x-a"], got.body, count) == (418, "b", b"teapot", 1)


async def test_a_redirect_is_not_followed() -> None:
    async def answer(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(request.url)

    got, count = await ask(answer)
    assert isinstance(got, Answer)
    assert (got.status, count) == (307, 1)


async def test_a_connection_cut_after_the_request_is_doubt_and_nothing_is_sent_again() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    got, count = await ask(answer)
    assert isinstance(got, Doubtful)
    assert count == 1


async def test_an_answer_that_never_comes_is_doubt() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    got, count = await ask(answer, timeout=0.2)
    assert isinstance(got, Doubtful)
    assert count == 1


async def test_an_answer_cut_off_in_its_body_keeps_its_status() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=202, headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    got, _ = await ask(answer)
    assert isinstance(got, Answer)
    assert (got.status, got.body) == (202, b"half")


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 10 * LARGEST)

    got, _ = await ask(answer)
    assert isinstance(got, Answer)
    assert len(got.body) == LARGEST


async def test_a_closed_port_has_received_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = URL(f"http://127.0.0.1:{taken.getsockname()[1]}/{SECRET}")
        async with aiohttp.ClientSession() as session:
            with pytest.raises(Temporary) as raised:
                await post(session, url, b"{}")
    assert SECRET not in whole_text(raised.value)
    assert raised.value.__context__ is None


async def test_a_header_that_cannot_be_sent_is_refused() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response()

    async with serve(answer) as server, aiohttp.ClientSession() as session:
        with pytest.raises(Permanent) as raised:
            await post(session, URL(f"{server.url}/{SECRET}"), b"{}", headers={"X": "a\r\nb"})
    assert SECRET not in whole_text(raised.value)
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "once", "again"),
    [
        (301, Permanent, Permanent),
        (404, Permanent, Permanent),
        (408, Temporary, Temporary),
        (429, Temporary, Temporary),
        (500, Doubtful, Temporary),
        (504, Doubtful, Temporary),
    ],
)
def test_doubt_is_only_where_repeating_does_harm(status: int, once: type[SendError], again: type[SendError]) -> None:
    with pytest.raises(once):
        check(Answer(status, {}, b""))
    with pytest.raises(again):
        check(Answer(status, {}, b""), repeatable=True)


def test_an_accepted_request_raises_nothing() -> None:
    check(Answer(204, {}, b""))


def test_a_wait_is_taken_from_the_body_before_the_header() -> None:
    for delay, expected in ((timedelta(seconds=3), 3), (None, 9)):
        with pytest.raises(Temporary) as raised:
            check(Answer(429, {"Retry-After": "9"}, b""), delay=delay)
        assert raised.value.delay == timedelta(seconds=expected)


@pytest.mark.parametrize("value", ["", None, "soon", "nan", "inf", [], {}, "Thu, 22 Jan 2026 19:37:12 GMT"])
def test_a_wait_that_is_no_number_is_none(value: object) -> None:
    assert seconds(value) is None


def test_a_wait_is_neither_negative_nor_endless() -> None:
    assert seconds("-4") == timedelta(0)
    assert seconds(1e300) == LONGEST
    assert seconds(0.5) == timedelta(seconds=0.5)


def test_a_name_becomes_a_variable() -> None:
    assert variable("TEAMS_WEBHOOK_", "ops-eu.1ä") == "TEAMS_WEBHOOK_OPS_EU_1_"


def test_an_address_is_kept_to_the_letter() -> None:
    env = {"W_A": " https://flow.example/x?sp=%2Ftriggers%2Fa&sig=a%2Bb-_ "}
    assert str(address(env, "W_", "a")) == env["W_A"].strip()


@pytest.mark.parametrize("words", ["", "ftp://a.example/", "hooks.example/abc", "http://", "http://[", "https://[::1"])
def test_what_is_no_address_is_refused_by_the_variables_name(words: str) -> None:
    with pytest.raises(Permanent, match="W_A is ") as raised:
        address({"W_A": words}, "W_", "a")
    assert not words or words not in whole_text(raised.value)
