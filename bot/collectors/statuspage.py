"""Atlassian Statuspage, API v2: one Item for each update of each incident and maintenance of a page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bot.core.dates import parse_iso
from bot.core.document import json_of, require
from bot.core.text import plain
from bot.errors import Unreadable
from bot.model import Capture, Cursor, Impact, Item, Source, Status
from bot.ports import Tools

#: What a page is asked when only its address is known: an incident leaves the summary when it is resolved.
DOCUMENTS = ("summary", "incidents", "scheduled-maintenances")

#: What each endpoint always holds. Without these members, a JSON error page would read as "all well".
NEEDS: Mapping[str, tuple[tuple[tuple[str, ...], type], ...]] = {
    "summary": ((("status", "indicator"), str), (("incidents",), list)),
    "status": ((("status", "indicator"), str),),
    "components": ((("components",), list),),
    "incidents": ((("incidents",), list),),
    "unresolved": ((("incidents",), list),),
    "scheduled-maintenances": ((("scheduled_maintenances",), list),),
    "upcoming": ((("scheduled_maintenances",), list),),
    "active": ((("scheduled_maintenances",), list),),
}

Word = TypeVar("Word", Status, Impact)


class Statuspage:
    """Kind `statuspage`."""

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
        """One Item an update, oldest first in each incident. Raises Unreadable for what is no v2 document."""
        document = json_of(capture)
        page = _page(document, capture.url)
        return [
            item
            for name in ("incidents", "scheduled_maintenances")
            for incident in _objects(document.get(name))
            for item in _Incident.of(incident, page, planned=name != "incidents").items()
        ]


def addresses(url: str) -> tuple[str, ...]:
    """The address itself where it names a document, else (`https://www.githubstatus.com/history`) the page's three."""
    if urlsplit(url).path.endswith(".json"):
        return (url,)
    return tuple(f"{_root(url)}/api/v2/{name}.json" for name in DOCUMENTS)


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _page(document: Any, url: str) -> str:
    """The page's address without a slash at its end, once the document has shown that it is one of API v2."""
    page = require(document, "page", kind=dict)
    endpoint = urlsplit(url).path.rpartition("/")[2].removesuffix(".json")
    for path, kind in NEEDS.get(endpoint) or _needs_of(document):
        require(document, *path, kind=kind)
    for name in document.keys() & {"incidents", "scheduled_maintenances"}:
        require(document, name, kind=list)
    return (_text(page.get("url")) or _root(url)).rstrip("/")


def _needs_of(document: Mapping[str, Any]) -> tuple[tuple[tuple[str, ...], type], ...]:
    """What a document from an address that says nothing must hold: that of the first endpoint it looks like."""
    for member, endpoint in (
        ("status", "summary" if "incidents" in document else "status"),
        ("incidents", "incidents"),
        ("scheduled_maintenances", "upcoming"),
        ("components", "components"),
    ):
        if member in document:
            return NEEDS[endpoint]
    raise Unreadable("not a document of Statuspage's API v2")


@dataclass(frozen=True, slots=True)
class _Incident:
    """What all updates of one incident share."""

    facts: Mapping[str, Any]  #: the incident's object as it came
    common: Item
    status: Status | None
    impact: Impact | None
    names: Mapping[str, str]  #: component id -> name

    @classmethod
    def of(cls, facts: Mapping[str, Any], page: str, *, planned: bool) -> _Incident:
        thread: str = require(facts, "id", kind=str)
        own, short = f"{page}/incidents/{thread}", _text(facts.get("shortlink"))
        impact = _word(Impact, facts.get("impact"))
        names = {_text(part.get("id")): _text(part.get("name")) for part in _objects(facts.get("components"))}
        title = plain(_text(facts.get("name")))
        common = Item(
            text=title,
            thread=thread,
            title=title,
            url=short or own,
            links=(short, own) if short else (own,),
            components=_unique(names.values()),
            maintenance=planned or impact is Impact.MAINTENANCE,
            starts=parse_iso(facts.get("scheduled_for")),
            ends=parse_iso(facts.get("scheduled_until")),
        )
        return cls(facts, common, _word(Status, facts.get("status")), impact, names)

    def items(self) -> list[Item]:
        """Its updates, oldest first; the newest tells the state of the whole: a page states no earlier impact."""
        *older, newest = self._updates() or [self._itself()]
        return [*older, replace(newest, status=self.status or newest.status, impact=self.impact)]

    def _updates(self) -> list[Item]:
        updates = [self._item(update) for update in reversed(_objects(self.facts.get("incident_updates")))]
        if all(item.at for item in updates):
            updates.sort(key=lambda item: item.at or datetime.min.replace(tzinfo=UTC))
        return updates

    def _item(self, update: Mapping[str, Any]) -> Item:
        return replace(
            self.common,
            native_id=require(update, "id", kind=str),
            text=plain(_text(update.get("body"))) or self.common.text,
            at=parse_iso(update.get("display_at")) or parse_iso(update.get("created_at")),
            status=_word(Status, update.get("status")),
            components=_unique([*self.common.components, *self._affected(update)]),
        )

    def _affected(self, update: Mapping[str, Any]) -> Iterator[str]:
        """The update's own components. They carry their group's name ("APIs - Search"), so the id decides."""
        for part in _objects(update.get("affected_components")):
            yield self.names.get(_text(part.get("code"))) or _text(part.get("name"))

    def _itself(self) -> Item:
        """The statement of an incident that has no update (yet)."""
        return replace(self.common, native_id=self.common.thread, at=parse_iso(self.facts.get("created_at")))


def _objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; what is missing or null is an empty one. Raises Unreadable for anything else in it."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise Unreadable("a list of an unexpected shape in the answer")
    return value


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _word(words: type[Word], value: object) -> Word | None:
    return words(value) if isinstance(value, str) and value in set(words) else None


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
