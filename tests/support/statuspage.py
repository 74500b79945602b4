"""A status page on loopback that speaks Atlassian Statuspage's API v2, and fails as told."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
from aiohttp import web

Json = dict[str, Any]
Fault = Callable[[web.Request], web.Response]


def limited(_: web.Request) -> web.Response:
    """429, without saying for how long."""
    return web.Response(status=429, text="Too Many Requests")


def reset(request: web.Request) -> web.Response:
    """The connection breaks off."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@dataclass
class StatusPage:
    """`fault` answers in the page's place while it is set; `asked` are the paths of what came."""

    name: str = "Acme Cloud"
    incidents: list[Json] = field(default_factory=list)
    maintenances: list[Json] = field(default_factory=list)
    fault: Fault | None = None
    asked: list[str] = field(default_factory=list)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def polls(self) -> int:
        """How often it was asked: each poll begins with the summary."""
        return sum(path.endswith("/summary.json") for path in self.asked)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.fault is not None:
            return self.fault(request)
        body = orjson.dumps(self.document(request.path.rpartition("/")[2], str(request.url.origin())))
        tag = f'"{sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=body, content_type="application/json", headers={"ETag": tag})

    def document(self, name: str, url: str) -> Json:
        """What one endpoint says."""
        current = [one for one in self.incidents if one["status"] not in ("resolved", "postmortem")]
        newest = max((one["updated_at"] for one in self.incidents), default="2026-01-01T00:00:00.000Z")
        page = {"id": "p1", "name": self.name, "url": url, "time_zone": "Etc/UTC", "updated_at": newest}
        if name == "incidents.json":
            return {"page": page, "incidents": self.incidents}
        if name == "scheduled-maintenances.json":
            return {"page": page, "scheduled_maintenances": self.maintenances}
        status = {"indicator": "major" if current else "none", "description": "All Systems Operational"}
        return {"page": page, "status": status, "components": [], "incidents": current, "scheduled_maintenances": []}

    def begin(self, name: str, body: str, *, impact: str = "major") -> Json:
        """A new incident, investigating."""
        at = stamp()
        number = f"inc{next(self.ids)}"
        incident: Json = {
            "id": number,
            "name": name,
            "status": "investigating",
            "impact": impact,
            "shortlink": f"https://stspg.io/{number}",
            "created_at": at,
            "updated_at": at,
            "started_at": at,
            "resolved_at": None,
            "components": [],
            "incident_updates": [],
        }
        self.incidents.insert(0, incident)
        self.add(incident, "investigating", body)
        return incident

    def add(self, incident: Json, status: str, body: str) -> None:
        """One update more; they stand newest first."""
        at = stamp()
        update = {
            "id": f"upd{next(self.ids)}",
            "incident_id": incident["id"],
            "status": status,
            "body": body,
            "created_at": at,
            "updated_at": at,
            "display_at": at,
            "affected_components": None,
        }
        incident["incident_updates"].insert(0, update)
        incident.update(status=status, updated_at=at, resolved_at=at if status == "resolved" else None)


def stamp() -> str:
    """Now, as Statuspage writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")  # noqa: TID251  # a real page's
