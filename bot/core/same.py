"""The same statement in two mouths (rule of truth 7): which reports of one incident are one update."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from math import fsum, inf

from bot.core import match
from bot.core.place import BREATH
from bot.model import Report

SAME = timedelta(minutes=15)  #: two sources that say the same thing say it within this
MINUTE = timedelta(minutes=1)
ALIKE = 0.9  #: the likeness of words from which on they are the same statement
EDITED = 0.3  #: the share of the words that is left where one of two that were said at once was edited later
NEVER = -inf  #: the score of what is not one statement

Pair = tuple[int, int]  #: two reports by their places in the order: the place says which was first
Scores = Mapping[Pair, float]  #: how surely two reports are one statement; that of the lower source's name is first


def same_statements(reports: Sequence[Report]) -> list[list[Report]]:
    """Reports that say the same thing, best pairs first, never two of one source; the reports are in their order."""
    group_of = {report.id: [report] for report in reports}
    for a, b in _pairs(reports):
        one, other = group_of[reports[a].id], group_of[reports[b].id]
        if one is other or {report.source for report in one} & {report.source for report in other}:
            continue
        one.extend(other)
        for report in other:
            group_of[report.id] = one
    return list({id(group): group for group in group_of.values()}.values())


def _pairs(reports: Sequence[Report]) -> list[Pair]:
    """The pairs of statements of two sources that are one, the surest first; each has one partner in a source."""
    sources, names = [report.source for report in reports], [report.id for report in reports]
    if len(set(sources)) < 2:
        return []
    alone, crowds, rated = _alone_in_their_minute(reports), _in_one_breath(reports), []
    scores: dict[Pair, float] = {}
    for one, other in _soon_after(reports):
        a, b = reports[one], reports[other]
        if sources[one] != sources[other] and not _contradict(a, b):
            score = _sameness(a, b, alone) or _edited(a, b, crowds)
            if score > 0:
                pair = (one, other) if sources[one] < sources[other] else (other, one)
                scores[pair] = score
                rated.append((-score, b.at - a.at, names[one], names[other], pair))
    rated.sort()
    taken: set[tuple[int, str]] = set()
    chosen = []
    for *_, (one, other) in rated:
        if (one, sources[other]) not in taken and (other, sources[one]) not in taken:
            taken |= {(one, sources[other]), (other, sources[one])}
            chosen.append((one, other))
    return _uncrossed(chosen, sources, scores)


def _uncrossed(chosen: Sequence[Pair], sources: Sequence[str], scores: Scores) -> list[Pair]:
    """The pairs, but what two sources each said more than once in the order in which both said it.

    (The nearest in time is not always its own: of two posts some minutes after two equal updates each would be the
    other's.)
    """
    of_sources: defaultdict[tuple[str, str], list[Pair]] = defaultdict(list)
    for one, other in sorted(chosen):
        of_sources[sources[one], sources[other]].append((one, other))
    straight: dict[tuple[int, str], int] = {}
    for (_, source), pairs in of_sources.items():
        for tangle in _tangles(pairs):
            straight.update(((one, source), other) for one, other in _straight(tangle, scores))
    return [(one, straight[one, sources[other]]) for one, other in chosen]


def _tangles(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    """Pairs of two sources, in the first one's order, in runs of which none crosses a pair of another run."""
    begun, farthest = 0, -1
    for place, (latest, (_, other)) in enumerate(zip(sorted(other for _, other in pairs), pairs, strict=True), 1):
        farthest = max(farthest, other)
        if farthest == latest:  # the partners of all up to here come before those of all that follow
            yield pairs[begun:place]
            begun = place


def _straight(pairs: Sequence[Pair], scores: Scores) -> Sequence[Pair]:
    """Pairs in the first source's order, without the crossings that can be spared at no loss of score.

    All at once where that can be, as in a run of equal words: one after the other takes a swap for every two of them.
    """
    in_order = list(zip((one for one, _ in pairs), sorted(other for _, other in pairs), strict=True))
    return in_order if _worth(in_order, scores) >= _worth(pairs, scores) else _swapped(pairs, scores)


def _swapped(pairs: Sequence[Pair], scores: Scores) -> Sequence[Pair]:
    """The pairs, when no two that cross can be swapped without loss; an end comes, as a swap leaves fewer crossings."""
    made, before = list(pairs), None
    while made != before:
        before = list(made)
        for one, other in combinations(range(len(made)), 2):
            (a, b), (c, d) = made[one], made[other]
            if b > d and scores.get((a, d), NEVER) + scores.get((c, b), NEVER) >= scores[a, b] + scores[c, d]:
                made[one], made[other] = (a, d), (c, b)
    return made


def _worth(pairs: Iterable[Pair], scores: Scores) -> float:
    return fsum(scores.get(pair, NEVER) for pair in pairs)


def _soon_after(reports: Sequence[Report]) -> Iterator[Pair]:
    """Each with each that followed it before long; the reports are in their order."""
    for place, report in enumerate(reports):
        latest = report.at + SAME
        for other in range(place + 1, len(reports)):
            if reports[other].at > latest:
                break
            yield place, other


def _contradict(a: Report, b: Report) -> bool:
    return a.status is not None and b.status is not None and a.status is not b.status


def _sameness(a: Report, b: Report, alone: Mapping[str, bool]) -> float:
    """0: two statements. Up to 1: the same words, or the only ones of their phase in one minute (one was edited)."""
    score = match.alike(a.text, b.text)
    if score >= ALIKE:
        return score
    same_minute = abs(a.at - b.at) < MINUTE and _minute(a) == _minute(b)
    both_numbered = a.thread is not None and b.thread is not None
    if same_minute and both_numbered and a.status is b.status and alone[a.id] and alone[b.id]:
        return 0.5
    return 0.0


def _edited(a: Report, b: Report, crowds: Mapping[str, Counter[str]]) -> float:
    """Not 0 where a post and a statement were made in one breath and still share words: one was edited since."""
    if abs(a.at - b.at) > BREATH or (a.thread is None) is (b.thread is None):
        return 0.0
    if not crowds[a.id][a.source] == crowds[a.id][b.source] == 1:
        return 0.0
    return 0.4 if match.overlap(match.content_words(a.text), match.content_words(b.text)) >= EDITED else 0.0


def _in_one_breath(reports: Sequence[Report]) -> Mapping[str, Counter[str]]:
    """For each report how many each source made in one breath with it; the reports are in their order."""
    times = [report.at for report in reports]
    near = {at: reports[bisect_left(times, at - BREATH) : bisect_right(times, at + BREATH)] for at in set(times)}
    return {report.id: Counter(other.source for other in near[report.at]) for report in reports}


def _alone_in_their_minute(reports: Sequence[Report]) -> Mapping[str, bool]:
    crowd = Counter((report.source, _minute(report), report.status) for report in reports)
    return {report.id: crowd[report.source, _minute(report), report.status] == 1 for report in reports}


def _minute(report: Report) -> datetime:
    return report.at.replace(second=0, microsecond=0)
