"""What is read of an answer through requests: enough, in time, and from nowhere else."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest
import requests
from aiohttp import web

from bot.bounded import LONGEST, bounded
from tests.support.server import Handler, serve


def get(url: str, patience: float = 20, **options: Any) -> requests.Response:
    """The answer to a GET, as a library asks for it."""
    with bounded(patience):
        return requests.get(url, timeout=5, **options)


async def ask(handler: Handler, patience: float = 20) -> requests.Response:
    """The answer to a GET of what a handler serves."""
    async with serve(handler) as server:
        return await asyncio.to_thread(get, server.url, patience)


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


@asynccontextmanager
async def dripping_head() -> AsyncIterator[str]:
    """The address of a server whose answers never come to the end of their first header."""
    over = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.is_set() and not writer.is_closing():
            writer.write(b".")
            await asyncio.sleep(0.02)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    try:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())
    finally:
        over.set()
        server.close()


@pytest.mark.parametrize("through", ["itself", "a proxy", "a proxy's tunnel"])
async def test_a_head_that_drips_for_ever_is_left(through: str) -> None:
    begun = monotonic()
    async with dripping_head() as address:
        asked = {"itself": address, "a proxy": "http://else.example", "a proxy's tunnel": "https://else.example"}[
            through
        ]
        proxies = {} if through == "itself" else {"http": address, "https": address}
        with pytest.raises(requests.RequestException):
            async with asyncio.timeout(10):
                await asyncio.to_thread(get, asked, 0.5, proxies=proxies)
    assert monotonic() - begun > 0.4


async def test_what_comes_after_the_end_is_not_even_asked() -> None:
    async with serve(led_elsewhere) as server:
        with pytest.raises(requests.ConnectTimeout):
            await asyncio.to_thread(get, server.url, 0)
        assert server.requests == []


async def led_elsewhere(request: web.Request) -> web.StreamResponse:
    if request.path == "/elsewhere":
        return web.Response(text=" " * (2 * LONGEST))
    return web.Response(status=307, headers={"Location": f"http://{request.host}/elsewhere"})


async def test_nothing_is_led_elsewhere_though_the_library_allows_it() -> None:
    async with serve(led_elsewhere) as server:
        found = await asyncio.to_thread(get, server.url, allow_redirects=True)
        assert (found.status_code, [request.path for request in server.requests]) == (307, ["/"])


@pytest.mark.parametrize("during", [False, True])
async def test_nobody_else_is_bound(during: bool) -> None:
    """Neither afterwards nor, in another thread, meanwhile."""

    def ask(ask_for: Callable[[], requests.Response], url: str) -> requests.Response:
        with bounded(20):
            requests.get(url, timeout=5)
            if during:
                with ThreadPoolExecutor(1) as threads:
                    return threads.submit(ask_for).result()
        return ask_for()

    async with serve(led_elsewhere) as server:
        found = await asyncio.to_thread(ask, lambda: requests.get(server.url, timeout=5), server.url)
    assert (found.status_code, len(found.content), len(found.history)) == (200, 2 * LONGEST, 1)
