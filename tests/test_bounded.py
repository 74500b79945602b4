"""What is read of an answer through requests: enough, and no more."""

from __future__ import annotations

import asyncio
import gzip
from time import monotonic

import pytest
import requests
from aiohttp import web

from bot.bounded import LONGEST, Bounded
from tests.support.server import Handler, serve


async def ask(handler: Handler, patience: float = 20) -> requests.Response:
    """The answer to a GET."""

    def get(url: str) -> requests.Response:
        with requests.Session() as session:
            session.mount("http://", Bounded(patience=patience))
            return session.get(url, timeout=5)

    async with serve(handler) as server:
        return await asyncio.to_thread(get, server.url)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("packed", [False, True])
async def test_an_ordinary_answer_is_read_whole(chunked: bool, packed: bool) -> None:
    words = b'{"ok": true}' * 20_000

    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip"} if packed else {}
        response = web.Response(body=gzip.compress(words) if packed else words, headers=headers)
        if chunked:
            response.enable_chunked_encoding()
        return response

    found = await ask(answer)
    assert (found.status_code, found.content) == (200, words)


async def test_an_answer_without_a_body_is_empty() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    found = await ask(answer)
    assert (found.status_code, found.content) == (204, b"")


@pytest.mark.parametrize("packed", [False, True])
async def test_of_more_the_beginning_is_read(packed: bool) -> None:
    large = b" " * (20 * LONGEST)

    async def answer(request: web.Request) -> web.StreamResponse:
        if packed:
            return web.Response(body=gzip.compress(large), headers={"Content-Encoding": "gzip"})
        return web.Response(body=large)

    assert LONGEST <= len((await ask(answer)).content) < 2 * LONGEST


@pytest.mark.parametrize("length", [0, 1_000], ids=["chunked", "of a known length"])
async def test_what_drips_for_ever_is_left(length: int) -> None:
    over = asyncio.Event()

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(length)} if length else {})
        await response.prepare(request)
        while not over.is_set():
            await response.write(b".")
            await asyncio.sleep(0.02)
        return response

    begun = monotonic()
    found = await ask(dripping, patience=0.5)
    over.set()
    assert found.status_code == 200
    assert 0 < len(found.content) < 1_000
    assert monotonic() - begun < 10


async def test_a_body_that_breaks_off_is_the_library_s_own_error() -> None:
    async def breaking_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"some")
        assert request.transport is not None
        request.transport.abort()
        return response

    with pytest.raises(requests.ConnectionError):
        await ask(breaking_off)
