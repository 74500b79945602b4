"""Short ways to write down the values that the store's tests keep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model import Change, Destination, Incident, Mode, Report, Routing, Status, Subscription, Update

T0 = datetime(2026, 1, 22, 19, 0, tzinfo=UTC)
SLACK = Destination("slack", "C1")
TEAMS = Destination("teams", "ops")


def at(minutes: float) -> datetime:
    """So many minutes after T0."""
    return T0 + timedelta(minutes=minutes)


def report(native_id: str = "1", source: str = "acme/page", minutes: float = 0, **facts: Any) -> Report:
    when = at(minutes)
    facts.setdefault("text", f"words of {native_id}")
    facts.setdefault("dated", True)
    return Report(source, native_id, "acme", when, first_seen_at=when, seen_at=when, **facts)


def update(*reports: Report, name: str = "", minutes: float = 0, **facts: Any) -> Update:
    first = reports[0] if reports else None
    facts = {"text": first.text if first else "observed", "status": Status.INVESTIGATING} | facts
    return Update(
        name or (first.native_id if first else "seen"), first.at if first else at(minutes), reports=reports, **facts
    )


def incident(name: str = "i1", *updates: Update, **facts: Any) -> Incident:
    """An incident as the link stage would make it: its keys and rules are those of its reports."""
    reports = [report for update in updates for report in update.reports]
    times = [update.at for update in updates] or [T0]
    derived: dict[str, Any] = {
        "provider": "acme",
        "title": "Trouble",
        "status": Status.INVESTIGATING,
        "started_at": min(times),
        "updated_at": max(times),
        "keys": frozenset(key for report in reports for key in report.keys),
        "joined": {report.id: "thread" for report in reports},
    }
    return Incident(id=name, updates=updates, **(derived | facts))


def change(now: Incident, before: Incident | None = None, absorbed: Iterable[str] = ()) -> Change:
    return Change(now, before, news=tuple(update.id for update in now.updates), absorbed=tuple(absorbed))


def routing(update: str = "u1", incident: str = "i1", **facts: Any) -> Routing:
    """News of an incident that names nothing and whose impact nobody stated."""
    plain: dict[str, Any] = {
        "updates": (update,),
        "revision": 0,
        "provider": "acme",
        "components": (),
        "regions": (),
        "rank": None,
        "maintenance": False,
        "news": True,
        "opens": True,
    }
    return Routing(incident=incident, update=update, **(plain | facts))


def subscription(to: Destination = SLACK, mode: Mode = Mode.THREAD, **facts: Any) -> Subscription:
    return Subscription(to, mode=mode, **facts)
