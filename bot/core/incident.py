"""One incident: what the reports of a cluster make of it, its updates (rule 7), its state, and what changed of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

from bot.core import match
from bot.core.dissent import states
from bot.core.likeness import named
from bot.core.match import Vocabulary
from bot.core.place import Cluster, order
from bot.core.same import ALIKE, same_statements
from bot.model import Change, Impact, Incident, Report, Status, Update


@dataclass(frozen=True, slots=True)
class Observation:
    """What the program itself saw of a source while something was wrong (rule of truth 4)."""

    key: str  #: `down|<source>|<since>`, `up|<source>|<since>`: each is told once
    at: datetime
    text: str


def short_hash(*parts: str) -> str:
    """Twelve letters and digits that stand for these parts."""
    return blake2b("\x1f".join(parts).encode(), digest_size=6).hexdigest()


def incident_of(
    incident_id: str,
    group: Cluster,
    observed: Sequence[Update],
    vocabulary: Vocabulary,
    before: Incident | None,
) -> Incident:
    """The incident that a cluster of reports makes."""
    reports = group.reports
    spoken_of = [named(report, vocabulary) for report in reports]
    updates = updates_of(reports, before)
    updates = sorted([*updates, *observed], key=in_order)
    maintenance = any(report.maintenance for report in reports)
    return with_state(
        Incident(
            id=incident_id,
            provider=reports[0].provider,
            title=_title(reports),
            status=Status.SCHEDULED if maintenance else Status.INVESTIGATING,
            started_at=reports[0].at,
            updated_at=max(update.at for update in updates),
            impact=_impact(reports),
            references=_references(reports),
            components=match.union(*(components for components, _ in spoken_of)),
            regions=match.union(*(regions for _, regions in spoken_of)),
            sources=match.union([report.source for report in reports]),
            maintenance=maintenance,
            starts=_latest(reports, "starts"),
            ends=_latest(reports, "ends"),
            url=_url(reports),
            updates=tuple(updates),
            keys=frozenset().union(*(report.keys for report in reports)),
            joined=group.rules,
        )
    )


def with_state(incident: Incident) -> Incident:
    """The incident with the state in which its updates leave it (rule 8: only a statement closes it)."""
    status, ended = incident.status, None
    for at, update in states(incident.updates):
        stated = update.status or status
        if stated.closed and not status.closed:
            ended = at
        status = stated
    return replace(incident, status=status, resolved_at=ended if status.closed else None)


def in_order(update: Update) -> tuple[datetime, int, int, str]:
    """By time; among equal times statements before our observations, and in their sources' own order."""
    if update.observed:
        return (update.at, 1, 0, update.observed)
    _, position, report = min(map(order, update.reports), key=lambda place: place[1:])
    return (update.at, 0, position, report)


def _last_seen(report: Report) -> tuple[datetime, datetime, int, str]:
    return (report.seen_at, *order(report))


def _title(reports: Sequence[Report]) -> str:
    """The newest title; of a source that keeps threads before one that does not."""
    titled = [report for report in reports if report.title]
    threaded = [report for report in titled if report.thread is not None]
    return max(threaded or titled, key=_last_seen).title if titled else ""


def _references(reports: Sequence[Report]) -> tuple[str, ...]:
    """The provider's own names for it: those that its source gives, then those that a statement names first."""
    given = [report.references for report in reports if report.references]
    named_in_text = [match.ids_in(f"{r.title}\n{r.text}")[:1] for r in reports if not r.references and r.thread is None]
    return match.union(*given, *named_in_text)


def _impact(reports: Sequence[Report]) -> Impact | None:
    """The worst of what each source said last; None where nobody stated any."""
    last: dict[str, Impact] = {}
    for report in reports:
        if report.impact is not None:
            last[report.source] = report.impact
    return max(last.values(), key=lambda impact: (impact.rank, impact.value), default=None)


def _latest(reports: Sequence[Report], name: str) -> datetime | None:
    stated = [report for report in reports if getattr(report, name) is not None]
    return getattr(max(stated, key=_last_seen), name) if stated else None


def _url(reports: Sequence[Report]) -> str:
    threaded = [report.url for report in reports if report.url and report.thread is not None]
    return (threaded or [report.url for report in reports if report.url] or [""])[0]


# --- updates -----------------------------------------------------------------------------------------------------


def updates_of(reports: Sequence[Report], before: Incident | None) -> list[Update]:
    """The timeline's entries: each statement once, with every source that made it (rule 7)."""
    ids = {report.id: update.id for update in (before.updates if before else ()) for report in update.reports}
    formal = any(report.thread is not None and report.status is not None for report in reports)
    updates: list[Update] = []
    taken: set[str] = set()
    for group in same_statements(reports):
        told = sorted(group, key=_first_told) if len(group) > 1 else group
        known = [ids[report.id] for report in told if report.id in ids and ids[report.id] not in taken]
        name = known[0] if known else _update_id(told, taken.union(ids.values()))
        taken.add(name)
        updates.append(_update(name, told, formal=formal))
    return updates


def _update_id(told: Sequence[Report], taken: Collection[str]) -> str:
    """A name made of the first report that was seen; none that is taken: what was one statement until one of its
    sources edited it may have that name already."""
    first = min(told, key=lambda report: (report.first_seen_at, *order(report)))
    name = short_hash("update", first.id)
    while name in taken:
        name = short_hash(name)
    return name


def _first_told(report: Report) -> tuple[datetime, bool, datetime, str]:
    """Who told first; a time without seconds may be any within its minute, so it does not win that minute."""
    minute = report.at.replace(second=0, microsecond=0)
    return (minute, report.at == minute, report.at, report.id)


def _update(name: str, told: Sequence[Report], *, formal: bool) -> Update:
    words = max(told, key=lambda report: (not report.text.endswith("…"), report.thread is not None, len(report.text)))
    return Update(
        id=name,
        at=told[0].at,
        text=words.text,
        status=_status(told, formal=formal),
        impact=next((report.impact for report in told if report.impact is not None), None),
        reports=tuple(told),
        revision=sum(report.revision for report in told),
        dated=any(report.dated for report in told),
        url=words.url or told[0].url,
        stated_at=max((report.stated_at for report in told if report.stated_at is not None), default=None),
    )


def _status(told: Sequence[Report], *, formal: bool) -> Status | None:
    """What the update states; from its words alone where its sources have no field for it.

    Words alone never close what a source with a field for it has an account of.
    """
    stated = next((report.status for report in told if report.status is not None), None)
    if stated is not None or told[0].maintenance:
        return stated
    said = next((phase for report in told if report.thread is None and (phase := match.phase_of(report.text))), None)
    return None if said is not None and said.closed and formal else said


# --- what changed ------------------------------------------------------------------------------------------------


def compare(
    before: Incident | None, after: Incident, told: Collection[str], absorbed: tuple[str, ...] = ()
) -> Change | None:
    """The change from one state of an incident to the next; None where there is none.

    told: the ids of the reports that the timeline already had, in whichever incident.
    """
    if before == after and not absorbed:
        return None
    old = {update.id: update for update in before.updates} if before else {}
    news, revised = [], []
    for update in after.updates:
        if update.id in old:
            if _says_else(old[update.id], update):
                revised.append(update.id)
        elif not any(report.id in told for report in update.reports) or _let_go(update, old.values()):
            news.append(update.id)
    return Change(after, before, tuple(news), tuple(revised), absorbed)


def _let_go(update: Update, old: Iterable[Update]) -> bool:
    """Whether it stood with other words for one statement until now: its own may never have been told."""
    mine = {report.id for report in update.reports}
    left = [each for one in old for each in one.reports if mine & {report.id for report in one.reports}]
    others = [report for report in left if report.id not in mine]
    return bool(others) and not any(match.alike(update.text, report.text) >= ALIKE for report in others)


def _says_else(old: Update, new: Update) -> bool:
    return (old.revision, old.status, old.impact) != (new.revision, new.status, new.impact)


def observe(incident: Incident, observations: Iterable[Observation]) -> Change | None:
    """An incident with what the program itself saw; each observation once."""
    have = {update.observed for update in incident.updates}
    extra = [
        Update(
            id=short_hash(incident.id, seen.key),
            at=max(seen.at, incident.started_at),
            text=seen.text,
            observed=seen.key,
        )
        for seen in observations
        if seen.key not in have
    ]
    if not extra:
        return None
    updates = sorted([*incident.updates, *extra], key=in_order)
    after = replace(incident, updates=tuple(updates), updated_at=max(u.at for u in updates))
    return compare(incident, after, ())
