"""One request that changes something at a secret address, and what its outcome means; the address stands in no text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from typing import NamedTuple

import aiohttp
from yarl import URL

from bot.core.document import phrase
from bot.errors import Doubtful, Permanent, SendError, Temporary, Unsendable

TIMEOUT = 15.0  #: seconds for the whole exchange
CONNECT = 5.0  #: seconds of it until the connection stands; nothing was sent before
LARGEST = 64 * 1024  #: bytes read of an answer
LONGEST = timedelta(days=1)  #: no wait is believed beyond it

NOT_IN_NAMES = re.compile(r"[^A-Z0-9]")

#: What became of the request where no answer came, by what aiohttp raises; the first that fits.
UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
NO_ADDRESS = (aiohttp.InvalidURL, ValueError)
LOST = (aiohttp.ClientError, OSError, TimeoutError)


class Answer(NamedTuple):
    """What the other side said."""

    status: int
    headers: Mapping[str, str]  #: by any letter case
    body: bytes  #: no more than LARGEST; less than all where the answer broke off


def variable(prefix: str, name: str) -> str:
    """The environment variable of a destination's name (CONTRACT.md, "Commands"): `TEAMS_WEBHOOK_` + `ops-eu`."""
    upper = name.upper()
    return prefix + (upper if upper.isascii() and upper.isalnum() else NOT_IN_NAMES.sub("_", upper))


def address(env: Mapping[str, str], prefix: str, name: str) -> URL:
    """The address that the environment holds for a destination's name. Raises Permanent, which names the variable."""
    setting = variable(prefix, name)
    words = env.get(setting, "").strip()
    if not words:
        raise Permanent(f"{setting} is not set")
    url = _parsed(words)
    if url is None or url.scheme not in ("http", "https") or not url.host:
        raise Permanent(f"{setting} is no http or https address")
    return url


def _parsed(words: str) -> URL | None:
    """Kept to the letter where it can be: a signature in the query may not survive being quoted anew."""
    try:
        return URL(words, encoded=words.isascii() and len(words.split(None, 1)) == 1)
    except ValueError:
        return None


async def post(
    session: aiohttp.ClientSession,
    url: URL,
    body: bytes,
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    repeatable: bool = False,
    timeout: float = TIMEOUT,  # noqa: ASYNC109  # aiohttp's own limits tell a connection that never stood from a lost answer
) -> Answer:
    """Send JSON once, follow no redirect, and return whatever was answered.

    Raises Temporary where nothing was sent, Permanent for an impossible address, and where the answer was lost
    Doubtful, or Temporary if it is `repeatable` (sending it again does no harm). They are raised outside of `except`,
    so that no library's words (and the address in them) hang on them.
    """
    limits = patience(timeout)
    sent = {"Content-Type": "application/json", **(headers or {})}
    failure: SendError
    try:
        async with session.request(
            method, url, data=body, headers=sent, timeout=limits, allow_redirects=False
        ) as response:
            said = b"" if response.content.at_eof() else await _read(response)
            return Answer(response.status, response.headers, said)
    except UNSENT:
        failure = Temporary("could not connect")
    except NO_ADDRESS:
        failure = Permanent("the address or a header cannot be sent")
    except LOST as error:
        words = "no answer in time" if isinstance(error, TimeoutError) else "the connection broke off"
        failure = Temporary(words) if repeatable else Doubtful(words)
    raise failure


@cache
def patience(timeout: float) -> aiohttp.ClientTimeout:
    """aiohttp's limits for one exchange of so many seconds."""
    return aiohttp.ClientTimeout(total=timeout, connect=min(CONNECT, timeout))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """As much of the body as came: the status has said already what became of the request."""
    body = bytearray()
    with suppress(*LOST):
        async for chunk in response.content.iter_chunked(8192):
            body += chunk
            if len(body) >= LARGEST:
                break
    return bytes(body[:LARGEST])


def check(answer: Answer, *, repeatable: bool = False, delay: timedelta | None = None) -> None:
    """Return where the request was accepted (2xx), else raise what is to be done.

    repeatable: as in `post`. delay: what the answer's body asked us
    to wait, where the kind knows how to read it; otherwise `Retry-After` is obeyed.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    words = phrase(status)
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT):
        raise Temporary(words, delay=delay or seconds(answer.headers.get("Retry-After")))
    if status >= 500:
        raise Temporary(words) if repeatable else Doubtful(words)
    if status in (404, 410):
        raise Permanent(f"{words}: the address is gone")
    if 300 <= status < 400:
        raise Permanent(f"{words}: the address leads elsewhere, which is not followed")
    raise Permanent(words) if status in (401, 403, 405, 407) else Unsendable(words)


def rest(answer: Answer) -> timedelta | None:
    """How long the answer's headers ask to wait before the next request, where they say that nothing is left."""
    if answer.headers.get("X-RateLimit-Remaining") != "0":
        return None
    return seconds(answer.headers.get("X-RateLimit-Reset-After"))


def seconds(value: object) -> timedelta | None:
    """A wait in seconds, as a header or JSON states it; None where it is no number."""
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever stands there
    except (TypeError, ValueError):
        return None
    if not math.isfinite(number):
        return None
    return min(LONGEST, timedelta(seconds=min(max(0.0, number), LONGEST.total_seconds())))
