"""What a source no longer lists though nobody has said that it is over (rule of truth 8): marked, never closed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.incident import Observation
from bot.model import Incident

LONG = timedelta(hours=1)  #: so long an entry must have vanished before it is said


@dataclass(frozen=True, slots=True)
class Absence:
    """That a thread is not listed."""

    since: datetime  #: the first document without it
    told: bool = False


Absences = Mapping[str, Absence]  #: by thread


def due(absences: Absences, at: datetime) -> bool:
    """Whether one has lasted for long and was not told."""
    return any(not absence.told and at - absence.since >= LONG for absence in absences.values())


def look(
    before: Absences, incidents: Iterable[Incident], source: str, label: str, listed: Set[str] | None, at: datetime
) -> tuple[Absences, list[tuple[Incident, Observation]]]:
    """Which threads of open incidents are absent now, and what is worth saying of it, once each.

    before: what was absent. listed: the threads that the source lists; None: the same as before.
    """
    after: dict[str, Absence] = {}
    said = []
    for incident in incidents:
        threads = threads_of(incident, source)
        if not incident.open or not threads:
            continue
        known = next((before[thread] for thread in threads if thread in before), None)
        if _later(incident, source, known, at):
            after |= {threads[-1]: known} if known else {}
            continue
        if known is None if listed is None else bool(listed & set(threads)):
            if known is not None and known.told:
                said.append((incident, _back(known, source, label, threads[-1], at)))
            continue
        absence = known or Absence(at)
        if not absence.told and at - absence.since >= LONG:
            said.append((incident, _gone(absence, source, label, threads[-1], at)))
            absence = Absence(absence.since, told=True)
        after[threads[-1]] = absence
    return after, said


def _later(incident: Incident, source: str, known: Absence | None, at: datetime) -> bool:
    """Whether the ledger is ahead of `at`, as where a recording is replayed into its own database."""
    own = (report.first_seen_at for u in incident.updates for report in u.reports if report.source == source)
    return (known is not None and known.since > at) or any(seen > at for seen in own)


def threads_of(incident: Incident, source: str) -> list[str]:
    """The threads in which a source told of an incident, in order; none where it says itself that it is over."""
    own = [report for update in incident.updates for report in update.reports if report.source == source]
    stated = [report.status for report in own if report.status is not None]
    if stated and stated[-1].closed:
        return []
    return [report.thread for report in own if report.thread is not None]


def _gone(absence: Absence, source: str, label: str, thread: str, at: datetime) -> Observation:
    return Observation(
        key=f"gone|{source}|{absence.since.isoformat()}|{thread}",
        at=at,
        text=f"No longer listed by {label} since {clock(absence.since, at)}; nobody has said that it is over.",
    )


def _back(absence: Absence, source: str, label: str, thread: str, at: datetime) -> Observation:
    return Observation(
        key=f"listed|{source}|{absence.since.isoformat()}|{thread}",
        at=at,
        text=f"Listed again by {label}, where it was missing since {clock(absence.since, at)}.",
    )


def clock(since: datetime, at: datetime) -> str:
    """`14:10 UTC`; `30 March, 14:10 UTC` where it is told on another day."""
    return f"{since:%H:%M} UTC" if since.date() == at.date() else f"{since.day} {since:%B, %H:%M} UTC"


def dumps(absences: Absences) -> str:
    """As a word for Cursor.state; empty where nothing is absent."""
    plain = {thread: [absence.since.isoformat(), absence.told] for thread, absence in absences.items()}
    return json.dumps(plain, sort_keys=True) if plain else ""


def loads(word: str) -> Absences:
    """From it."""
    plain = json.loads(word or "{}")
    return {thread: Absence(datetime.fromisoformat(since), told=told) for thread, (since, told) in plain.items()}


def vanished_at(incident: Incident) -> datetime | None:
    """Since when an open incident is listed no more and nobody has spoken of it; None where that is not so."""
    gone: dict[str, datetime] = {}
    for update in incident.updates:
        edge, _, rest = update.observed.partition("|")
        if edge == "gone":
            source, since, _ = rest.split("|", 2)
            gone[source] = datetime.fromisoformat(since)
        elif edge == "listed":
            gone.pop(rest.partition("|")[0], None)
    said = [report.at for update in incident.updates for report in update.reports]
    since_all = max(gone.values(), default=None)
    return None if not incident.open or since_all is None or any(at > since_all for at in said) else since_all
