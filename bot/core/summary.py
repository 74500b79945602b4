"""What a notice says, decided once for every platform: a Card whose times each platform renders in its own way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.dates import parse_iso
from bot.core.dissent import Contradiction, contradiction
from bot.core.text import clip
from bot.model import Act, Belief, Impact, Incident, Notice, Related, Relation, Report, Sighting, Status, Update

Part = str | datetime
Line = tuple[Part, ...]  #: words and times; markup.py joins them in a platform's own way

NAMED = 5  #: components named before "and n more"
MIN_TITLE = 20  #: characters of a title below which cutting it further says nothing
LATE = timedelta(minutes=5)
A_MINUTE = timedelta(minutes=1)
AT_ONCE = timedelta(minutes=2)  #: what was said within it comes out of one round of asking


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
#: what our own observations state, by the beginning of their keys (core.health, core.vanish)
OBSERVED: Mapping[str, str] = {
    "down": "No answer from {source}",
    "flaps": "Now and then no answer from {source}",
    "up": "An answer again from {source}",
    "steady": "An answer again from {source}",
    "gone": "No longer listed by {source}",
    "listed": "Listed again by {source}",
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
    entries: tuple[Entry, ...]  #: whose words are shown, oldest first; empty only where nobody said a word yet
    doubts: tuple[Line, ...]  #: what cannot be read or believed now
    link: str
    label: str  #: "Told 12 min late", "Catch-up: 3 updates", "Test message"; else empty
    key: str
    fresh: tuple[Line, ...] = ()  #: those of the doubts that began since the update before these

    @property
    def headline(self) -> str:
        """`Microsoft 365: Users can't sign in [MO1221364]`."""
        return f"{self.provider}: {self.title}{self._references}"

    def headline_within(self, limit: int) -> str:
        """The headline in at most `limit` characters: the title is cut first, so that the references stay."""
        room = limit - len(self.provider) - len(": ") - len(self._references)
        if room < MIN_TITLE:
            return clip(self.headline, limit)
        return f"{self.provider}: {clip(self.title, room)}{self._references}"

    @property
    def _references(self) -> str:
        return f" [{listing(self.references)}]" if self.references else ""

    @property
    def latest(self) -> Entry | None:
        """The newest entry."""
        return self.entries[-1] if self.entries else None


def card(notice: Notice) -> Card:
    """The card of a notice."""
    made = _card(notice)
    if notice.own:
        return replace(made, state="Over" if notice.incident.status.closed else "Trouble", impact="statusbot itself")
    return replace(made, state="Test", impact="nothing is wrong") if notice.test else made


def _card(notice: Notice) -> Card:
    incident = notice.incident
    shown = told(notice)
    mood = tone(incident, over=_over(notice, shown))
    return Card(
        mark=MARKS[mood],
        tone=mood,
        provider=notice.provider_name or incident.provider,
        title=title_of(incident),
        references=incident.references,
        state="Went on" if notice.moved else STATES[incident.status],
        impact=impact_words(incident),
        components=listing(incident.components),
        regions=listing(incident.regions),
        since=span(incident),
        entries=tuple(entry(update, notice.source_names) for update in shown),
        doubts=() if notice.moved else _doubts(notice, shown),
        link=incident.url,
        label=label(notice),
        key=notice.key,
        fresh=() if notice.moved else _fresh(notice, shown),
    )


def told(notice: Notice) -> tuple[Update, ...]:
    """The updates whose words are shown: the notice's own, or the newest in a message that is kept current.

    An opening that comes late shows both: nothing else tells its own words, and it must not read as if it were then.
    """
    if notice.moved or notice.act in (Act.REPLY, Act.POST) or len(notice.updates) > 1:
        return notice.updates
    current = newest(notice.incident.updates) or notice.updates
    if notice.act is not Act.CREATE:
        return current
    shown = {update.id for update in (*notice.updates, *current)}
    return tuple(update for update in notice.incident.updates if update.id in shown) or current


def went_on(incident: Incident, at: datetime) -> Update:
    """What stands in the message of an incident that went on as this one since `at`."""
    references = f" [{listing(incident.references)}]" if incident.references else ""
    words = f"Went on as {title_of(incident)}{references}, and is told there from now on."
    return Update(f"moved|{incident.id}", at, words, observed=f"moved|{incident.id}")


def newest(updates: Sequence[Update]) -> tuple[Update, ...]:
    """The sources' newest words, then our own observation where that is newer still."""
    words = [update for update in updates if update.text and not update.observed][-1:]
    return (*words, *(update for update in updates[-1:] if update.observed or not words))


def begun(notice: Notice) -> Iterable[Sighting]:
    """The sightings whose belief is newer than the update before the notice's first."""
    ids = [update.id for update in notice.incident.updates]
    place = ids.index(notice.updates[0].id) if notice.updates and notice.updates[0].id in ids else 0
    if place == 0:
        return notice.sightings
    before = notice.incident.updates[place - 1].at
    return [sighting for sighting in notice.sightings if sighting.since and sighting.since > before]


def unsaid(sightings: Iterable[Sighting], shown: Iterable[Update]) -> Iterable[Sighting]:
    """The sightings that no observation among the updates shown tells already."""
    said_of = {update.observed.split("|")[1] for update in shown if update.observed.startswith("down|")}
    return [sighting for sighting in sightings if sighting.source not in said_of]


def beside(incident: Incident) -> tuple[Line, ...]:
    """The incidents from which it is kept apart: `Again: like <title> [MO1], over since <time>`."""
    return tuple(_related_words(it) for it in incident.related)


def _related_words(it: Related) -> Line:
    title = f"{clip(it.title, 120) or 'an incident without a title'}"
    title += f" [{listing(it.references)}]" if it.references else ""
    if it.relation is Relation.RECURRENCE:
        return (f"Again: like {title}, over since ", it.at)
    return (f"Possibly the same as: {title}",)


def _doubts(notice: Notice, shown: Sequence[Update]) -> tuple[Line, ...]:
    """What it may be the same as, what sources say against each other, and which of them cannot be believed now."""
    return (
        *beside(notice.incident),
        *disagreement(notice.incident, notice.source_names),
        *doubts(unsaid(notice.sightings, shown), notice.source_names),
    )


def _fresh(notice: Notice, shown: Sequence[Update]) -> tuple[Line, ...]:
    """Those doubts that are new since the last message."""
    opening = beside(notice.incident) if notice.act is Act.POST and _opens(notice) else ()
    return (*opening, *disagreed(notice, shown), *doubts(unsaid(begun(notice), shown), notice.source_names))


def _opens(notice: Notice) -> bool:
    """Whether it tells the incident's first update."""
    return bool(notice.updates) and notice.incident.updates[:1] == notice.updates[:1]


def _over(notice: Notice, shown: Sequence[Update]) -> bool:
    """Whether the message tells an end; an earlier update that is told late does not, whatever came since."""
    closed = notice.incident.status.closed
    stated = [update.status for update in shown if update.status is not None]
    if notice.act in (Act.REPLY, Act.POST) and stated:
        return closed and stated[-1].closed
    return closed


def tone(incident: Incident, *, over: bool) -> Tone:
    """Over, maintenance, or by impact."""
    if over:
        return Tone.OVER
    if incident.maintenance or incident.impact is Impact.MAINTENANCE:
        return Tone.MAINTENANCE
    if incident.impact is None or incident.impact.rank == 0:
        return Tone.UNSTATED
    return Tone(incident.impact.value)


def title_of(incident: Incident) -> str:
    """The incident's title, else the first words that were said of it."""
    if incident.title.strip():
        return incident.title.strip()
    for update in incident.updates:
        if update.text.strip():
            return clip(update.text.strip().split("\n")[0], 120)
    return "Maintenance" if incident.maintenance else "Trouble reported"


def impact_words(incident: Incident) -> str:
    """The impact in words; what nobody stated is called so."""
    if incident.maintenance or incident.impact is Impact.MAINTENANCE:
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
    state = STATES[update.status] if update.status else _observed(update, names)
    since, text = _since(update), update.text
    if since:
        in_utc = _in_utc(since, text)
        text = text.replace(f"has not answered{in_utc}", "does not answer").replace(in_utc, "")
    return Entry(update.at, state, text, said(update, names), update.url)


def _observed(update: Update, names: Mapping[str, str]) -> str:
    """What our own observation states; nothing for any other update."""
    edge, _, rest = update.observed.partition("|")
    source = rest.partition("|")[0]
    return OBSERVED.get(edge, "").format(source=names.get(source, source))


def _since(update: Update) -> datetime | None:
    """Since when what we observed has been so, where its words say that: a reader is told in his own zone instead."""
    edge, _, rest = update.observed.partition("|")
    parts = rest.split("|")
    written = {"down": parts[-1], "steady": parts[-1], "gone": parts[1:2], "listed": parts[1:2]}.get(edge, "")
    since = parse_iso("".join(written))
    return since if since is not None and _in_utc(since, update.text) else None


def _in_utc(since: datetime, text: str) -> str:
    """How core.health and core.vanish have written it in a text; empty where they have not."""
    found = re.search(rf" since (?:\d+ \w+, )?{since:%H:%M} UTC", text)
    return found[0] if found else ""


def said(update: Update, names: Mapping[str, str]) -> Line:
    """Who said it and when: `X · <time>; also the status page, 4 min later`; each source once."""
    if update.observed.startswith("named|"):
        source = update.observed.split("|")[1]
        return (names.get(source, source), " · ", update.at, ", in a post about another incident, too")
    if not update.reports:
        since = _since(update)
        if since and update.observed.startswith("listed|"):
            return ("observed by statusbot · ", update.at, ", missing since ", since)
        return ("observed by statusbot · since ", since) if since else ("observed by statusbot · ", update.at)
    first = update.reports[0]
    line: list[Part] = [names.get(first.source, first.source), " · ", first.at]
    if not first.dated:
        line.append(" (when first seen)")
    others = {report.source: report for report in reversed(update.reports) if report.source != first.source}
    line.extend(f"; also {names.get(source, source)}{_apart(first, others[source])}" for source in reversed(others))
    if update.stated_at is not None and update.status is not None and update.stated_at - update.at >= A_MINUTE:
        line += [f"; {STATES[update.status].lower()} since ", update.stated_at]
    return tuple(line)


def _apart(first: Report, other: Report) -> str:
    """How far apart two sources told the same; nothing where one of them gives no believable date."""
    gap = other.at - first.at
    minutes = round(gap.total_seconds() / 60)
    if minutes == 0 or not (first.dated and other.dated):
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
            reason = f" ({sighting.reason})" if sighting.reason else ""
            yield (f"{name} has given no readable answer since ", sighting.since, reason)
        elif sighting.belief is Belief.STALE:
            yield (f"{name} has said nothing new since ", sighting.since)
        elif sighting.belief is Belief.SILENT:
            yield (f"{name} has been empty since ", sighting.since)


def disagreement(incident: Incident, names: Mapping[str, str]) -> tuple[Line, ...]:
    """The line that says who calls an open incident over while another goes on; none where nobody does."""
    found = contradiction(incident)
    return (disagreement_words(found, names),) if found is not None and found.standing else ()


def disagreement_words(found: Contradiction, names: Mapping[str, str]) -> Line:
    """`The status page has said since <time> that it is over, but X goes on since <time>`."""
    closer, other = names.get(found.closer, found.closer), names.get(found.other, found.other)
    closer = closer[:1].upper() + closer[1:]
    if found.standing:
        return (f"{closer} says that it is over since ", found.closed_at, f", but {other} goes on since ", found.since)
    return (f"{closer} said at ", found.closed_at, f" that it was over, but {other} went on at ", found.since)


def disagreed(notice: Notice, shown: Iterable[Update]) -> tuple[Line, ...]:
    """The same, where it began with one of the updates shown."""
    found = contradiction(notice.incident)
    began = found is not None and any((update.stated_at or update.at) == found.since for update in shown)
    return disagreement(notice.incident, notice.source_names) if began else ()


def label(notice: Notice) -> str:
    """What kind of message this is, where it is not the ordinary one."""
    if notice.test:
        return "Test message"
    if notice.own:
        return "To the operator"
    words = [f"As the fallback of {notice.instead}"] if notice.instead else []
    if notice.limited:
        words.append(f"{len(notice.updates)} updates came while this channel was limited")
    elif notice.catch_up and (notice.covered or not at_once(notice.updates)):
        count = len(notice.updates)
        words.append(f"Catch-up: {count} update{'' if count == 1 else 's'}")
    if notice.late is not None and notice.late >= LATE:
        words.append(f"Told {duration(notice.late)} late")
    return " · ".join(words)


def at_once(updates: Sequence[Update]) -> bool:
    """Whether several updates were said so close together that telling them in one message is no catching up."""
    return len(updates) > 1 and max(u.at for u in updates) - min(u.at for u in updates) < AT_ONCE
