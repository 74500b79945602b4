"""What one check found, and the one way in which the checks ask a platform."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiohttp
import orjson

from bot.model import Destination

PATIENCE = 10.0  #: seconds for one question
LARGEST = 1024 * 1024  #: bytes read of an answer
ABREAST = 4  #: questions to one platform at once


class Level(StrEnum):
    """How it is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. words: for anything but `ok`, with the mend."""

    level: Level
    what: str
    words: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform said; `failure` where it said nothing that can be read, without any address or token."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    failure: str = ""


async def ask(session: aiohttp.ClientSession, method: str, url: str, **more: Any) -> Answer:
    """One question, one answer in JSON, within PATIENCE. Raises nothing."""
    try:
        async with (
            asyncio.timeout(PATIENCE),
            session.request(method, url, allow_redirects=False, **more) as response,
        ):
            body = await response.content.read(LARGEST)
            while not response.content.at_eof() and len(body) < LARGEST:
                body += await response.content.read(LARGEST)
            return Answer(response.status, response.headers.copy(), orjson.loads(body))
    except TimeoutError:
        return Answer(failure="no answer in time")
    except (aiohttp.ClientError, OSError):
        return Answer(failure="it cannot be reached")
    except ValueError:
        return Answer(failure="an answer that is not its own")


async def each(
    destinations: Iterable[Destination], check: Callable[[Destination], Awaitable[Finding]]
) -> list[Finding]:
    """One check for each destination, a few at once, in their order."""
    room = asyncio.Semaphore(ABREAST)

    async def one(to: Destination) -> Finding:
        async with room:
            return await check(to)

    return await asyncio.gather(*map(one, destinations))
