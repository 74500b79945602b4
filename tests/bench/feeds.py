"""The feeds that the benchmark polls, made up in the shape of real ones, and the loopback server that serves them.

`python -m tests.bench.feeds` serves them as a process of its own, so that its CPU time is not counted as a client's;
it writes its address to standard output. Half are histories as Statuspage writes them (one to four updates an entry,
as escaped HTML), half plain RSS with one paragraph an entry. In each version of a feed one entry is new, at the top,
and the oldest has left; what is new has one update so far.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from typing import cast

from aiohttp import web

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)  #: of every feed's first entry
STEP = timedelta(hours=7)  #: between the entries of one feed
WRITTEN = "%b <var data-var='date'>%d</var>, <var data-var='time'>%H:%M</var> UTC"  #: a time, as Statuspage writes it
PHASES = (
    ("Investigating", "We are investigating elevated error rates that affect some requests to {name} in region {n}."),
    ("Update", "We are continuing to look into this; requests of about {n}% of the customers fail or are slow."),
    ("Identified", "The issue has been identified as a faulty deployment to {name}, and a fix is being put in place."),
    ("Resolved", "This incident has been resolved. We thank you for your patience & will publish an account of {n}."),
)
FILLER = (
    "Customers who use the <a href='https://docs.example.com/{n}'>management console</a> may see time-outs when they "
    "create, change or delete resources; existing ones go on working. Our engineers compare today's traffic with that "
    "of the days before &amp; will write again within 60 minutes, or sooner where there is anything to tell."
)


def body(number: int, version: int, entries: int) -> bytes:
    """Feed `number` in its `version`."""
    numbers = range(version + entries - 1, version - 1, -1)
    if number % 2:
        return _rss(number, [_item(number, entry) for entry in numbers])
    return _atom(
        number, [_entry(number, entry, 1 if entry >= entries else 1 + entry % len(PHASES)) for entry in numbers]
    )


def latest(version: int, entries: int) -> datetime:
    """A moment after the newest entry of this version."""
    return BEGIN + STEP * (version + entries)


def _atom(number: int, entries: list[str]) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xml:lang="en-US" xmlns="http://www.w3.org/2005/Atom">\n'
        f"<id>tag:p{number}.example.com,2005:/history</id>\n"
        f'<link rel="alternate" type="text/html" href="https://p{number}.example.com"/>\n'
        f"<title>Provider {number} Status - Incident History</title>\n<updated>2026-01-01T00:00:00Z</updated>\n"
        f"{''.join(entries)}</feed>\n"
    ).encode()


def _entry(number: int, entry: int, count: int) -> str:
    at = BEGIN + STEP * entry
    name = f"Service {number}-{entry}"
    updates = [
        f"<p><small>{(at + timedelta(minutes=30 * place)).strftime(WRITTEN)}</small><br><strong>{phase}</strong> - "
        f"{words.format(name=name, n=entry)} {FILLER.format(n=entry)}</p>"
        for place, (phase, words) in enumerate(PHASES[:count])
    ]
    return (
        f"<entry>\n<id>tag:p{number}.example.com,2005:Incident/{entry}</id>\n<published>{at.isoformat()}</published>\n"
        f"<updated>{at.isoformat()}</updated>\n"
        f'<link rel="alternate" type="text/html" href="https://p{number}.example.com/incidents/{entry}"/>\n'
        f"<title>Errors in {name}</title>\n"
        f'<content type="html">{escape("".join(reversed(updates)))}</content>\n</entry>\n'
    )


def _rss(number: int, items: list[str]) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel><title>Provider {number}</title>\n'
        f"<link>https://p{number}.example.com/</link><description>News of provider {number}</description>\n"
        f"{''.join(items)}</channel></rss>\n"
    ).encode()


def _item(number: int, entry: int) -> str:
    words = f"{PHASES[entry % len(PHASES)][1].format(name=f'Service {number}', n=entry)} {FILLER.format(n=entry)}"
    return (
        f"<item><title>Notice {entry} of provider {number}</title>\n"
        f"<link>https://p{number}.example.com/notices/{entry}</link>\n"
        f'<guid isPermaLink="false">p{number}-{entry}</guid>\n'
        f"<pubDate>{format_datetime(BEGIN + STEP * entry)}</pubDate>\n"
        f"<description>{escape(words * 4)}</description></item>\n"
    )


class Feeds:
    """The server: `/feeds/<number>`; `POST /turn?version=&conditional=` says what it serves from then on."""

    def __init__(self, entries: int) -> None:
        self._version = 0
        self._conditional = True
        self._body = lru_cache(maxsize=None)(lambda number, version: body(number, version, entries))

    def app(self) -> web.Application:
        """The application."""
        app = web.Application()
        app.router.add_post("/turn", self._turn)
        app.router.add_get("/feeds/{number}", self._feed)
        return app

    async def _turn(self, request: web.Request) -> web.Response:
        self._version = int(request.query["version"])
        self._conditional = request.query["conditional"] == "1"
        self._body.cache_clear()
        return web.Response()

    async def _feed(self, request: web.Request) -> web.Response:
        mark = f'"{self._version}"'
        if self._conditional and request.headers.get("If-None-Match") == mark:
            return web.Response(status=304, headers={"ETag": mark})
        found = self._body(int(request.match_info["number"]), self._version)
        return web.Response(body=found, content_type="application/xml", headers={"ETag": mark})


async def serve(entries: int) -> None:
    """Serve until killed, or until standard input ends."""
    runner = web.AppRunner(Feeds(entries).app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = cast(tuple[str, int], runner.addresses[0])[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
