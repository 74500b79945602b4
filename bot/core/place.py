"""At which of several events a statement belongs by likeness (rule of truth 5), and which are looked at at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import nlargest

from bot.core import match
from bot.core.likeness import SURE, Evidence, evidence, over
from bot.core.match import Vocabulary
from bot.model import Report

REACH = timedelta(hours=72)  #: how long after its last words an open event can be gone on with by likeness
AFTERMATH = timedelta(hours=24)  #: the same, after its end
EARLY = timedelta(minutes=15)  #: how much later than a post the statement that it repeats may be dated
BREATH = timedelta(seconds=10)  #: what two sources say within this they say at once
TURN = timedelta(minutes=15)  #: how long one source takes to repeat the other's words, where both say much alike
CLEARLY = timedelta(minutes=4)  #: by how much one must have been said before the other, to be repeated before it
ENOUGH = 0.5  #: the least evidence to join the only candidate
ALONE = 0.3  #: the same for a statement that goes on with something, where only one event can be meant
ENDS = 0.0  #: the same for a bare end, where one event alone is open
RENAMED = 1.5  #: the same for a statement that names an id of its own, but does not open an account
MARGIN = 0.2  #: by how much the best of several candidates must lead
LATEST = 4  #: events that spoke last, which a statement may go on with without a word in common
NEAREST = 4  #: events with which it has most words in common
TELLING = 8  #: words of a statement by which others are found
BEARERS = 16  #: events that a word leads to, those that bore it last

FIRST = "the first that was heard of it"
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Cluster:
    """Reports of one event, and the rule that joined each."""

    reports: list[Report] = field(default_factory=list)  #: in their `order`, which they must be added in
    rules: dict[str, str] = field(default_factory=dict)
    last: datetime = NEVER  #: the time of its newest report
    standing: bool = False  #: what was decided of it holds: it is not placed again

    def add(self, report: Report, rule: str) -> None:
        """Join a report under a rule."""
        self.reports.append(report)
        self.last = max(self.last, report.at)
        self.rules[report.id] = rule if len(self.reports) > 1 else FIRST

    def absorb(self, other: Cluster, rule: str) -> None:
        """Join all of another cluster under a rule."""
        self.reports = sorted([*self.reports, *other.reports], key=order)
        self.last = max(self.last, other.last)
        for report in other.reports:
            self.rules[report.id] = rule if other.rules[report.id] == FIRST else other.rules[report.id]


def order(report: Report) -> tuple[datetime, int, str]:
    """Reports in the order of their own time; equal times in the source's own order."""
    return (report.at, report.position, report.id)


def begun(cluster: Cluster) -> tuple[datetime, int, str]:
    """Events in the order of their first report."""
    return order(cluster.reports[0])


def place_of(
    report: Report, homes: Sequence[Cluster], vocabulary: Vocabulary, *, enough: float = ENOUGH
) -> tuple[Cluster | None, str]:
    """The event that a report belongs to by likeness, with the rule; None: in doubt, or plainly something new.

    What does not open an account must go on with something: the only candidate needs less, and a lead may be shorter.
    """
    rated: list[tuple[Evidence, Cluster]] = []
    for home in _shortlist(report, homes):
        context = _until(home, report.at + EARLY)
        if context and _within_reach(report, context):
            rated.append((evidence(report, context, vocabulary), home))
    if not rated:
        return None, ""
    rated.sort(key=lambda entry: (-entry[0].score, begun(entry[1])))
    echoes = [entry for entry in rated if entry[0].same_words >= SURE]
    if len(echoes) > 1 and echoes[0][0].same_words == echoes[1][0].same_words:
        return _repeated(report, echoes)
    best, goes_on = rated[0][0], not match.opens_account(report.text)
    if len(rated) == 1:
        least = ALONE if goes_on and enough == ENOUGH else enough
        past = _until(rated[0][1], report.at)
        if least == ALONE and past and _ends(report) and not over(past):
            least = ENDS
        return (rated[0][1], best.reason) if best.score >= least else (None, "")
    lead = best.score - rated[1][0].score
    sure = best.same_words > rated[1][0].same_words and (best.same_words == 1.0 or rated[1][0].same_words < SURE)
    if best.score < enough or not (sure or lead >= (MARGIN / 2 if goes_on else MARGIN)):
        return None, ""
    return rated[0][1], best.reason if best.same_words else f"{best.reason}{_lead(best, rated[1][0])}"


def _lead(best: Evidence, next_best: Evidence) -> str:
    return f"; the next nearest came to {next_best.score:.1f}, this one to {best.score:.1f}"


def _ends(report: Report) -> bool:
    """Whether a statement says that something is over, and not what ("This incident has been resolved.")."""
    phase = report.status or match.phase_of(report.text)
    return phase is not None and phase.closed and not match.words_of(report)


def _repeated(report: Report, echoes: Sequence[tuple[Evidence, Cluster]]) -> tuple[Cluster | None, str]:
    """Of several events of which the very same was said, the one that a statement repeats; None: in doubt.

    It is the one of which that was said in the same breath, else the one whose turn it plainly is: who repeats what is
    said of several events repeats it in its order.
    """
    best = echoes[0][0].same_words
    waiting = sorted(
        (abs(at - report.at) > BREATH, at, begun(home), place)
        for place, (shown, home) in enumerate(echoes)
        if shown.same_words == best
        for at in shown.said
        if abs(at - report.at) <= TURN
    )
    if not waiting:
        return None, ""
    later, at, _, place = waiting[0]
    if later and any(other - at < CLEARLY for _, other, _, rival in waiting if rival != place):
        return None, ""
    shown, home = echoes[place]
    return home, shown.reason


def _shortlist(report: Report, homes: Sequence[Cluster]) -> Sequence[Cluster]:
    """The events worth a closer look: those that spoke last, and those with most words in common.

    So much, and no more, is what the index finds (ports.Ledger.likely): whence they come may make no difference.
    """
    near = [home for home in homes if report.at - home.last <= REACH]
    if len(near) <= LATEST:
        return near
    latest = nlargest(LATEST, near, key=lambda home: _spoke(home, report.at))
    words = frozenset(telling_words(report))
    bearers: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for place, home in enumerate(near):
        for word, at in _bore(home, words, report.at - REACH, report.at + EARLY).items():
            bearers[word].append((at, place))
    points: dict[int, int] = defaultdict(int)
    for borne in bearers.values():
        for _, place in nlargest(BEARERS, borne):
            points[place] += 1
    best = nlargest(NEAREST, points, key=lambda place: (points[place], _spoke(near[place], report.at)))
    return list({id(home): home for home in [*latest, *(near[place] for place in best)]}.values())


def _until(home: Cluster, at: datetime) -> Sequence[Report]:
    """What was said of an event until then."""
    return home.reports if home.last <= at else [report for report in home.reports if report.at <= at]


def _spoke(home: Cluster, at: datetime) -> datetime:
    """When an event spoke last, as a statement of that time could know."""
    if home.last <= at + EARLY:
        return home.last
    return max((report.at for report in home.reports if report.at <= at + EARLY), default=NEVER)


def _bore(home: Cluster, words: frozenset[str], begin: datetime, until: datetime) -> Mapping[str, datetime]:
    """When an event last used each of these words between two times, where it did."""
    reports = (report for report in home.reports if begin <= report.at <= until)
    return {word: report.at for report in reports for word in words & match.words_of(report)}


def _within_reach(report: Report, context: Sequence[Report]) -> bool:
    last = context[-1].at
    return last >= report.at or report.at - last <= (AFTERMATH if over(context) else REACH)


def telling_words(report: Report) -> tuple[str, ...]:
    """The words by which an index finds what a statement may go on with: its longest.

    Length stands for rarity: counting would make the answer depend on what has arrived so far.
    """
    words = match.words_of(report)
    return tuple(sorted(words, key=lambda word: (-len(word), word))[:TELLING])
