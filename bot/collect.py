"""The way in from what was read: normalise -> link -> route -> save, one poll of one source in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core import health, vanish
from bot.core.damp import Damper
from bot.core.incident import observe
from bot.core.normalise import normalise
from bot.core.route import Waking, routings, words_only
from bot.errors import Lost, Unreadable
from bot.linking import join
from bot.model import SHORT, Belief, Capture, Change, Cursor, Incident, Report, Routing, Sighting, Source, Validators
from bot.ports import Ledger, Store
from bot.reading import Reading, Watched, read

SOURCE = "source"  #: what processes hold of sources (Ledger.take)
UNLISTED = "unlisted"  #: in Cursor.state: what the source does not list any more


@dataclass(frozen=True, slots=True)
class Listing:
    """The threads that a source lists in all its documents; None: those that it listed before."""

    threads: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one poll."""

    cursor: Cursor
    sighting: Sighting
    changes: tuple[Change, ...] = ()
    queued: int = 0  #: deliveries


def quiet(readings: Sequence[Reading], before: Sighting) -> bool:
    """Whether a poll brought nothing that needs the database: all unchanged, and the source was well before."""
    return (
        all(reading.unchanged and not reading.capture.state for reading in readings)
        and before.belief in (Belief.OK, Belief.SILENT)
        and before.failures == 0
    )


def advance(cursor: Cursor, readings: Sequence[Reading]) -> Cursor:
    """Where the source is left: validators only of what could be read, so that bad bytes are never taken as known."""
    pages, state = dict(cursor.pages), dict(cursor.state)
    for reading in readings:
        capture = reading.capture
        state.update(capture.state)
        if reading.failure is None and not reading.unchanged:
            pages[capture.url] = Validators(
                capture.headers.get("etag", ""),
                capture.headers.get("last-modified", ""),
                capture.digest,
                reading.parts,
            )
    return Cursor(pages, state)


def save(
    ledger: Ledger,
    watched: Watched,
    readings: Sequence[Reading],
    cursor: Cursor,
    sightings: Mapping[str, Sighting],
    listing: Listing | None = None,
    damper: Damper | None = None,
    absent: datetime | None = None,
    worker: str = "",
) -> Outcome:
    """One poll into the ledger: timeline, cursor, sighting and outbox in the caller's one transaction.

    sightings: of all sources of the provider, as they were before this poll. listing: what the source lists, where
    that may be worth a word. damper: holds back the edits of an update that flaps. absent: since when nobody asked.
    worker: the process that polls, where it is one of several. Raises Lost where the source is another's by now.
    """
    source, at = watched.source, readings[-1].capture.at
    if worker and not ledger.keep(worker, SOURCE, [source.id]):
        raise Lost(f"{source.id}: another process polls it now")
    before = sightings.get(source.id, Sighting(source.id))
    waking = waking_of(before, at, anew=_read_anew(cursor, readings))
    read_at = None if waking is Waking.FIRST else before.read_at
    fresh = [report for reading in readings for report in _fresh(ledger, source, reading, read_at)]
    changes = join(ledger, fresh, watched.vocabulary, likeness=watched.likeness) if fresh else []
    if worker:  # read here, since link keeps other processes off the provider until this one has written
        sightings = {**sightings, **ledger.sightings(sightings.keys() - {source.id})}
    after = _sight(before, source, readings, at, changed=bool(fresh))
    changes = _observe(ledger, watched, changes, before, {**sightings, source.id: after}, at)
    cursor = advance(cursor, readings)
    if listing is not None:
        changes, cursor = _look_for_vanished(ledger, watched, changes, cursor, listing, at)
    moved_on = sum(ledger.move(change.absorbed, change.incident.id, at) for change in changes)
    ledger.save(changes)
    ledger.save_cursor(source.id, cursor)
    if changes or not moved(before, after):
        ledger.save_sightings([after])
    ledger.note_beliefs(health.edges(before, after, absent, at))
    queued = moved_on + sum(
        ledger.route(routing, at)
        for change in changes
        for routing in _damped(damper or Damper(), change, routings(change, waking, watched.vocabulary, at), at)
    )
    return Outcome(cursor, after, tuple(changes), queued)


def _damped(damper: Damper, change: Change, routed: Sequence[Routing], at: datetime) -> Sequence[Routing]:
    """What is told of a change now (rule of truth 10)."""
    if routed and words_only(change) and not any(routing.news for routing in routed):
        return damper.through(routed, at)
    if routed:
        damper.settle(change.incident.id)
    return routed


def moved(before: Sighting, after: Sighting) -> bool:
    """Whether nothing but clocks moved between two sightings: those can wait for `Collect.flush`."""
    return before == replace(
        after, read_at=before.read_at, asked_at=before.asked_at, changed_at=before.changed_at, next_at=before.next_at
    )


def waking_of(before: Sighting, at: datetime, *, anew: bool = False) -> Waking:
    """Whether the source is seen for the first time, after a pause, or in the ordinary course (rule of truth 11).

    anew: a document of it is read for the first time, while others were read before.
    """
    if before.read_at is None or anew:
        return Waking.FIRST
    return Waking.PAUSED if at - before.read_at >= SHORT else Waking.AWAKE


def _read_anew(cursor: Cursor, readings: Iterable[Reading]) -> bool:
    """Whether a document is read that never was, though others were (it failed until now): it may list history."""
    known = {bare(address) for address in cursor.pages}
    read = (reading.capture.url for reading in readings if reading.failure is None and not reading.unchanged)
    return bool(known) and any(bare(address) not in known for address in read)


def bare(address: str) -> str:
    """An address without its query, which may differ at each poll."""
    return address.partition("?")[0]


def _fresh(ledger: Ledger, source: Source, reading: Reading, read_at: datetime | None) -> list[Report]:
    items = [item for item in reading.items if item.thread not in reading.told]
    if not items:
        return []
    threads = {item.thread for item in items if item.thread is not None}
    native_ids = {item.native_id for item in items if item.native_id is not None}
    return normalise(source, items, ledger.known(source.id, threads, native_ids), reading.capture.at, read_at=read_at)


def failure_of(readings: Sequence[Reading]) -> Unreadable | None:
    """Why a poll brought nothing; None where any of its documents could be read."""
    failures = [reading.failure for reading in readings if reading.failure is not None]
    return failures[0] if len(failures) == len(readings) else None


def _sight(before: Sighting, source: Source, readings: Sequence[Reading], at: datetime, *, changed: bool) -> Sighting:
    """The source's sighting: unreadable only where none of its documents could be read."""
    failure = failure_of(readings)
    said_nothing = not any(reading.items or reading.unchanged or reading.parts for reading in readings)
    empty = source.empty == "fault" and said_nothing
    return health.sight(before, at, failure, changed=changed, empty=empty)


def _observe(
    ledger: Ledger,
    watched: Watched,
    changes: list[Change],
    before: Sighting,
    sightings: Mapping[str, Sighting],
    at: datetime,
) -> list[Change]:
    """Add what the program itself saw: a page that is down while something is wrong, and its return (rule 4)."""
    labels = watched.siblings
    down = [seen for name, seen in sorted(sightings.items()) if name in watched.hosted and health.down(seen)]
    # What was accused before it proved to be our own network's fault is taken back by its return, too.
    gone_before = before.belief is Belief.UNREADABLE and before.source in watched.hosted
    returned = gone_before and sightings[before.source].belief is not Belief.UNREADABLE
    settled = before.source in watched.hosted and health.settles(before, sightings[before.source], at)
    if not down and not returned and not settled:
        return changes
    spoken = ledger.timeline(provider=watched.source.provider, since=before.since if returned else at)
    incidents = {incident.id: incident for incident in spoken}
    incidents.update({change.incident.id: change.incident for change in changes})
    if returned:
        back = health.came_back(before, at, labels[before.source])
        carrier = health.bearer(list(incidents.values()), back.key.replace("up|", "down|", 1))
        changes = _add(changes, incidents, observe(carrier, [back]) if carrier else None)
    well = [
        labels[name]
        for name, seen in sorted(sightings.items())
        if seen.belief is not Belief.UNREADABLE and seen.read_at
    ]
    for sighting in down:
        gone = health.went_down(sighting, labels[sighting.source], well)
        if health.bearer(list(incidents.values()), gone.key) is None:
            carrier = health.bearer(list(incidents.values()))
            told = health.damped(carrier, gone, labels[sighting.source]) if carrier else None
            changes = _add(changes, incidents, observe(carrier, [told]) if carrier and told else None)
    if settled:
        for incident in [incident for incident in incidents.values() if incident.open]:
            told = health.steady(incident, sightings[before.source], labels[before.source])
            changes = _add(changes, incidents, observe(incident, [told]) if told else None)
    return changes


def _look_for_vanished(
    ledger: Ledger, watched: Watched, changes: list[Change], cursor: Cursor, listing: Listing, at: datetime
) -> tuple[list[Change], Cursor]:
    """Add what has vanished from the source for long, or is listed again (rule 8); the cursor remembers since when."""
    source = watched.source
    incidents = {incident.id: incident for incident in ledger.timeline(provider=source.provider, open_only=True)}
    incidents.update({change.incident.id: change.incident for change in changes})
    for gone in (absorbed for change in changes for absorbed in change.absorbed):
        incidents.pop(gone, None)
    before = vanish.loads(cursor.state.get(UNLISTED, ""))
    label = watched.siblings.get(source.id, source.id)
    absences, said = vanish.look(before, list(incidents.values()), source.id, label, listing.threads, at)
    for incident, observation in said:
        changes = _add(changes, incidents, observe(incident, [observation]))
    return changes, replace(cursor, state={**cursor.state, UNLISTED: vanish.dumps(absences)})


def _add(changes: list[Change], incidents: dict[str, Incident], extra: Change | None) -> list[Change]:
    """Changes with one more, folded into the change of the same incident where there is one."""
    if extra is None:
        return changes
    incidents[extra.incident.id] = extra.incident
    for index, change in enumerate(changes):
        if change.incident.id == extra.incident.id:
            both = replace(change, incident=extra.incident, news=(*change.news, *extra.news))
            return [*changes[:index], both, *changes[index + 1 :]]
    return [*changes, extra]


def _together(listed: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*listed.values())


class Collect:
    """The watched sources between their polls: where each was left, and what is believed of it.

    What changes nothing stays in memory (an unchanged poll costs no transaction) until `flush`. Of a document that
    did change, only the threads that read otherwise than when they were last saved are held against the ledger.
    """

    def __init__(self, store: Store, watched: Iterable[Watched], worker: str = "") -> None:
        self.watched = {entry.source.id: entry for entry in watched}
        self.sightings: dict[str, Sighting] = {}
        self.offline: datetime | None = None  #: since when most sources fail together (rule of truth 3)
        self.offline_elsewhere = False  #: whether another process's do, as far as was last looked
        self._worker = worker  # empty: there is no other process
        self._mine: set[str] = set() if worker else set(self.watched)  # the sources that are polled here
        self._cursors: dict[str, Cursor] = {}
        self._marks: dict[str, dict[str, Mapping[str | None, int]]] = {}  # by source and address
        self._listed: dict[str, dict[str, frozenset[str]]] = {}  # by source and address, the threads listed there
        self._unsaved: set[str] = set()
        self._next: dict[str, datetime] = {}
        self._damper = Damper()
        self._store = store

    async def load(self, sources: Collection[str] | None = None) -> None:
        """Take up sources (None: all) where the database was left, whatever was known of them here before."""
        names = list(self.watched if sources is None else sources)
        sightings = await self._store.read(lambda ledger: ledger.sightings(names))
        cursors = await self._store.read(lambda ledger: {name: ledger.cursor(name) for name in names})
        self.let_go(names)
        for name in names:
            self._next.pop(name, None)  # the database has when it was to be asked
        self._mine.update(names)
        self.sightings.update(sightings)
        self._cursors.update(cursors)
        if not self._worker:
            since = [seen.failing_since for seen in sightings.values() if seen.reason == health.NETWORK]
            self.offline = min(filter(None, since), default=None)

    def let_go(self, sources: Collection[str]) -> None:
        """Another process polls these from now on: forget what only who polls them can know."""
        self._mine.difference_update(sources)
        for source in sources:
            for memory in (self._cursors, self._marks, self._listed):
                memory.pop(source, None)

    async def look_around(self) -> None:
        """Learn what other processes saw of the sources that they poll."""
        others = self.watched.keys() - self._mine
        seen = await self._store.read(lambda ledger: ledger.sightings(others)) if others else {}
        theirs = {name: sighting for name, sighting in seen.items() if name not in self._mine}
        self.sightings.update(theirs)
        self.offline_elsewhere = any(sighting.reason == health.NETWORK for sighting in theirs.values())

    def planned(self, source: str, now: datetime) -> datetime:
        """When whoever polled a source before was going to ask it again; a source that is well, within its interval."""
        seen = self.sighting(source)
        if not self._worker or seen.next_at is None:
            return now
        return seen.next_at if seen.failures else min(seen.next_at, now + self.watched[source].source.interval)

    def cursor(self, source: str) -> Cursor:
        """Where a source was left."""
        return self._cursors.get(source) or Cursor()

    def sighting(self, source: str) -> Sighting:
        """What is believed of a source."""
        return self.sightings.get(source) or Sighting(source)

    async def read(self, capture: Capture) -> Reading:
        """Read one capture of a watched source (a recording's, say)."""
        return await read(self.watched[capture.source], capture, self.cursor(capture.source))

    async def take(self, source: str, readings: Sequence[Reading]) -> Outcome:
        """Save one poll, in one transaction; none at all where nothing is new."""
        watched, cursor, before = self.watched[source], self.cursor(source), self.sighting(source)
        listed, listing = self._listing(watched, readings, cursor)
        settles = health.settles(before, before, readings[-1].capture.at)
        absent = health.unasked(before, self._next.get(source) or before.next_at, readings[-1].capture.at)
        if listing is None and not settles and absent is None and quiet(readings, before):
            outcome = Outcome(cursor, health.sight(before, readings[-1].capture.at, None, changed=False))
        else:
            family = {name: self.sighting(name) for name in watched.siblings}
            news = [self._compared(reading) for reading in self._ours_or_theirs(readings, before)]
            outcome = await self._store.write(
                lambda ledger: save(ledger, watched, news, cursor, family, listing, self._damper, absent, self._worker)
            )
            marks = self._marks.setdefault(source, {})
            marks.update((reading.capture.url, reading.marks) for reading in news if reading.items)
        self._cursors[source], self.sightings[source] = outcome.cursor, outcome.sighting
        self._listed[source] = listed
        if self._damper.due(readings[-1].capture.at):
            outcome = replace(outcome, queued=outcome.queued + await self._release(readings[-1].capture.at))
        self._unsaved.add(source)
        if self.offline and not health.fail_together(self._seen_here(), self.offline):
            self.offline = None
        return outcome

    async def _release(self, at: datetime) -> int:
        """Tell the words that were held back while they flapped."""
        return await self._store.write(
            lambda ledger: sum(ledger.route(routing, at) for routing in self._damper.released(at))
        )

    def _listing(
        self, watched: Watched, readings: Sequence[Reading], cursor: Cursor
    ) -> tuple[dict[str, frozenset[str]], Listing | None]:
        """What each document lists now, and the listing where something may have vanished, or come back."""
        before = self._listed.get(watched.source.id, {})
        now = before | {
            reading.capture.url: frozenset(item.thread for item in reading.items if item.thread is not None)
            for reading in readings
            if reading.failure is None and not reading.unchanged
        }
        if not watched.lists_open or readings[-1].capture.partial or any(reading.failure for reading in readings):
            return now, None
        due = vanish.due(vanish.loads(cursor.state.get(UNLISTED, "")), readings[-1].capture.at)
        if all(reading.unchanged for reading in readings):
            return now, Listing() if due else None
        whole = all(reading.capture.url in now for reading in readings)
        return now, Listing(_together(now)) if whole and (due or now != before) else None

    def _ours_or_theirs(self, readings: Sequence[Reading], before: Sighting) -> Sequence[Reading]:
        """The readings; where they fail with most other sources, of our own fault."""
        failure, at = failure_of(readings), readings[-1].capture.at
        if failure is None or failure.ours:
            return readings
        since = before.failing_since or at
        failing = replace(before, failing_since=since, ours=False, reason=failure.reason)
        others = [seen for seen in self._seen_here() if seen.source != before.source]
        reached = health.refused(failure.reason) and any(health.read_since(seen, since) for seen in others)
        if reached or not health.fail_together([*others, failing], since):
            return readings
        self.offline = self.offline or failing.failing_since
        return [replace(reading, failure=Unreadable(health.NETWORK, ours=True)) for reading in readings]

    def _seen_here(self) -> Iterable[Sighting]:
        """What is believed of the sources that this process asks: only they can tell of its network."""
        return (self.sightings[name] for name in self._mine & self.sightings.keys())

    def _compared(self, reading: Reading) -> Reading:
        """A reading that knows which of its threads read as when they were last saved."""
        before = self._marks.get(reading.capture.source, {}).get(reading.capture.url, {})
        return replace(reading, told=frozenset(thread for thread, _ in before.items() & reading.marks.items()))

    def plan(self, source: str, next_at: datetime) -> None:
        """Note when a source is asked next."""
        self._next[source] = next_at
        self._unsaved.add(source)

    async def flush(self) -> None:
        """Save what only moved clocks; of sources that another process has taken up, its own clocks hold."""
        names, self._unsaved = self._unsaved, set()
        if names:
            seen = {name: self.sighting(name) for name in names}
            moved = {name: replace(one, next_at=self._next.get(name) or one.next_at) for name, one in seen.items()}
            await self._store.write(lambda ledger: self._save_clocks(ledger, moved))

    def _save_clocks(self, ledger: Ledger, moved: Mapping[str, Sighting]) -> None:
        mine = ledger.keep(self._worker, SOURCE, moved.keys()) if self._worker else moved.keys()
        ledger.save_clocks([moved[name] for name in mine])
