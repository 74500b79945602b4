"""Which reports speak of one event: by the source's thread, by a key that both name, by likeness (rule of truth 5).

The answer depends on the set of reports alone, never on the order in which they arrived (rule of truth 9).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core import match
from bot.core.match import Vocabulary
from bot.core.place import FIRST, RENAMED, Cluster, begun, order, place_of
from bot.model import Corrections, Incident, Report, Status

MERGED = "an operator merged them"
SET_APART = "an operator set it apart"
UNCORRECTED = Corrections()

Pairs = Collection[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a report belongs, as decided before."""

    incident: str
    rule: str


NOTHING_STANDS: Mapping[str, Standing] = {}


def clusters(
    reports: Iterable[Report],
    vocabulary: Vocabulary,
    corrections: Corrections = UNCORRECTED,
    standing: Mapping[str, Standing] = NOTHING_STANDS,
    aloof: Sequence[Cluster] = (),
) -> list[Cluster]:
    """Every report in exactly one cluster, the clusters by their first report; an operator's corrections go first.

    standing: the reports of which it was decided before where they belong, and nothing that is new can change that.
    aloof: events of such reports, which nothing but likeness may tie to the others.
    """
    strands = [*_strands(sorted(reports, key=order), corrections, standing), *aloof]
    anchors = [strand for strand in strands if not _loose(strand)]
    singles = [strand for strand in strands if _loose(strand)]
    anchors = _by_likeness(anchors, singles, vocabulary, corrections.apart)
    for strand in anchors:
        strand.rules.update((report, SET_APART) for report, _ in corrections.apart if report in strand.rules)
    return sorted(anchors, key=begun)


def kept_apart(some: Collection[str], others: Collection[str], apart: Pairs) -> bool:
    """Whether an operator keeps one of these reports from one of those."""
    return any((a in some and b in others) or (b in some and a in others) for a, b in apart)


def _loose(strand: Cluster) -> bool:
    """Whether nothing but likeness can tell where its reports belong (several are such as an operator merged)."""
    return all(report.thread is None and not _names(report) for report in strand.reports)


def _names(report: Report) -> list[str]:
    """The keys that stand for an incident by themselves."""
    return sorted(key for key in report.keys if not key.startswith("link:"))


# --- threads and keys --------------------------------------------------------------------------------------------


def in_question(known: Iterable[Incident], fresh: Sequence[Report], since: datetime) -> list[Report] | None:
    """The reports from a time on that only likeness may place: what is loose, and what begins a thread.

    None where fresh reports are new versions of what was said before that time.
    """
    standing = {r.id: r for incident in known for update in incident.updates for r in update.reports}
    if any(report.id in standing and standing[report.id].at < since for report in fresh):
        return None
    before = [report for report in standing.values() if report.at < since]
    threads = {(report.source, report.thread) for report in before if report.thread is not None}
    names = match.tied(name for report in before for name in _names(report))
    found: dict[object, Report] = {}
    for report in sorted([*(r for r in standing.values() if r.at >= since), *fresh], key=order):
        if (report.source, report.thread) in threads or not names.isdisjoint(_names(report)):
            continue
        found.setdefault(report.id if report.thread is None else (report.source, report.thread), report)
    return list(found.values())


def _strands(
    reports: Sequence[Report], corrections: Corrections, standing: Mapping[str, Standing] = NOTHING_STANDS
) -> list[Cluster]:
    """What hard evidence joins: an operator's word, one source's thread, a key that two reports name; and what stands.

    A report that was set apart comes last: so it is this one that stays outside, whatever binds the others.
    """
    claimed = _claims(reports)
    bonds = {report.id: [*_corrected(report, corrections), *_bonds(report, claimed)] for report in reports}
    set_apart = {report for report, _ in corrections.apart}
    forest = _Forest(corrections.apart)
    for a, b in sorted(corrections.together):
        if a in bonds and b in bonds:
            forest.tie(a, b)
    for name, stands in standing.items():
        forest.tie(name, f"standing:{stands.incident}")
    for name in sorted(bonds, key=set_apart.__contains__):
        for bond in bonds[name]:
            forest.tie(name, bond)
    groups: dict[str, Cluster] = defaultdict(Cluster)
    for report in reports:
        cluster = groups[forest.root(report.id)]
        if report.id in standing:
            cluster.add(report, FIRST)
            cluster.rules[report.id], cluster.standing = standing[report.id].rule, True
        else:
            cluster.add(report, _hard_rule(report, cluster, bonds))
    return list(groups.values())


def _corrected(report: Report, corrections: Corrections) -> Iterator[str]:
    """What an operator has tied a report to."""
    return (f"merged:{pair}" for pair in corrections.together if report.id in pair)


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
    yield from (f"id:{key.removeprefix(match.GOES)}" for key in sorted(report.keys) if key.startswith(match.GOES))
    yield from (key for key in ids if claimed.get(key, True))
    for key in sorted(report.keys):
        if claimed.get(key, key.startswith("url:")) and not key.startswith(("id:", match.GOES)):
            yield key


def _hard_rule(report: Report, cluster: Cluster, bonds: Mapping[str, Sequence[str]]) -> str:
    """In words, what tied a report to those already in its cluster."""
    theirs = {bond for other in cluster.reports for bond in bonds[other.id]}
    shared = sorted(theirs.intersection(bonds[report.id]))
    if any(bond.startswith("thread:") for bond in shared):
        return f"{report.source} itself files it there"
    if any(bond.startswith("merged:") for bond in shared):
        return MERGED
    for bond in shared:
        kind, _, name = bond.partition(":")
        if any(f"{match.GOES}{name}" in other.keys for other in (report, *cluster.reports)):
            return f"it is said to go on as {name}"
        return f"it names {name}" if kind == "id" else f"it links to {name}"
    return "both are tied to a third report"


class _Forest:
    """Union and find over names; the root of a group is its least name, so that no order of ties shows.

    apart: pairs of names that no tie brings together.
    """

    def __init__(self, apart: Pairs = ()) -> None:
        self._parent: dict[str, str] = {}
        self._apart = apart

    def root(self, name: str) -> str:
        parent = self._parent.setdefault(name, name)
        while parent != self._parent[parent]:
            self._parent[name] = parent = self._parent[self._parent[parent]]
            name = parent
        return parent

    def tie(self, a: str, b: str) -> None:
        first, second = sorted((self.root(a), self.root(b)))
        if not any({self.root(one), self.root(other)} == {first, second} for one, other in self._apart):
            self._parent[second] = first


# --- likeness ----------------------------------------------------------------------------------------------------


def _by_likeness(
    anchors: list[Cluster], singles: Sequence[Cluster], vocabulary: Vocabulary, apart: Pairs
) -> list[Cluster]:
    """Place every loose report, in the order of their own time, at the one event that it goes on with, or at a new one.

    A thread that begins after loose reports had opened an event adopts that event where the two agree (rule 6). What an
    operator set apart is an event of its own, which neither joins nor is joined by what it was taken from.
    """
    homes: list[Cluster] = list(anchors)
    born: list[Cluster] = []
    timeline = sorted([*singles, *anchors], key=begun)
    loose = {id(strand) for strand in singles}
    for strand in timeline:
        first = strand.reports[0]
        if strand.standing:
            if id(strand) in loose:
                born.append(strand)
                homes.append(strand)
        elif id(strand) in loose:
            home, rule = place_of(first, _allowed(strand, homes, apart, own=True), vocabulary)
            if home is None:
                born.append(strand)
                homes.append(strand)
            else:
                home.absorb(strand, rule)
        elif first.thread is None and not match.opens_account(first.text):
            candidates = [other for other in _allowed(strand, homes, apart) if not _numbered_apart(strand, other)]
            home, rule = place_of(first, candidates, vocabulary, enough=RENAMED) if _goes_on(first) else (None, "")
            if home is not None:
                home.absorb(strand, rule)
                homes.remove(strand)
        else:
            home, rule = place_of(first, _allowed(strand, born, apart), vocabulary)
            if home is not None:
                strand.absorb(home, rule)
                homes.remove(home)
                born.remove(home)
    return homes


def _numbered_apart(one: Cluster, other: Cluster) -> bool:
    """Whether one source itself keeps a thread in each; of one and the same it does."""
    return (
        bool(
            {report.source for report in one.reports if report.thread is not None}.intersection(
                report.source for report in other.reports if report.thread is not None
            )
        )
        or one is other
    )


def _goes_on(report: Report) -> bool:
    """Whether a statement with an id of its own plainly goes on with an account that was opened under another one."""
    return match.phase_of(report.text) not in (None, Status.INVESTIGATING)


def _allowed(strand: Cluster, homes: Sequence[Cluster], apart: Pairs, *, own: bool = False) -> Sequence[Cluster]:
    """The events that an operator does not keep a strand from.

    own: of what was set apart, only those with something that was set apart from the same event; of what it was set
    apart from, none: that a likely place is closed to it makes no other likelier.
    """
    if not apart:
        return homes
    homes = [home for home in homes if not kept_apart(strand.rules, home.rules, apart)]
    taken_from = {other for report, other in apart if report in strand.rules}
    if not (own and (taken_from or any(other in strand.rules for _, other in apart))):
        return homes
    company = {report for report, other in apart if other in taken_from}
    return [home for home in homes if company & home.rules.keys()]


def by_report(clusters: Iterable[Cluster]) -> Mapping[str, Cluster]:
    """The cluster of each report id."""
    return {report.id: cluster for cluster in clusters for report in cluster.reports}
