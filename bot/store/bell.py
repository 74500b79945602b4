"""Hears that another process has queued deliveries (PostgreSQL's LISTEN), on a connection of its own.

Nobody depends on it: the outbox is looked at every now and then anyway, so that without it (a pooler that hands each
transaction another connection, say) messages of other processes come a little later.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any

import psycopg

log = logging.getLogger("statusbot.store")

CHANNEL = "statusbot_outbox"
QUIET = 60.0  #: seconds, after which the connection is asked whether it still is one
ANSWER = 10.0  #: seconds that it has for that
SHORTEST, LONGEST = 1.0, 30.0  #: seconds between attempts to connect again
FAILURES = (psycopg.Error, OSError)  #: TimeoutError is an OSError


async def listen(connecting: Mapping[str, Any], wake: Callable[[], None]) -> None:
    """Call `wake` at each word, and when a connection is new: something may have been queued before. Until cancelled.

    connecting: psycopg's arguments.
    """
    heard = Heard(wake)
    pause = SHORTEST
    while True:
        try:
            async with asyncio.timeout(ANSWER):
                connection = await psycopg.AsyncConnection.connect(**connecting, autocommit=True)
            async with connection:
                while True:
                    await ask(connection, f"LISTEN {CHANNEL}")  # again: it changes nothing, and wants an answer
                    heard.again()
                    pause = SHORTEST
                    async for _ in connection.notifies(timeout=QUIET):
                        wake()
        except FAILURES as error:
            heard.no_more(error)
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (jitter, no secret)
        pause = min(pause * 2, LONGEST)


async def ask(connection: psycopg.AsyncConnection[Any], statement: Any) -> None:
    """Run a statement, within ANSWER."""
    async with asyncio.timeout(ANSWER):
        await connection.execute(statement)


class Heard:
    """Wakes, and logs one line when nothing is heard any more and one when it is again."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._deaf = False

    def again(self) -> None:
        """A connection listens."""
        if self._deaf:
            log.warning("the database tells of other processes' deliveries again")
        self._deaf = False
        self._wake()

    def no_more(self, error: BaseException) -> None:
        """It does not; the error's words may hold the address, so only its kind is told."""
        if not self._deaf:
            log.warning("the database does not tell of other processes' deliveries (%s)", type(error).__name__)
        self._deaf = True
