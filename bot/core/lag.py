"""Who told first, and by how much the others followed (rule of truth 13)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from bot.core.summary import duration
from bot.model import Incident

MINUTE = timedelta(minutes=1)
WINDOW = timedelta(days=90)  #: over which a source's record is kept


@dataclass(frozen=True, slots=True)
class First:
    """When a source first told of an incident, by its own date."""

    source: str
    at: datetime
    behind: timedelta  #: the source that told first


@dataclass(frozen=True, slots=True)
class Record:
    """How a source fared over several incidents of which others told, too."""

    incidents: int
    first: int  #: so often it told first, or within the minute
    median: timedelta  #: by which it was behind


def firsts(incident: Incident) -> tuple[First, ...]:
    """Each source's first statement, the first of all first; a source that gives no believable date is left out."""
    told: dict[str, datetime] = {}
    for update in incident.updates:
        for report in update.reports:
            if report.dated:
                told[report.source] = min(report.at, told.get(report.source, report.at))
    ordered = sorted(told.items(), key=lambda entry: (entry[1], entry[0]))
    return tuple(First(source, at, at - ordered[0][1]) for source, at in ordered)


def words(incident: Incident, names: Mapping[str, str]) -> str:
    """`X told first; the status page 43 min later`; empty where only one source told."""
    leader, *others = firsts(incident) or (None,)
    if leader is None or not others:
        return ""
    followed = ", ".join(f"{names.get(other.source, other.source)} {_behind(other.behind)}" for other in others)
    name = names.get(leader.source, leader.source)
    return f"{name[:1].upper()}{name[1:]} told first; {followed}"


def _behind(lag: timedelta) -> str:
    return f"{duration(lag)} later" if lag >= MINUTE else "within the minute"


def records(incidents: Iterable[Incident]) -> Mapping[str, Record]:
    """By source, over the incidents of which at least two sources told."""
    behind: dict[str, list[timedelta]] = defaultdict(list)
    for incident in incidents:
        told = firsts(incident)
        for entry in told if len(told) > 1 else ():
            behind[entry.source].append(entry.behind)
    return {source: _record(lags) for source, lags in behind.items()}


def _record(lags: Sequence[timedelta]) -> Record:
    middle = timedelta(seconds=median(lag.total_seconds() for lag in lags))
    return Record(len(lags), sum(lag < MINUTE for lag in lags), middle)
