"""Which messages a change is worth: one for each update, one for what was missed, or none (rules of truth 10 to 12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.carrier import carried_by
from bot.core.match import Vocabulary
from bot.model import SHORT, Change, Incident, Routing, Status, Update

RECENT = timedelta(hours=24)


class Waking(StrEnum):
    """In which state of mind a change was learnt."""

    AWAKE = "awake"  #: no pause, or one too short to count: every update is told
    FIRST = "first"  #: the first sight of the source: its history is learnt in silence, only what is open is told
    PAUSED = "paused"  #: after a pause: what was missed is told once


def routings(change: Change, waking: Waking, vocabulary: Vocabulary, at: datetime) -> list[Routing]:
    """What the store's routing statement is asked for one change, in the order of telling."""
    incident = change.incident
    news = [update for update in incident.updates if update.id in change.news]
    closing = [update for update in incident.updates if update.id in change.revised and _turns(change, update)]
    told = sorted([*news, *closing], key=incident.updates.index)
    history = waking is Waking.FIRST and not open_now(incident, at)
    if history and not _ends(change):  # of an incident that others told already, what was said just now is none
        told = [update for update in told if change.before is not None and at - update.at < SHORT]
    if change.silent or (history and not told):
        return []
    if not told:
        return [_routing(change, (_standing(change),), vocabulary, news=False)] if _worth_an_edit(change) else []
    together = waking is not Waking.AWAKE and len(told) > 1
    batches: Sequence[tuple[Update, ...]] = [tuple(told)] if together else [(update,) for update in told]
    owed = [_routing(change, batch, vocabulary, news=True) for batch in batches]
    owed[-1] = replace(owed[-1], ends=_ends(change))
    return [replace(routing, opens=False) for routing in owed] if history else owed


def corrected(change: Change, vocabulary: Vocabulary, at: datetime) -> Routing:
    """What an operator's correction is worth: the standing message as it now reads, and one for what split off."""
    routing = _routing(change, (_standing(change),), vocabulary, news=False)
    opens = change.before is None and open_now(change.incident, at)
    return replace(routing, revision=int(at.timestamp()), opens=opens)


def _ends(change: Change) -> bool:
    """Whether it ends what was open: whoever was told of the opening is told of that, and nobody else (rule 12)."""
    return change.before is not None and change.before.open and not change.incident.open


def as_it_stands(incident: Incident, vocabulary: Vocabulary) -> Routing:
    """What the routing statement would be asked for news of an incident now: for whom it is, and for whom not."""
    return _routing(Change(incident, before=incident), incident.updates[-1:], vocabulary, news=True)


def welcome(incidents: Sequence[Incident], at: datetime) -> list[Incident]:
    """What a new subscriber is told: what is wrong now; of maintenances only those that have begun."""
    return [
        incident
        for incident in incidents
        if open_now(incident, at) and not (incident.maintenance and incident.status is Status.SCHEDULED)
    ]


def open_now(incident: Incident, at: datetime) -> bool:
    """Whether something read for the first time is worth telling: open by a statement, or said within a day.

    (Many feeds never say that anything is over; their history is no news.)
    """
    stated = any(update.status is not None for update in incident.updates)
    return incident.open and (stated or at - incident.updated_at <= RECENT)


def _turns(change: Change, update: Update) -> bool:
    """Whether a revised update's new status, and no update of its own, has ended the incident or reopened it."""
    if change.before is None or change.before.open is change.incident.open or update.status is None:
        return False
    return all(update.status != known.status for known in change.before.updates if known.id == update.id)


def _worth_an_edit(change: Change) -> bool:
    """Whether the standing message would read differently."""
    if change.before is None:
        return False
    return bool(change.revised or change.absorbed) or _shows_else(change.before, change.incident)


def _shows_else(before: Incident, after: Incident) -> bool:
    shown = ("title", "status", "impact", "references", "components", "regions", "starts", "ends", "sources", "related")
    return any(getattr(before, name) != getattr(after, name) for name in shown)


def words_only(change: Change) -> bool:
    """Whether a change is one of words that were told before, and of nothing else that a message shows."""
    known = change.before is not None and not _shows_else(change.before, change.incident)
    return known and bool(change.revised) and not change.news and not change.absorbed


def _standing(change: Change) -> Update:
    revised = [update for update in change.incident.updates if update.id in change.revised]
    return (revised or list(change.incident.updates))[-1]


def _routing(change: Change, updates: tuple[Update, ...], vocabulary: Vocabulary, *, news: bool) -> Routing:
    incident = change.incident
    return Routing(
        incident=incident.id,
        update=updates[-1].id,
        updates=tuple(update.id for update in updates),
        revision=_version(updates[-1], change, news=news),
        provider=incident.provider,
        components=_facets(incident, vocabulary),
        regions=tuple(name.casefold() for name in incident.regions),
        rank=None if incident.maintenance or incident.impact is None else incident.impact.rank,
        maintenance=incident.maintenance,
        news=news,
        opens=incident.open or change.before is None or change.before.open,
        carries=carried_by(incident.provider),
    )


def _version(update: Update, change: Change, *, news: bool) -> int:
    """What tells one state of a message from the next: the update's revision, or when its incident was last read.

    (That a second mouth gave it a status revises none of its words: its end is still another delivery than its words.)
    """
    known = change.before.updates if change.before is not None and update.id in change.revised else ()
    if news and not any(other.id == update.id and other.revision == update.revision for other in known):
        return update.revision
    reports = (report for other in change.incident.updates for report in other.reports)
    return int(max((report.seen_at.timestamp() for report in reports), default=0))


def _facets(incident: Incident, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The components as filters name them; none where one is unknown to the filters, so that it passes (rule 12)."""
    if not all(vocabulary.knows(name) for name in incident.components):
        return ()
    return tuple(vocabulary.canonical(name).casefold() for name in incident.components)
