"""How near the timeline comes to what is labelled as true, and how many messages it costs to tell it.

`python -m tests.bench.truth FILE.jsonl.xz…` replays each recording beside which NAME.labels.json stands, and prints one
table, worst first: the figures of the joining, then a `thread` subscriber's messages beside the true updates.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from time import perf_counter
from typing import Any

import orjson

from bot.audit import Hearing, listen, misses
from bot.model import Act, Incident, Notice, Status, Update
from bot.store import open_store

Pair = tuple[str, str]


# --- the timeline against the labels -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Labels:
    """What is true of a recording's reports; a report is `<source>|<native id>`."""

    reports: Mapping[str, str]  #: report -> its incident
    same_update: Sequence[Pair] = ()  #: reports that are one update
    apart: Sequence[Pair] = ()  #: incidents that must not be joined


@dataclass(frozen=True)
class Place:
    """Where a report stands on a timeline."""

    incident: str
    update: str


@dataclass(frozen=True)
class Score:
    """The figures of one recording."""

    coverage: float  #: share of the labelled reports that stand on the timeline
    duplicates: int  #: standings of labelled reports beyond the first of each
    precision: float  #: B-cubed: of the reports that stand together with one, the share that belongs with it
    recall: float  #: B-cubed: of those that belong with it, the share that stands together with it
    f1: float
    merged: int  #: pairs of true incidents that share an incident
    split: int  #: true incidents that lie in several
    apart: int  #: pairs that must stay apart, and share an incident
    distinct: float  #: share of the reports that share no update with another report of their source
    same_update: float | None  #: share of the pairs that are one update; None where there is none

    @property
    def badness(self) -> tuple[float, ...]:
        """To sort by, worst first."""
        lost = (1 - self.coverage) + self.duplicates + self.apart
        return (-lost, self.f1, self.same_update if self.same_update is not None else 1.0, self.distinct)


def score(labels: Labels, standings: Sequence[tuple[str, Place]]) -> Score:
    """Compare; standings: each report with a place where it stands, in the timeline's order."""
    own = [(report, place) for report, place in standings if report in labels.reports]
    here = dict(reversed(own))  # the first standing of each counts
    together = _groups({report: place.incident for report, place in here.items()})
    belonging = _groups({report: labels.reports[report] for report in here})
    precision = _mean(_overlap(report, together, belonging) for report in here)
    recall = _mean(_overlap(report, belonging, together) for report in here)
    merged = _merged(labels, here)
    crowd = Counter(_mouth(report, place) for report, place in here.items())
    pairs = [(here[a], here[b]) for a, b in labels.same_update if a in here and b in here]
    return Score(
        coverage=len(here) / len(labels.reports) if labels.reports else 1.0,
        duplicates=len(own) - len(here),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        merged=len(merged),
        split=sum(len({here[report].incident for report in group}) > 1 for group in set(belonging.values())),
        apart=sum(frozenset(pair) in merged for pair in labels.apart),
        distinct=_mean(crowd[_mouth(report, place)] == 1 for report, place in here.items()),
        same_update=_mean(a.update == b.update for a, b in pairs) if pairs else None,
    )


def _groups(of: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Each report's group: all with the same name."""
    members: dict[str, set[str]] = {}
    for report, name in of.items():
        members.setdefault(name, set()).add(report)
    return {report: group for group in map(frozenset, members.values()) for report in group}


def _overlap(report: str, of: Mapping[str, Collection[str]], other: Mapping[str, frozenset[str]]) -> float:
    """The share of one group of a report that lies in its other group."""
    return len(other[report].intersection(of[report])) / len(of[report])


def _merged(labels: Labels, here: Mapping[str, Place]) -> set[frozenset[str]]:
    """The pairs of true incidents that share an incident."""
    held: dict[str, set[str]] = {}
    for report, place in here.items():
        held.setdefault(place.incident, set()).add(labels.reports[report])
    return {frozenset(pair) for trues in held.values() for pair in combinations(trues, 2)}


def _mouth(report: str, place: Place) -> Pair:
    """A source and an update in which it speaks."""
    return report.partition("|")[0], place.update


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return sum(every) / len(every) if every else 0.0


def standings(incidents: Iterable[Incident]) -> list[tuple[str, Place]]:
    """Every report of a timeline with where it stands."""
    return [
        (report.id, Place(incident.id, update.id))
        for incident in incidents
        for update in incident.updates
        for report in update.reports
    ]


# --- what it costs to tell it ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Messages:
    """What a subscriber of everything got in the mode `thread`, beside what there was to tell."""

    new: int
    reply: int
    edit: int
    updates: int  #: of the timeline, without those that were learnt in silence
    turned: int  #: told again because the statement has since come to state an end, or that it is none
    twice: int  #: told again for no such reason
    untold: int  #: things that the audit misses


def messages(hearing: Hearing) -> Messages:
    """Count a hearing."""
    acts = Counter(notice.act for notice in hearing.notices)
    turned, twice = told_again(hearing.calls)
    return Messages(
        new=acts[Act.CREATE],
        reply=acts[Act.REPLY],
        edit=acts[Act.EDIT],
        updates=sum(_news(update, hearing) for incident in hearing.incidents for update in incident.updates),
        turned=turned,
        twice=twice,
        untold=sum(not miss.silent for miss in misses(hearing)),
    )


def _news(update: Update, hearing: Hearing) -> bool:
    """Whether it was news: told at the first sight of its source, or first seen after that."""
    if any(update.id == told.id for notice in hearing.calls for told in notice.updates) or not update.reports:
        return True
    first = {source: at for (source, _), at in reversed(hearing.first_read.items())}
    return any(report.first_seen_at > first[report.source] for report in update.reports)


def told_again(calls: Iterable[Notice]) -> tuple[int, int]:
    """How often a statement was told that had been told before: with another status, and with the same one.

    By its reports, so that it is the same statement whatever update it stands in.
    """
    last: dict[str, Status | None] = {}
    turned = twice = 0
    for update in (update for notice in calls for update in notice.updates):
        names = [report.id for report in update.reports] or [update.id]
        if all(name in last for name in names):
            same = all(last[name] is update.status for name in names)
            twice, turned = twice + same, turned + (not same)
        last.update(dict.fromkeys(names, update.status))
    return turned, twice


# --- as a program ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One recording's line of the table."""

    name: str
    score: Score
    messages: Messages
    seconds: float


def read_labels(recording: Path) -> Labels:
    """The labels beside a recording."""
    name = recording.name.partition(".jsonl")[0]
    document: dict[str, Any] = orjson.loads(recording.with_name(f"{name}.labels.json").read_bytes())
    pairs = {kind: [(a, b) for a, b in document.get(kind, ())] for kind in ("same_update", "apart")}
    return Labels(document["reports"], **pairs)


async def measure(recording: Path) -> Row:
    """Replay one recording into memory and compare it with its labels."""
    labels, began = read_labels(recording), perf_counter()
    store = open_store("sqlite://")
    try:
        await store.upgrade()
        hearing = await listen([recording], store)
    finally:
        await store.close()
    found = score(labels, standings(hearing.incidents))
    return Row(recording.name.partition(".jsonl")[0], found, messages(hearing), perf_counter() - began)


def table(rows: Iterable[Row]) -> str:
    """The rows as text, worst first."""
    heads = ["recording", *(field.name for part in (Score, Messages) for field in fields(part)), "seconds"]
    lines = [heads]
    for row in sorted(rows, key=lambda row: row.score.badness):
        values = [getattr(part, field.name) for part in (row.score, row.messages) for field in fields(part)]
        lines.append([row.name, *map(_cell, values), f"{row.seconds:.0f}"])
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """A line of the table: the name on the left, figures on the right of their columns."""
    name, *figures = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join([name.strip().ljust(widths[0]), *figures])


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def main(words: Sequence[str]) -> int:
    """Measure the recordings named; 2 where none is."""
    if not words:
        print("usage: python -m tests.bench.truth FILE.jsonl.xz…", file=sys.stderr)
        return 2
    rows = []
    for word in words:
        rows.append(asyncio.run(measure(Path(word))))
        print(f"{len(rows)}/{len(words)} {rows[-1].name}", file=sys.stderr)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
