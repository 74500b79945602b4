"""What a digest says, decided once for every way out: an Outline whose times each platform writes in its own way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from bot.core.digest import Account, Condition, Course, Digest, Event, Gap, Lag, Shares
from bot.core.summary import STATES, Line, duration, listing
from bot.core.text import clip
from bot.model import Belief, Impact, Status

EVENTS = 12  #: incidents of one provider that are told, the longest first where there are more
ROWS = 12  #: components that are told one by one
GAPS = 6
NAME = 60  #: characters of a component's name
TITLE = 140
REASON = 80
MINUTE = timedelta(minutes=1)

ROUND = str.maketrans("[]", "()")

MARKS = {
    None: "⚪",
    Impact.NONE: "⚪",
    Impact.MAINTENANCE: "🔧",
    Impact.MINOR: "🟡",
    Impact.MAJOR: "🟠",
    Impact.CRITICAL: "🔴",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing told: its first line, what is told under it, and where to read on."""

    line: Line
    more: tuple[Line, ...] = ()
    mark: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Entries under a heading: "Incidents", "Components"."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One provider."""

    title: str
    summary: Line
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole digest, in the order in which it is read."""

    title: str  #: "Digest: 2 incidents, 1 still open"
    window: Line
    sections: tuple[Section, ...]  #: providers of which there is something to say
    rest: tuple[Line, ...]  #: the others, a line each kind

    @property
    def text(self) -> str:
        """The title and what each provider's section begins with, times left out: for a notification."""
        words = [f"{section.title}: {plain(section.summary)}" for section in self.sections]
        return "\n".join([self.title, *words, *map(plain, self.rest)])


#: how much of an outline is told, from all of it down: sections, entries of a part, lines below an entry
LEVELS = ((40, 100, 3), (30, 14, 3), (20, 8, 2), (12, 5, 1), (8, 3, 1), (5, 2, 0), (3, 1, 0))


def shorter(whole: Outline, level: int) -> Outline:
    """The outline with less in it, the more so the higher the level (of LEVELS); what is left out is counted."""
    most, each, under = LEVELS[level]
    sections = tuple(
        replace(section, parts=tuple(_shorter(part, each, under) for part in section.parts))
        for section in whole.sections[:most]
    )
    left = len(whole.sections) - len(sections)
    more = ((f"and {count(left, 'other provider')} with something to tell",),) if left else ()
    return replace(whole, sections=sections, rest=(*more, *whole.rest))


def _shorter(part: Part, each: int, under: int) -> Part:
    entries = tuple(replace(entry, more=entry.more[:under]) for entry in part.entries[:each])
    left = len(part.entries) - len(entries)
    return Part(part.title, (*entries, Entry((f"and {left} more",))) if left else entries)


def rounded(line: Line) -> Line:
    """A line without square brackets, for a link's words: platforms stumble over them, escaped or not."""
    return tuple(part.translate(ROUND) if isinstance(part, str) else part for part in line)


def plain(line: Line) -> str:
    """The words of a line that holds no times."""
    return "".join(part if isinstance(part, str) else f"{part:%Y-%m-%d %H:%M} UTC" for part in line)


def outline(digest: Digest) -> Outline:
    """The digest in words."""
    told = [account for account in digest.accounts if account.news or (account.watched and lacks(account))]
    window = (digest.since, " to ", digest.until, f" ({duration(digest.until - digest.since)})")
    return Outline(
        title=f"Digest: {headline(digest)}",
        window=window,
        sections=tuple(section(account, digest) for account in told),
        rest=tuple(rest([account for account in digest.accounts if account not in told])),
    )


def lacks(account: Account) -> bool:
    """Whether some of the window is not known of a provider that is watched."""
    return account.whole.shares.unknown >= MINUTE


def headline(digest: Digest) -> str:
    """`2 incidents, 1 still open`; `no incident, 3 maintenances`; or that nothing is known."""
    told = [event for account in digest.accounts for event in account.incidents if event not in account.bygone]
    every, span = told, digest.until - digest.since
    going = sum(event.open for event in every)
    lost = sum(event.vanished_at is not None for event in every)
    works = sum(len(account.maintenances) for account in digest.accounts)
    if not digest.accounts:
        return "nothing is watched"
    if not every and not works and all(account.whole.shares.unknown == span for account in digest.accounts):
        return "nothing is known of this window"
    words = [count(len(every), "incident") if every else "no incident"]
    words += [f"{going if len(every) > 1 else ''} still open".strip()] if going else []
    words += [f"{lost} without a word of the end"] if lost else []
    words += [count(works, "maintenance")] if works else []
    return ", ".join(words)


def section(account: Account, digest: Digest) -> Section:
    """One provider: what is open, what was, what lies ahead, its components, and what is not known."""
    going, until = account.open, digest.until
    lost = [event for event in account.incidents if event.vanished_at is not None and event not in account.bygone]
    over = [event for event in account.incidents if event.ended_at is not None]
    parts = (
        Part("Still open", entries(going, digest)),
        Part("No longer listed, and nobody has said that it is over", (*entries(lost, digest), *bygone(account))),
        Part("Over" if going or lost else "Incidents", entries(over, digest)),
        Part("Maintenance", first_of([work(event, until) for event in account.maintenances], EVENTS)),
        Part("Maintenance ahead", first_of([ahead(event) for event in account.ahead], EVENTS)),
        Part("Components", tuple(components(account))),
        Part("Who told first", tuple(first(account.lags))),
        Part("Could not be read", first_of(list(unread(account.gaps, digest)), GAPS)),
    )
    summary = (share_words(account.whole.shares),)
    return Section(account.name, summary, tuple(part for part in parts if part.entries))


def share_words(shares: Shares, said: timedelta = timedelta(0)) -> str:
    """`99.1 % well, 0.9 % in trouble (13 min)`; never rounded up to all. said: as much is known to be unknown."""
    if shares.unknown >= shares.whole:
        return "not known: no source could be believed in this window"
    words = [f"{percent(shares.well, shares.whole)} well"]
    for spent, what in (
        (shares.trouble, "in trouble"),
        (shares.maintenance, "in maintenance"),
        (shares.unknown, "unknown"),
    ):
        if spent and not (what == "unknown" and spent == said):
            words.append(f"{percent(spent, shares.whole)} {what} ({length(spent)})")
    return ", ".join(words)


def percent(part: timedelta, whole: timedelta) -> str:
    """`99.1 %`; what is not all is never written 100, and what is not nothing never 0."""
    if not part or part == whole:
        return "100 %" if part else "0 %"
    share = min(max(round(100 * (part / whole), 1), 0.1), 99.9)
    return f"{share:.1f} %"


def length(spent: timedelta) -> str:
    """A duration; below a minute in seconds, so that it is not nothing."""
    return duration(spent) if spent >= MINUTE else f"{max(1, round(spent.total_seconds()))} s"


def entries(events: Sequence[Event], digest: Digest) -> tuple[Entry, ...]:
    """Incidents, oldest first; where there are too many the longest, and how many others there were."""
    until = digest.until
    chosen = sorted(events, key=lambda event: -event.length(until))[:EVENTS]
    shown = tuple(incident(event, digest) for event in events if event in chosen)
    left = len(events) - len(shown)
    return (*shown, Entry((f"and {left} shorter one{'' if left == 1 else 's'}",))) if left else shown


def incident(event: Event, digest: Digest) -> Entry:
    """`Users can't sign in [MO1221364]`, how bad and how long, its components, who told first."""
    impact = event.impact.value if event.impact else None
    how = {None: "impact not stated", "none": "no impact"}.get(impact, f"{impact} impact")
    words = f"{length(event.length(digest.until))}"
    when: Line
    if event.vanished_at is not None:
        state = STATES[event.status].lower()
        when = (f"{how} · {words} · ", event.started_at, " until it vanished at ", event.vanished_at, f" ({state})")
    elif event.ended_at is None:
        when = (f"{STATES[event.status]} · {how} · for {words}, since ", event.started_at)
    else:
        when = (f"{how} · {words} · ", event.started_at, " to ", event.ended_at)
    more: list[Line] = [when]
    if event.components:
        more.append((listing([clip(name, NAME) for name in event.components]),))
    if len(event.firsts) > 1:
        more.append((told(event),))
    return Entry((titled(event),), tuple(more), MARKS[event.impact], event.url)


def first_of(entries: Sequence[Entry], most: int) -> tuple[Entry, ...]:
    """So many of them, and how many more there are."""
    left = len(entries) - most
    return (*entries[:most], Entry((f"and {left} more",))) if left > 0 else tuple(entries)


def bygone(account: Account) -> Iterator[Entry]:
    """How many vanished before the window: enough to know why a component is called unknown since."""
    if number := len(account.bygone):
        yield Entry((f"{'and ' if len(account.incidents) > number else ''}{number} that vanished before this window",))


def titled(event: Event) -> str:
    """The title, and the references by which the provider knows it."""
    references = f" [{listing([clip(name, 40) for name in event.references])}]" if event.references else ""
    return f"{clip(event.title, TITLE)}{references}"


def told(event: Event) -> str:
    """`X told first; the status page 43 min later`."""
    (leader, begin), *others = event.firsts
    followed = ", ".join(f"{name} {later(at - begin)}" for name, at in others)
    return f"{capital(leader)} told first; {followed}"


def later(lag: timedelta) -> str:
    """`43 min later`."""
    return f"{duration(lag)} later" if lag >= MINUTE else "within the minute"


def work(event: Event, until: datetime) -> Entry:
    """A maintenance within the window."""
    end = event.ended_at or event.ends
    state = STATES[event.status].lower()
    if event.vanished_at is not None:
        state = f"{state}, then no longer listed"
    elif event.status is Status.SCHEDULED and end is not None and end <= until:
        state = "planned; nobody has said how it went"
    when: Line = (f"{state} · ", event.starts or event.started_at, *((" to ", end) if end else ()))
    return Entry((titled(event),), (when, *named(event)), "🔧", event.url)


def ahead(event: Event) -> Entry:
    """A maintenance that is still to come."""
    begin = event.starts or event.started_at
    when: Line = (begin, *((" to ", event.ends) if event.ends else ()))
    when += (" (no longer listed)",) if event.vanished_at is not None else ()
    return Entry((titled(event),), (when, *named(event)), "🔧", event.url)


def named(event: Event) -> tuple[Line, ...]:
    """The components of an event, where it names any."""
    return ((listing([clip(name, NAME) for name in event.components]),),) if event.components else ()


def components(account: Account) -> Iterator[Entry]:
    """The components that had trouble, those that fared alike in one line; and in one those that had none."""
    hit = [course for course in account.components if course.shares.trouble or course.shares.maintenance]
    alike = [list(some) for _, some in groupby(worst(hit), lambda course: course.shares)]
    for some in alike[:ROWS]:
        names = listing([clip(course.name, NAME) for course in some], 6)
        yield Entry((f"{names}: {share_words(some[0].shares, account.whole.shares.unknown)}",))
    if left := sum(map(len, alike[ROWS:])):
        yield Entry((f"and {count(left, 'other')} with less trouble",))
    quiet = [course for course in account.components if course not in hit]
    if quiet:
        yield Entry((untroubled(quiet, account.whole.shares.unknown, others=bool(hit)),))


def worst(courses: Iterable[Course]) -> list[Course]:
    """Those with most trouble first."""
    return sorted(courses, key=lambda course: (-course.shares.trouble, -course.shares.maintenance))


def untroubled(quiet: Sequence[Course], said: timedelta, *, others: bool) -> str:
    """`22 others without trouble`; it does not say that they were well where that is not known."""
    few = len(quiet) <= 3
    names = ", ".join(clip(course.name, NAME) for course in quiet)
    who = names if few else f"{len(quiet)} {'others' if others else 'components'}"
    unknown = max(course.shares.unknown for course in quiet)
    if all(course.shares.unknown == course.shares.whole for course in quiet):
        return f"{who}: not known"
    return f"{who}: no trouble reported{f', {length(unknown)} unknown' if unknown not in (said, timedelta(0)) else ''}"


def first(lags: Sequence[Lag]) -> Iterator[Entry]:
    """`X: first, or within the minute, in 3 of 4 incidents`; of who follows also by how much.

    Nothing for a single incident, under which it stands already.
    """
    for lag in lags if max((lag.incidents for lag in lags), default=0) > 1 else ():
        behind = f", in the median {duration(lag.median)} behind" if lag.median >= MINUTE else ""
        never = f"never first in {count(lag.incidents, 'incident')}"
        often = f"first, or within the minute, in {lag.first} of {count(lag.incidents, 'incident')}"
        yield Entry((f"{capital(lag.source)}: {often if lag.first else never}{behind}",))


def capital(name: str) -> str:
    """A source's name at the beginning of a sentence; an id stays as it is."""
    return name if "/" in name else f"{name[:1].upper()}{name[1:]}"


def unread(gaps: Sequence[Gap], digest: Digest) -> Iterator[Entry]:
    """Each source's stretches that could not be believed: how long together, how often, why, and the longest."""
    by_source = groupby(sorted(gaps, key=lambda gap: (gap.source, gap.belief)), lambda gap: (gap.source, gap.belief))
    every = sorted(((key, list(some)) for key, some in by_source), key=lambda each: -spent(each[1]))
    for (source, belief), some in every:
        longest = max(some, key=lambda gap: gap.until - gap.since)
        reason = f" ({clip(longest.reason, REASON)})" if longest.reason else ""
        name = capital(source)
        how = f"{name} {WAYS[belief]} for {length(spent(some))}{reason}: "
        if len(some) > 1:
            how = f"{name} {WAYS[belief]} {len(some)} times, {length(spent(some))} together{reason}; the longest: "
        end: Line = (" to ", longest.until) if longest.until < digest.until else (" until the window's end",)
        yield Entry((how, longest.since, *end))


WAYS = {
    Belief.UNREADABLE: "could not be read",
    Belief.SILENT: "was empty where it never is",
    Belief.UNKNOWN: "was not asked",
}


def spent(gaps: Iterable[Gap]) -> timedelta:
    """How long they are together."""
    return sum((gap.until - gap.since for gap in gaps), timedelta(0))


def rest(accounts: Sequence[Account]) -> Iterator[Line]:
    """The providers of which there is nothing to say, in a line each kind."""
    well = [account.name for account in accounts if account.watched]
    unseen = [account.name for account in accounts if not account.watched]
    if well:
        yield (f"No trouble: {listing(well, 20)}",)
    if unseen:
        yield (f"Not watched in this window, so not known: {listing(unseen, 20)}",)


def count(number: int, what: str) -> str:
    """`1 incident`, `2 incidents`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def alternative(digest: Digest) -> str:
    """The picture in words: for each row its stretches of trouble."""
    rows = [
        f"{course.name}: {share_words(course.shares)}"
        for account in digest.accounts
        for course in (account.whole, *worst(account.components)[:3])
        if course is account.whole or course.shares.trouble
    ]
    window = f"{digest.since:%Y-%m-%d %H:%M} to {digest.until:%Y-%m-%d %H:%M} UTC"
    return clip(f"Bars over time, {window}. {'; '.join(rows)}", 1000)


SIGNS = {
    Condition.WELL: "well",
    Condition.UNKNOWN: "unknown",
    Condition.MAINTENANCE: "maintenance",
    Condition.UNSTATED: "impact not stated",
    Condition.MINOR: "minor",
    Condition.MAJOR: "major",
    Condition.CRITICAL: "critical",
}
