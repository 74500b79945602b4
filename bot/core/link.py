"""From reports to the timeline: what is one incident, what one update, in which state, and what has changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b

from bot.core import match
from bot.core.dissent import states
from bot.core.join import UNCORRECTED, Standing, clusters
from bot.core.likeness import named
from bot.core.match import Vocabulary
from bot.core.normalise import words_digest
from bot.core.place import EARLY, Cluster, order
from bot.core.related import relate, without
from bot.core.same import same_statements
from bot.model import NOTHING, Change, Corrections, Impact, Incident, Report, Status, Update

NAMED = "named|"  #: how the key of an update begins that stands here for a report of another incident
ALL_STANDS = datetime.max.replace(tzinfo=UTC)  #: where nothing is fresh, no relation is decided again


@dataclass(frozen=True, slots=True)
class Observation:
    """What the program itself saw of a source while something was wrong (rule of truth 4)."""

    key: str  #: `down|<source>|<since>`, `up|<source>|<since>`: each is told once
    at: datetime
    text: str


def link(
    known: Sequence[Incident],
    fresh: Sequence[Report],
    vocabulary: Vocabulary,
    corrections: Corrections = UNCORRECTED,
    former: Mapping[str, str] = NOTHING,
    since: datetime | None = None,
) -> list[Change]:
    """What fresh reports change.

    known: every incident that they may belong to, whole (ports.Ledger.neighbourhood). former: report id -> the id that
    its incident takes again where that is new. since: what was said before it stands where it does (None: all is
    decided again). The result lists changed incidents only, oldest first; the same reports give the same incidents in
    whatever order they came.
    """
    touched, groups = _decided(known, fresh, vocabulary, corrections, since)
    new = {report.id for report in fresh}
    standing = {incident.id: incident for incident in touched}
    now = {incident.id: incident for incident in known}
    went: dict[str, tuple[str, ...]] = {}
    homes = _homes(touched, groups, former)
    beside = _named_beside(homes)
    for group, home, absorbed in homes:
        before = standing.get(home)
        parts = [incident for name, incident in standing.items() if name == home or name in absorbed]
        observed = _beside(home, group, [update for incident in parts for update in _observed(incident)], beside[home])
        same = before and before.joined == group.rules and observed == list(_observed(before))
        if same and not absorbed and new.isdisjoint(group.rules):
            continue  # the same reports by the same rules make the same incident
        related = tuple({it.id: it for incident in parts for it in incident.related}.values())
        now[home] = replace(incident_of(home, group, observed, vocabulary, before), related=related)
        went[home] = absorbed
    return _changes(known, _side_by_side(known, now, went, fresh, vocabulary), went)


def _named_beside(homes: Sequence[tuple[Cluster, str, tuple[str, ...]]]) -> Mapping[str, list[Report]]:
    """For each incident the posts of another one that name it, too (not only to compare with it)."""
    posts = [
        (report, names[1:], home)
        for group, home, _ in homes
        for report in group.reports
        if report.thread is None and len(names := match.ids_in(f"{report.title}\n{report.text}")) > 1
        if not match.mentions_beside(report.text)
    ]
    found: dict[str, list[Report]] = defaultdict(list)
    for group, home, _ in homes if posts else ():
        own = {key for report in group.reports for key in _own_names(report)}
        for report, names, stands in posts:
            if stands != home and any(f"id:{name}" in own for name in names):
                found[home].append(report)
    return found


def _own_names(report: Report) -> Iterable[str]:
    """The ids by which a report knows its own incident."""
    if report.thread is not None:
        return (key for key in report.keys if key.startswith("id:"))
    return (f"id:{name}" for name in match.ids_in(f"{report.title}\n{report.text}")[:1])


def _beside(home: str, group: Cluster, observed: Sequence[Update], posts: Iterable[Report]) -> list[Update]:
    """The observations of an incident, with the posts of others that name it; what joined it stands there itself."""
    found = {update.observed: update for update in observed}
    for report in posts:
        key = f"{NAMED}{report.id}"
        found[key] = Update(
            found[key].id if key in found else short_hash(home, key),
            report.at,
            report.text,
            revision=report.revision,
            observed=key,
            dated=report.dated,
            url=report.url,
        )
    return sorted((it for key, it in found.items() if key.removeprefix(NAMED) not in group.rules), key=_order)


def _side_by_side(
    known: Sequence[Incident],
    now: Mapping[str, Incident],
    went: Mapping[str, tuple[str, ...]],
    fresh: Sequence[Report],
    vocabulary: Vocabulary,
) -> list[Incident]:
    """The incidents as they are now, each with those that are shown beside it. went: id -> those that it absorbed."""
    gone = {name for absorbed in went.values() for name in absorbed}
    incidents = [it for name, it in now.items() if name not in gone]
    if gone:
        incidents = [replace(it, related=without(it.related, gone)) for it in incidents]
    began = min((report.at for report in fresh), default=None)
    since = began - EARLY if began else ALL_STANDS
    before = {incident.id: incident for incident in known}
    if all(it.started_at < since and it.id in before for it in incidents):
        return incidents
    related = relate(incidents, before, since, vocabulary)
    return [it if it.related == related[it.id] else replace(it, related=related[it.id]) for it in incidents]


def _changes(known: Sequence[Incident], now: Iterable[Incident], went: Mapping[str, tuple[str, ...]]) -> list[Change]:
    """What is different, oldest first."""
    told = {report.id for incident in known for report in _reports(incident)}
    before = {incident.id: incident for incident in known}
    other = (it for it in now if before.get(it.id) is not it)
    found = (compare(before.get(it.id), it, told, went.get(it.id, ())) for it in other)
    changes = (change for change in found if change is not None)
    return sorted(changes, key=lambda change: (change.incident.started_at, change.incident.id))


def _decided(
    known: Sequence[Incident],
    fresh: Sequence[Report],
    vocabulary: Vocabulary,
    corrections: Corrections,
    since: datetime | None,
) -> tuple[Sequence[Incident], Sequence[Cluster]]:
    """The known incidents that fresh reports may change, and the clusters that are now in their stead."""
    if since is None:
        return known, clusters(merged(known, fresh), vocabulary, corrections)
    near = _in_touch(known, fresh, corrections, since)
    aloof = {incident.id: _cluster(incident) for incident in known if incident.id not in near}
    touched = [incident for incident in known if incident.id in near]
    standing = _standing(touched, fresh, since)
    groups = clusters(merged(touched, fresh), vocabulary, corrections, standing, list(aloof.values()))
    sizes = {id(aloof[incident.id]): len(incident.joined) for incident in known if incident.id in aloof}
    same = {id(group) for group in groups if len(group.reports) == sizes.get(id(group))}
    left = [incident for incident in known if incident.id in near or id(aloof[incident.id]) not in same]
    return left, [group for group in groups if id(group) not in same]


def _in_touch(
    known: Sequence[Incident], fresh: Sequence[Report], corrections: Corrections, since: datetime
) -> Collection[str]:
    """The incidents of which not every report stands, or which more than likeness may tie to what does not."""
    lively = {incident.id for incident in known if incident.updated_at >= since}
    free = [*fresh, *(report for incident in known if incident.id in lively for report in _reports(incident))]
    keys = match.tied(key for report in free for key in report.keys)
    threads = {(report.source, report.thread) for report in free if report.thread is not None}
    corrected = {name for pair in [*corrections.together, *corrections.apart] for name in pair}
    return lively | {
        incident.id
        for incident in known
        if not keys.isdisjoint(incident.keys)
        or (threads and any((report.source, report.thread) in threads for report in _reports(incident)))
        or not corrected.isdisjoint(incident.joined)
    }


def _cluster(incident: Incident) -> Cluster:
    """An incident of which every report stands."""
    reports = sorted(_reports(incident), key=order)
    return Cluster(reports, dict(incident.joined), reports[-1].at, standing=True)


def _reports(incident: Incident) -> Iterable[Report]:
    return (report for update in incident.updates for report in update.reports)


def _standing(known: Sequence[Incident], fresh: Sequence[Report], since: datetime) -> Mapping[str, Standing]:
    """Where the reports before a time belong, but for those of which a new version has come."""
    again = {report.id for report in fresh}
    return {
        report.id: Standing(incident.id, incident.joined[report.id])
        for incident in known
        for report in _reports(incident)
        if report.at < since and report.id not in again
    }


def merged(known: Sequence[Incident], fresh: Sequence[Report]) -> list[Report]:
    """All reports, each in its newest version."""
    reports = {report.id: report for incident in known for update in incident.updates for report in update.reports}
    for report in fresh:
        before = reports.get(report.id)
        reports[report.id] = report if before is None else newer(before, report)
    return list(reports.values())


def newer(a: Report, b: Report) -> Report:
    """Two versions of one statement: the later seen has the word, and keeps what it no longer repeats."""
    old, new = (a, b) if a.seen_at <= b.seen_at else (b, a)
    changed = words_digest(old.text) != words_digest(new.text) or (
        new.status is not None and old.status is not None and new.status is not old.status
    )
    return replace(
        new,
        at=_time(old, new),
        dated=new.dated or old.dated,
        first_seen_at=min(a.first_seen_at, b.first_seen_at),
        status=new.status or old.status,
        impact=new.impact or old.impact,
        title=new.title or old.title,
        components=new.components or old.components,
        regions=new.regions or old.regions,
        keys=new.keys | old.keys,
        revision=max(a.revision, b.revision) + changed,
        stated_at=_stated_at(old, new),
    )


def _stated_at(old: Report, new: Report) -> datetime | None:
    """When the status was stated: where it changed without a word, when that was seen, if the source does not say."""
    if new.status is None or new.status is old.status:
        return old.stated_at
    if old.status is None:
        return new.stated_at
    return new.stated_at or (new.seen_at if words_digest(old.text) == words_digest(new.text) else None)


def _time(old: Report, new: Report) -> datetime:
    """The time that the newer version states, else the older, else the first sight."""
    if new.dated or old.dated:
        return new.at if new.dated else old.at
    return min(old.at, new.at)


def _homes(
    known: Sequence[Incident], groups: Sequence[Cluster], former: Mapping[str, str]
) -> list[tuple[Cluster, str, tuple[str, ...]]]:
    """Which incident each cluster is: the known one with which it shares the most reports, else a new one.

    With it the ids of known incidents that are left without any report: they were this one all along. A report whose
    incident is `former` takes it with it, however few it has.
    """
    belongs = {report.id: incident.id for incident in known for u in incident.updates for report in u.reports}
    age = {incident.id: (incident.started_at, incident.id) for incident in known}
    claims: list[tuple[int, int, str]] = []
    for index, group in enumerate(groups):
        own = {former[report.id] for report in group.reports if report.id in former}
        shared = Counter(belongs[report.id] for report in group.reports if report.id in belongs)
        claims += [(count + len(belongs) * (name in own), index, name) for name, count in shared.items()]
    claims.sort(key=lambda claim: (-claim[0], age[claim[2]], claim[1]))
    home: dict[int, str] = {}
    for _, index, incident in claims:
        if index not in home and incident not in home.values():
            home[index] = incident
    left: dict[int, list[str]] = defaultdict(list)
    for _, index, incident in claims:
        if incident not in {*home.values(), *(gone for ids in left.values() for gone in ids)}:
            left[index].append(incident)
    taken = set(age)
    return [
        (group, home.get(index) or new_id(group, belongs, taken, former), tuple(left[index]))
        for index, group in enumerate(groups)
    ]


def new_id(group: Cluster, belongs: Mapping[str, str], taken: set[str], former: Mapping[str, str] = NOTHING) -> str:
    """A name for a new incident, made of the first report that was seen of it; none that is `taken`, and then it is.

    belongs: report id -> the incident that it was part of. What splits off may have given that one its name.
    former: report id -> the name that its incident had once, and takes again.
    """
    first = min(group.reports, key=lambda report: (report.first_seen_at, *order(report)))
    again = sorted({former[report.id] for report in group.reports if report.id in former} - taken)
    name = again[0] if again else short_hash(first.provider, first.id, *filter(None, [belongs.get(first.id)]))
    while name in taken:
        name = short_hash(name)
    taken.add(name)
    return name


def short_hash(*parts: str) -> str:
    """Twelve letters and digits that stand for these parts."""
    return blake2b("\x1f".join(parts).encode(), digest_size=6).hexdigest()


# --- one incident ------------------------------------------------------------------------------------------------


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
    updates = sorted([*updates, *observed], key=_order)
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


def _order(update: Update) -> tuple[datetime, int, int, str]:
    """By time; among equal times statements before our observations, and in their sources' own order."""
    if update.observed:
        return (update.at, 1, 0, update.observed)
    _, position, report = min(map(order, update.reports), key=lambda place: place[1:])
    return (update.at, 0, position, report)


def _observed(incident: Incident) -> Iterable[Update]:
    return (update for update in incident.updates if update.observed)


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
        elif not any(report.id in told for report in update.reports):
            news.append(update.id)
    return Change(after, before, tuple(news), tuple(revised), absorbed)


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
    updates = sorted([*incident.updates, *extra], key=_order)
    after = replace(incident, updates=tuple(updates), updated_at=max(u.at for u in updates))
    return compare(incident, after, ())
