"""A window of time summed up: what went wrong, what still does, what lies ahead, and what is not known of it.

Time is only ever called well where a source of the provider could be believed. What nobody watched, and what could not
be read, is unknown and counted apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from operator import itemgetter

from bot.core import lag
from bot.core.spans import Span, painted
from bot.core.summary import title_of
from bot.core.vanish import vanished_at
from bot.model import SHORT, Belief, Impact, Incident, Provider, Sighting, Status

AHEAD = timedelta(days=14)  #: maintenances that begin later than this are not told yet
NEWS = SHORT  #: a stretch that could not be read is worth a digest of its own from this length on
AT_WORK = (Status.IN_PROGRESS, Status.VERIFYING, Status.COMPLETED)


class Condition(StrEnum):
    """How a component fared at one moment; of several that hold at once, the last of these is shown."""

    UNKNOWN = "unknown"
    WELL = "well"
    MAINTENANCE = "maintenance"
    UNSTATED = "unstated"  #: in trouble, its impact not stated
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"

    @property
    def trouble(self) -> bool:
        """Whether something was wrong."""
        return self in (Condition.UNSTATED, Condition.MINOR, Condition.MAJOR, Condition.CRITICAL)


Stretch = tuple[datetime, datetime, Condition]


@dataclass(frozen=True, slots=True)
class Shares:
    """How a window divides; the four always make the whole."""

    well: timedelta
    trouble: timedelta
    maintenance: timedelta
    unknown: timedelta

    @property
    def whole(self) -> timedelta:
        """The window's length."""
        return self.well + self.trouble + self.maintenance + self.unknown


@dataclass(frozen=True, slots=True)
class Course:
    """How one component, or a provider as a whole, fared through the window."""

    name: str
    stretches: tuple[Stretch, ...]  #: without gaps, from the window's beginning to its end

    @property
    def shares(self) -> Shares:
        """How the window divides."""
        spent = dict.fromkeys(Condition, timedelta(0))
        for begin, end, condition in self.stretches:
            spent[condition] += end - begin
        trouble = sum((spent[condition] for condition in Condition if condition.trouble), timedelta(0))
        return Shares(spent[Condition.WELL], trouble, spent[Condition.MAINTENANCE], spent[Condition.UNKNOWN])


@dataclass(frozen=True, slots=True)
class Event:
    """One incident, or maintenance, as it read at the window's end."""

    id: str
    title: str
    status: Status
    impact: Impact | None
    started_at: datetime
    ended_at: datetime | None = None  #: None: it was still open
    references: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    url: str = ""
    firsts: tuple[tuple[str, datetime], ...] = ()  #: who told of it, by a reader's names, the first first
    starts: datetime | None = None  #: a maintenance's planned window
    ends: datetime | None = None
    vanished_at: datetime | None = None  #: since then nobody lists it any more, nor has said that it is over

    @property
    def open(self) -> bool:
        """Whether it was on at the window's end, as far as anybody said."""
        return self.ended_at is None and self.vanished_at is None

    def length(self, until: datetime) -> timedelta:
        """How long it lasted, or has lasted until then."""
        return max(timedelta(0), (self.ended_at or self.vanished_at or until) - self.started_at)


@dataclass(frozen=True, slots=True)
class Lag:
    """How one source's account followed upon the others', over the window's incidents of which several told."""

    source: str  #: by a reader's name
    incidents: int
    first: int  #: so often it told first, or within the minute
    median: timedelta


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which one source could not be read, or was not asked."""

    source: str  #: by a reader's name
    belief: Belief  #: unreadable, silent, or unknown: not asked
    since: datetime
    until: datetime
    reason: str = ""
    edge: bool = True  #: it began or ended within the window, and so is news


@dataclass(frozen=True, slots=True)
class Account:
    """One provider's part of a digest."""

    id: str
    name: str
    whole: Course
    components: tuple[Course, ...] = ()
    incidents: tuple[Event, ...] = ()  #: oldest first; those still open are among them
    maintenances: tuple[Event, ...] = ()  #: within the window
    ahead: tuple[Event, ...] = ()  #: maintenances that begin after it, the next first
    lags: tuple[Lag, ...] = ()
    gaps: tuple[Gap, ...] = ()  #: oldest first
    watched: bool = True  #: False: no source of it was ever asked before the window's end

    @property
    def open(self) -> tuple[Event, ...]:
        """The incidents that were not over at the window's end."""
        return tuple(event for event in self.incidents if event.open)

    @property
    def bygone(self) -> tuple[Event, ...]:
        """Those that nobody ended and that vanished before the window: known, and no news in every digest for ever."""
        since = self.whole.stretches[0][0]
        return tuple(event for event in self.incidents if event.vanished_at is not None and event.vanished_at < since)

    @property
    def news(self) -> bool:
        """Whether there is anything to say of it beyond that it was well, or is not watched."""
        told = [*(event for event in self.incidents if event not in self.bygone), *self.maintenances, *self.ahead]
        return bool(told) or any(gap.edge and gap.until - gap.since >= NEWS for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class Digest:
    """A window of time, summed up."""

    since: datetime
    until: datetime
    zone: str  #: IANA name of the zone in which times are told
    accounts: tuple[Account, ...] = ()  #: those in trouble first

    @property
    def empty(self) -> bool:
        """Whether there is nothing to say."""
        return not any(account.news for account in self.accounts)


def digest(accounts: Iterable[Account], since: datetime, until: datetime, zone: str) -> Digest:
    """Accounts as one digest: what is open first, then what had the most trouble, then by name."""

    def order(account: Account) -> tuple[bool, timedelta, bool, str]:
        return not account.open, -account.whole.shares.trouble, not account.news, account.name.casefold()

    return Digest(since, until, zone, tuple(sorted(accounts, key=order)))


def account_of(
    provider: Provider,
    incidents: Iterable[Incident],
    beliefs: Mapping[str, Sequence[Sighting]],
    sightings: Mapping[str, Sighting],
    labels: Mapping[str, str],
    since: datetime,
    until: datetime,
) -> Account:
    """One provider's part. The order of the incidents does not matter.

    beliefs: by source, what was believed of it and from when on, oldest first; what was believed when the window began
    is the first. sightings: each source's state now, by which it shows how long the last belief holds. labels: what a
    reader calls the sources.
    """
    known = sorted(
        filter(None, (as_of(each, until) for each in incidents)), key=lambda each: (each.started_at, each.id)
    )
    wrong = [each for each in known if not each.maintenance and _overlaps(open_span(each, until), since, until)]
    works = [each for each in known if at_work(each, since, until)]
    ahead = [each for each in known if each.maintenance and until <= (each.starts or since) < until + AHEAD]
    told = {name: holding(edges, sightings.get(name), since, until) for name, edges in sorted(beliefs.items())}
    believed = [(begin, end) for spans in told.values() for seen, begin, end in spans if seen.belief is Belief.OK]
    names = dict.fromkeys([*provider.components, *(name for each in [*wrong, *works] for name in each.components)])
    every = names if provider.components else ()  # what incidents happened to name is not all that there is
    return Account(
        id=provider.id,
        name=provider.name,
        whole=course(provider.name, None, wrong, whole_works(works, every), believed, since, until),
        components=tuple(course(name, name, wrong, works, believed, since, until) for name in names),
        incidents=events(wrong, labels),
        maintenances=events(works, labels),
        ahead=events(sorted(ahead, key=lambda each: (each.starts or since, each.id)), labels),
        lags=tuple(lags(wrong, labels)),
        gaps=gaps(told, labels, since, until),
        watched=any(edge.since is not None and edge.since < until for edges in beliefs.values() for edge in edges),
    )


def as_of(incident: Incident, at: datetime) -> Incident | None:
    """The incident as its timeline read at a moment; None where nobody had spoken of it yet."""
    updates = tuple(update for update in incident.updates if update.at <= at)
    if not updates:
        return None
    over = incident.resolved_at is not None and incident.resolved_at <= at
    if over or (incident.open and len(updates) == len(incident.updates)):
        return replace(incident, updates=updates)
    stated = [update.status for update in updates if update.status is not None and not update.status.closed]
    first = Status.SCHEDULED if incident.maintenance else Status.INVESTIGATING
    return replace(incident, updates=updates, status=(stated or [first])[-1], resolved_at=None)


def open_span(incident: Incident, until: datetime) -> Span:
    """From when until when nobody had said that it was over."""
    return incident.started_at, incident.resolved_at or until


def trouble(incident: Incident, until: datetime) -> Span:
    """From when until when an incident was on, as far as anybody said."""
    return incident.started_at, incident.resolved_at or vanished_at(incident) or until


def doubt(incident: Incident, until: datetime) -> Span:
    """The time since an open incident is listed no more: nobody knows how that went."""
    return vanished_at(incident) or until, until


def work(incident: Incident, until: datetime) -> Span:
    """From when until when a maintenance was done; the plan stands in where nobody told how it went.

    One that has begun lasts until somebody says that it is over, or until nobody lists it any more.
    """
    begun = [update.at for update in incident.updates if update.status in AT_WORK]
    planned = incident.starts or min(begun, default=until)
    begin = min([planned, *begun])
    gone = vanished_at(incident)
    end = incident.resolved_at or ((gone or until) if begun else incident.ends or gone or until)
    return begin, max(begin, min(end, until))


def at_work(incident: Incident, since: datetime, until: datetime) -> bool:
    """Whether a maintenance was done in the window; what vanished before its time was not, as far as anybody knows."""
    if not incident.maintenance:
        return False
    begin, end = work(incident, until)
    gone = vanished_at(incident)
    return _overlaps((begin, end), since, until) and not (gone is not None and gone < begin)


def whole_works(works: Iterable[Incident], every: Collection[str]) -> list[Incident]:
    """The maintenances that a provider as a whole is in: those of all its components. One data centre's is not.

    every: its components; none where nobody knows them all, and then only what names none is the whole's.
    """
    return [each for each in works if not each.components or (every and set(each.components).issuperset(every))]


def _overlaps(span: Span, since: datetime, until: datetime) -> bool:
    """Whether it was on within the window; what began and ended in one moment counts by that moment."""
    begin, end = span
    return begin < until and (end > since or begin >= since)


def course(
    title: str,
    component: str | None,
    wrong: Sequence[Incident],
    works: Sequence[Incident],
    believed: Sequence[Span],
    since: datetime,
    until: datetime,
) -> Course:
    """How one component fared (None: the provider as a whole). What names no component counts for every one."""

    def hit(incident: Incident) -> bool:
        return component is None or not incident.components or component in incident.components

    layers: list[tuple[Condition, list[Span]]] = [(Condition.WELL, list(believed))]
    layers.append(
        (Condition.UNKNOWN, [doubt(each, until) for each in wrong if hit(each) and condition_of(each).trouble])
    )
    layers.append((Condition.MAINTENANCE, [work(each, until) for each in works if hit(each)]))
    layers += [
        (condition, [trouble(each, until) for each in wrong if hit(each) and condition_of(each) is condition])
        for condition in Condition
        if condition.trouble
    ]
    return Course(title, painted(layers, Condition.UNKNOWN, since, until))


def condition_of(incident: Incident) -> Condition:
    """How its components fare while an incident is on; an impact stated as none is no trouble."""
    if incident.impact is None:
        return Condition.UNSTATED
    return Condition.WELL if incident.impact is Impact.NONE else Condition(incident.impact.value)


def events(incidents: Iterable[Incident], labels: Mapping[str, str]) -> tuple[Event, ...]:
    """What a digest tells of these incidents."""
    return tuple(event(incident, labels) for incident in incidents)


def event(incident: Incident, labels: Mapping[str, str]) -> Event:
    """What a digest tells of an incident."""
    return Event(
        id=incident.id,
        title=title_of(incident),
        status=incident.status,
        impact=incident.impact,
        started_at=incident.started_at,
        ended_at=incident.resolved_at,
        references=incident.references,
        components=incident.components,
        url=incident.url,
        firsts=tuple((labels.get(told.source, told.source), told.at) for told in lag.firsts(incident)),
        starts=incident.starts,
        ends=incident.ends,
        vanished_at=vanished_at(incident),
    )


def lags(incidents: Iterable[Incident], labels: Mapping[str, str]) -> Iterable[Lag]:
    """Each source's record, who is soonest first."""
    records = lag.records(incidents).items()
    for source, record in sorted(records, key=lambda entry: (entry[1].median, entry[0])):
        yield Lag(labels.get(source, source), record.incidents, record.first, record.median)


def unattended(seen: Sighting, at: datetime) -> bool:
    """Whether a source that was asked once is asked no more: the next poll is long overdue."""
    return seen.asked_at is not None and max(seen.asked_at, seen.next_at or seen.asked_at) + SHORT < at


def holding(
    edges: Sequence[Sighting], now: Sighting | None, since: datetime, until: datetime
) -> list[tuple[Sighting, datetime, datetime]]:
    """What was believed of one source through the window, and in what stretches; before its first sight: nothing.

    The last belief holds as long as the source was still asked; after that nobody knows.
    """
    known = sorted(((edge.since, edge) for edge in edges if edge.since is not None), key=itemgetter(0))
    asked = now.asked_at if now is not None else None
    if now is not None and asked is not None and unattended(now, until):
        known = [(begin, edge) for begin, edge in known if begin <= asked]
        known += [(asked, Sighting(now.source, Belief.UNKNOWN, asked))] if known else []
    ends = [*(begin for begin, _ in known[1:]), until]
    spans = [(edge, max(begin, since), min(end, until)) for (begin, edge), end in zip(known, ends, strict=False)]
    return [(edge, begin, end) for edge, begin, end in spans if begin < end]


def gaps(
    told: Mapping[str, Sequence[tuple[Sighting, datetime, datetime]]],
    labels: Mapping[str, str],
    since: datetime,
    until: datetime,
) -> tuple[Gap, ...]:
    """Every stretch in which a source could not be believed, those that touch as one."""
    found: list[Gap] = []
    for source, spans in told.items():
        name = labels.get(source, source)
        for seen, begin, end in spans:
            if seen.belief in (Belief.OK, Belief.STALE):
                continue
            fresh = Gap(name, seen.belief, begin, end, seen.reason, edge=(seen.since or begin) >= since or end < until)
            last = found[-1] if found else None
            if last and (last.source, last.belief, last.until) == (name, fresh.belief, begin):
                found[-1] = replace(last, until=end, reason=fresh.reason or last.reason, edge=last.edge or fresh.edge)
            else:
                found.append(fresh)
    return tuple(sorted(found, key=lambda gap: (gap.since, gap.source)))
