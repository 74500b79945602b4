"""The gateway, held while the program runs; to lose it costs the commands, is said once, and stops nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp
import discord

from bot.core.document import phrase
from bot.core.summary import duration
from bot.errors import StatusbotError
from bot.frontends.discord.budget import Spent
from bot.frontends.discord.client import Client, Ended
from bot.ports import Store, Tools

if TYPE_CHECKING:
    from bot.answer.desk import Desk

log = logging.getLogger("statusbot")

TOKEN = "DISCORD_BOT_TOKEN"  # noqa: S105  # a variable's name
FIRST, MOST = timedelta(seconds=2), timedelta(minutes=5)  #: the pause after the first failure, and the longest
SETTLED = timedelta(minutes=1)  #: a session that lived so long was a good one
UNHEARD = timedelta(minutes=3)  #: from the login until a session stands; discord.py would wait for it for ever
LEAVING = timedelta(seconds=2)  #: for goodbyes
#: What it means when Discord closes the gateway for good (its documentation, "Gateway Close Event Codes")
CLOSED = {4004: f"{TOKEN} is not accepted", 4013: "wrong intents", 4014: "intents that the bot was not granted"}


class Gateway:
    """Keeps a client connected. first: the pause after the first failure; it doubles with each one more.

    unheard: how long a client may take until its session stands.
    """

    def __init__(
        self, desk: Desk, store: Store, tools: Tools, *, first: timedelta = FIRST, unheard: timedelta = UNHEARD
    ) -> None:
        self._desk = desk
        self._store = store
        self._tools = tools
        self._first = first
        self._unheard = unheard
        self._failures = 0  #: in a row, without a session that settled
        self._heard_at: datetime | None = None  #: when the last client's session stood for the first time
        self._standing: asyncio.Timeout | None = None  #: what ends a client of which nothing is heard
        self._told = ""  #: the failure that was logged last, until the gateway is heard again
        self._lost_at: datetime | None = None
        self._greeted = False

    async def run(self) -> None:
        """Answer on Discord until cancelled. Never raises for what Discord, the network or the database does."""
        quiet()
        while True:
            fault: Exception | None = None
            try:
                await self._hold()
                reason, pause = "Discord ended the connection", self._pause()
            except Spent as spent:
                reason = f"connected too often lately, which would cost the token; again at {spent.until:%H:%M} UTC"
                pause = max(self._first, spent.until - self._tools.clock.now())
            except Ended as ended:
                reason, pause = str(ended), self._pause()
                if self._failures == 1:  # Discord does that now and then
                    await asyncio.sleep(pause.total_seconds())
                    continue
            except Exception as error:  # noqa: BLE001  # whatever it is, polling and delivering go on
                reason, pause = why(error), self._pause()
                fault = None if reason else error
            self._lose(reason, fault)
            await asyncio.sleep(pause.total_seconds())

    async def _hold(self) -> None:
        """One client, from its login to its end."""
        client = Client(self._desk, self._store, self._tools, self._hear)
        self._heard_at = None
        try:
            async with asyncio.timeout(self._unheard.total_seconds()) as self._standing:
                await client.start(self._tools.env.get(TOKEN, ""), reconnect=False)
        finally:
            self._standing = None
            with contextlib.suppress(Exception):
                async with asyncio.timeout(LEAVING.total_seconds()):
                    await client.close()
            await client.http.close()  # also where there was no time for a goodbye

    def _pause(self) -> timedelta:
        """Twice as long after each failure, with jitter."""
        settled = self._heard_at is not None and self._tools.clock.now() - self._heard_at >= SETTLED
        self._failures = 1 if settled else self._failures + 1
        wait = min(MOST, self._first * (1 << min(self._failures - 1, 16)))
        return wait * random.uniform(0.75, 1.25)  # noqa: S311  (jitter, no secret)

    def _lose(self, reason: str, fault: Exception | None = None) -> None:
        """One line when it begins, one more where the reason changes; `fault`: one that is nobody's but ours."""
        self._lost_at = self._lost_at or self._tools.clock.now()
        reason = reason or f"a fault of our own ({type(fault).__name__})"
        if reason != self._told:
            line = "Discord's commands cannot be heard: %s. Trying again; what is owed goes on being sent"
            log.warning(line, reason, exc_info=fault)
        self._told = reason

    def _hear(self, name: str, servers: int) -> None:
        """The client is connected as `name`; one line at first, and one when it is back."""
        if self._standing is not None:
            self._standing.reschedule(None)
        self._heard_at = self._heard_at or self._tools.clock.now()
        if self._lost_at is not None:
            log.warning(
                "Discord's commands are heard again, after %s", duration(self._tools.clock.now() - self._lost_at)
            )
        elif not self._greeted:
            log.info("listening to Discord's commands as %s in %d server%s", name, servers, "" if servers == 1 else "s")
        self._told, self._lost_at, self._greeted = "", None, True


def why(error: Exception) -> str:
    """A failure in words of ours, since the library's may hold an address with a secret; empty: none that is known."""
    if isinstance(error, discord.LoginFailure):
        return f"{TOKEN} is not accepted"
    if isinstance(error, discord.ConnectionClosed):
        return CLOSED.get(error.code, f"Discord closed the connection ({error.code})")
    if isinstance(error, discord.PrivilegedIntentsRequired):
        return CLOSED[4014]
    if isinstance(error, discord.RateLimited):
        return phrase(429)
    if isinstance(error, discord.HTTPException):
        return phrase(error.status)
    if isinstance(error, discord.GatewayNotFound) and isinstance(error.__cause__, discord.HTTPException):
        return phrase(error.__cause__.status)
    if isinstance(error, StatusbotError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientError | OSError):
        return "could not connect"
    return ""


def quiet() -> None:
    """Keep discord.py's own lines out of the log: what matters of them is said above, once and without its secrets."""
    logging.getLogger("discord").setLevel(logging.CRITICAL + 1)
