"""What a notice says, decided once for every platform: a Card whose times each platform renders in its own way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.text import clip
from bot.model import Act, Belief, Impact, Incident, Notice, Sighting, Status, Update

Part = str | datetime
Line = tuple[Part, ...]  #: words and times; markup.py joins them in a platform's own way

NAMED = 5  #: components named before "and n more"
LATE = timedelta(minutes=5)


class Tone(StrEnum):
    """How bad it is, for a colour and a mark."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    UNSTATED = "unstated"
    MAINTENANCE = "maintenance"
    OVER = "over"


MARKS: Mapping[Tone, str] = {
    Tone.CRITICAL: "🔴",
    Tone.MAJOR: "🟠",
    Tone.MINOR: "🟡",
    Tone.UNSTATED: "⚪",
    Tone.MAINTENANCE: "🔧",
    Tone.OVER: "✅",
}
COLOURS: Mapping[Tone, int] = {
    Tone.CRITICAL: 0xC4314B,
    Tone.MAJOR: 0xE8710A,
    Tone.MINOR: 0xD9A400,
    Tone.UNSTATED: 0x8A8886,
    Tone.MAINTENANCE: 0x0F6CBD,
    Tone.OVER: 0x13A10E,
}
STATES: Mapping[Status, str] = {
    Status.INVESTIGATING: "Investigating",
    Status.IDENTIFIED: "Identified",
    Status.MONITORING: "Monitoring",
    Status.RESOLVED: "Resolved",
    Status.POSTMORTEM: "Post-incident report",
    Status.SCHEDULED: "Scheduled",
    Status.IN_PROGRESS: "In progress",
    Status.VERIFYING: "Verifying",
    Status.COMPLETED: "Completed",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One update as it is told."""

    at: datetime
    state: str  #: "Identified"; empty where the update states none
    text: str  #: the source's own words, or our observation
    said: Line  #: who said it and when: ("X", " · ", <time>); "also on …" where another source said the same
    url: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What somebody who is paged at night wants to read, in this order."""

    mark: str
    tone: Tone
    provider: str
    title: str  #: never empty
    references: tuple[str, ...]
    state: str
    impact: str  #: "major impact", "impact not stated", "maintenance"
    components: str  #: "Exchange Online, Microsoft Teams and 3 more"; empty where none is named
    regions: str
    since: Line
    entries: tuple[Entry, ...]  #: the updates this notice stands for, oldest first; never empty but for a test
    doubts: tuple[Line, ...]  #: what cannot be read or believed now
    link: str
    label: str  #: "Told 12 min late", "Catch-up: 3 updates", "Test message"; else empty
    key: str

    @property
    def headline(self) -> str:
        """`Microsoft 365: Users can't sign in [MO1221364]`."""
        references = f" [{', '.join(self.references)}]" if self.references else ""
        return f"{self.provider}: {self.title}{references}"

    @property
    def latest(self) -> Entry | None:
        """The newest entry."""
        return self.entries[-1] if self.entries else None


def card(notice: Notice) -> Card:
    """The card of a notice."""
    incident = notice.incident
    mood = tone(incident)
    return Card(
        mark=MARKS[mood],
        tone=mood,
        provider=notice.provider_name or incident.provider,
        title=title_of(incident),
        references=incident.references,
        state=STATES[incident.status],
        impact=impact_words(incident),
        components=listing(incident.components),
        regions=listing(incident.regions),
        since=span(incident),
        entries=tuple(entry(update, notice.source_names) for update in notice.updates),
        doubts=tuple(doubts(notice.sightings, notice.source_names)),
        link=incident.url,
        label=label(notice),
        key=notice.key,
    )


def tone(incident: Incident) -> Tone:
    """Over, maintenance, or by impact."""
    if incident.status.closed:
        return Tone.OVER
    if incident.maintenance:
        return Tone.MAINTENANCE
    if incident.impact is None or incident.impact.rank == 0:
        return Tone.UNSTATED
    return Tone(incident.impact.value)


def title_of(incident: Incident) -> str:
    """The incident's title, else the first words that were said of it."""
    if incident.title:
        return incident.title
    for update in incident.updates:
        if update.text:
            return clip(update.text.split("\n")[0], 120)
    return "Maintenance" if incident.maintenance else "Trouble reported"


def impact_words(incident: Incident) -> str:
    """The impact in words; what nobody stated is called so."""
    if incident.maintenance:
        return "maintenance"
    if incident.impact is None:
        return "impact not stated"
    return "no impact" if incident.impact is Impact.NONE else f"{incident.impact.value} impact"


def listing(names: Iterable[str], most: int = NAMED) -> str:
    """`a, b and 3 more`."""
    every = list(names)
    if len(every) <= most:
        return ", ".join(every)
    return f"{', '.join(every[:most])} and {len(every) - most} more"


def span(incident: Incident) -> Line:
    """Since when; for a maintenance its window, for what is over its length."""
    if incident.maintenance and incident.starts:
        return ("from ", incident.starts, " to ", incident.ends) if incident.ends else ("from ", incident.starts)
    if incident.resolved_at:
        length = duration(incident.resolved_at - incident.started_at)
        return ("since ", incident.started_at, " until ", incident.resolved_at, f" ({length})")
    return ("since ", incident.started_at)


def duration(length: timedelta) -> str:
    """`2 h 5 min`, `3 d 4 h`: two units at the most, never negative."""
    minutes = max(0, round(length.total_seconds() / 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def entry(update: Update, names: Mapping[str, str]) -> Entry:
    """An update with who said it."""
    state = STATES[update.status] if update.status else ""
    return Entry(update.at, state, update.text, said(update, names), update.url)


def said(update: Update, names: Mapping[str, str]) -> Line:
    """Who said it and when: `X · <time>; also the status page, 4 min later`."""
    if update.observed:
        return ("observed by statusbot · ", update.at)
    line: list[Part] = []
    for report in update.reports:
        name = names.get(report.source, report.source)
        if not line:
            line += [name, " · ", report.at]
        else:
            line.append(f"; also {name}{_apart(report.at - update.reports[0].at)}")
    if not update.dated:
        line.append(" (time of first sight)")
    return tuple(line)


def _apart(gap: timedelta) -> str:
    minutes = round(gap.total_seconds() / 60)
    if minutes == 0:
        return ""
    return f", {duration(abs(gap))} {'later' if minutes > 0 else 'earlier'}"


def doubts(sightings: Iterable[Sighting], names: Mapping[str, str]) -> Iterable[Line]:
    """A line for each source that cannot be believed now."""
    for sighting in sightings:
        name = names.get(sighting.source, sighting.source)
        name = name[:1].upper() + name[1:]
        if sighting.since is None or sighting.ours:
            continue
        if sighting.belief is Belief.UNREADABLE:
            yield (f"{name} has not answered since ", sighting.since, f" ({sighting.reason})")
        elif sighting.belief is Belief.STALE:
            yield (f"{name} has said nothing new since ", sighting.since)
        elif sighting.belief is Belief.SILENT:
            yield (f"{name} is empty since ", sighting.since)


def label(notice: Notice) -> str:
    """What kind of message this is, where it is not the ordinary one."""
    if notice.test:
        return "Test message"
    words = []
    if notice.catch_up:
        count = len(notice.updates)
        words.append(f"Catch-up: {count} update{'' if count == 1 else 's'}")
    if notice.late is not None and notice.late >= LATE:
        words.append(f"Told {duration(notice.late)} late")
    return " · ".join(words)


def opens(notice: Notice) -> bool:
    """Whether the notice is the incident's first message at its destination."""
    return notice.act is Act.CREATE
