"""The HTTP server: `/healthz`, `/metrics` and the routes of other front ends, within limits of time and size."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.errors import UsageError

log = logging.getLogger("statusbot")

LARGEST = 1024 * 1024  #: bytes of a request's body
FIELD = 8190  #: bytes of one header, and of the first line
FIRST = 10.0  #: seconds from connecting until a whole request's head is there
WHOLE = 20.0  #: seconds until an answer is made
IDLE = 30.0  #: seconds for which a connection is kept without a request
CONNECTIONS = 256  #: waiting to be accepted


@dataclass(frozen=True, slots=True)
class Health:
    """How the program is. checks: name -> `ok`, or what is wrong."""

    alive: bool
    ready: bool
    checks: Mapping[str, str]


class Web:
    """The server's answers. health: how the program is now. measures: its metrics in Prometheus' text format.

    requests counts what was answered, by path (as the routes have it) and status.
    """

    def __init__(
        self, health: Callable[[], Health], measures: Callable[[Counter[tuple[str, int]]], Awaitable[bytes]]
    ) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self._health = health
        self._measures = measures

    def app(self, routes: Sequence[web.RouteDef] = ()) -> web.Application:
        """The application with these routes of other front ends."""
        app = web.Application(client_max_size=LARGEST, middlewares=[self._bounded])
        app.add_routes([web.get("/healthz", self.alive), web.get("/healthz/ready", self.ready)])
        app.add_routes([web.get("/metrics", self.metrics), *routes])
        return app

    async def alive(self, request: web.Request) -> web.Response:
        """200 while every loop goes round, else 503; how ready it is stands in the answer."""
        health = self._health()
        return answer(health, well=health.alive)

    async def ready(self, request: web.Request) -> web.Response:
        """200 while it does its work, else 503."""
        health = self._health()
        return answer(health, well=health.ready)

    async def metrics(self, request: web.Request) -> web.Response:
        """What was counted."""
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return web.Response(body=await self._measures(self.requests), headers={"Content-Type": kind})

    @web.middleware
    async def _bounded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Within WHOLE; a fault is one line in the log, and none of its words in the answer."""
        path = request.match_info.route.resource.canonical if request.match_info.route.resource else "other"
        status = 500
        try:
            async with asyncio.timeout(WHOLE):
                made: web.StreamResponse = await handler(request)
            status = made.status
            return made
        except web.HTTPException as refusal:
            status = refusal.status
            raise
        except TimeoutError:
            status = 503
            return web.Response(status=503, text="not in time\n")
        except Exception:
            log.exception("answering %s failed in our own code", path)
            return web.Response(status=500, text="a fault of ours; the log says more\n")
        finally:
            self.requests[path, status] += 1


def answer(health: Health, *, well: bool) -> web.Response:
    """How the program is, as JSON that no cache keeps."""
    body = {"alive": health.alive, "ready": health.ready, "checks": dict(health.checks)}
    return web.json_response(body, status=200 if well else 503, headers={"Cache-Control": "no-store"})


@asynccontextmanager
async def serving(
    app: web.Application, host: str, port: int, *, first: float = FIRST
) -> AsyncIterator[tuple[str, int]]:
    """Serve an application until the block ends; where. Raises UsageError where it cannot listen there.

    first: seconds within which a new connection must have asked something.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=IDLE,
        max_line_size=FIELD,
        max_field_size=FIELD,
        shutdown_timeout=2.0,
    )
    mute: set[object] = set()  # connections that have asked nothing yet
    app.middlewares.insert(0, _listener(mute))
    await runner.setup()
    try:
        assert runner.server is not None
        server = await _listening(_Door(runner.server, mute, first), host, port)
        try:
            at = server.sockets[0].getsockname()
            yield str(at[0]), int(at[1])
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def _listening(door: Callable[[], asyncio.Protocol], host: str, port: int) -> asyncio.Server:
    try:
        loop = asyncio.get_running_loop()
        return await loop.create_server(door, host or None, port, backlog=CONNECTIONS)
    except (OSError, OverflowError) as error:
        where = f"STATUSBOT_LISTEN: {host}:{port} cannot be listened on"
        code = getattr(error, "errno", 0) or 0
        why = os.strerror(code) if code > 0 else getattr(error, "strerror", "") or "no such place"
        raise UsageError(f"{where} ({why}); name another address, or leave it empty for none") from None


class _Door:
    """Makes the protocol of each connection, and shuts those that come and ask nothing: aiohttp waits for ever."""

    def __init__(self, server: Callable[[], asyncio.Protocol], mute: set[object], patience: float) -> None:
        self._server = server
        self._mute = mute
        self._patience = patience

    def __call__(self) -> asyncio.Protocol:
        protocol = self._server()
        self._mute.add(protocol)
        asyncio.get_running_loop().call_later(self._patience, self._look, protocol)
        return protocol

    def _look(self, protocol: Any) -> None:
        if protocol in self._mute:
            self._mute.discard(protocol)
            protocol.force_close()


def _listener(mute: set[object]) -> Any:
    """A middleware that takes whoever asks something out of the mute."""

    @web.middleware
    async def heard(request: web.Request, handler: Any) -> web.StreamResponse:
        mute.discard(request.protocol)
        made: web.StreamResponse = await handler(request)
        return made

    return heard
