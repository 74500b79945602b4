"""The seams: what the corridor asks of collectors, notifiers, the store, the catalogue and the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from bot.model import Capture, Cursor, Delivery, Destination, Item, Message, Notice, Parts, Receipt, Source
from bot.ports.ledger import Ledger

__all__ = [
    "Clock",
    "Collector",
    "Database",
    "Divides",
    "Fetcher",
    "Ledger",
    "Notifier",
    "Operator",
    "Store",
    "TellsDigests",
    "Tools",
]

T = TypeVar("T")

if TYPE_CHECKING:
    import aiohttp

    from bot.core.digest import Digest


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
    answered: frozenset[str] = frozenset()  #: kinds of destinations where a front end listens, so that buttons work


class Collector(Protocol):
    """One kind of source."""

    def fetch(self, source: Source, cursor: Cursor) -> AsyncIterator[Capture]:
        """Each document or page of the source, failures included as values."""
        ...

    def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
        """The statements of one capture, oldest first within a thread. Pure. Raises Unreadable."""
        ...


@runtime_checkable
class Divides(Protocol):
    """A collector whose documents fall into entries that can be read one by one, so that known ones need no reading."""

    def divide(self, capture: Capture) -> Parts | None:
        """The parts of a body; None where it cannot be divided beyond doubt. Pure."""
        ...


class Notifier(Protocol):
    """One kind of destination."""

    def render(self, notice: Notice) -> Message:
        """The notice in the platform's own shape, within its limits for any input. Pure."""
        ...

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        """Carry out `delivery.act`. Raises Temporary, Permanent or Doubtful."""
        ...

    async def close(self) -> None:
        """Give back connections that are not the shared session's."""
        ...


@runtime_checkable
class Finds(Protocol):
    """A notifier whose platform can be asked, after doubt, whether a message stands there."""

    async def find(self, destination: Destination, delivery: Delivery) -> Receipt | None:
        """The receipt of what did arrive. Raises Temporary, Permanent or Doubtful."""
        ...


@runtime_checkable
class TellsDigests(Protocol):
    """A notifier that can also tell a window of time, summed up."""

    def render_digest(self, digest: Digest, key: str) -> Message:
        """A digest in the platform's own shape, within its limits; key: the delivery's. Pure, but not quick."""


class Operator(Protocol):
    """Who is told of our own trouble: once when it begins and once when it is over, however often either is said."""

    @property
    def standing(self) -> Collection[str]:
        """The keys of what is wrong as far as was told."""
        ...

    async def tell(self, key: str, words: str) -> None:
        """Something of ours is wrong; `key` says what, `words` are one line with the mend. Raises nothing."""
        ...

    async def over(self, key: str, words: str = "") -> None:
        """It no longer is; nothing where it was not told. words: of the end, else made of those of the beginning."""
        ...


class Store(Protocol):
    """The database: whole transactions, each run on a thread of the store's own, one writer at a time on SQLite."""

    async def write(self, work: Callable[[Ledger], T]) -> T:
        """Run `work` in one transaction and commit it; whatever it raises rolls back."""
        ...

    async def read(self, work: Callable[[Ledger], T]) -> T:
        """Run `work` in one read-only view of the database."""
        ...

    async def upgrade(self) -> None:
        """Bring the schema to the newest version. Raises UsageError where the database is newer than the program."""
        ...

    async def close(self) -> None:
        """Give back every connection."""
        ...


class Database(Store, Protocol):
    """A store as `statusbot run` needs it: it says whether other processes share it, and hears from them."""

    @property
    def embedded(self) -> bool:
        """Whether only one process may collect and deliver on it; else any number may, and share the work."""
        ...

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever any process has queued deliveries, until cancelled; at once back where embedded."""
        ...
