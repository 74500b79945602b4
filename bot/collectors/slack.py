"""Kind `slack`: Slack's own status API, whose incidents carry notes (https://docs.slack.dev/slack-status-api)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from bot.core.dates import parse_iso
from bot.core.document import json_of, require
from bot.core.members import objects, oldest_first, strings, text
from bot.core.text import plain
from bot.model import Capture, Cursor, Impact, Item, Source, Status
from bot.ports import Tools

#: An incident leaves `current` when it is resolved; that it is resolved stands in `history`.
DOCUMENTS = ("current", "history")
#: Slack names no severity; its type comes nearest. A `notice` says nothing of how bad it is.
IMPACTS = {"outage": Impact.MAJOR, "incident": Impact.MINOR}
#: `active` tells no phase.
STATUSES = {"resolved": Status.RESOLVED, "completed": Status.RESOLVED, "cancelled": Status.RESOLVED}
PLANNED = {
    "scheduled": Status.SCHEDULED,
    "active": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "cancelled": Status.COMPLETED,
    "resolved": Status.COMPLETED,
}


class Slack:
    """Kind `slack`."""

    def __init__(self, tools: Tools) -> None:
        self._fetcher = tools.fetcher

    async def fetch(self, source: Source, cursor: Cursor) -> AsyncIterator[Capture]:
        """The documents of `addresses`; where one is refused or not answered at all, the others are left in peace."""
        *others, last = addresses(source.url)
        for url in others:
            capture = await self._fetcher.get(source, url, cursor)
            if capture.error or capture.retry_at or capture.status == 429:
                yield capture
                return
            yield replace(capture, partial=True)
        yield await self._fetcher.get(source, last, cursor)

    def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
        """One Item a note, oldest first in each incident. Raises Unreadable for what is no such document."""
        document = json_of(capture)
        return [item for incident in _incidents(document, urlsplit(capture.url).path) for item in _items(incident)]


def addresses(url: str) -> tuple[str, ...]:
    """The address itself where it names a document, else (`https://slack-status.com`) the site's two."""
    parts = urlsplit(url)
    if "/api/" in parts.path:
        return (url,)
    return tuple(f"{parts.scheme}://{parts.netloc}/api/v2.0.0/{name}" for name in DOCUMENTS)


def _incidents(document: Any, path: str) -> Sequence[Mapping[str, Any]]:
    """`history` is an array; `current` an object with `active_incidents`, in v1.0.0 the one incident itself."""
    if isinstance(document, list) and not path.endswith("/current"):
        return objects(document)
    require(document, "status", kind=str)
    if "/v1.0.0/" in path:
        require(document, "date_updated", kind=str)
        return [document] if "id" in document else []
    return objects(require(document, "active_incidents", kind=list))


def _items(incident: Mapping[str, Any]) -> list[Item]:
    """The incident's notes; only the newest tells its state, for the document has one for the whole incident."""
    common = _common(incident)
    notes = [
        replace(common, text=plain(text(note.get("body"))) or common.text, at=parse_iso(note.get("date_created")))
        for note in objects(incident.get("notes"))
    ]
    *older, newest = oldest_first(notes, newest_first=True) or [common]
    word = text(incident.get("status"))
    status = PLANNED.get(word) if common.maintenance else STATUSES.get(word)
    return [*older, replace(newest, status=status, impact=IMPACTS.get(text(incident.get("type"))))]


def _common(incident: Mapping[str, Any]) -> Item:
    """What all notes of one incident share; by itself, the statement of an incident without a note."""
    title = plain(text(incident.get("title")))
    url = text(incident.get("url"))
    return Item(
        text=title,
        thread=str(require(incident, "id", kind=(int, str))),
        at=parse_iso(incident.get("date_created")),
        title=title,
        url=url,
        links=(url,) if url else (),
        components=strings(incident.get("services")),
        maintenance=incident.get("type") == "maintenance",
    )
