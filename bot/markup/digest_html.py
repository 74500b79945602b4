"""A digest as one HTML document that needs nothing else: its picture is within it, and it has no script."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import tzinfo
from html import escape
from zoneinfo import ZoneInfo

from bot.core.digest import Digest
from bot.core.digest_words import Entry, outline
from bot.core.summary import Line
from bot.markup.digest_text import timed, window
from bot.markup.fit import web_address
from bot.markup.picture import picture

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.2rem; margin-top: 2rem } h3 { font-size: 1rem; margin-bottom: .2rem }
ul { list-style: none; padding: 0; margin: 0 } li { margin: .3rem 0 } li div { opacity: .8; padding-left: 1.6rem }
img { max-width: 100%; background: #fff; border-radius: 6px }
"""


def html(digest: Digest) -> str:
    """The document; foreign words are escaped, and linked to where they come from."""
    return "\n".join(document(digest)) + "\n"


def document(digest: Digest) -> Iterator[str]:
    """The document line by line."""
    zone, whole, shown = ZoneInfo(digest.zone), outline(digest), picture(digest)
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    yield f"<title>{escape(whole.title)}</title><style>{STYLE}</style></head><body>"
    yield f"<h1>{escape(whole.title)}</h1><p>{escape(window(digest))}</p>"
    image = b64encode(shown.png).decode()
    yield f'<p><img alt="{escape(shown.alt)}" src="data:image/png;base64,{image}"></p>'
    for section in whole.sections:
        yield f"<h2>{escape(section.title)}</h2><p>{words(section.summary, zone)}</p>"
        for part in section.parts:
            yield f"<h3>{escape(part.title)}</h3><ul>"
            yield from (item(entry, zone) for entry in part.entries)
            yield "</ul>"
    yield from (f"<p>{words(line, zone)}</p>" for line in whole.rest)
    yield "</body></html>"


def item(entry: Entry, zone: tzinfo) -> str:
    """One entry."""
    url = web_address(entry.url)
    title = f'<a href="{escape(url)}">{words(entry.line, zone)}</a>' if url else words(entry.line, zone)
    under = "".join(f"<div>{words(line, zone)}</div>" for line in entry.more)
    return f"<li>{f'{entry.mark} ' if entry.mark else ''}{title}{under}</li>"


def words(line: Line, zone: tzinfo) -> str:
    """A line, escaped."""
    return escape(timed(line, zone))
