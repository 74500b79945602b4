"""What may go wrong between a program and a platform, put around any of the fakes by composition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from aiohttp import web

from tests.support import discord
from tests.support.server import Handler


class Fault(Enum):
    """What happens to one request. Whoever acts has done what was asked, whatever the program hears of it."""

    NONE = "answered"
    SLOW = "answered late"
    RESET = "reset before acting"
    LIMITED = "429 with Retry-After"
    LIMITED_BARE = "429 without Retry-After"
    BROKEN = "5xx before acting"
    HANGS = "hangs before acting"
    LOST = "acts, answer lost"
    BROKEN_AFTER = "acts, answers 5xx"
    HANGS_AFTER = "acts, hangs"
    KILLED_BEFORE = "program killed before acting"
    KILLED_AFTER = "acts, program killed before the answer"
    KILLED_ANSWERED = "acts, answers, program killed"

    @property
    def acts(self) -> bool:
        """Whether the request is carried out."""
        return self in _ACTING

    @property
    def answers(self) -> bool:
        """Whether the program is told that it was carried out."""
        return self in (Fault.NONE, Fault.SLOW, Fault.KILLED_ANSWERED)

    @property
    def kills(self) -> bool:
        """Whether the program does not survive it."""
        return self in (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.KILLED_ANSWERED)


_ACTING = {fault for fault in Fault if fault.answers} | {
    Fault.LOST,
    Fault.BROKEN_AFTER,
    Fault.HANGS_AFTER,
    Fault.KILLED_AFTER,
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a platform says that it will not, by the seconds that it asks to wait (None: it does not say), or cannot."""

    limited: Callable[[int | None], web.StreamResponse]
    broken: Callable[[], web.StreamResponse]


def _plainly(wait: int | None) -> web.Response:
    return web.Response(status=429, text="slow down", headers=_retry_after(wait))


def _as_slack(wait: int | None) -> web.Response:
    error = {"ok": False, "error": "ratelimited"}
    return web.json_response(error, status=429, headers=_retry_after(wait))


def _as_discord(wait: int | None) -> web.Response:
    if wait is None:
        return web.Response(status=429, text="slow down")  # as the proxies before Discord say it
    body = {"message": "You are being rate limited.", "retry_after": float(wait), "global": False}
    return discord.answer(body, 429, {"Via": "1.1 google", **_retry_after(wait)})


def _retry_after(wait: int | None) -> dict[str, str]:
    return {} if wait is None else {"Retry-After": str(wait)}


PLAIN = Dialect(_plainly, lambda: web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html"))
SLACK = Dialect(_as_slack, lambda: web.Response(status=503, text="<html>Unavailable</html>", content_type="text/html"))
DISCORD = Dialect(_as_discord, lambda: discord.error(503))


@dataclass(frozen=True, slots=True)
class Fate:
    """A fault with its particulars. wait: what a 429 asks for, in seconds; late: seconds before acting or killing."""

    fault: Fault
    wait: int = 1
    late: float = 0.0


@dataclass
class Faulty:
    """A fake's handler behind a plan. `kill` ends the program that sent the request; `over` ends what hangs."""

    inner: Handler
    dialect: Dialect
    plan: Callable[[web.Request], Fate]
    kill: Callable[[web.Request], None]
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        fate = self.plan(request)
        fault = fate.fault
        if fault is Fault.SLOW:
            await asyncio.sleep(fate.late)
        done = await self.inner(request) if fault.acts else None
        if fault is Fault.KILLED_ANSWERED and done is not None:
            await done.prepare(request)
            await done.write_eof()
            await asyncio.sleep(fate.late)
        if fault.kills:
            self.kill(request)
        if fault.answers and done is not None:
            return done
        return await self._refuse(fate, request)

    async def _refuse(self, fate: Fate, request: web.Request) -> web.StreamResponse:
        """Whatever is said in place of the fake's own answer."""
        if fate.fault in (Fault.LIMITED, Fault.LIMITED_BARE):
            return self.dialect.limited(fate.wait if fate.fault is Fault.LIMITED else None)
        if fate.fault in (Fault.BROKEN, Fault.BROKEN_AFTER):
            return self.dialect.broken()
        if fate.fault in (Fault.HANGS, Fault.HANGS_AFTER):
            await self.over.wait()
        return drop(request)


def drop(request: web.Request) -> web.StreamResponse:
    """Break the connection off; the answer goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
