"""The one way to read an address of the outside world: politely, within limits, and never into the operator's network.

Every outcome is a Capture; of a failure it says one word:

timeout     no answer, or not all of it, in time
dns         the name was not found
connect     refused, unreachable, not a public address, or no address at all
tls         no trustworthy TLS connection
reset       broken off, or not HTTP, or not what its Content-Encoding says
too_large   more than the limit, headers or decompressed body
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from bot import __version__
from bot.core.redirect import bare, same_place
from bot.errors import UsageError
from bot.model import Capture, Cursor, Source, Validators
from bot.ports import Clock
from bot.reach import Allow, Names, Proxy, guarded, nameable, public

LIMIT = 10 * 1024 * 1024  #: bytes of a body, decompressed
REDIRECTS = 5
LONGEST_WAIT = timedelta(hours=24)  #: no Retry-After is believed beyond this
SLOTS = 200  #: requests at one time: some systems give a process 256 open files
WHOLE = 32 * 1024 * 1024  #: bytes of an answer that somebody else's library reads
PER_HOST = 16
FIELD = 32 * 1024  #: bytes of one header; aiohttp's own 8190 is too little for some Content-Security-Policy
MOVED = frozenset({301, 302, 303, 307, 308})
KEPT = (
    "content-type",
    "etag",
    "last-modified",
    "retry-after",
    "date",
    "x-rate-limit-remaining",
    "x-rate-limit-reset",
)
FAILURES = (aiohttp.ClientError, OSError, ValueError)  #: all that a request may raise; TimeoutError is an OSError

CONNECT = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.InvalidURL)
RESET = (aiohttp.ClientError, ConnectionError)
OVERFULL = ("Got more than", "Too many headers")  # aiohttp has no type of its own for headers beyond its limits


class Bounded(aiohttp.ClientResponse):
    """An answer that libraries may read whole: beyond WHOLE bytes it counts as broken off."""

    async def read(self) -> bytes:
        """The body. Raises ClientPayloadError where it does not end."""
        if self._body is None:
            body = bytearray()
            async for chunk in self.content.iter_any():
                body += chunk
                if len(body) > WHOLE:
                    self.close()
                    raise aiohttp.ClientPayloadError("the answer does not end")
            self._body = bytes(body)
        return await super().read()


class TooLarge(aiohttp.ClientError):
    """A body went over the limit."""


class Fetcher:
    """ports.Fetcher over aiohttp, and the owner of the process's shared session.

    connect, first_byte, whole: time limits in seconds: name and connection each; the silence before the first and
    between later bytes; everything, redirects included.
    limit: bytes of a decompressed body.
    slots: requests at one time; the wait for one is not counted.
    proxy, no_proxy: HTTPS_PROXY (used for http addresses as well) and NO_PROXY.
    ssl_cert_file: a bundle of authorities trusted besides the system's.
    resolver: in place of aiohttp's own. allow: which addresses a source that is not trusted may be at.
    Raises UsageError where the proxy is no address or the bundle cannot be read.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        connect: float = 10,
        first_byte: float = 20,
        whole: float = 60,
        limit: int = LIMIT,
        slots: int = SLOTS,
        proxy: str | None = None,
        no_proxy: str = "",
        ssl_cert_file: str = "",
        resolver: AbstractResolver | None = None,
        allow: Allow = public,
    ) -> None:
        self._clock = clock
        self._connect = connect
        self._whole = whole
        self._limit = limit
        self._timeout = aiohttp.ClientTimeout(total=whole, sock_connect=connect, sock_read=first_byte)
        self._phases = aiohttp.ClientTimeout(sock_connect=connect, sock_read=first_byte)  # `get` bounds the whole
        self._proxy = Proxy(proxy, no_proxy)
        self._ssl = tls_context(ssl_cert_file) if ssl_cert_file else True
        self._resolver = resolver
        self._names: Names | None = None
        self._allow = allow
        self._slots = asyncio.Semaphore(slots)  # not aiohttp's pool limit: waiting there would count as a time-out
        self._open: aiohttp.ClientSession | None = None
        self._guarded: aiohttp.ClientSession | None = None

    async def get(
        self,
        source: Source,
        url: str,
        cursor: Cursor,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Capture:
        """One document, asked conditionally by `cursor.pages[url]`; raises nothing but CancelledError.

        headers: sent to the host of `url` only, never recorded.
        A redirect to another host is not followed: the capture is the redirect, with `location` absolute.
        """
        try:
            async with self._slots, asyncio.timeout(self._whole):
                return await self._follow(source, url, cursor.pages.get(url), headers)
        except FAILURES as error:
            return Capture(self._clock.now(), source.id, url, error=failure(error))

    def session(self) -> aiohttp.ClientSession:
        """The shared session, made at the first call inside the event loop: for addresses that the operator names."""
        if self._open is None:
            self._open = self._make(None)
        return self._open

    async def close(self) -> None:
        """Close what is open; the next use opens anew."""
        held = (self._open, self._guarded, self._names)
        self._open = self._guarded = self._names = None
        for part in held:
            if part is not None:
                await part.close()

    def _session_for(self, source: Source, target: URL) -> aiohttp.ClientSession:
        """The session that may ask for an address on behalf of a source. Raises OSError where none may."""
        if target.scheme not in ("http", "https"):
            raise OSError("neither http nor https")
        if trusted(source, target):
            return self.session()
        if self._proxy and self._proxy.of(target):
            if not nameable(target.host or ""):
                raise OSError("not a public address")
            return self.session()
        if self._guarded is None:
            self._guarded = self._make(self._allow)
        return self._guarded

    def _make(self, allow: Allow | None) -> aiohttp.ClientSession:
        if self._names is None:
            self._names = Names(self._resolver or aiohttp.DefaultResolver(), self._connect)
        connector = aiohttp.TCPConnector(
            limit=0,
            limit_per_host=PER_HOST,
            ssl=self._ssl,
            resolver=self._names,
            socket_factory=guarded(allow) if allow else None,
        )
        return aiohttp.ClientSession(
            connector=connector,
            response_class=Bounded,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"statusbot/{__version__}"},
            timeout=self._timeout,
            max_field_size=FIELD,
            max_line_size=FIELD,
            middlewares=(self._through_proxy,) if self._proxy and allow is None else (),
        )

    async def _through_proxy(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        request.update_proxy(self._proxy.of(request.url), None, None)
        return await send(request)

    async def _follow(
        self, source: Source, url: str, known: Validators | None, headers: Mapping[str, str] | None
    ) -> Capture:
        first = target = address(url)
        left = REDIRECTS
        while True:
            session = self._session_for(source, target)
            asked = asking(known, headers if target.raw_host == first.raw_host else None)
            async with session.get(target, headers=asked, allow_redirects=False, timeout=self._phases) as answer:
                onward = location(target, answer) if answer.status in MOVED else None
                if onward is None or not left or not same_place(target, onward):
                    return await self._capture(source, url, answer, onward)
            target, left = onward, left - 1

    async def _capture(self, source: Source, url: str, answer: aiohttp.ClientResponse, onward: URL | None) -> Capture:
        body = await self._read(answer)
        now = self._clock.now()
        headers = {name: clean(value) for name in KEPT if (value := answer.headers.get(name)) is not None}
        if onward is not None:
            headers["location"] = str(onward)
        return Capture(
            at=now,
            source=source.id,
            url=url,
            status=answer.status,
            headers=headers,
            body=body,
            digest=digest(body),
            retry_at=retry_at(headers["retry-after"], now) if "retry-after" in headers else None,
        )

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        """The body. Raises TooLarge as soon as it is, with the connection closed."""
        chunks: list[bytes] = []
        size = 0
        while chunk := await answer.content.readany():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._limit:
                answer.close()
                raise TooLarge
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def digest(body: bytes) -> str:
    """What body bytes are known by again; empty for an empty body. (SHA-256: the quickest where the CPU knows it.)"""
    return sha256(body).hexdigest() if body else ""


@lru_cache(maxsize=4096)
def address(url: str) -> URL:
    """An address, parsed; kept, because parsing costs as much as the rest of a request. Raises ValueError."""
    return URL(url)


def asking(known: Validators | None, headers: Mapping[str, str] | None) -> dict[str, str] | None:
    """The headers of a request: the caller's, and those that make it conditional."""
    asked = dict(headers) if headers else {}
    if known is not None:
        if sendable(known.etag):
            asked["If-None-Match"] = known.etag
        if sendable(known.last_modified):
            asked["If-Modified-Since"] = known.last_modified
    return asked or None


def sendable(value: str) -> bool:
    """Whether a server's own word can be said back to it in a header."""
    return value != "" and value.isascii() and value.isprintable()


def clean(value: str) -> str:
    """A header's value as text that can be stored; aiohttp hides bytes that are no UTF-8 in lone surrogates."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def trusted(source: Source, target: URL) -> bool:
    """Whether the operator named the host: an address found in a trusted source's answers is not thereby trusted."""
    return source.trusted and (not source.url or bare(address(source.url)) == bare(target))


def location(target: URL, answer: aiohttp.ClientResponse) -> URL | None:
    """Where a redirect leads, absolute and without a password; None where it does not say, or not in a known way."""
    try:
        return target.join(URL(clean(answer.headers["location"]))).with_user(None)
    except (KeyError, ValueError):
        return None


def retry_at(value: str, now: datetime) -> datetime | None:
    """When a Retry-After (RFC 9110: seconds or a date) lets us ask again, at most LONGEST_WAIT away; None for junk."""
    wait = _seconds(value.strip(), now)
    if wait is None or wait <= 0:
        return None
    return now + timedelta(seconds=min(wait, LONGEST_WAIT.total_seconds()))


def _seconds(value: str, now: datetime) -> float | None:
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now.timestamp()


def failure(error: BaseException) -> str:
    """The contract's word for what a request raised."""
    if isinstance(error, TooLarge):
        return "too_large"
    if isinstance(error, aiohttp.ClientResponseError) and error.message.startswith(OVERFULL):
        return "too_large"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "dns"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "tls"
    return "connect" if isinstance(error, CONNECT) or not isinstance(error, RESET) else "reset"


def tls_context(cert_file: str) -> ssl.SSLContext:
    """The system's authorities and those of a PEM file. Raises UsageError where the file is not that."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(("http/1.1",))
    try:
        context.load_verify_locations(cafile=cert_file)
    except (OSError, ValueError) as error:
        raise UsageError(f"SSL_CERT_FILE: {cert_file} cannot be read as PEM certificates; name a CA bundle") from error
    return context
