"""The seams: what the corridor asks of collectors, notifiers, the store, the catalogue and the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from bot.model import Capture, Cursor, Delivery, Destination, Item, Message, Notice, Receipt, Source

if TYPE_CHECKING:
    import aiohttp


class Clock(Protocol):
    """The only way to know the time."""

    def now(self) -> datetime:
        """The time, aware, UTC."""
        ...


class Fetcher(Protocol):
    """The one way to read an address of the outside world; failures are values, never exceptions."""

    async def get(
        self,
        source: Source,
        url: str,
        cursor: Cursor,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Capture:
        """One document, asked conditionally by `cursor.pages[url]`; `headers` are added (and never recorded)."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What the composition root hands to an adapter when it makes it."""

    clock: Clock
    fetcher: Fetcher
    session: Callable[[], aiohttp.ClientSession]  #: the process's shared session, made at the first call
    env: Mapping[str, str]  #: the settings of the environment by name, defaults filled in: `SLACK_API_URL`, tokens


class Collector(Protocol):
    """One kind of source."""

    def fetch(self, source: Source, cursor: Cursor) -> AsyncIterator[Capture]:
        """Each document or page of the source, failures included as values."""
        ...

    def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
        """The statements of one capture, oldest first within a thread. Pure. Raises Unreadable."""
        ...


class Notifier(Protocol):
    """One kind of destination."""

    def render(self, notice: Notice) -> Message:
        """The notice in the platform's own shape, within its limits for any input. Pure."""
        ...

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        """Carry out `delivery.act`. Raises Temporary, Permanent or Doubtful."""
        ...

    async def find(self, destination: Destination, delivery: Delivery) -> Receipt | None:
        """After doubt: the receipt, where the platform can be asked and it did arrive."""
        ...

    async def close(self) -> None:
        """Give back connections that are not the shared session's."""
        ...


SHORT = timedelta(minutes=15)  #: a pause below this is no pause (rule of truth 11)
