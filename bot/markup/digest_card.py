"""A digest as an Adaptive Card for Teams, with a small picture where it fits beside the words."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator

import orjson

from bot.core.digest import Digest
from bot.core.digest_words import LEVELS, Entry, Outline, Part, outline, rounded, shorter
from bot.core.summary import Line
from bot.markup import TEAMS
from bot.markup.fit import fit, fit_line, web_address
from bot.markup.picture import SMALL, picture
from bot.model import Picture

Element = dict[str, object]
LINE = 500  #: bytes of a line
ALT = 600


def card(digest: Digest, key: str, room: int, size: Callable[[str], int]) -> Element:
    """The card's content in less than `room` bytes of JSON. key: as the foot shows it; size: bytes of words in JSON.

    The words come first: the picture is left out where it would not fit beside all that a person should read.
    """
    whole = outline(digest)
    shown = image(picture(digest, SMALL), size)
    for level in range(len(LEVELS)):
        bare = content(shorter(whole, level), key, size)
        if cost(bare) <= room:
            pictured = content(shorter(whole, level), key, size, shown)
            return pictured if cost(pictured) <= room else bare
    return content(Outline(whole.title, whole.window, (), ()), key, size)


def content(whole: Outline, key: str, size: Callable[[str], int], *shown: Element) -> Element:
    """The card."""
    head = [
        block(fit(whole.title, LINE, TEAMS.text, size), size="Large", weight="Bolder"),
        block(line(whole.window, size), isSubtle=True, spacing="Small"),
    ]
    foot = [*(block(line(rest, size), separator=True) for rest in whole.rest)]
    mark = block(f"id {key}", size="Small", isSubtle=True, separator=True)
    return {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.2",
        "msteams": {"width": "Full"},
        "fallbackText": whole.title,
        "body": [*head, *shown, *sections(whole, size), *foot, mark],
    }


def sections(whole: Outline, size: Callable[[str], int]) -> Iterator[Element]:
    """Each provider in a container of its own."""
    for section in whole.sections:
        items = [
            block(fit(section.title, LINE, TEAMS.text, size), size="Medium", weight="Bolder"),
            block(line(section.summary, size), spacing="Small"),
            *(element for part in section.parts for element in told(part, size)),
        ]
        yield {"type": "Container", "separator": True, "items": items}


def told(part: Part, size: Callable[[str], int]) -> Iterator[Element]:
    """A part's title, and a block for each entry."""
    yield block(part.title, weight="Bolder")
    for entry in part.entries:
        yield block(words(entry, size), spacing="Small")
        yield from (block(line(more, size), size="Small", isSubtle=True, spacing="None") for more in entry.more)


def words(entry: Entry, size: Callable[[str], int]) -> str:
    """An entry's own line, as a link where it has an address."""
    url = web_address(entry.url, 300)
    if not url or set("()") & set(url):
        return f"{entry.mark} {line(entry.line, size)}".strip()
    return f"{entry.mark} [{line(rounded(entry.line), size)}]({url})".strip()


def image(shown: Picture, size: Callable[[str], int]) -> Element:
    """The picture within the card: Teams takes an address or the bytes themselves."""
    alt = fit(shown.alt, ALT, TEAMS.text, size)
    return {"type": "Image", "url": f"data:image/png;base64,{b64encode(shown.png).decode()}", "altText": alt}


def line(some: Line, size: Callable[[str], int]) -> str:
    """A line within its limit."""
    return fit_line(some, LINE, TEAMS, size)


def block(text: str, **more: object) -> Element:
    """Words that wrap."""
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def cost(made: Element) -> int:
    """Bytes of JSON."""
    return len(orjson.dumps(made))
