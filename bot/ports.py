"""The seams: what the corridor asks of collectors, notifiers, the store, the catalogue and the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from bot.model import (
    Capture,
    Change,
    Corrections,
    Cursor,
    Delivery,
    Destination,
    Incident,
    Item,
    Known,
    Message,
    Mute,
    Notice,
    Parts,
    Receipt,
    Routing,
    Sighting,
    Source,
    State,
    Subscription,
    Trouble,
    Verdict,
)

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

    async def find(self, destination: Destination, delivery: Delivery) -> Receipt | None:
        """After doubt: the receipt, where the platform can be asked and it did arrive."""
        ...

    async def close(self) -> None:
        """Give back connections that are not the shared session's."""
        ...


class Operator(Protocol):
    """Who is told of our own trouble: once when it begins and once when it is over, however often either is said."""

    async def tell(self, key: str, words: str) -> None:
        """Something of ours is wrong; `key` says what, `words` are one line with the mend. Raises nothing."""
        ...

    async def over(self, key: str, words: str = "") -> None:
        """It no longer is; nothing where it was not told. words: of the end, else made of those of the beginning."""
        ...


@runtime_checkable
class TellsDigests(Protocol):
    """A notifier that can also tell a window of time, summed up."""

    def render_digest(self, digest: Digest, key: str) -> Message:
        """A digest in the platform's own shape, within its limits; key: the delivery's. Pure, but not quick."""
        ...


SHORT = timedelta(minutes=15)  #: a pause below this is no pause (rule of truth 11)


class Ledger(Protocol):
    """The timeline, the cursors and the outbox within one transaction. Plain calls: it lives on the store's thread."""

    # where each source was left

    def cursor(self, source: str) -> Cursor:
        """The saved cursor; an empty one for a source never read."""
        ...

    def save_cursor(self, source: str, cursor: Cursor) -> None:
        """Remember where a source was left."""
        ...

    def sightings(self, sources: Collection[str] | None = None) -> dict[str, Sighting]:
        """By source id; None asks for all. A source never seen is absent."""
        ...

    def save_sightings(self, sightings: Collection[Sighting]) -> None:
        """Remember what is believed of these sources."""
        ...

    def save_clocks(self, sightings: Collection[Sighting]) -> None:
        """Remember of known sources when they were read, asked and changed, and when they are asked next."""
        ...

    def note_beliefs(self, edges: Collection[Sighting]) -> None:
        """Remember from when on each belief held; of a sighting its source, belief, since, reason and `ours`."""
        ...

    def beliefs(self, since: datetime, until: datetime) -> dict[str, list[Sighting]]:
        """By source what was believed of it within a window, oldest first, the first as the window began."""
        ...

    # the timeline

    def known(self, source: str, threads: Collection[str], native_ids: Collection[str]) -> list[Known]:
        """What is known of these threads and statements of one source."""
        ...

    def neighbourhood(
        self,
        provider: str,
        *,
        threads: Collection[tuple[str, str]] = (),
        keys: Collection[str] = (),
        native_ids: Collection[tuple[str, str]] = (),
        window: tuple[datetime, datetime] | None = None,
    ) -> list[Incident]:
        """Whole incidents of a provider that a report may belong to.

        Those with a report of one of these (source, thread) or (source, native id), those whose reports bear one of
        these keys, and, given a window, those that spoke within it (their first to last update overlaps it) or are
        open and began before its end. Each once, oldest first, with all updates and reports.
        """
        ...

    def incident(self, incident: str) -> Incident | None:
        """One whole incident, by its id, by the id of one that it absorbed, or by a reference (`MO1221364`)."""
        ...

    def timeline(
        self,
        *,
        provider: str | None = None,
        open_only: bool = False,
        since: datetime | None = None,
    ) -> list[Incident]:
        """Whole incidents, newest `started_at` first; `since`: those updated, or still open, at or after it."""
        ...

    def open_providers(self) -> set[str]:
        """The providers with an open incident (maintenances do not count)."""
        ...

    def save(self, changes: Sequence[Change]) -> None:
        """Write each change's incident as it now is.

        Its updates and reports replace those stored for it; reports and updates of absorbed incidents move here, and
        the absorbed ids lead here from then on; deliveries that were owed or made for the absorbed stay theirs.
        """
        ...

    # what an operator put right

    def corrections(self, provider: str) -> Corrections:
        """What an operator has put right about a provider's reports."""
        ...

    def correct(self, provider: str, now: Corrections) -> None:
        """Make these the corrections of a provider."""
        ...

    def move(self, absorbed: Sequence[str], incident: str, at: datetime) -> int:
        """Before the save that absorbs them: queue the word of where they go on, for each message that is theirs alone.

        How many deliveries that were.
        """
        ...

    # who wants what

    def subscriptions(self) -> list[Subscription]:
        """All of them, oldest first."""
        ...

    def subscribe(self, subscription: Subscription) -> Subscription:
        """Add it, or replace the one with the same destination, providers and origin; its id filled in."""
        ...

    def unsubscribe(self, to: Destination, providers: Collection[str]) -> list[Subscription]:
        """Take providers (all, where none is named) off a destination's subscriptions made by command; what went."""
        ...

    def adopt_file(self, subscriptions: Sequence[Subscription]) -> list[Subscription]:
        """Make the subscriptions of origin `file` be exactly these; the new ones."""
        ...

    # what is to be quiet

    def mute(self, wish: Mute) -> None:
        """Tell a destination nothing new of an incident or a provider; a second wish for the same replaces the first.

        Its standing messages are kept up to date all the same, and it is told the end of what it was told of.
        """
        ...

    def unmute(self, wish: Mute) -> bool:
        """Lift what was muted; whether it was. `wish.until` makes no difference."""
        ...

    def mutes(self, to: Destination | None = None) -> list[Mute]:
        """Those that stand, of one destination or of all."""
        ...

    def lapse(self, now: datetime) -> Sequence[Mute]:
        """Take away those whose time is over; these."""
        ...

    # the outbox

    def route(self, routing: Routing, at: datetime, only: Destination | None = None) -> int:
        """Queue what is owed for one change with one INSERT … SELECT; how many deliveries that were.

        only: for this destination alone, and only where it was not told of the incident yet.
        """
        ...

    def explain(self, routing: Routing, to: Destination | None = None, at: datetime | None = None) -> list[Verdict]:
        """What `route` makes of each subscription (of one destination), oldest first; nothing is queued.

        at: now, by which mutes are over; None: only those without an end count.
        """
        ...

    def claim(
        self, now: datetime, lease: timedelta, limit: int, busy: Collection[str] = (), only: Collection[int] = ()
    ) -> list[Delivery]:
        """Lease deliveries that are due, the first of each lane only, none of the `busy` destinations.

        An edit that a newer waiting one of its lane replaces is set aside as held. `only`: none but these ids, where
        any are named.
        """
        ...

    def settle(
        self,
        delivery: int,
        state: State,
        now: datetime,
        *,
        receipt: Receipt | None = None,
        reason: str = "",
        due: datetime | None = None,
    ) -> None:
        """Write what came of a try; a receipt of a `create` becomes the incident's message at that destination."""
        ...

    def doubt(self, now: datetime, only: Collection[int] = ()) -> list[Delivery]:
        """Turn sendings whose lease has run out into doubtful ones; all (`only` these) that are doubtful and due."""
        ...

    def orphan(self, now: datetime) -> int:
        """At the start of the only process: every sending is doubtful; how many."""
        ...

    def deliveries(self, *, states: Collection[State] = (), limit: int = 200) -> list[Delivery]:
        """The outbox, newest first; `states` empty: all."""
        ...

    def deliveries_of(self, incident: str) -> list[Delivery]:
        """What was ever owed for an incident and for those that it absorbed, oldest first."""
        ...

    def retry(self, delivery: int, now: datetime) -> Delivery | None:
        """Make a dead or held delivery pending again; None where there is no such one."""
        ...

    # our own trouble

    def keep(self, trouble: Trouble, due: datetime | None) -> bool:
        """Remember a trouble, to be told when `due` (None: to nobody); False where one of its key stands already."""
        ...

    def end(self, key: str, words: str, at: datetime, due: datetime | None) -> bool:
        """The trouble of a key is over, which is to be told when `due`; False where none stands."""
        ...

    def troubles(self) -> list[Trouble]:
        """Those that stand, oldest first."""
        ...

    def owed_troubles(self, now: datetime, again: datetime) -> list[Trouble]:
        """Those to be told by now, each handed to one process, and to the next one `again` later."""
        ...

    def settle_trouble(self, trouble: Trouble, due: datetime | None) -> None:
        """It was told (`due` None), or is to be told again when due; what has changed meanwhile stays owed."""
        ...

    def touch(self, name: str, at: datetime) -> None:
        """Write something, to know that it can be written."""
        ...

    def tally(self) -> dict[tuple[str, State], int]:
        """How many deliveries there are, by the destination's kind and the state."""
        ...

    def next_due(self) -> datetime | None:
        """When the next delivery is due (pending, or a lease that runs out)."""
        ...

    # digests

    def queue_digest(
        self, name: str, to: Destination, document: Mapping[str, object], at: datetime, again: timedelta | None
    ) -> Delivery:
        """The delivery that stands for a window (`name`) at a destination: queued now, unless there is one already.

        again: so long after it was queued the same name is another window; None: it never is. One that was given up
        or held is queued anew, with this document.
        """
        ...

    def digest(self, key: str) -> Mapping[str, Any] | None:
        """What the delivery with this key tells."""
        ...

    def delivery(self, delivery: int) -> Delivery | None:
        """One entry of the outbox."""
        ...

    # what else has to be remembered across restarts

    def note(self, name: str) -> str:
        """What was noted under a name; empty where nothing was."""
        ...

    def save_note(self, name: str, text: str) -> None:
        """Note it, in the place of what was noted under the name."""
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
