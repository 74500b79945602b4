"""Answers as Slack's blocks: whatever they hold, foreign words are only shown, and Slack's limits are kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bot.answer.reply import Button, Reply, Row
from bot.core.summary import Line
from bot.core.text import clip
from bot.markup import SLACK, clean
from bot.markup.blocks import ACTION, LIMIT, Json, bold, button, date_of, plain, rich, section, size, text_of
from bot.markup.fit import fit_line, web_address

ROOMS = (1_500, 600, 300, 150)  #: characters of one part of a line: the first with which all fits
PREVIEW = 600  #: characters of a notification
ROWS = 40  #: in a message, which takes 50 blocks
HOME_ROWS = 90  #: on the Home tab, which takes 100
HOME_LIMIT = 40_000  #: characters of its blocks as JSON; Slack names 250 KB
BUTTONS = 5
MORE = 300
ADDRESS = 1_000

_CHANNEL = re.compile(r"\bslack:([CG][A-Z0-9]{1,20})\b")


def message(reply: Reply) -> dict[str, object]:
    """What a response_url or a message takes: to the person who asked, or to the channel."""
    kind = "ephemeral" if reply.private else "in_channel"
    return {"response_type": kind, "text": fit_line(reply.text, PREVIEW, SLACK) or "…", "blocks": blocks(reply)}


def home(reply: Reply) -> dict[str, object]:
    """The Home tab."""
    hint = plain("In a channel, /statusbot subscribe tells it about your providers, and /statusbot help all the rest.")
    return {"type": "home", "blocks": [*blocks(reply, HOME_ROWS, HOME_LIMIT), hint]}


def blocks(reply: Reply, most: int = ROWS, limit: int = LIMIT) -> list[Json]:
    """The answer as blocks, shortened as far as needed: first its words, then its last rows."""
    count = min(most, len(reply.rows))
    made: list[Json] = []
    for room in ROOMS:
        made = _blocks(reply, count, room)
        if size(made) <= limit:
            return made
    while count and size(made) > limit:
        count -= 1
        made = _blocks(reply, count, ROOMS[-1])
    return made


def _blocks(reply: Reply, count: int, room: int) -> list[Json]:
    left = len(reply.rows) - count
    words = [clip(clean(reply.more), MORE)] if reply.more.strip() else []
    words += [f"… and {left} more"] if left else []
    return [
        rich(section(parts(reply.text, room) or [text_of("…")])),
        *(row_of(row, room) for row in reply.rows[:count]),
        *([plain(" · ".join(words))] if words else []),
        *actions(reply.buttons),
    ]


def row_of(row: Row, room: int) -> Json:
    """A row: its mark, its name in bold and perhaps as a link, and a line for each thing that is said of it."""
    elements = [text_of(f"{clip(clean(row.mark), 20)} ")] if row.mark.strip() else []
    elements += _head(row, room) or [bold("…")]
    for line in row.body[:20]:
        elements += [text_of("\n"), *parts(line, room)]
    return rich(section(elements))


def _head(row: Row, room: int) -> list[Json]:
    link = web_address(row.url, ADDRESS) if row.url else ""
    if link and all(isinstance(part, str) for part in row.head):
        words = clip(clean("".join(map(str, row.head))), room)
        return [{"type": "link", "url": link, "text": words, "style": {"bold": True}}] if words.strip() else []
    return parts(row.head, room, strong=True)


def parts(line: Line, room: int, *, strong: bool = False) -> list[Json]:
    """A line as elements of rich text: times in the reader's own zone, Slack's channels by their names."""
    return [element for part in line[:30] for element in _part(part, room, strong=strong)]


def _part(part: str | datetime, room: int, *, strong: bool) -> list[Json]:
    if isinstance(part, datetime):
        return [date_of(part)]
    style = bold if strong else text_of
    pieces = _CHANNEL.split(clip(clean(part), room))
    return [
        {"type": "channel", "channel_id": piece} if place % 2 else style(piece)
        for place, piece in enumerate(pieces)
        if piece
    ]


def actions(buttons: Sequence[Button]) -> list[Json]:
    """The buttons, as a block; none where there are none."""
    made = [
        button(each.words, f"{ACTION}{each.verb}:{place}", each.value) for place, each in enumerate(buttons[:BUTTONS])
    ]
    return [{"type": "actions", "elements": made}] if made else []
