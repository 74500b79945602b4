"""The fetcher against real servers on loopback, most of them ill-behaved."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionError, web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from bot import __version__
from bot.core.redirect import same_place
from bot.errors import UsageError
from bot.http import Fetcher, retry_at
from bot.model import Capture, Cursor, Source, Validators
from tests.support.clock import StillClock
from tests.support.server import serve

NOW = datetime(2026, 1, 22, 19, 0, tzinfo=UTC)
OURS = Source("acme/page", "acme", "page", "feed", trusted=True)
THEIRS = Source("acme/page", "acme", "page", "feed")
FRESH = Cursor()

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Raw:
    """A server that speaks bytes; `heard` is what each connection said first."""

    port: int
    heard: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@asynccontextmanager
async def raw(talk: Talk, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Raw]:
    """Hand each connection to `talk`, after the head of its request was read."""
    here = Raw(0)
    talks: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            here.heard.append(await reader.readuntil(b"\r\n\r\n"))
            await talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away, as most of these tests want it to
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(answer(reader, writer)))

    server = await asyncio.start_server(begin, host, port)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        server.close()
        for task in talks:
            task.cancel()
        ended = await asyncio.gather(*talks, return_exceptions=True)
    assert [end for end in ended if isinstance(end, Exception)] == []


def says(data: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return talk


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@asynccontextmanager
async def fetching(**settings: Any) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(StillClock(NOW), **settings)
    try:
        yield fetcher
    finally:
        await fetcher.close()


async def fetch(url: str, source: Source = OURS, **settings: Any) -> Capture:
    async with fetching(**settings) as fetcher:
        return await fetcher.get(source, url, FRESH)


class Names(AbstractResolver):
    """A resolver with an answer for each time it is asked, the last one for ever; and what it was asked."""

    def __init__(self, *answers: list[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OSError):
            raise answer
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in answer
        ]

    async def close(self) -> None:
        pass


HOME = {"resolver": Names(["127.0.0.1"]), "allow": {"127.0.0.1"}.__contains__}  # loopback plays the open Internet


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def good_and_private() -> AsyncIterator[tuple[Raw, Raw]]:
    """Two servers on one port: 127.0.0.1, which plays the open Internet, and 127.0.0.2."""
    async with raw(says(OK)) as good, raw(says(OK), "127.0.0.2", good.port) as private:
        yield good, private


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


# What a good answer becomes


async def test_a_page_becomes_a_capture() -> None:
    async def handle(request: web.Request) -> web.Response:
        headers = {
            "ETag": '"1"',
            "Last-Modified": "Thu, 22 Jan 2026 18:00:00 GMT",
            "X-Rate-Limit-Remaining": "7",
            "X-Rate-Limit-Reset": "1769109000",
            "Set-Cookie": "session=secret",
            "Server": "acme",
        }
        return web.Response(body=b"all well", headers=headers, content_type="text/plain")

    async with serve(handle) as server, fetching() as fetcher:
        first = await fetcher.get(OURS, f"{server.url}/feed?a=1", FRESH)
        again = await fetcher.get(OURS, f"{server.url}/feed?a=1", FRESH)

    assert (first.at, first.source, first.url) == (NOW, "acme/page", f"{server.url}/feed?a=1")
    assert (first.status, first.body, first.error, first.retry_at) == (200, b"all well", None, None)
    assert first.headers.pop("date")  # type: ignore[attr-defined]
    assert first.headers == {
        "content-type": "text/plain",
        "etag": '"1"',
        "last-modified": "Thu, 22 Jan 2026 18:00:00 GMT",
        "x-rate-limit-remaining": "7",
        "x-rate-limit-reset": "1769109000",
    }
    assert first.digest == again.digest != ""
    asked = server.requests[1].headers
    assert asked["User-Agent"] == f"statusbot/{__version__}"
    assert {"gzip", "deflate"} <= set(asked["Accept-Encoding"].split(", "))
    assert not {"Cookie", "If-None-Match", "If-Modified-Since", "Authorization"} & set(asked)


async def test_other_bytes_have_another_digest() -> None:
    bodies = iter([b"one", b"two", b""])

    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=next(bodies))

    async with serve(handle) as server, fetching() as fetcher:
        one, two, none = [await fetcher.get(OURS, server.url, FRESH) for _ in range(3)]
    assert one.digest != two.digest
    assert (none.body, none.digest) == (b"", "")


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_a_refusal_is_a_capture_with_its_status(status: int) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, text="no")

    async with serve(handle) as server:
        capture = await fetch(server.url)
    assert (capture.status, capture.body, capture.error) == (status, b"no", None)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_body_is_unpacked(encoding: str) -> None:
    packed = gzip.compress(b"all well") if encoding == "gzip" else zlib.compress(b"all well")

    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": encoding})

    async with serve(handle) as server:
        assert (await fetch(server.url)).body == b"all well"


async def test_it_asks_conditionally_by_what_the_address_said_last() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=304, headers={"ETag": '"1"'})

    async with serve(handle) as server, fetching() as fetcher:
        known = Validators(etag='W/"1"', last_modified="Thu, 22 Jan 2026 18:00:00 GMT", digest="d")
        cursor = Cursor(pages={f"{server.url}/a": known})
        capture = await fetcher.get(OURS, f"{server.url}/a", cursor)
        await fetcher.get(OURS, f"{server.url}/b", cursor)

    assert (capture.status, capture.body, capture.error) == (304, b"", None)
    asked, other = (request.headers for request in server.requests)
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('W/"1"', "Thu, 22 Jan 2026 18:00:00 GMT")
    assert not {"If-None-Match", "If-Modified-Since"} & set(other)


async def test_a_validator_that_cannot_be_said_back_is_left_out() -> None:
    answer = says(b'HTTP/1.1 200 OK\r\nETag: "\xff"\r\nContent-Length: 2\r\n\r\nok')
    async with raw(answer) as server, fetching() as fetcher:
        first = await fetcher.get(OURS, server.url, FRESH)
        cursor = Cursor(pages={server.url: Validators(etag=first.headers["etag"])})
        second = await fetcher.get(OURS, server.url, cursor)
    assert first.headers["etag"].encode()
    assert second.status == 200
    assert b"if-none-match" not in server.heard[1].lower()


async def test_the_callers_headers_are_sent_and_not_recorded() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async with serve(handle) as server, fetching() as fetcher:
        cursor = Cursor(pages={server.url: Validators(etag='"1"')})
        capture = await fetcher.get(OURS, server.url, cursor, headers={"Authorization": "Bearer s3cret"})
    assert server.requests[0].headers["Authorization"] == "Bearer s3cret"
    assert server.requests[0].headers["If-None-Match"] == '"1"'
    assert "s3cret" not in repr(capture)


# Retry-After


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("60", timedelta(seconds=60)),
        (" 60 ", timedelta(seconds=60)),
        ("Thu, 22 Jan 2026 19:05:00 GMT", timedelta(minutes=5)),
        ("Thursday, 22-Jan-26 19:05:00 GMT", timedelta(minutes=5)),
        ("Thu Jan 22 19:05:00 2026", timedelta(minutes=5)),
        ("999999", timedelta(hours=24)),
        ("9" * 5000, timedelta(hours=24)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(hours=24)),
        ("0", None),
        ("-5", None),
        ("Thu, 22 Jan 2026 18:05:00 GMT", None),
        ("soon", None),
        ("1.5e3", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after(value: str, wait: timedelta | None) -> None:
    assert retry_at(value, NOW) == (None if wait is None else NOW + wait)


@given(st.text())
def test_retry_after_of_anything(value: str) -> None:
    when = retry_at(value, NOW)
    assert when is None or NOW < when <= NOW + timedelta(hours=24)


async def test_retry_after_of_an_answer() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "90"})

    async with serve(handle) as server:
        capture = await fetch(server.url)
    assert capture.retry_at == NOW + timedelta(seconds=90)
    assert capture.headers["retry-after"] == "90"


# Failures


async def test_nobody_listens() -> None:
    capture = await fetch(f"http://127.0.0.1:{closed_port()}/")
    assert (capture.error, capture.status, capture.body, capture.at) == ("connect", None, b"", NOW)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "/path",
        "http://",
        "http://[::1",
        "http://host:99999999/",
        "http://a b/",
        "http://\ud800/",
        "http://x\n.test/",
        f"http://{'x' * 300}/",
        "ftp://127.0.0.1/",
        "ws://127.0.0.1/",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("source", [OURS, THEIRS], ids=["trusted", "not"])
async def test_an_address_that_is_none(url: str, source: Source) -> None:
    capture = await fetch(url, source, resolver=Names(["127.0.0.1"]))
    assert (capture.error, capture.url) == ("connect", url)


async def test_a_name_that_is_not_found() -> None:
    assert (await fetch("http://status.test/", resolver=Names(socket.gaierror(8, "no such name")))).error == "dns"


async def test_a_server_that_never_answers() -> None:
    async with raw(says_nothing) as server:
        assert (await fetch(server.url, first_byte=0.1)).error == "timeout"


async def test_a_server_that_stops_in_the_middle() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        await reader.read()

    async with raw(talk) as server:
        assert (await fetch(server.url, first_byte=0.1)).error == "timeout"


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Endless: "], ids=["body", "header"]
)
async def test_a_server_that_drips_is_ended_by_the_whole(head: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.transport.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.01)

    async with raw(talk) as server:
        assert (await fetch(server.url, first_byte=5, whole=0.2)).error == "timeout"


async def test_redirects_do_not_prolong_the_whole() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with raw(talk) as server:
        assert (await fetch(server.url, whole=0.4)).error == "timeout"
    assert len(server.heard) < 6


async def test_waiting_for_a_turn_is_no_time_out() -> None:
    busy: list[int] = [0]

    async def handle(request: web.Request) -> web.Response:
        busy.append(busy[-1] + 1)
        await asyncio.sleep(0.15)
        busy.append(busy[-1] - 1)
        return web.Response(text="ok")

    async with serve(handle) as server, fetching(slots=1, whole=0.5) as fetcher:
        captures = await asyncio.gather(*(fetcher.get(OURS, server.url, FRESH) for _ in range(5)))
    assert [capture.error for capture in captures] == [None] * 5
    assert max(busy) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip",
    ],
)
async def test_an_answer_that_is_broken_off_or_no_http(answer: bytes) -> None:
    async with raw(says(answer)) as server:
        assert (await fetch(server.url)).error == "reset"


async def test_a_connection_that_is_reset() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with raw(talk) as server:
        assert (await fetch(server.url)).error == "reset"


@pytest.mark.parametrize("piece", [b"x" * 65536, b"X-A: b\r\n" * 1000], ids=["one", "many"])
async def test_endless_headers(piece: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
        while not writer.transport.is_closing():
            writer.write(piece)
            await writer.drain()

    async with raw(talk) as server:
        assert (await fetch(server.url)).error == "too_large"


async def test_a_long_header_of_an_honest_page_is_read() -> None:
    async with raw(says(b"HTTP/1.1 200 OK\r\nCSP: " + b"x" * 20000 + b"\r\nContent-Length: 2\r\n\r\nok")) as server:
        assert (await fetch(server.url)).body == b"ok"


@given(
    head=st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\nLocation: "]),
    tail=st.binary(max_size=80),
)
@settings(max_examples=80, deadline=None)
def test_no_answer_raises(head: bytes, tail: bytes) -> None:
    async def ask() -> Capture:
        async with raw(says(head + tail)) as server:
            return await fetch(server.url, first_byte=1, whole=2)

    capture = asyncio.run(ask())
    assert (capture.status is None) == (capture.error is not None)
    assert all(value.encode() is not None for value in capture.headers.values())


async def test_a_cancelled_get_is_cancelled() -> None:
    asked = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    async with raw(talk) as server, fetching() as fetcher:
        task = asyncio.create_task(fetcher.get(OURS, server.url, FRESH))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# Size


def bomb(megabytes: int) -> bytes:
    """A gzip member of that many megabytes of zeros, made of one compressed megabyte again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head, block = (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return head + block * (megabytes - 1)


async def test_a_compression_bomb_stops_at_the_limit() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    packed = bomb(200)
    async with serve(handle) as server:
        tracemalloc.start()
        try:
            capture = await fetch(server.url)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (capture.error, capture.body) == ("too_large", b"")
    assert peak < 16 * 1024 * 1024


async def test_an_endless_body_stops_at_the_limit() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.transport.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()

    async with raw(talk) as server:
        assert (await fetch(server.url, limit=1_000_000)).error == "too_large"


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1_000_000)

    async with serve(handle) as server:
        assert len((await fetch(server.url, limit=1_000_000)).body) == 1_000_000
        assert (await fetch(server.url, limit=999_999)).error == "too_large"


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make a certificate with")
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=acme"
    command = ["openssl", *words.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file)]
    subprocess.run([*command, "-out", f"{file}.crt"], check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


@asynccontextmanager
async def tls_server(certificate: Path) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def test_a_certificate_of_nobody_known(certificate: Path) -> None:
    async with tls_server(certificate) as url:
        assert (await fetch(url)).error == "tls"


async def test_a_certificate_that_the_operator_trusts(certificate: Path) -> None:
    async with tls_server(certificate) as url:
        assert (await fetch(url, ssl_cert_file=str(certificate))).body == b"ok"


async def test_a_port_that_speaks_no_tls() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        assert (await fetch(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")).error == "tls"


async def test_a_handshake_that_never_ends() -> None:
    async with raw(says_nothing) as server:
        assert (await fetch(server.url.replace("http:", "https:"), connect=0.1)).error == "timeout"


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_bundle_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        Fetcher(StillClock(), ssl_cert_file=str(file))


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_on_the_same_host_is_followed(status: int) -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.path == "/new/feed":
            return web.Response(text="ok", headers={"ETag": '"2"'})
        return web.Response(status=status, headers={"Location": "new/feed#top"})

    async with serve(handle) as server:
        capture = await fetch(f"{server.url}/old")
    assert (capture.status, capture.body, capture.url) == (200, b"ok", f"{server.url}/old")
    assert "location" not in capture.headers


async def test_www_is_the_same_host_but_gets_no_credentials() -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.host.startswith("www."):
            return web.Response(text="ok")
        return web.Response(status=301, headers={"Location": f"http://www.{request.host}/"})

    async with serve(handle) as server, fetching(**HOME) as fetcher:
        url = f"http://status.test:{URL(server.url).port}/"
        cursor = Cursor(pages={url: Validators(etag='"1"')})
        capture = await fetcher.get(THEIRS, url, cursor, headers={"Authorization": "Bearer s3cret"})
    assert capture.body == b"ok"
    first, second = (request.headers for request in server.requests)
    assert (first["Authorization"], first["If-None-Match"]) == ("Bearer s3cret", '"1"')
    assert "Authorization" not in second
    assert second["If-None-Match"] == '"1"'


@pytest.mark.parametrize("source", [OURS, THEIRS], ids=["trusted", "not"])
async def test_another_host_is_reported_and_not_visited(source: Source) -> None:
    async def stranger(request: web.Request) -> web.Response:
        return web.Response(text="welcome")

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"//other.test:{URL(other.url).port}/login"}, text="go")

    async with serve(stranger) as other, serve(handle) as server:
        capture = await fetch(f"http://status.test:{URL(server.url).port}/", source, **HOME)
        assert (capture.status, capture.error) == (302, None)
        assert capture.headers["location"] == f"http://other.test:{URL(other.url).port}/login"
        assert other.requests == []


@pytest.mark.parametrize(
    ("place", "location"),
    [
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/"),
        ("http://169.254.169.254/latest/meta-data", "http://169.254.169.254/latest/meta-data"),
        ("ftp://status.test/", "ftp://status.test/"),
        ("http://user:pw@other.test/", "http://other.test/"),
        ("http://other.test/caf\xe9", "http://other.test/caf%C3%A9"),
        ("http://[", None),
        ("javascript:alert(1)", None),
    ],
)
async def test_where_else_a_redirect_may_lead(place: str, location: str | None) -> None:
    async with raw(says(f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())) as server:
        capture = await fetch(server.url, THEIRS, allow={"127.0.0.1"}.__contains__)
    assert (capture.status, capture.headers.get("location")) == (302, location)


async def test_a_redirect_without_a_location() -> None:
    async with raw(says(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")) as server:
        capture = await fetch(server.url)
    assert (capture.status, "location" in capture.headers) == (302, False)


@pytest.mark.parametrize(("hops", "status"), [(5, 200), (6, 302)])
async def test_five_redirects_are_followed(hops: int, status: int) -> None:
    async def handle(request: web.Request) -> web.Response:
        step = int(request.path[1:])
        return web.Response() if step == hops else web.Response(status=302, headers={"Location": f"/{step + 1}"})

    async with serve(handle) as server:
        assert (await fetch(f"{server.url}/0")).status == status


async def test_a_loop_ends_as_the_redirect_that_it_is() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/"})

    async with serve(handle) as server:
        capture = await fetch(f"{server.url}/")
    assert (capture.status, capture.headers["location"]) == (302, f"{server.url}/")
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("target", "onward", "same"),
    [
        ("http://a.test/", "http://a.test/x", True),
        ("http://a.test/", "http://A.test:80/x", True),
        ("http://a.test/", "https://a.test/", True),
        ("http://a.test/", "https://www.a.test/", True),
        ("https://www.a.test/", "https://a.test./", True),
        ("https://a.test/", "http://a.test/", False),
        ("http://a.test/", "https://a.test:8443/", False),
        ("http://a.test:8080/", "https://a.test/", False),
        ("http://a.test/", "http://a.test:8080/", False),
        ("https://a.test/", "https://b.a.test/", False),
        ("https://a.test/", "https://a.test.evil.test/", False),
        ("https://a.test/", "ftp://a.test/", False),
    ],
)
def test_what_the_same_place_is(target: str, onward: str, same: bool) -> None:
    assert same_place(URL(target), URL(onward)) is same


# Where it may connect


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "１２７.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
    ],
)
async def test_a_source_that_is_not_trusted_never_reaches_loopback(host: str) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text="the operator's own")

    async with serve(handle) as server:
        port = URL(server.url).port
        capture = await fetch(f"http://{host}:{port}/", THEIRS, resolver=Names(["127.0.0.1"]))
        assert capture.error == "connect"
        assert server.requests == []
        trusted = await fetch(f"http://127.0.0.1:{port}/", OURS)
        assert trusted.body == b"the operator's own"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
async def test_a_name_with_a_private_address(address: str) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text="the operator's own")

    async with serve(handle) as server:
        url = f"http://status.test:{URL(server.url).port}/"
        assert (await fetch(url, THEIRS, resolver=Names([address]))).error == "connect"
        assert server.requests == []


async def test_a_name_that_changes_its_address_between_two_requests() -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with good_and_private() as (good, private):
        url = f"http://status.test:{good.port}/"
        async with fetching(resolver=names, allow={"127.0.0.1"}.__contains__) as fetcher:
            first = await fetcher.get(THEIRS, url, FRESH)
            await fetcher.close()  # what the name meant is forgotten with the connections
            second = await fetcher.get(THEIRS, url, FRESH)
        assert (first.body, second.error) == (b"ok", "connect")
        assert names.asked == ["status.test", "status.test"]
        assert private.heard == []


async def test_a_name_with_a_good_and_a_private_address_is_asked_at_the_good_one() -> None:
    names = Names(["127.0.0.2", "127.0.0.1"])
    async with good_and_private() as (good, private):
        url = f"http://status.test:{good.port}/"
        capture = await fetch(url, THEIRS, resolver=names, allow={"127.0.0.1"}.__contains__)
        assert capture.body == b"ok"
        assert private.heard == []


async def test_a_redirect_within_its_name_to_a_private_address() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://www.{request.host}/"})

    async with serve(handle) as server:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        url = f"http://status.test:{URL(server.url).port}/"
        assert (await fetch(url, THEIRS, resolver=names, allow={"127.0.0.1"}.__contains__)).error == "connect"
        assert names.asked == ["status.test", "www.status.test"]


async def test_trust_ends_at_the_host_that_the_operator_named() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async with serve(handle) as server, fetching(resolver=Names(["127.0.0.1"])) as fetcher:
        port = URL(server.url).port
        source = replace(OURS, url=f"http://status.test:{port}/page")
        named = await fetcher.get(source, f"http://status.test:{port}/api", FRESH)
        found = await fetcher.get(source, f"http://127.0.0.1:{port}/api", FRESH)
    assert (named.body, found.error) == (b"ok", "connect")


# The operator's proxy


async def test_a_name_goes_through_the_proxy_unresolved() -> None:
    names = Names(OSError("nobody should ask"))
    async with raw(says(OK)) as proxy:
        address = f"http://user:pw@127.0.0.1:{proxy.port}"
        capture = await fetch("http://status.test/feed", THEIRS, proxy=address, resolver=names)
    assert capture.body == b"ok"
    assert proxy.heard[0].startswith(b"GET http://status.test/feed HTTP/1.1\r\n")
    assert b"proxy-authorization: basic dxnlcjpwdw==" in proxy.heard[0].lower()
    assert names.asked == []


async def test_https_goes_through_the_proxy_as_a_tunnel(certificate: Path) -> None:
    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pour(reader, there_writer), pour(there_reader, writer))

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()

    async with tls_server(certificate) as url, raw(tunnel) as proxy:
        port = URL(url).port
        capture = await fetch(url, ssl_cert_file=str(certificate), proxy=proxy.url)
    assert capture.body == b"ok"
    assert proxy.heard[0].startswith(f"CONNECT 127.0.0.1:{port} HTTP/1.1".encode())


async def test_a_proxy_that_refuses_or_is_gone() -> None:
    async with raw(says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")) as proxy:
        assert (await fetch("https://status.test/", THEIRS, proxy=proxy.url)).error == "connect"
    gone = f"http://127.0.0.1:{closed_port()}"
    assert (await fetch("http://status.test/", THEIRS, proxy=gone)).error == "connect"


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "[::ffff:10.0.0.1]", "169.254.169.254", "localhost"])
async def test_a_proxy_is_not_asked_for_a_private_address(host: str) -> None:
    async with raw(says(OK)) as proxy:
        assert (await fetch(f"http://{host}/", THEIRS, proxy=proxy.url)).error == "connect"
        assert proxy.heard == []


async def test_a_host_of_no_proxy_is_asked_directly_and_guarded() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text="direct")

    async with raw(says(OK)) as proxy, serve(handle) as server:
        settings: dict[str, Any] = {"proxy": proxy.url, "no_proxy": "test,127.0.0.1", "resolver": Names(["127.0.0.1"])}
        port = URL(server.url).port
        assert (await fetch(server.url, OURS, **settings)).body == b"direct"
        assert (await fetch(f"http://status.test:{port}/", THEIRS, **settings)).error == "connect"
        assert proxy.heard == []


async def test_a_redirect_out_of_the_proxy_is_guarded_again() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text="the operator's own")

    async with serve(handle) as server:
        port = URL(server.url).port
        moved = f"HTTP/1.1 302 Found\r\nLocation: http://www.status.test:{port}/\r\nContent-Length: 0\r\n\r\n"
        async with raw(says(moved.encode())) as proxy:
            settings: dict[str, Any] = {"proxy": proxy.url, "no_proxy": "www.status.test"}
            capture = await fetch(f"http://status.test:{port}/", THEIRS, resolver=Names(["127.0.0.1"]), **settings)
        assert capture.error == "connect"
        assert server.requests == []


# The shared session


async def test_the_shared_session_is_one_keeps_no_cookies_and_uses_the_proxy() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text=request.headers.get("Cookie", "none"), headers={"Set-Cookie": "a=b"})

    async with raw(says(OK)) as proxy, serve(handle) as server:
        async with fetching(proxy=proxy.url, no_proxy="127.0.0.1") as fetcher:
            session = fetcher.session()
            assert fetcher.session() is session
            for _ in range(2):
                async with session.post(server.url, json={}) as answer:
                    assert await answer.text() == "none"
            async with session.get("http://slack.test/") as answer:
                assert await answer.text() == "ok"
        assert session.closed


async def test_it_opens_anew_after_close() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async with serve(handle) as server, fetching() as fetcher:
        await fetcher.close()
        await fetcher.get(OURS, server.url, FRESH)
        old = fetcher.session()
        await fetcher.close()
        assert (await fetcher.get(OURS, server.url, FRESH)).status == 200
        with pytest.raises((RuntimeError, ClientConnectionError)):
            await old.get(server.url)


async def test_connections_are_kept_and_shared() -> None:
    ports = set()

    async def handle(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response(text="ok")

    async with serve(handle) as server, fetching(**HOME) as fetcher:
        for name in ("a", "b", "c"):
            await fetcher.get(THEIRS, f"{server.url}/{name}", FRESH)
    assert len(ports) == 1
