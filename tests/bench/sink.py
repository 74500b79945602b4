"""A server that takes every POST and answers 204, in a process of its own, until its standard input is closed.

    python -m tests.bench.sink

It prints its address. What is posted below a folder, to `/<folder>/…`, it counts; `GET /<folder>?posts=N` is answered
with the Count, as JSON, once N posts have come. Written on asyncio's protocols, so that it is never what a benchmark
measures.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
HEAD_END = b"\r\n\r\n"


@dataclass
class Count:
    """What came in a folder; times by the system's monotonic clock, which its processes share."""

    arrived: dict[str, int] = field(default_factory=dict)  #: how often, by what follows the folder in the path
    posts: int = 0
    first: float = 0.0
    last: float = 0.0


@dataclass
class Folder:
    """A count, and who waits for it to reach a number."""

    count: Count = field(default_factory=Count)
    waiting: list[tuple[int, asyncio.Transport]] = field(default_factory=list)

    def note(self, name: str) -> None:
        """One more has come."""
        count, now = self.count, time.monotonic()
        count.arrived[name] = count.arrived.get(name, 0) + 1
        count.posts += 1
        count.first, count.last = count.first or now, now
        self.answer()

    def answer(self) -> None:
        """Answer those who have waited for so many."""
        for asked in self.waiting[:]:
            if self.count.posts >= asked[0]:
                self.waiting.remove(asked)
                body = json.dumps(asdict(self.count)).encode()
                asked[1].write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


class Sink(asyncio.Protocol):
    """Reads requests with a Content-Length, one after the other."""

    def __init__(self, folders: Mapping[str, Folder]) -> None:
        self._folders = folders

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(HEAD_END)) >= 0:
            head = self._data[:end]
            whole = end + len(HEAD_END) + length(head)
            if len(self._data) < whole:
                return
            self._data = self._data[whole:]
            method, target, _ = head.split(b" ", 2)
            self._take(method, target.decode())

    def _take(self, method: bytes, target: str) -> None:
        name, _, below = target.removeprefix("/").partition("/")
        if method == b"GET":
            asked = urlsplit(target)
            folder = self._folders[asked.path.removeprefix("/")]
            folder.waiting.append((int(parse_qs(asked.query)["posts"][0]), self._transport))
            return folder.answer()
        self._transport.write(ANSWER)
        if below:
            self._folders[name].note(below)


def length(head: bytes) -> int:
    """The Content-Length that a request's head states; 0 where it states none."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def counted(base: str, folder: str, posts: int, patience: float) -> Count:
    """What came in a folder of the sink at `base`, once it is so many posts. Raises TimeoutError where it never is."""
    with urlopen(f"{base}/{folder}?posts={posts}", timeout=patience) as answer:
        return Count(**json.load(answer))


async def main() -> None:
    """Serve until standard input ends."""
    loop, folders = asyncio.get_running_loop(), defaultdict[str, Folder](Folder)
    server = await loop.create_server(lambda: Sink(folders), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
