"""Bounds for a library that speaks through requests: no redirect, and an end, whatever an answer brings or withholds.

Such a library makes its sessions itself, one for each call of `requests.post`, and takes no adapter from anybody: the
name under which requests' sessions find theirs is the one place to give it one. It is given once; the adapter is an
ordinary one but within `bounded`, in the thread that is there, so that nobody else in the process is bound.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import BufferedReader, BytesIO, RawIOBase
from time import monotonic
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

LONGEST = 1_000_000  #: bytes of an answer that are read, unpacked; what says whether it went well is in the first few

ending: ContextVar[float | None] = ContextVar("ending", default=None)  #: monotonic, when all has to be over


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Within the block all that this thread asks through requests has so many seconds, and is led nowhere else."""
    requests.sessions.HTTPAdapter = Bounded  # type: ignore[attr-defined]
    before = ending.set(monotonic() + seconds)
    try:
        yield
    finally:
        ending.reset(before)


def left() -> float:
    """Seconds until all has to be over. Raises TimeoutError where it has to be already."""
    end = ending.get()
    seconds = 1.0 if end is None else end - monotonic()
    if seconds <= 0:
        raise TimeoutError("no whole answer in time")
    return seconds


class Bounded(HTTPAdapter):
    """How requests sends; within `bounded` an answer ends after LONGEST bytes or in time, and leads nowhere."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the connections; within `bounded` those whose answers have to begin in time."""
        super().init_poolmanager(*args, **options)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The same through a proxy."""
        return self._watch(super().proxy_manager_for(proxy, **options))

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        """Ask, unless there is no time left for an answer. Raises as requests does."""
        try:
            left()
        except TimeoutError as error:
            raise requests.ConnectTimeout(str(error), request=request) from None
        return super().send(request, *args, **options)

    def build_response(self, req: Any, resp: Any) -> Any:
        """The response with all that is read of its body. Raises requests.ConnectionError where that breaks off."""
        response = super().build_response(req, resp)
        if ending.get() is None:
            return response
        if response.is_redirect:
            del response.headers["location"]  # whatever was said to `allow_redirects`
        try:
            response.raw = BytesIO(beginning(resp))
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(type(error).__name__, request=req) from None
        finally:
            resp.close()
        return response

    @staticmethod
    def _watch(manager: Any) -> Any:
        if ending.get() is not None:
            manager.pool_classes_by_scheme = {"http": Plain, "https": Secure}
        return manager


def beginning(response: urllib3.BaseHTTPResponse) -> bytes:
    """What comes of an answer's body within the bounds. Raises urllib3's errors."""
    parts, room = [], LONGEST
    try:
        while room > 0 and left() and (part := response.read1(min(room, 65_536), decode_content=True)):
            parts.append(part)
            room -= len(part)
    except (TimeoutError, urllib3.exceptions.ReadTimeoutError):
        end = ending.get()
        if end is None or monotonic() < end:  # it is silent: that is no end
            raise
    return b"".join(parts)


class Line(RawIOBase):
    """What comes over a socket; each read waits as long as the socket would, but none beyond the end."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._raw = socket.makefile("rb", buffering=0)
        self._patience: float | None = socket.gettimeout()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there. Raises TimeoutError."""
        seconds = left()
        self._socket.settimeout(seconds if self._patience is None else min(seconds, self._patience))
        read: int | None = self._raw.readinto(buffer)
        return read

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()


class Reading:
    """A socket of which an answer only wants to read."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def makefile(self, _mode: str) -> BufferedReader:
        """What comes over it, in time."""
        return BufferedReader(Line(self._socket))


class Answer(http.client.HTTPResponse):
    """An answer that is read in time, its head included, which may drip as well as its body."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(Reading(sock), *args, **options)  # type: ignore[arg-type]


class PlainConnection(HTTPConnection):
    """A connection whose answers are read in time."""

    response_class = Answer


class SecureConnection(HTTPSConnection):
    """The same over TLS."""

    response_class = Answer


class Plain(urllib3.HTTPConnectionPool):
    """Such connections."""

    ConnectionCls = PlainConnection


class Secure(urllib3.HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = SecureConnection
