"""The HTTP server: what it answers, what it refuses, and whom it shuts out."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from aiohttp import web

from bot.errors import UsageError
from bot.frontends import metrics
from bot.frontends.web import LARGEST, Health, Web, serving
from bot.model import State

WELL = Health(True, True, {"polling": "ok"})


@dataclass
class House:
    """A server, how it is, and a client."""

    health: Health = WELL
    url: str = ""
    port: int = 0
    client: aiohttp.ClientSession = field(init=False)

    async def get(self, path: str) -> tuple[int, str]:
        async with self.client.get(f"{self.url}{path}") as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def house(*routes: web.RouteDef, first: float = 10) -> AsyncIterator[House]:
    made = House()

    async def measures(requests: Counter[tuple[str, int]]) -> bytes:
        return metrics.text(metrics.Counts({("slack", State.SENT): 3}, {("acme/page", "read"): 2}, requests))

    front = Web(lambda: made.health, measures)
    async with serving(front.app(routes), "127.0.0.1", 0, first=first) as (host, port):
        made.url, made.port = f"http://{host}:{port}", port
        async with aiohttp.ClientSession() as made.client:
            yield made


async def test_alive_and_ready_are_told_apart() -> None:
    async with house() as it:
        status, body = await it.get("/healthz")
        assert (status, body) == (200, '{"alive": true, "ready": true, "checks": {"polling": "ok"}}')
        it.health = replace(WELL, ready=False)
        assert [(await it.get(path))[0] for path in ("/healthz", "/healthz/ready")] == [200, 503]
        it.health = replace(WELL, alive=False, ready=False)
        assert [(await it.get(path))[0] for path in ("/healthz", "/healthz/ready")] == [503, 503]


async def test_the_metrics_count_deliveries_polls_and_requests() -> None:
    async with house() as it:
        for path in ("/healthz", "/nothing", "/nothing/else", "/metrics"):
            await it.get(path)
        status, text = await it.get("/metrics")
    assert status == 200
    lines = text.splitlines()
    assert 'statusbot_deliveries{kind="slack",state="sent"} 3.0' in lines
    assert 'statusbot_polls_total{outcome="read",source="acme/page"} 2.0' in lines
    assert 'statusbot_http_requests_total{path="other",status="404"} 2.0' in lines, "no path of a stranger's making"
    assert 'statusbot_http_requests_total{path="/metrics",status="200"} 1.0' in lines


async def test_nothing_but_its_routes_is_served_and_no_other_method() -> None:
    async with house() as it:
        assert (await it.get("/"))[0] == 404
        assert (await it.get("/healthz/../etc/passwd"))[0] == 404
        async with it.client.post(f"{it.url}/healthz", data=b"x") as answer:
            assert answer.status == 405


async def test_another_front_end_s_route_is_served_and_its_fault_says_nothing_to_strangers() -> None:
    async def events(request: web.Request) -> web.Response:
        return web.Response(text=(await request.text())[:2])

    async def faulty(request: web.Request) -> web.Response:
        raise ZeroDivisionError("very secret")

    async with house(web.post("/slack/events", events), web.get("/faulty", faulty)) as it:
        async with it.client.post(f"{it.url}/slack/events", data=b"hello") as answer:
            assert (answer.status, await answer.text()) == (200, "he")
        async with it.client.post(f"{it.url}/slack/events", data=b"x" * (LARGEST + 1)) as answer:
            assert answer.status == 413
        status, text = await it.get("/faulty")
        assert (status, "secret" in text) == (500, False)


async def test_a_head_that_is_too_large_is_refused() -> None:
    async with house() as it, it.client.get(f"{it.url}/healthz", headers={"X": "x" * 20_000}) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("said", [b"", b"GET /healthz HT"])
async def test_who_connects_and_asks_nothing_is_shut_out(said: bytes) -> None:
    async with house(first=0.2) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(said)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        assert (await it.get("/healthz"))[0] == 200


async def test_who_asked_in_time_is_kept() -> None:
    async with house(first=0.2) as it:
        await it.get("/healthz")
        _, writer = await asyncio.open_connection("127.0.0.1", it.port)
        reader, mute = await asyncio.open_connection("127.0.0.1", it.port)
        await asyncio.wait_for(reader.read(), 10)  # the silent one's time is over, and so was that of the first
        assert (await it.get("/healthz"))[0] == 200
        writer.close()
        mute.close()


async def test_a_place_that_is_taken_is_one_line_with_the_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            UsageError, match=rf"^STATUSBOT_LISTEN: 127\.0\.0\.1:{port} cannot be listened on .*name another"
        ):
            async with serving(web.Application(), "127.0.0.1", port):
                pass


async def test_a_place_that_is_none_is_one_line_as_well() -> None:
    with pytest.raises(UsageError, match="STATUSBOT_LISTEN"):
        async with serving(web.Application(), "192.0.2.1", 80):
            pass
