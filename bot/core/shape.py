"""Incidents as JSON in the shape of Statuspage API v2 (CONTRACT.md, "Timeline as JSON"), for every way out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from bot.core.dissent import states
from bot.core.summary import title_of
from bot.model import Delivery, Impact, Incident, Report, Status, Update

#: What an open incident's impact says of the components that it names; any other impact says nothing of them.
TROUBLED: Mapping[Impact, str] = {
    Impact.MINOR: "degraded_performance",
    Impact.MAJOR: "partial_outage",
    Impact.CRITICAL: "major_outage",
}
UNKNOWN = "unknown"
AT_WORK = (Status.IN_PROGRESS, Status.VERIFYING)


@dataclass(frozen=True, slots=True)
class Page:
    """What the member `page` says: whose timeline this is."""

    updated_at: datetime
    id: str = "statusbot"
    name: str = "statusbot"
    url: str = ""


def timeline_json(incidents: Iterable[Incident], names: Mapping[str, str], page: Page) -> dict[str, object]:
    """Statuspage's `incidents.json` of these incidents, in the order given; `names`: provider id -> its name."""
    return {
        "page": page_json(page),
        "incidents": [incident_json(incident, names.get(incident.provider, "")) for incident in incidents],
    }


def page_json(page: Page) -> dict[str, object]:
    """The member `page`."""
    return {
        "id": page.id,
        "name": page.name,
        "url": page.url,
        "time_zone": "Etc/UTC",
        "updated_at": iso(page.updated_at),
    }


def incident_json(incident: Incident, provider_name: str) -> dict[str, object]:
    """One incident; `scheduled_for` and `scheduled_until` stand only in a maintenance, as on Statuspage."""
    window = {"scheduled_for": iso(incident.starts), "scheduled_until": iso(incident.ends)}
    return {
        "id": incident.id,
        "name": title_of(incident),
        "status": incident.status.value,
        "created_at": iso(incident.updates[0].at if incident.updates else incident.started_at),
        "updated_at": iso(incident.updated_at),
        "started_at": iso(incident.started_at),
        "monitoring_at": iso(_monitoring_at(incident)),
        "resolved_at": iso(incident.resolved_at),
        "impact": (incident.impact or Impact.NONE).value,
        "impact_known": incident.impact is not None,
        "shortlink": incident.url,
        "page_id": incident.provider,
        **(window if incident.maintenance else {}),
        "components": [component_json(incident, name, place) for place, name in enumerate(incident.components, 1)],
        "reminder_intervals": None,
        "incident_updates": updates_json(incident),
        "provider": {"id": incident.provider, "name": provider_name or incident.provider},
        "references": list(incident.references),
        "sources": list(incident.sources),
        "related": [{"id": it.id, "relation": it.relation.value} for it in incident.related],
    }


def component_json(incident: Incident, name: str, place: int) -> dict[str, object]:
    """A component that the incident names; `unknown` wherever the incident does not say how it fares now.

    Of what Statuspage says besides (a group, a description) nothing is known, but programs expect the members.
    """
    return {
        "id": component_id(incident.provider, name),
        "name": name,
        "status": component_status(incident),
        "created_at": iso(incident.started_at),
        "updated_at": iso(incident.updated_at),
        "position": place,
        "description": None,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": incident.provider,
        "group": False,
        "only_show_if_degraded": False,
    }


def component_id(provider: str, name: str) -> str:
    """Twelve characters, as opaque as Statuspage's, and the same in every document."""
    return sha256(f"{provider}/{name}".encode("utf-8", "replace")).hexdigest()[:12]


def component_status(incident: Incident) -> str:
    """How the components of one incident fare: Statuspage's word, or `unknown`; never `operational`."""
    if not incident.open:
        return UNKNOWN
    if incident.maintenance:
        return "under_maintenance" if incident.status in AT_WORK else UNKNOWN
    return TROUBLED.get(incident.impact or Impact.NONE, UNKNOWN)


def _stated(updates: Iterable[Update]) -> list[tuple[datetime, Status]]:
    """The statuses that count, in the order in which they were stated; also what mere words say of one that goes on."""
    every = tuple(updates)
    stated = [(at, update.status) for at, update in states(every)]
    stated += [(update.stated_at or update.at, update.status) for update in every if not update.reports]
    return sorted((at, status) for at, status in stated if status is not None)


def updates_json(incident: Incident) -> list[dict[str, object]]:
    """The incident's updates, newest first, each with the status that it states or that was in force.

    A status that was stated later than the words beside it is in force from then on.
    """
    rows = []
    status = Status.SCHEDULED if incident.maintenance else Status.INVESTIGATING
    stated = _stated(incident.updates)
    for update in incident.updates:
        while stated and stated[0][0] <= update.at:
            status = stated.pop(0)[1]
        rows.append(update_json(update, incident.id, update.status or status))
    return rows[::-1]


def update_json(update: Update, incident: str, status: Status) -> dict[str, object]:
    """One update of the incident with that id, under the status in force."""
    return {
        "id": update.id,
        "status": status.value,
        "body": update.text,
        "incident_id": incident,
        "created_at": iso(update.at),
        "updated_at": iso(_touched_at(update)),
        "display_at": iso(update.at),
        "affected_components": [],
        "deliver_notifications": True,
        "dated": all(report.dated for report in update.reports[:1]),
        "custom_tweet": None,
        "tweet_id": None,
        "reports": [report_json(report) for report in update.reports],
    }


def report_json(report: Report) -> dict[str, object]:
    """One statement that an update rests on."""
    return {
        "source": report.source,
        "native_id": report.native_id,
        "url": report.url,
        "at": iso(report.at),
        "first_seen_at": iso(report.first_seen_at),
    }


def iso(at: datetime | None) -> str | None:
    """`2026-01-22T19:37:12.000Z`, as Statuspage writes times; None stays None."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _monitoring_at(incident: Incident) -> datetime | None:
    """When the latest update that states `monitoring` was made."""
    stated = (update.stated_at or update.at for update in incident.updates if update.status is Status.MONITORING)
    return max(stated, default=None)


def _touched_at(update: Update) -> datetime:
    """When it took its present form: one that was edited, or whose status changed, is newer than its own date."""
    edited = [report.seen_at for report in update.reports if report.revision] if update.revision else []
    return max([update.at, *edited, *filter(None, [update.stated_at])])


def delivery_json(delivery: Delivery) -> dict[str, object]:
    """One entry of the outbox; nothing in it is secret."""
    return {
        "id": delivery.id,
        "key": delivery.key,
        "destination": str(delivery.destination),
        "incident": delivery.incident or None,
        "updates": list(delivery.updates) or [delivery.update],
        "act": delivery.act.value,
        "state": delivery.state.value,
        "tries": delivery.tries,
        "created_at": iso(delivery.created_at),
        "due": iso(delivery.due),
        "message": delivery.receipt.message if delivery.receipt else None,
        "reason": delivery.reason,
    }
