"""What a delivery is to say: the notice of it, which many deliveries of one update have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core import health
from bot.core.summary import LATE, went_on
from bot.model import Act, Belief, Delivery, Directory, Impact, Incident, Notice, Sighting

CALLS = frozenset({Act.CREATE, Act.POST, Act.REPLY})
MINUTE = timedelta(minutes=1)


def notice(
    delivery: Delivery, incident: Incident, sightings: Sequence[Sighting], directory: Directory, now: datetime
) -> Notice:
    """The notice of a delivery, without its key: the notifier adds that when it sends."""
    moved = "" if delivery.update or incident.id == delivery.incident else delivery.incident
    wanted = set(delivery.updates) or {delivery.update}
    updates = tuple(update for update in incident.updates if update.id in wanted) or incident.updates[-1:]
    if moved:
        updates = (went_on(incident, delivery.created_at or now),)
    told = [sighting for sighting in sightings if sighting.belief is not Belief.UNKNOWN]
    return Notice(
        incident=incident,
        updates=updates,
        act=delivery.act,
        sightings=tuple(health.believed(sighting, sightings, [incident]) for sighting in told),
        provider_name=directory.providers.get(incident.provider, incident.provider),
        mention=call(delivery, incident),
        late=lateness(delivery, now),
        catch_up=len(updates) > 1,
        source_names=directory.labels,
        moved=moved,
        limited=delivery.limited,
        instead=str(delivery.instead or ""),
        covered=delivery.covered,
    )


def lateness(delivery: Delivery, now: datetime) -> timedelta | None:
    """How late it is told, in whole minutes; None where that is not worth a word."""
    if delivery.created_at is None or delivery.act not in CALLS or now - delivery.created_at < LATE:
        return None
    return (now - delivery.created_at) // MINUTE * MINUTE


def call(delivery: Delivery, incident: Incident) -> str:
    """Whom the message calls: at the opening, by the greatest least-impact that the incident reaches."""
    opening = delivery.act is Act.CREATE or (
        delivery.act is Act.POST and incident.updates[0].id in (delivery.update, *delivery.updates)
    )
    if not opening or incident.impact is None or not delivery.mention:
        return ""
    reached = [(Impact(least).rank, words) for least, words in delivery.mention.items()]
    return max((entry for entry in reached if entry[0] <= incident.impact.rank), default=(0, ""))[1]
