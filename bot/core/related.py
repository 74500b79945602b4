"""Incidents that are kept apart, and that a person would want to see side by side: recurrences, and doubtful pairs.

Decided when the later of the two begins, from what was said until then: so no order of arrival makes a difference.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from bot.core import match
from bot.core.likeness import evidence, over, topic
from bot.core.match import Vocabulary
from bot.core.place import EARLY, ENOUGH, MARGIN, REACH, order
from bot.model import Incident, Related, Relation, Report

NEARLY = ENOUGH - 0.1  #: evidence that falls little short of joining
LIKE = 0.6  #: the share of words from which on a new account reads like the one of an event that is over
_AGAIN = re.compile(
    r"\b(?:recurr(?:ed|ing|ence|ent)|re-?occurr?(?:ed|ing|ence)?|resurfaced"
    r"|(?:issue|problem|impact|outage)s? (?:has |have )?(?:returned|come back|is back|reappeared)"
    r"|(?:once )?again (?:investigating|seeing|experiencing|impact\w*|affect\w*)"
    r"|(?:seeing|experiencing|investigating) (?:\w+ ){0,4}again)\b",
    re.IGNORECASE,
)


def relate(
    incidents: Iterable[Incident], known: Mapping[str, Incident], since: datetime | None, vocabulary: Vocabulary
) -> dict[str, tuple[Related, ...]]:
    """What each of these incidents is to be shown beside, by its id.

    known: as they stood before. since: which begins earlier keeps what was decided of it, but for who is no more.
    """
    every = {incident.id: incident for incident in incidents}
    found: dict[str, list[Related]] = {name: [] for name in every}
    for incident in every.values():
        before = known.get(incident.id)
        if since is not None and before is not None and before.started_at < since and incident.started_at < since:
            kept = [it for it in before.related if _decided_here(it, incident)]
        else:
            kept = _before_it(incident, every.values(), vocabulary)
        found[incident.id] += kept
        for it in kept:
            if it.relation is Relation.POSSIBLY and it.id in found:
                found[it.id].append(_as_related(incident, Relation.POSSIBLY, incident.started_at))
    for name, incident in every.items():
        outside = [it for it in incident.related if it.id not in every and not _decided_here(it, incident)]
        found[name] = sorted({it.id: it for it in [*outside, *found[name]]}.values(), key=lambda it: (it.at, it.id))
    return {name: tuple(those) for name, those in found.items()}


def without(related: Iterable[Related], gone: Collection[str]) -> tuple[Related, ...]:
    """What is left where some incidents are no more."""
    return tuple(it for it in related if it.id not in gone)


def _decided_here(it: Related, incident: Incident) -> bool:
    """Whether it is the later of the two that bears the decision; of a pair it is shown on both."""
    return it.relation is Relation.RECURRENCE or it.begun < incident.started_at


def _before_it(incident: Incident, every: Iterable[Incident], vocabulary: Vocabulary) -> list[Related]:
    """What an incident may be the return of, or the same as: of what had begun before it."""
    reports = _reports(incident)
    if incident.maintenance or not reports:
        return []
    first = reports[0]
    earlier = []
    for other in every:
        if other.id == incident.id or other.maintenance or other.started_at > first.at:
            continue
        context = [report for report in _reports(other) if report.at <= first.at + EARLY]
        if context and order(context[0]) < order(first) and first.at - context[-1].at <= REACH:
            earlier.append((other, context))
    ended = ((other, [report for report in context if report.at <= first.at]) for other, context in earlier)
    again = [(_alike(first, past, vocabulary), other, past) for other, past in ended if over(past)]
    returned = [entry for entry in again if entry[0] > 0]
    if returned:
        _, other, context = max(returned, key=lambda entry: (entry[0], entry[2][-1].at, entry[1].id))
        return [_as_related(other, Relation.RECURRENCE, context[-1].at)]
    return _possibly(incident, first, earlier, vocabulary)


def _alike(first: Report, context: Sequence[Report], vocabulary: Vocabulary) -> float:
    """How much an account reads like that of an event that is over; 0 where it does not."""
    mine, theirs = topic(first, vocabulary), [topic(report, vocabulary) for report in context]
    shared = mine.components & frozenset[str]().union(*(it.components for it in theirs))
    if not shared and mine.components:
        return 0.0
    words = max(match.overlap(mine.words, it.words) for it in theirs)
    if _AGAIN.search(first.text[: match.BEGINNING]):
        return 1 + words if shared or words >= LIKE / 2 else 0.0
    return words if words >= LIKE and shared and len(mine.words) >= 5 else 0.0


def _possibly(
    incident: Incident, first: Report, earlier: Iterable[tuple[Incident, list[Report]]], vocabulary: Vocabulary
) -> list[Related]:
    """The one that it was nearly joined to, or the two that it might have been; none that one source numbers apart."""
    rated = []
    for other, context in earlier:
        if not _numbered_apart(incident, other) and not over(context):
            score = evidence(first, context, vocabulary).score
            if score >= NEARLY:
                rated.append((score, other))
    rated.sort(key=lambda entry: (-entry[0], entry[1].started_at, entry[1].id))
    best = [other for score, other in rated[:2] if score > rated[0][0] - MARGIN]
    return [_as_related(other, Relation.POSSIBLY, other.started_at) for other in best]


def _numbered_apart(one: Incident, other: Incident) -> bool:
    """Whether one source itself keeps a thread of each, or the provider has given each a name of its own."""
    if one.references and other.references and not set(one.references) & set(other.references):
        return True
    spoken = ([report for update in it.updates for report in update.reports] for it in (one, other))
    threaded = [{report.source for report in reports if report.thread is not None} for reports in spoken]
    return bool(threaded[0] & threaded[1])


def _as_related(other: Incident, relation: Relation, at: datetime) -> Related:
    return Related(other.id, relation, other.title or _words(other), other.references, at, other.started_at)


def _words(incident: Incident) -> str:
    return next((update.text.split("\n")[0][:120] for update in incident.updates if update.text), "")


def _reports(incident: Incident) -> list[Report]:
    return sorted((report for update in incident.updates for report in update.reports), key=order)
