"""Between the timeline's values and their rows; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from bot.core.match import content_words
from bot.core.normalise import digest, words_digest
from bot.model import Incident, Known, Report, Update
from bot.store.part import Row

INCIDENT = (
    "id provider title status impact started_at updated_at resolved_at references components regions sources related "
    "maintenance starts ends url open"
).split()
UPDATE = "id at text status impact revision observed dated url stated_at".split()
REPORT = (
    "source native_id provider at dated first_seen_at seen_at text thread title status impact url references "
    "components regions maintenance starts ends revision position stated_at"
).split()
KNOWN = "native_id thread at digest words revision first_seen_at seen_at position status impact".split()


class Placed(NamedTuple):
    """A report and where it stands."""

    report: Report
    incident: str
    update: str
    place: int  #: within the update
    rule: str | None  #: which joined it


def pick(value: object, names: Iterable[str]) -> dict[str, Any]:
    """These attributes of a value."""
    return {name: getattr(value, name) for name in names}


def incident_row(incident: Incident) -> Row:
    """The incident's own row."""
    times = [at for update in incident.updates for at in (update.at, *(report.at for report in update.reports))]
    times = times or [incident.started_at, incident.updated_at]
    whole = blake2b(repr(incident).encode(), digest_size=12).hexdigest()
    return pick(incident, INCIDENT) | {"first_at": min(times), "last_at": max(times), "digest": whole}


def update_rows(incident: Incident) -> dict[tuple[str, str], Row]:
    """The rows of an incident's updates, by their primary key."""
    return {
        (incident.id, update.id): pick(update, UPDATE) | {"incident_id": incident.id, "place": place}
        for place, update in enumerate(incident.updates)
    }


def placed(incident: Incident) -> dict[tuple[str, str], Placed]:
    """An incident's reports, each with where it stands, by their primary key."""
    return {
        (report.source, report.native_id): Placed(report, incident.id, update.id, place, incident.joined.get(report.id))
        for update in incident.updates
        for place, report in enumerate(update.reports)
    }


def report_row(placed: Placed) -> Row:
    """One report's row: its facts, where it stands, and the digests by which `known` tells a change."""
    report = placed.report
    return pick(report, REPORT) | {
        "incident_id": placed.incident,
        "update_id": placed.update,
        "place": placed.place,
        "rule": placed.rule,
        "keys": tuple(sorted(report.keys)),
        "digest": digest(report),
        "words": words_digest(report.text),
    }


def key_rows(reports: Iterable[Row]) -> Iterator[Row]:
    """The rows by which reports are looked up by what they name."""
    for report in reports:
        for key in report["keys"]:
            yield pick_row(report, ("provider", "source", "native_id")) | {"key": key}


def word_rows(incident: Incident) -> dict[tuple[str, str], Row]:
    """The rows by which an incident is found by its words, by their primary key."""
    last: dict[str, datetime] = {}
    for update in incident.updates:
        for report in update.reports:
            for word in content_words(f"{report.title}\n{report.text}"):
                last[word] = max(report.at, last.get(word, report.at))
    facts = {"incident_id": incident.id, "provider": incident.provider}
    return {(incident.id, word): facts | {"word": word, "at": at} for word, at in last.items()}


def pick_row(row: Row, names: Iterable[str]) -> dict[str, Any]:
    """These columns of a row."""
    return {name: row[name] for name in names}


def known_of(row: Row) -> Known:
    """What is remembered of a report."""
    return Known(**pick_row(row, KNOWN), forgotten=bool(row["forgotten"]))


def incident_of(row: Row, updates: Iterable[Row], reports: Iterable[Row]) -> Incident:
    """A whole incident from its row and those of its updates and reports, each in their order."""
    spoken: dict[str, list[Row]] = {}
    keys: set[str] = set()
    joined: dict[str, str] = {}
    for report in reports:
        spoken.setdefault(report["update_id"], []).append(report)
        keys.update(report["keys"])
        if report["rule"] is not None:
            joined[f"{report['source']}|{report['native_id']}"] = report["rule"]
    names = (name for name in INCIDENT if name != "open")
    return Incident(
        **pick_row(row, names),
        updates=tuple(update_of(update, spoken.get(update["id"], ())) for update in updates),
        keys=frozenset(keys),
        joined=joined,
    )


def update_of(row: Row, reports: Iterable[Row]) -> Update:
    """An update from its row and its reports'."""
    return Update(**pick_row(row, UPDATE), reports=tuple(map(report_of, reports)))


def report_of(row: Row) -> Report:
    """A report from its row."""
    return Report(**pick_row(row, REPORT), keys=frozenset(row["keys"]))
