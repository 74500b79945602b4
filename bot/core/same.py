"""The same statement in two mouths (rule of truth 7): which reports of one incident are one update."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations, islice
from math import fsum, inf

from bot.core import match
from bot.core.place import BREATH, order
from bot.model import Report

SAME = timedelta(minutes=15)  #: two sources that say the same thing say it within this
MINUTE = timedelta(minutes=1)
ALIKE = 0.9  #: the likeness of words from which on they are the same statement
EDITED = 0.3  #: the share of the words that is left where one of two that were said at once was edited later
NEVER = -inf  #: the score of what is not one statement

Pair = tuple[Report, Report]
Scores = Mapping[frozenset[str], float]  #: how surely two reports, by their ids, are one statement


def same_statements(reports: Sequence[Report]) -> list[list[Report]]:
    """Reports that say the same thing, best pairs first, never two of one source; the reports are in their order."""
    group_of = {report.id: [report] for report in reports}
    for a, b in _pairs(reports):
        one, other = group_of[a.id], group_of[b.id]
        if one is other or {report.source for report in one} & {report.source for report in other}:
            continue
        one.extend(other)
        for report in other:
            group_of[report.id] = one
    return list({id(group): group for group in group_of.values()}.values())


def _pairs(reports: Sequence[Report]) -> list[Pair]:
    """The pairs of statements of two sources that are one, the surest first; each has one partner in a source."""
    if len({report.source for report in reports}) < 2:
        return []
    alone, crowds, rated = _alone_in_their_minute(reports), _in_one_breath(reports), []
    scores: dict[frozenset[str], float] = {}
    for a, b in _soon_after(reports):
        if a.source != b.source and not _contradict(a, b):
            score = _sameness(a, b, alone) or _edited(a, b, crowds)
            if score > 0:
                one, other = a.id, b.id
                scores[frozenset((one, other))] = score
                rated.append((-score, b.at - a.at, one, other, a, b))
    rated.sort()  # no two have the same two names
    taken: set[tuple[str, str]] = set()
    chosen = []
    for *_, one, other, a, b in rated:
        if (one, b.source) not in taken and (other, a.source) not in taken:
            taken |= {(one, b.source), (other, a.source)}
            chosen.append((a, b))
    return _uncrossed(chosen, scores)


def _uncrossed(chosen: Sequence[Pair], scores: Scores) -> list[Pair]:
    """The pairs, but what two sources each said more than once in the order in which both said it.

    (The nearest in time is not always its own: of two posts some minutes after two equal updates each would be the
    other's.)
    """
    pairs = [_by_source(pair) for pair in chosen]
    of_sources: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (a, b) in sorted(enumerate(pairs), key=lambda each: order(each[1][0])):
        of_sources[a.source, b.source].append(place)
    for places in of_sources.values():
        straight = [pair for tangle in _tangles([pairs[at] for at in places]) for pair in _straight(tangle, scores)]
        for place, pair in zip(places, straight, strict=True):
            pairs[place] = pair
    return pairs


def _by_source(pair: Pair) -> Pair:
    a, b = pair
    return (a, b) if a.source < b.source else (b, a)


def _tangles(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """Pairs of two sources, in the first one's order, in runs of which none crosses a pair of another run."""
    begun, farthest = 0, 0
    for place, rank in enumerate(_ranks([b for _, b in pairs])):
        farthest = max(farthest, rank)
        if farthest == place:  # the partners of all up to here come before those of all that follow
            yield list(pairs[begun : place + 1])
            begun = place + 1


def _ranks(reports: Sequence[Report]) -> list[int]:
    """Each report's place in their order."""
    ranked = {report.id: rank for rank, report in enumerate(sorted(reports, key=order))}
    return [ranked[report.id] for report in reports]


def _straight(pairs: Sequence[Pair], scores: Scores) -> list[Pair]:
    """Pairs in the first source's order, without the crossings that can be spared at no loss of score.

    All at once where that can be, as in a run of equal words: one after the other takes a swap for every two of them.
    """
    firsts = [a for a, _ in pairs]
    seconds = sorted((b for _, b in pairs), key=order)
    in_order = list(zip(firsts, seconds, strict=True))
    if _worth(in_order, scores) >= _worth(pairs, scores):
        return in_order
    partners = _swapped([a.id for a in firsts], [b.id for b in seconds], _ranks([b for _, b in pairs]), scores)
    return [(a, seconds[partner]) for a, partner in zip(firsts, partners, strict=True)]


def _swapped(firsts: Sequence[str], seconds: Sequence[str], begin: Sequence[int], scores: Scores) -> list[int]:
    """For each of the first the place of its partner, when no two that cross can be swapped without loss.

    It comes to an end: each swap leaves fewer crossings.
    """

    def worth(one: int, partner: int) -> float:
        return scores.get(frozenset((firsts[one], seconds[partner])), NEVER)

    partners, before = list(begin), None
    while partners != before:
        before = list(partners)
        for one, other in combinations(range(len(partners)), 2):
            mine, its = partners[one], partners[other]
            if mine > its and worth(one, its) + worth(other, mine) >= worth(one, mine) + worth(other, its):
                partners[one], partners[other] = its, mine
    return partners


def _worth(pairs: Iterable[Pair], scores: Scores) -> float:
    return fsum(scores.get(_names(a, b), NEVER) for a, b in pairs)


def _names(a: Report, b: Report) -> frozenset[str]:
    return frozenset((a.id, b.id))


def _soon_after(reports: Sequence[Report]) -> Iterator[tuple[Report, Report]]:
    """Each with each that followed it before long; the reports are in their order."""
    for place, report in enumerate(reports, 1):
        latest = report.at + SAME
        for other in islice(reports, place, None):
            if other.at > latest:
                break
            yield report, other


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
