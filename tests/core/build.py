"""Short ways to write down what the core's tests are about: one provider, three mouths, minutes after an evening."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.link import link
from bot.core.match import Vocabulary
from bot.core.normalise import as_report, digest, words_digest
from bot.model import Change, Incident, Item, Known, Report, Source, Update

T0 = datetime(2026, 1, 22, 19, 0, tzinfo=UTC)
PAGE = Source("acme/page", "acme", "page", "statuspage", "https://status.acme.example")
FEED = Source("acme/feed", "acme", "feed", "feed", "https://status.acme.example/history.atom")
X = Source("acme/x", "acme", "x", "x", account="acmestatus")
NAMES = Vocabulary(
    components={
        "Exchange Online": ("EXO", "Outlook on the web", "mail flow"),
        "Microsoft Teams": ("Teams",),
        "SharePoint Online": ("SharePoint",),
    },
    regions={"North America": ("NA",), "Europe": ("EMEA",)},
)


def at(minutes: float) -> datetime:
    """So many minutes after T0."""
    return T0 + timedelta(minutes=minutes)


def said(source: Source, minutes: float, text: str, name: str | None = None, **facts: Any) -> Report:
    """A report as normalise makes it: `text`, said by `source`, and read at once (or at `seen` minutes)."""
    seen = at(facts.pop("seen", minutes))
    item = Item(text, native_id=name or f"{source.name}-{minutes}", at=at(minutes), **facts)
    return as_report(source, item, item.native_id or "", 0, None, seen)


def remembered(report: Report) -> Known:
    """What the ledger remembers of a report."""
    return Known(
        report.native_id,
        report.thread,
        report.at,
        digest(report),
        words_digest(report.text),
        report.revision,
        report.first_seen_at,
        report.seen_at,
        report.position,
        report.status,
        report.impact,
    )


def timeline(*batches: Report | Sequence[Report], vocabulary: Vocabulary = NAMES) -> list[Incident]:
    """The incidents that these reports make, linked one after the other (a list: together), oldest first."""
    incidents: dict[str, Incident] = {}
    for batch in batches:
        fresh = [batch] if isinstance(batch, Report) else list(batch)
        for change in link(list(incidents.values()), fresh, vocabulary):
            apply(incidents, change)
    return sorted(incidents.values(), key=lambda incident: (incident.started_at, incident.id))


def apply(incidents: dict[str, Incident], change: Change) -> None:
    """What Ledger.save does, in plain values."""
    for gone in change.absorbed:
        incidents.pop(gone, None)
    incidents[change.incident.id] = change.incident


def only(incidents: Sequence[Incident]) -> Incident:
    """The only incident there is."""
    (incident,) = incidents
    return incident


def texts(incident: Incident) -> list[str]:
    """Its updates' words, oldest first."""
    return [update.text for update in incident.updates]


def ids(update: Update) -> list[str]:
    """The ids of an update's reports, the first that told it first."""
    return [report.id for report in update.reports]
