"""Kind `google-cloud`: Google Cloud's incidents.json, the whole history in one document.

Its schema: https://status.cloud.google.com/incidents.schema.json. Documents from before 2021-04 have no `id`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from bot.core.dates import parse_iso
from bot.core.document import json_of
from bot.core.members import objects, oldest_first, text, unique
from bot.core.text import plain
from bot.errors import Unreadable
from bot.model import Capture, Cursor, Impact, Item, Source, Status
from bot.ports import Tools

SEVERITIES = {"low": Impact.MINOR, "medium": Impact.MAJOR, "high": Impact.CRITICAL}
OWN = ("/incident/", "incidents/")  #: how an incident's relative address begins, of old and today
_MARKS = re.compile(r"\*\*|^#{1,6} +", re.MULTILINE)


class GoogleCloud:
    """Kind `google-cloud`."""

    def __init__(self, tools: Tools) -> None:
        self._fetcher = tools.fetcher

    async def fetch(self, source: Source, cursor: Cursor) -> AsyncIterator[Capture]:
        """The one document."""
        yield await self._fetcher.get(source, address(source.url), cursor)

    def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
        """One Item an update, oldest first in each incident. Raises Unreadable for what is no incidents.json."""
        document = json_of(capture)
        if not isinstance(document, list):
            raise Unreadable("no list of incidents in the answer")
        return [item for incident in objects(document) for item in _items(incident, capture.url)]


def address(url: str) -> str:
    """The address itself where it names a document, else (`https://status.cloud.google.com`) the site's."""
    return url if urlsplit(url).path.endswith(".json") else f"{url.rstrip('/')}/incidents.json"


def _items(incident: Mapping[str, Any], base: str) -> list[Item]:
    """The incident's updates; its severity is the whole incident's, so that only the newest tells it."""
    common = _common(incident, base)
    updates = [_update(common, update) for update in objects(incident.get("updates"))]
    items = _ended(oldest_first(updates or [common], newest_first=True), ended=text(incident.get("end")) != "")
    items[-1] = replace(items[-1], impact=SEVERITIES.get(text(incident.get("severity"))))
    return items


def _ended(items: Sequence[Item], *, ended: bool) -> list[Item]:
    """Of an incident that has ended, the newest update tells so, and those in a row before it that say AVAILABLE.

    (A report that is published days later must not take the end from the update that told it. `end` is no help: it
    is often dated back to before updates that still speak of trouble.)
    """
    open_until = max((n for n, item in enumerate(items[:-1], 1) if item.status is None), default=0)
    return [
        replace(item, status=Status.RESOLVED if ended and n >= open_until else None) for n, item in enumerate(items)
    ]


def _update(common: Item, update: Mapping[str, Any]) -> Item:
    """One update; as its status whether it says AVAILABLE, which `_ended` judges."""
    return replace(
        common,
        text=_plain(text(update.get("text"))) or common.text,
        at=parse_iso(update.get("when")) or parse_iso(update.get("created")),
        status=Status.RESOLVED if update.get("status") == "AVAILABLE" else None,
    )


def _common(incident: Mapping[str, Any], base: str) -> Item:
    """What all updates of one incident share; by itself, the statement of an incident without an update."""
    uri = text(incident.get("uri"))
    url = urljoin(base, uri) if uri.startswith(OWN) else ""
    title = _plain(text(incident.get("external_desc")))
    return Item(
        text=title,
        thread=_thread(incident, uri),
        at=parse_iso(incident.get("begin")) or parse_iso(incident.get("created")),
        title=title,
        url=url,
        links=(url,) if url else (),
        components=_products(incident),
        regions=_regions(incident),
    )


def _thread(incident: Mapping[str, Any], uri: str) -> str:
    """The incident's id; where an old document has none, its address (its `number` is used again)."""
    thread = text(incident.get("id")) or uri.removeprefix("/incident/")
    if not thread:
        raise Unreadable("an incident without `id` and `uri` in the answer")
    return thread


def _products(incident: Mapping[str, Any]) -> tuple[str, ...]:
    named = unique(text(product.get("title")) for product in objects(incident.get("affected_products")))
    return named or unique([text(incident.get("service_name"))])


def _regions(incident: Mapping[str, Any]) -> tuple[str, ...]:
    """Every place that it has touched; none where it is everywhere, so that no filter by region hides it."""
    places = [
        place
        for when in ("currently_affected_locations", "previously_affected_locations")
        for place in objects(incident.get(when))
    ]
    if any(place.get("id") == "global" for place in places):
        return ()
    return unique(text(place.get("title")) or text(place.get("id")) for place in places)


@lru_cache(maxsize=2048)  # the whole history comes again with every change: 80 ms of CPU, 20 with its texts kept
def _plain(markdown: str) -> str:
    """Its words without the marks of Markdown's headings and bold type."""
    return plain(_MARKS.sub("", markdown))
