"""What a merge or a split by an operator comes to: which of the earlier corrections go, and which are added; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from bot.core.join import by_report, clusters, kept_apart
from bot.core.match import Vocabulary
from bot.core.place import order
from bot.model import Corrections, Incident, Report


def merged(before: Corrections, one: Incident, other: Incident) -> Corrections:
    """The corrections with these two as one event; what had kept them apart is undone."""
    mine, theirs = reports_of(one), reports_of(other)
    pair = (anchor(mine.values()), anchor(theirs.values()))
    apart = {kept for kept in before.apart if not kept_apart(mine, theirs, [kept])}
    return Corrections({**before.together, pair: (one.id, other.id)}, frozenset(apart))


def split(
    before: Corrections, incident: Incident, report: str, vocabulary: Vocabulary, around: Iterable[Report]
) -> tuple[Corrections, Mapping[str, str]]:
    """The corrections with this report out of its event, of which it is not the only one; the others stay together.

    Where a merge had brought it in, that merge is undone: it takes with it what it had come with, and the second value
    is what the two incidents were called (report id -> incident id). What had joined the two because they were one is
    then free again; only what other merges had brought stays together.

    around: the reports of all incidents near it, since likeness depends on what else there is.
    """
    every = reports_of(incident)
    everything = {**reports_in(around), **every}.values()
    came_with = _came_with(report, every, everything, vocabulary, before)
    side = came_with if _crossing(before, came_with, every) else {report: every[report]}
    rest = [other for name, other in every.items() if name not in side]
    loosed = _crossing(before, side, every)
    former = {name: was for pair, were in loosed.items() for name, was in zip(pair, were, strict=True)}
    kept = {pair: were for pair, were in before.together.items() if pair not in loosed}
    apart = {(name, anchor(rest)) for name in (report, anchor(side.values()))}
    now = Corrections(kept, before.apart | apart)
    stays = {it.id for it in rest if not loosed or it.id in former}
    while bridges := _bridges(everything, stays, vocabulary, now):
        names = {
            pair: (_named(one, former, incident.id), _named(other, former, incident.id))
            for pair, (one, other) in bridges.items()
        }
        now = replace(now, together={**now.together, **names})
    return now, former


def _bridges(
    every: Iterable[Report], stays: Collection[str], vocabulary: Vocabulary, corrections: Corrections
) -> Mapping[tuple[str, str], tuple[Sequence[Report], Sequence[Report]]]:
    """Pairs that tie the parts into which what stays would fall, each with the two parts; none where it is whole.

    A report may leave only once the others are tied (it is then likelier elsewhere): so ask again.
    """
    events = clusters(every, vocabulary, corrections)
    parts = [[report for report in event.reports if report.id in stays] for event in events]
    bridges = {(anchor(one), anchor(other)): (one, other) for one, other in pairwise(filter(None, parts))}
    return {pair: parts for pair, parts in bridges.items() if pair not in corrections.together}


def _named(part: Iterable[Report], former: Mapping[str, str], otherwise: str) -> str:
    """What a part of an incident was called."""
    return next((former[report.id] for report in part if report.id in former), otherwise)


def anchor(reports: Iterable[Report]) -> str:
    """The id of the report that stands for these: of a thread if there is one, else one that names something."""
    return min(reports, key=lambda report: (report.thread is None, not report.keys, *order(report))).id


def reports_of(incident: Incident) -> dict[str, Report]:
    """An incident's reports by id."""
    return reports_in(report for update in incident.updates for report in update.reports)


def reports_in(reports: Iterable[Report]) -> dict[str, Report]:
    """Reports by id."""
    return {report.id: report for report in reports}


def _came_with(
    report: str,
    every: Mapping[str, Report],
    everything: Iterable[Report],
    vocabulary: Vocabulary,
    before: Corrections,
) -> Mapping[str, Report]:
    """Those of an incident's reports that would stand with this one without the merges that made the incident."""
    others = {pair: were for pair, were in before.together.items() if not every.keys() >= set(pair)}
    event = by_report(clusters(everything, vocabulary, replace(before, together=others)))[report]
    return {it.id: it for it in event.reports if it.id in every}


def _crossing(
    before: Corrections, side: Collection[str], every: Collection[str]
) -> Mapping[tuple[str, str], tuple[str, str]]:
    """The merges that hold these to the rest of their incident."""
    return {
        (a, b): were
        for (a, b), were in sorted(before.together.items())
        if a in every and b in every and (a in side) is not (b in side)
    }
