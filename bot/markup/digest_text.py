"""A digest as text of 80 columns and as Markdown, its times in one zone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from bot.core.digest import Digest
from bot.core.digest_words import Entry, outline
from bot.core.summary import Line
from bot.markup import clean
from bot.markup.columns import wrap
from bot.markup.fit import web_address

WIDTH = 80
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def text(digest: Digest) -> str:
    """Lines of at most 80 columns, addresses left out."""
    return "\n".join(lines(digest)) + "\n"


def lines(digest: Digest) -> Iterator[str]:
    """The digest line by line."""
    zone, whole = ZoneInfo(digest.zone), outline(digest)
    yield from folded(whole.title, 0)
    yield from folded(window(digest), 0)
    for section in whole.sections:
        yield from ("", *folded(section.title, 0), *folded(timed(section.summary, zone), 2))
        for part in section.parts:
            yield from ("", *folded(part.title, 2))
            for entry in part.entries:
                yield from told(entry, zone)
    if whole.rest:
        yield ""
    for line in whole.rest:
        yield from folded(timed(line, zone), 0)


def told(entry: Entry, zone: tzinfo) -> Iterator[str]:
    """One entry; what belongs to it stands under it, further in."""
    first = timed(entry.line, zone)
    yield from folded(f"{entry.mark} {first}" if entry.mark else first, 4, hanging=3)
    for line in entry.more:
        yield from folded(timed(line, zone), 7)


def folded(words: str, indent: int, hanging: int = 0) -> Iterator[str]:
    """The words within the width."""
    for number, line in enumerate(wrap(words, WIDTH - indent - hanging)):
        yield " " * (indent + (hanging if number else 0)) + line


def markdown(digest: Digest) -> str:
    """CommonMark; foreign words escaped, titles linked to where they come from."""
    zone, whole = ZoneInfo(digest.zone), outline(digest)
    made = [f"# {escaped(whole.title)}", "", escaped(window(digest))]
    for section in whole.sections:
        made += ["", f"## {escaped(section.title)}", "", escaped(timed(section.summary, zone))]
        for part in section.parts:
            made += ["", f"### {escaped(part.title)}", ""]
            made += [line for entry in part.entries for line in bullet(entry, zone)]
    if whole.rest:
        made += [""]
    made += [f"- {escaped(timed(line, zone))}" for line in whole.rest]
    return "\n".join(made) + "\n"


def bullet(entry: Entry, zone: tzinfo) -> Iterator[str]:
    """One entry as an item of a list; the backslash breaks a line within it."""
    url = web_address(entry.url)
    words = escaped(timed(entry.line, zone))
    title = f"[{words}](<{url}>)" if url else words
    every = [f"{entry.mark} {title}".strip(), *(escaped(timed(line, zone)) for line in entry.more)]
    for number, line in enumerate(every):
        end = "\\" if number < len(every) - 1 else ""
        yield f"{'  ' if number else '- '}{line}{end}"


def escaped(words: str) -> str:
    """Foreign words on one line, none of them Markdown."""
    return _MARKDOWN.sub(r"\\\1", " ".join(clean(words).split()))


def window(digest: Digest) -> str:
    """The window's line, the only one that names years and the zone."""
    zone = ZoneInfo(digest.zone)
    begin, end = digest.since.astimezone(zone), digest.until.astimezone(zone)
    length = outline_length(digest)
    return f"{begin:%a %d %b %Y %H:%M} to {end:%a %d %b %Y %H:%M} {end:%Z}{length}"


def outline_length(digest: Digest) -> str:
    """` (1 d 8 h)`."""
    return next((part for part in reversed(outline(digest).window) if isinstance(part, str)), "")


def timed(line: Line, zone: tzinfo) -> str:
    """A line with its times in a zone; the day is told again only where it is another one."""
    return "".join(parts(line, zone))


def parts(line: Iterable[str | datetime], zone: tzinfo) -> Iterator[str]:
    """The line's parts as words."""
    day = None
    for part in line:
        if isinstance(part, str):
            yield clean(part)
            continue
        local = part.astimezone(zone)
        yield f"{local:%H:%M}" if local.date() == day else f"{local:%a %d %b %H:%M}"
        day = local.date()
