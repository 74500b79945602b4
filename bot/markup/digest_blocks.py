"""A digest as Slack's Block Kit: as much of it as a message holds, foreign words in plain and rich text only."""

from __future__ import annotations

from datetime import datetime

from bot.core.digest import Digest
from bot.core.digest_words import LEVELS, Entry, Outline, Part, Section, outline, shorter
from bot.core.summary import Line
from bot.core.text import clip
from bot.markup import SLACK, clean
from bot.markup.blocks import ADDRESS, HEADER, LIMIT, Json, bold, date_of, one_line, plain, rich, section, size, text_of
from bot.markup.fit import web_address
from bot.markup.picture import picture
from bot.model import Message

PART = 400  #: characters between times
PREVIEW = 700  #: characters of the notification, which escaping makes longer


def message(digest: Digest) -> Message:
    """The digest as `blocks`, the `text` of its notification, and the picture."""
    whole = outline(digest)
    fitting = (blocks_of(shorter(whole, level)) for level in range(len(LEVELS)))
    blocks = next((made for made in fitting if size(made) <= LIMIT), None) or [plain(one_line(whole.title, HEADER))]
    words = clip(clean(whole.text), PREVIEW)
    return Message({"text": SLACK.text(words), "blocks": blocks}, words, picture(digest))


def blocks_of(whole: Outline) -> list[Json]:
    """A header, a block for each provider, and what there is to say of the others."""
    header: Json = {"type": "header", "text": {"type": "plain_text", "text": one_line(whole.title, HEADER)}}
    rest = [rich(section(spans(line))) for line in whole.rest[:5]]
    return [header, rich(section(spans(whole.window))), *map(provider, whole.sections), *rest]


def provider(told: Section) -> Json:
    """One provider: its name, how it fared, and each part as a list."""
    head = section([bold(one_line(told.title, HEADER)), text_of("\n"), *spans(told.summary)])
    return rich(head, *(element for part in told.parts for element in listed(part)))


def listed(part: Part) -> tuple[Json, Json]:
    """A part's title and its entries."""
    items = [section(entry(each)) for each in part.entries]
    return section([bold(f"\n{part.title}")]), {"type": "rich_text_list", "style": "bullet", "elements": items}


def entry(told: Entry) -> list[Json]:
    """One entry: its mark, its words as a link where they have an address, and what belongs to it."""
    words = one_line("".join(part for part in told.line if isinstance(part, str)), 250)
    url = web_address(told.url, ADDRESS)
    made: list[Json] = [text_of(f"{told.mark} ")] if told.mark else []
    if url:
        made.append({"type": "link", "url": url, "text": words})
    else:
        made += spans(told.line)
    for line in told.more:
        made += [text_of("\n"), *spans(line)]
    return made


def spans(line: Line) -> list[Json]:
    """A line; its times are shown in the reader's own zone."""
    return [date_of(part) if isinstance(part, datetime) else text_of(clip(clean(part), PART)) for part in line if part]
