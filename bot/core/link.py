"""From reports to the timeline: which incidents there are now, and what has changed of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.core import match
from bot.core.incident import compare, in_order, incident_of, short_hash
from bot.core.join import UNCORRECTED, Standing, clusters
from bot.core.match import Vocabulary
from bot.core.normalise import words_digest
from bot.core.place import EARLY, Cluster, order
from bot.core.related import relate, without
from bot.model import NOTHING, Change, Corrections, Incident, Report, Update

NAMED = "named|"  #: how the key of an update begins that stands here for a report of another incident
ALL_STANDS = datetime.max.replace(tzinfo=UTC)  #: where nothing is fresh, no relation is decided again


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
    return sorted((it for key, it in found.items() if key.removeprefix(NAMED) not in group.rules), key=in_order)


def _observed(incident: Incident) -> Iterable[Update]:
    return (update for update in incident.updates if update.observed)


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
