"""Golden pairs: a document as a vendor served it, and beside it the Items that must be read in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from bot.http import Fetcher
from bot.model import Capture, Cursor, Item, Source
from bot.ports import Collector, Tools
from tests.support.clock import StillClock

FOLDER = Path(__file__).parent / "golden"


def tools(env: Mapping[str, str] | None = None) -> Tools:
    clock = StillClock()
    fetcher = Fetcher(clock, connect=2, first_byte=2, whole=5)
    return Tools(clock, fetcher, fetcher.session, env or {})


@asynccontextmanager
async def online(env: Mapping[str, str] | None = None) -> AsyncIterator[Tools]:
    """Tools for a test that fetches: real ones, closed at the end."""
    made = tools(env)
    try:
        yield made
    finally:
        assert isinstance(made.fetcher, Fetcher)
        await made.fetcher.close()


async def fetched(collector: Collector, asked: Source) -> list[Capture]:
    """One whole poll."""
    return [page async for page in collector.fetch(asked, Cursor())]


def source(kind: str, url: str = "") -> Source:
    """A source that may stand on loopback, since the operator named it."""
    return Source(id="acme/page", provider="acme", name="page", kind=kind, url=url, trusted=True)


def capture(body: bytes | str = b"", url: str = "https://status.example.com/", status: int = 200) -> Capture:
    body = body.encode() if isinstance(body, str) else body
    return Capture(at=datetime(2026, 1, 22, 20, tzinfo=UTC), source="acme/page", url=url, status=status, body=body)


def document(name: str, url: str = "https://status.example.com/") -> Capture:
    """The capture of a golden file, `slack/current.json`."""
    return capture((FOLDER / name).read_bytes(), url)


def expected(name: str) -> list[dict[str, object]]:
    """The items that stand beside a golden file."""
    found = json.loads((FOLDER / name).with_suffix(".items.json").read_text())
    assert isinstance(found, list)
    return found


def as_json(item: Item) -> dict[str, object]:
    """An item's members that are not at their defaults, as JSON writes them."""
    members = {field.name: getattr(item, field.name) for field in fields(Item)}
    return {name: _plain(value) for name, value in members.items() if value not in (None, "", (), False)}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
