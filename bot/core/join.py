"""Which reports speak of one event: by the source's thread, by a key that both name, by likeness (rule of truth 5).

The answer depends on the set of reports alone, never on the order in which they arrived (rule of truth 9).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import nlargest

from bot.core import match
from bot.core.likeness import SURE, Evidence, evidence, over
from bot.core.match import Vocabulary
from bot.model import Corrections, Incident, Report, Status

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
MERGED = "an operator merged them"
SET_APART = "an operator set it apart"
UNCORRECTED = Corrections()

Pairs = Collection[tuple[str, str]]


NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a report belongs, as decided before."""

    incident: str
    rule: str


NOTHING_STANDS: Mapping[str, Standing] = {}


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


def _begun(cluster: Cluster) -> tuple[datetime, int, str]:
    return order(cluster.reports[0])


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
    return sorted(anchors, key=_begun)


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


def telling_words(report: Report) -> tuple[str, ...]:
    """The words by which an index finds what a statement may go on with: its longest.

    Length stands for rarity: counting would make the answer depend on what has arrived so far.
    """
    words = match.words_of(report)
    return tuple(sorted(words, key=lambda word: (-len(word), word))[:TELLING])


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
    timeline = sorted([*singles, *anchors], key=_begun)
    loose = {id(strand) for strand in singles}
    for strand in timeline:
        first = strand.reports[0]
        if strand.standing:
            if id(strand) in loose:
                born.append(strand)
                homes.append(strand)
        elif id(strand) in loose:
            home, rule = _place(first, _allowed(strand, homes, apart, own=True), vocabulary)
            if home is None:
                born.append(strand)
                homes.append(strand)
            else:
                home.absorb(strand, rule)
        elif first.thread is None and not match.opens_account(first.text):
            candidates = [other for other in _allowed(strand, homes, apart) if not _numbered_apart(strand, other)]
            home, rule = _place(first, candidates, vocabulary, enough=RENAMED) if _goes_on(first) else (None, "")
            if home is not None:
                home.absorb(strand, rule)
                homes.remove(strand)
        else:
            home, rule = _place(first, _allowed(strand, born, apart), vocabulary)
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

    own: of what was set apart, only those with something that was set apart from the same event.
    """
    if not apart:
        return homes
    homes = [home for home in homes if not kept_apart(strand.rules, home.rules, apart)]
    taken_from = {other for report, other in apart if report in strand.rules}
    if not (own and taken_from):
        return homes
    company = {report for report, other in apart if other in taken_from}
    return [home for home in homes if company & home.rules.keys()]


def _place(
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
    rated.sort(key=lambda entry: (-entry[0].score, _begun(entry[1])))
    echoes = [entry for entry in rated if entry[0].same_words >= SURE]
    if len(echoes) > 1 and echoes[0][0].same_words == echoes[1][0].same_words:
        return _repeated(report, echoes)
    best, goes_on = rated[0][0], not match.opens_account(report.text)
    if len(rated) == 1:
        least = ALONE if goes_on and enough == ENOUGH else enough
        if least == ALONE and _ends(report) and not over(_until(rated[0][1], report.at)):
            least = ENDS
        return (rated[0][1], best.reason) if best.score >= least else (None, "")
    lead = best.score - rated[1][0].score
    sure = best.same_words > rated[1][0].same_words and (best.same_words == 1.0 or rated[1][0].same_words < SURE)
    if best.score < enough or not (sure or lead >= (MARGIN / 2 if goes_on else MARGIN)):
        return None, ""
    return rated[0][1], best.reason


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
        (abs(at - report.at) > BREATH, at, _begun(home), place)
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


def by_report(clusters: Iterable[Cluster]) -> Mapping[str, Cluster]:
    """The cluster of each report id."""
    return {report.id: cluster for cluster in clusters for report in cluster.reports}
