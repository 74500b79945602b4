"""Which reports speak of one event: by the source's thread, by a key that both name, by likeness (rule of truth 5).

The answer depends on the set of reports alone, never on the order in which they arrived (rule of truth 9).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core import match
from bot.core.match import Vocabulary
from bot.model import Report, Status

REACH = timedelta(hours=72)  #: how long after its last words an open event can be gone on with by likeness
AFTERMATH = timedelta(hours=24)  #: the same, after its end
EARLY = timedelta(minutes=15)  #: how much later than a post the statement that it repeats may be dated
ECHO = timedelta(minutes=30)  #: within this, the same words are the same statement
ENOUGH = 0.3  #: the least evidence to join the only candidate
SURE = 0.97  #: the very words of another source; what is merely phrased alike does not come near
MARGIN = 0.25  #: by how much the best of several candidates must lead

FIRST = "the first that was heard of it"


@dataclass(slots=True)
class Cluster:
    """Reports of one event, and the rule that joined each."""

    reports: list[Report] = field(default_factory=list)
    rules: dict[str, str] = field(default_factory=dict)

    def add(self, report: Report, rule: str) -> None:
        """Join a report under a rule."""
        self.reports.append(report)
        self.rules[report.id] = rule if len(self.reports) > 1 else FIRST

    def absorb(self, other: Cluster, rule: str) -> None:
        """Join all of another cluster under a rule."""
        for report in other.reports:
            self.reports.append(report)
            self.rules[report.id] = rule if other.rules[report.id] == FIRST else other.rules[report.id]


def order(report: Report) -> tuple[datetime, int, str]:
    """Reports in the order of their own time; equal times in the source's own order."""
    return (report.at, report.position, report.id)


def clusters(reports: Iterable[Report], vocabulary: Vocabulary) -> list[Cluster]:
    """Every report in exactly one cluster, the clusters by their first report."""
    strands = _strands(sorted(reports, key=order))
    anchors = [strand for strand in strands if not _loose(strand)]
    singles = [strand for strand in strands if _loose(strand)]
    if singles:
        anchors = _by_likeness(anchors, singles, vocabulary)
    return sorted(anchors, key=lambda cluster: min(map(order, cluster.reports)))


def _loose(strand: Cluster) -> bool:
    """Whether nothing but likeness can tell where its only report belongs."""
    return all(report.thread is None and not _names(report) for report in strand.reports)


def _names(report: Report) -> list[str]:
    """The keys that stand for an incident by themselves."""
    return sorted(key for key in report.keys if not key.startswith("link:"))


# --- threads and keys --------------------------------------------------------------------------------------------


def _strands(reports: Sequence[Report]) -> list[Cluster]:
    """What hard evidence joins: one source's thread, and a key that two reports name."""
    claimed = _claims(reports)
    forest = _Forest()
    for report in reports:
        for bond in _bonds(report, claimed):
            forest.tie(report.id, bond)
    groups: dict[str, Cluster] = defaultdict(Cluster)
    for report in reports:
        groups[forest.root(report.id)].add(report, _hard_rule(report, groups[forest.root(report.id)], claimed))
    return list(groups.values())


def _claims(reports: Sequence[Report]) -> Mapping[str, bool]:
    """The keys that threads claim, and whether each tells anything.

    One that two threads of one source claim (a feed that links every entry to its front page) tells nothing: two
    incidents that one source itself numbers apart never join by it.
    """
    claims: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for report in reports:
        if report.thread is not None:
            for key in report.keys:
                claims[key].add((report.source, report.thread))
    return {key: len({source for source, _ in threads}) == len(threads) for key, threads in claims.items()}


def _bonds(report: Report, claimed: Mapping[str, bool]) -> Iterator[str]:
    """What ties a report to others. A post that names several ids ties itself to none but the first.

    (It stands beside a neighbour that it only mentions: two numbers that the provider gave stay two incidents.)
    """
    if report.thread is not None:
        yield f"thread:{report.source}|{report.thread}"
    ids = [key for key in report.keys if key.startswith("id:")]
    if len(ids) > 1 and report.thread is None:
        named = match.ids_in(f"{report.title}\n{report.text}")
        ids = [f"id:{named[0]}"] if named else ids[:1]
    yield from (key for key in ids if claimed.get(key, True))
    for key in sorted(report.keys):
        if claimed.get(key, key.startswith("url:")) and not key.startswith("id:"):
            yield key


def _hard_rule(report: Report, cluster: Cluster, claimed: Mapping[str, bool]) -> str:
    """In words, what tied a report to those already in its cluster."""
    mine = set(_bonds(report, claimed))
    theirs = {bond for other in cluster.reports for bond in _bonds(other, claimed)}
    shared = sorted(mine & theirs)
    thread = next((bond for bond in shared if bond.startswith("thread:")), None)
    if thread:
        return f"{report.source} itself files it there"
    for bond in shared:
        kind, _, name = bond.partition(":")
        return f"it names {name}" if kind == "id" else f"it links to {name}"
    return "both are tied to a third report"


class _Forest:
    """Union and find over names; the root of a group is its least name, so that no order of ties shows."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, name: str) -> str:
        parent = self._parent.setdefault(name, name)
        while parent != self._parent[parent]:
            self._parent[name] = parent = self._parent[self._parent[parent]]
            name = parent
        return parent

    def tie(self, a: str, b: str) -> None:
        first, second = sorted((self.root(a), self.root(b)))
        self._parent[second] = first


# --- likeness ----------------------------------------------------------------------------------------------------


def _by_likeness(anchors: list[Cluster], singles: Sequence[Cluster], vocabulary: Vocabulary) -> list[Cluster]:
    """Place every loose report, in the order of their own time, at the one event that it goes on with, or at a new one.

    A thread that begins after loose reports had opened an event adopts that event where the two agree (rule 6).
    """
    born: list[Cluster] = []
    timeline = [(order(strand.reports[0]), strand, True) for strand in singles]
    timeline += [(min(map(order, anchor.reports)), anchor, False) for anchor in anchors]
    for _, strand, loose in sorted(timeline, key=lambda entry: entry[0]):
        first = min(strand.reports, key=order)
        if loose:
            home, rule = _place(first, [*anchors, *born], vocabulary)
            if home is None:
                born.append(strand)
            else:
                home.add(first, rule)
        else:
            home, rule = _place(first, born, vocabulary, adopting=True)
            if home is not None:
                strand.absorb(home, rule)
                born.remove(home)
    return [*anchors, *born]


def _place(
    report: Report, homes: Sequence[Cluster], vocabulary: Vocabulary, *, adopting: bool = False
) -> tuple[Cluster | None, str]:
    """The event that a report belongs to by likeness, with the rule; None: in doubt, or plainly something new."""
    rated = []
    for home in homes:
        context = [other for other in home.reports if other.at <= report.at + EARLY]
        if context and _within_reach(report, context):
            rated.append((*_evidence(report, context, vocabulary, adopting=adopting), home))
    rated.sort(key=lambda entry: (-entry[0], min(map(order, entry[2].reports))))
    if not rated or rated[0][0] < ENOUGH:
        return None, ""
    if len(rated) > 1 and rated[0][0] - rated[1][0] < (0 if rated[0][0] > SURE > rated[1][0] else MARGIN):
        return None, ""
    return rated[0][2], rated[0][1]


def _within_reach(report: Report, context: Sequence[Report]) -> bool:
    last = max(other.at for other in context)
    if last >= report.at:
        return True
    return report.at - last <= (AFTERMATH if closed(context) else REACH)


def closed(context: Sequence[Report]) -> bool:
    """Whether the last that was said of the phase is that it is over."""
    for other in sorted(context, key=order, reverse=True):
        phase = other.status or (match.phase_of(other.text) if other.thread is None else None)
        if phase is not None:
            return phase.closed
    return False


def _evidence(
    report: Report, context: Sequence[Report], vocabulary: Vocabulary, *, adopting: bool
) -> tuple[float, str]:
    """How much speaks for one event, at most 1, and the strongest reason in words."""
    echo, likeness = _echo(report, context)
    if echo is not None:
        return likeness, f"{echo.source} says the same"
    if min(other.at for other in context) > report.at:  # what has not begun yet can be repeated, not gone on with
        return 0.0, ""
    over = closed(context)
    mine = (report.status or match.phase_of(report.text)) is not Status.RESOLVED and match.opens_account(report.text)
    if over and mine:
        return 0.0, "it opens a new account"
    score, reasons = 0.0, []
    for name, weight, against, part in _parts(report, context, vocabulary):
        if part > 0:
            score += weight * part
            reasons.append((weight * part, name))
        elif part < 0:
            score -= against
    if not reasons and not mine and not adopting and score >= 0:
        return ENOUGH, "it goes on from what was said before"
    return min(score, 0.95), max(reasons, default=(0.0, ""))[1]


def _echo(report: Report, context: Sequence[Report]) -> tuple[Report | None, float]:
    """Another source's report of nearly the same words at nearly the same time, and how near they are."""
    best: tuple[Report | None, float] = (None, 0.9)
    if len(match.squeezed(report.text)) < 20:
        return None, 0.0
    for other in context:
        if other.source != report.source and abs(other.at - report.at) <= ECHO:
            likeness = match.alike(report.text, other.text)
            if likeness >= best[1]:
                best = (other, likeness)
    return best


def _parts(
    report: Report, context: Sequence[Report], vocabulary: Vocabulary
) -> Iterator[tuple[str, float, float, float]]:
    """(reason, weight for, weight against, -1 to 1) of each signal: components, regions, words."""
    mine, theirs = named(report, vocabulary), [named(other, vocabulary) for other in context]
    components = {name for part in theirs for name in part[0]}
    shared = set(mine[0]) & components
    yield f"both speak of {', '.join(sorted(shared))}", 0.5, 0.5, _agreement(set(mine[0]), components)
    regions = {name for part in theirs for name in part[1]}
    both = set(mine[1]) & regions
    yield f"both speak of {', '.join(sorted(both))}", 0.3, 0.2, _agreement(set(mine[1]), regions)
    words = match.content_words(f"{report.title}\n{report.text}")
    best = max(match.overlap(words, match.content_words(f"{other.title}\n{other.text}")) for other in context)
    yield "their words agree", 1.0, 0.0, best if best >= 0.3 else 0.0


def _agreement(mine: set[str], theirs: set[str]) -> float:
    """1 where something is shared, -1 where both speak and nothing is, 0 where one is silent."""
    if not mine or not theirs:
        return 0.0
    return 1.0 if mine & theirs else -1.0


def named(report: Report, vocabulary: Vocabulary) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The components and regions of a report: those its source lists, else those its words speak of."""
    text = f"{report.title}\n{report.text}"
    components = tuple(map(vocabulary.canonical, report.components)) or vocabulary.components_in(text)
    return components, report.regions or vocabulary.regions_in(text)


def by_report(clusters: Iterable[Cluster]) -> Mapping[str, Cluster]:
    """The cluster of each report id."""
    return {report.id: cluster for cluster in clusters for report in cluster.reports}
