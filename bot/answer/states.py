"""How the providers and their sources stand now, in a line each or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core import health, lag
from bot.core.dissent import contradiction
from bot.core.document import REDIRECTED
from bot.core.shape import iso
from bot.core.summary import STATES, duration, impact_words, title_of
from bot.markup import PLAIN
from bot.model import Belief, Incident, Provider, Sighting
from bot.ports import Ledger


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source as a reader should take it now."""

    source: str
    kind: str
    sighting: Sighting
    left_out: str = ""  #: why it is not asked


def sources(ledger: Ledger, providers: Iterable[Provider], left_out: Mapping[str, str]) -> list[SourceLine]:
    """Each source of the watched providers, with how far it can be believed."""
    lines = []
    for provider in providers:
        seen = ledger.sightings([source.id for source in provider.sources])
        incidents = ledger.timeline(provider=provider.id, open_only=True)
        for source in provider.sources:
            sighting = health.believed(seen.get(source.id, Sighting(source.id)), tuple(seen.values()), incidents)
            lines.append(SourceLine(source.id, source.kind, sighting, left_out.get(source.id, "")))
    return lines


def source_words(line: SourceLine, now: datetime) -> str:
    """`ok since …; last change …; next poll in 40 s`."""
    sighting = line.sighting
    if line.left_out:
        return line.left_out
    if _unasked(sighting):
        return "not asked yet"
    words = [sighting.belief.value if sighting.belief is not Belief.UNKNOWN else "not read yet"]
    if sighting.since:
        words[0] += f" since {PLAIN.line((sighting.since,))}"
    if sighting.reason:
        words[0] += f" ({sighting.reason})"
    if sighting.reason.startswith(REDIRECTED):
        words.append("if it has moved, name its new address in statusbot.toml")
    words.append(f"last change {PLAIN.line((sighting.changed_at,))}" if sighting.changed_at else "no change seen yet")
    if sighting.next_at:
        words.append(f"next poll {_ahead(sighting.next_at - now)}")
    return "; ".join(words)


def _ahead(wait: timedelta) -> str:
    seconds = round(wait.total_seconds())
    if seconds <= 0:
        return "due"
    return f"in {seconds} s" if seconds < 120 else f"in {duration(wait)}"


def status_line(provider: Provider, incidents: Sequence[Incident], lines: Sequence[SourceLine]) -> str:
    """One provider in one line. Never well on the word of a source that is not ok (rule of truth 2)."""
    active = [incident for incident in incidents if incident.open and not incident.maintenance]
    return f"{provider.name}: {state_words(active, lines)} [{_beliefs(lines)}]"


def status_json(
    provider: Provider, incidents: Sequence[Incident], lines: Sequence[SourceLine], past: Sequence[Incident]
) -> dict[str, object]:
    """The same for a program, with each source's lag over `past` incidents."""
    active = [incident for incident in incidents if incident.open and not incident.maintenance]
    records = lag.records(past)
    return {
        "id": provider.id,
        "name": provider.name,
        "state": state_words(active, lines),
        "open_incidents": [_open_json(incident) for incident in active],
        "sources": [_source_json(line, records.get(line.source)) for line in lines],
    }


def _open_json(incident: Incident) -> dict[str, object]:
    return {
        "id": incident.id,
        "name": title_of(incident),
        "references": list(incident.references),
        "status": incident.status.value,
        "impact": incident.impact.value if incident.impact else None,
        "started_at": iso(incident.started_at),
        "told_first": [
            {"source": told.source, "at": iso(told.at), "minutes_behind": _minutes(told.behind)}
            for told in lag.firsts(incident)
        ],
    }


def _source_json(line: SourceLine, record: lag.Record | None) -> dict[str, object]:
    sighting = line.sighting
    return {
        "id": line.source,
        "kind": line.kind,
        "belief": sighting.belief.value,
        "since": iso(sighting.since),
        "reason": line.left_out or sighting.reason,
        "ours": sighting.ours or bool(line.left_out),
        "changed_at": iso(sighting.changed_at),
        "lag": _lag_json(record) if record else None,
    }


def _lag_json(record: lag.Record) -> dict[str, object]:
    return {"incidents": record.incidents, "first": record.first, "median_minutes": _minutes(record.median)}


def _minutes(length: timedelta) -> float:
    return round(length / timedelta(minutes=1), 1)


def state_words(active: Sequence[Incident], lines: Sequence[SourceLine]) -> str:
    """What is wrong in a provider, or how far it is known that nothing is; `active`: its open incidents."""
    if active:
        worst = max(active, key=lambda incident: (incident.impact.rank if incident.impact else 0, incident.started_at))
        count = f"{len(active)} open incident{'' if len(active) == 1 else 's'}"
        references = f" [{', '.join(worst.references)}]" if worst.references else ""
        state = f"{STATES[worst.status].lower()}, {impact_words(worst)}{_dissent(worst)}"
        return f"{count}: {title_of(worst)}{references} ({state})"
    asked = [line for line in lines if not line.left_out]
    well = [line for line in asked if line.sighting.belief is Belief.OK]
    if asked and len(well) == len(asked):
        return "no trouble reported"
    if all(_unasked(line.sighting) for line in asked):
        return "unknown: not asked yet; `statusbot run` asks" if asked else "unknown: no source can be asked"
    if not well:
        return "unknown: no source can be believed now"
    doubtful = [line for line in asked if line not in well]
    return f"unknown: no trouble from {_names(well)}, but {_names(doubtful)} cannot be believed now"


def _dissent(incident: Incident) -> str:
    found = contradiction(incident)
    if found is None or not found.standing:
        return ""
    closer, other = (source.partition("/")[2] for source in (found.closer, found.other))
    return f"; {closer} says that it is over since {PLAIN.line((found.closed_at,))}, {other} goes on"


def _names(lines: Iterable[SourceLine]) -> str:
    return " and ".join(line.source.partition("/")[2] for line in lines)


def _unasked(sighting: Sighting) -> bool:
    return sighting.belief is Belief.UNKNOWN and sighting.failures == 0


def _beliefs(lines: Sequence[SourceLine]) -> str:
    return ", ".join(
        f"{line.source.partition('/')[2]}: {'not asked' if line.left_out else _belief(line.sighting)}" for line in lines
    )


def _belief(sighting: Sighting) -> str:
    if sighting.belief is Belief.OK:
        return "ok"
    if _unasked(sighting):
        return "not asked yet"
    since = f" since {PLAIN.line((sighting.since,))}" if sighting.since else ""
    return f"{sighting.belief.value}{since}{f' ({sighting.reason})' if sighting.reason else ''}"
