"""A real aiohttp server on loopback that answers as a test tells it and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Seen = Callable[[web.Request], web.Request]


@dataclass
class Server:
    """`url` is its address without a slash at the end; `requests` what came, with the body read."""

    url: str
    requests: list[web.Request] = field(default_factory=list)


@asynccontextmanager
async def serve(handler: Handler, seen: Seen = lambda request: request) -> AsyncIterator[Server]:
    """Serve every path and method with `handler` until the block ends; it gets each request as `seen` makes it."""
    server = Server("")

    async def answer(request: web.Request) -> web.StreamResponse:
        request = seen(request)
        await request.read()
        server.requests.append(request)
        return await handler(request)

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
