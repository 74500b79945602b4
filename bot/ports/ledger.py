"""The seam to the database: the timeline, the cursors and the outbox within one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bot.model import (
    Aside,
    Change,
    Corrections,
    Cursor,
    Delivery,
    Destination,
    Incident,
    Known,
    Mute,
    Near,
    Outcome,
    Rest,
    Routing,
    Sighting,
    State,
    Subscription,
    Trouble,
    Verdict,
)

T = TypeVar("T")

if TYPE_CHECKING:
    pass


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

    # how processes share the work (PostgreSQL only)

    def live(self, worker: str, watching: str, term: timedelta) -> int:
        """A process lives for another `term`; how many live that watch the same. Who outlived his term is forgotten."""
        ...

    def offer(self, kind: str, names: Collection[str]) -> None:
        """Let these be held by somebody; what is offered already stays as it is."""
        ...

    def take(self, worker: str, kind: str, names: Collection[str], limit: int) -> set[str]:
        """Hold up to `limit` of these that nobody living holds; which they are."""
        ...

    def held(self, worker: str, kind: str) -> set[str]:
        """What a process holds."""
        ...

    def keep(self, worker: str, kind: str, names: Collection[str]) -> set[str]:
        """Which of these a process still holds; nobody can take them before this transaction has ended."""
        ...

    def give(self, worker: str, kind: str, names: Collection[str]) -> None:
        """Hand these back, as far as the process holds them."""
        ...

    def leave(self, worker: str) -> None:
        """A process ends: hand back all that it holds."""
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

    def near(
        self,
        provider: str,
        source: str,
        *,
        threads: Collection[str],
        keys: Collection[str],
        native_ids: Collection[str],
        since: datetime,
    ) -> Near:
        """The incidents of a provider that bear one of these of a source, and those that have spoken since a time."""
        ...

    def likely(self, provider: str, words: Sequence[str], begin: datetime, until: datetime) -> list[Incident]:
        """Whole incidents that a statement with these words may go on with, no more however many there are.

        Of those that spoke between these times: join.LATEST that spoke last, join.NEAREST with most of the words.
        """
        ...

    def incident(self, incident: str) -> Incident | None:
        """One whole incident, by its id, by the id of one that it absorbed, or by a reference (`MO1221364`).

        Of several that bear a reference, the one that began last.
        """
        ...

    def called(self, name: str) -> list[Incident]:
        """All whole incidents that bear such a name, oldest first; more than one only by a reference."""
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

    def components(self, provider: str, limit: int = 500) -> list[str]:
        """What a provider's newest incidents, so many, have called its components; those named last come first."""
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

    def prune(self, before: datetime, limit: int) -> int:
        """Remove the texts of up to `limit` incidents that were over, and last spoken of, before this time; how many.

        That their statements were seen is kept: `known` goes on telling them, as forgotten. An incident of which
        anything is still owed stays.
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
        self,
        now: datetime,
        lease: timedelta,
        limit: int,
        busy: Collection[str] = (),
        *,
        by: str = "",
        rooms: Mapping[str, int] | None = None,
        behind: Mapping[str, datetime] | None = None,
        only: Collection[int] = (),
    ) -> list[Delivery]:
        """Lease deliveries that are due to whoever `by` names, the first of each lane only.

        At most `limit` for each kind of destination, or as many as `rooms` has for it; none of the `busy` destinations.
        An edit that a newer waiting one of its lane replaces is set aside as held, and so is what is owed to a
        destination that is set aside. behind: until when destinations were limited; what came to them meanwhile is put
        together into one message for each lane. only: none but these ids, where any are named.
        """
        ...

    def settle(self, outcomes: Sequence[Outcome], now: datetime) -> int:
        """Write what came of deliveries in hand; a receipt of a `create` becomes the incident's message there.

        How many were not written, because their lease had run out and another has taken them in hand since.
        """
        ...

    def renew(self, leases: Collection[str], until: datetime) -> None:
        """Keep what these leases are on in hand until then."""
        ...

    def give_up(self, leases: Collection[str], due: datetime) -> int:
        """What these leases are still on is doubtful, and whoever comes first looks for it when due; how many."""
        ...

    def doubt(
        self,
        now: datetime,
        lease: timedelta = timedelta(0),
        limit: int = 100,
        busy: Collection[str] = (),
        *,
        by: str = "",
        only: Collection[int] = (),
    ) -> list[Delivery]:
        """Turn sendings whose lease has run out into doubtful ones; lease those that are doubtful and due to `by`.

        only: none but these ids are leased, where any are named.
        """
        ...

    def rests(self, since: datetime) -> list[Rest]:
        """What platforms have asked of any process, as far as it was not over by then."""
        ...

    def rest(self, rests: Sequence[Rest], since: datetime) -> None:
        """Write down what platforms ask for, for every process; what was over by then is forgotten."""
        ...

    def orphan(self, now: datetime) -> int:
        """At the start: what an earlier process left in flight is doubtful; how many deliveries that were.

        Where other processes may share the database, only what nobody has in hand any more.
        """
        ...

    def asides(self) -> list[Aside]:
        """The destinations that refuse, and those taken up again at which nothing has arrived yet."""
        ...

    def set_aside(self, which: Aside) -> bool:
        """Hold whatever is and will be owed to a destination; whether it was not set aside already."""
        ...

    def mended(self, digest: Callable[[Destination], str], now: datetime) -> list[Destination]:
        """Take up the destinations whose settings have changed since they were set aside; which those are."""
        ...

    def works(self, destinations: Collection[Destination]) -> None:
        """Something has arrived at these: they are as any other again."""
        ...

    def deliveries(self, *, states: Collection[State] = (), limit: int = 200) -> list[Delivery]:
        """The outbox, newest first; `states` empty: all."""
        ...

    def deliveries_of(self, incident: str) -> list[Delivery]:
        """What was ever owed for an incident and for those that it absorbed, oldest first."""
        ...

    def retry(self, delivery: int, now: datetime) -> Delivery | None:
        """Make a dead or held delivery pending again, and its destination no longer set aside; None: no such one."""
        ...

    # our own trouble

    def keep_trouble(self, trouble: Trouble, due: datetime | None) -> bool:
        """Remember a trouble, to be told when `due` (None: to nobody); False where one of its key stands already."""
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

    def end_trouble(self, key: str, words: str, at: datetime, due: datetime | None) -> bool:
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

    def next_due(self, busy: Collection[str] = ()) -> datetime | None:
        """When the next delivery is due (pending, of no `busy` place or kind, or a lease that runs out)."""
        ...
