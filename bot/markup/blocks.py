"""A notice as Slack's Block Kit, for the app and the incoming webhook: foreign words in plain and rich text only.

Of Slack's limits (FACTS.md) one is not documented: about 13,200 characters over all blocks, counted with their frames
(slackapi/bolt-js#2509, #2867). So the blocks are measured as JSON, and the words get less room until all fits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from bot.core.summary import Card, Entry, Line, card
from bot.core.text import clip
from bot.markup import SLACK, clean, unix, utc
from bot.markup.fit import units, web_address
from bot.model import Act, Message, Notice

Json = dict[str, object]

LIMIT = 12_000  #: characters of all blocks as JSON
ROOMS = (6_000, 4_000, 2_000, 1_000, 400)  #: characters for the updates' words: the first with which all fits
FRAME = 300  #: characters that an update takes beside its words
LONGEST = 3_000  #: characters of one update's words
LEAST = 200  #: characters below which an older update is left out instead of cut
HEADER = 150
LINE = 400  #: characters for what should be one line: a headline, the components
PART = 150  #: characters for words between times: a source's name, a reason
PARTS = 12  #: of a line
DOUBTS = 5
ADDRESS = 1_000
MENTION = 1_000
ACTION = "statusbot:"  #: before a verb of bot.answer.reply, in the id of what is pressed
LABEL = 75  #: characters on a button
VALUE = 2_000  #: characters that a button holds
PREVIEW = 400  #: characters of the words in a notification

_IN_WORDS = re.compile(
    r"(https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:/[A-Za-z0-9!#$%&'()*+,./:;=?@_~-]*)?(?<![.,:;!?)']))"
)


def message(notice: Notice, *, buttons: bool = False) -> Message:
    """The notice as `blocks` and the `text` of its notification. buttons: an app is there to hear them pressed."""
    shown = card(notice)
    text = preview(notice, shown)
    blocks: list[Json] = []
    for room in ROOMS:
        blocks = blocks_of(notice, shown, room, buttons=buttons)
        if size(blocks) <= LIMIT:
            break
    return Message({"text": SLACK.text(text), "blocks": blocks}, text)


def size(blocks: Sequence[Json]) -> int:
    """Characters of the blocks as JSON, an emoji as two, as JavaScript counts."""
    return units(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))


def blocks_of(notice: Notice, shown: Card, room: int, *, buttons: bool = False) -> list[Json]:
    """The blocks, with about `room` characters for the words of the updates."""
    pressed = pressable(notice, address(shown, own=notice.act is Act.POST)) if buttons else []
    fitting, cut = fit(shown.entries, room)
    if notice.act is Act.REPLY:
        blocks = [
            *updates(fitting, shown.mark),
            *lines(shown.fresh),
            *foot(shown, address(shown, own=True) if cut else ""),
        ]
    elif notice.act is Act.POST:
        blocks = [
            *updates(fitting, shown.mark),
            *about(shown),
            *lines(shown.doubts),
            *foot(shown, "" if pressed else address(shown, own=True)),
        ]
    else:
        link = "" if pressed else address(shown)
        blocks = [*top(shown), *updates(fitting), *lines(shown.doubts), *foot(shown, link)]
    mention = called(clip(notice.mention.strip(), MENTION))
    if mention and notice.act is not Act.EDIT:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": mention}})
    blocks += pressed
    return blocks or [plain(f"{shown.mark} {shown.state}")]


def called(mention: str) -> str:
    """`@here` as people type it in Slack's own form, in which alone it calls anybody."""
    return re.sub(r"(?<![\w!@<|])@(here|channel|everyone)\b", r"<!\1>", mention)


def preview(notice: Notice, shown: Card) -> str:
    """The plain words of a notification; under 800 characters, so that escaping stays under Slack's 4,000."""
    words = one_line(shown.latest.text, PREVIEW) if shown.latest else ""
    state = (shown.latest.state if shown.latest else "") or shown.state
    label = f"{shown.label}: " if shown.label else ""
    headline = shown.headline_within(HEADER)
    if notice.act is Act.REPLY:
        return clean(f"{shown.mark} {label}{state}: {words}")
    if notice.act is Act.POST:
        return clean(f"{shown.mark} {label}{state}: {words} ({headline})")
    return clean(f"{shown.mark} {label}{headline} · {shown.state}, {shown.impact}: {words}")


def top(shown: Card) -> list[Json]:
    """Mark and headline, how bad it is and since when, what is hit."""
    headline = f"{shown.mark} {one_line(shown.headline_within(HEADER - 3), HEADER - 3)}"
    header: Json = {"type": "header", "text": {"type": "plain_text", "text": headline, "emoji": False}}
    facts = [bold(shown.state), *spans((f" · {shown.impact} · ", *shown.since))]
    return [header, rich(section(facts)), *scope(shown)]


def about(shown: Card) -> list[Json]:
    """Which incident an update that stands alone belongs to."""
    headline = bold(one_line(shown.headline_within(LINE), LINE))
    facts = [headline, *spans((f"\n{shown.state} · {shown.impact} · ", *shown.since))]
    return [rich(section(facts)), *scope(shown)]


def scope(shown: Card) -> list[Json]:
    """Components and regions, where any is named."""
    named = " · ".join(one_line(part, LINE) for part in (shown.components, shown.regions) if part.strip())
    return [plain(named)] if named.strip() else []


def fit(entries: Sequence[Entry], room: int) -> tuple[list[Entry | int], bool]:
    """The newest entries that fit, oldest first, after the number of those left out; and whether anything is cut."""
    kept: list[Entry | int] = []
    cut = False
    for left, entry in zip(range(len(entries), 0, -1), reversed(entries), strict=True):
        if kept and room < FRAME + min(LEAST, len(entry.text)):
            return [left, *reversed(kept)], True
        whole = clean(entry.text)
        shorter = clip(whole, min(LONGEST, max(LEAST, room - FRAME)))
        cut = cut or shorter != whole
        room -= FRAME + len(shorter)
        kept.append(replace(entry, text=shorter))
    return list(reversed(kept)), cut


def updates(fitting: Sequence[Entry | int], mark: str = "") -> list[Json]:
    """A block for each update; the newest bears the mark. A single one below a headline does not repeat the state."""
    if not mark and len(fitting) == 1:
        return [update(entry, "") for entry in fitting if isinstance(entry, Entry)]
    last = fitting[-1] if fitting else None
    return [
        rich(section([text_of(f"… and {entry} earlier", italic=True)]))
        if isinstance(entry, int)
        else update(entry, f"{mark} {entry.state}" if entry is last else entry.state)
        for entry in fitting
    ]


def update(entry: Entry, state: str) -> Json:
    """One update: its state, its words as a quotation, and who said it."""
    parts = [section([bold(state.strip())])] if state.strip() else []
    if entry.text.strip():
        parts.append({"type": "rich_text_quote", "elements": linked(entry.text)})
    return rich(*parts, section(spans(entry.said[:PARTS])))


def lines(doubts: Sequence[Line]) -> list[Json]:
    """What cannot be believed, a line each."""
    if not doubts:
        return []
    more = [f"\n… and {len(doubts) - DOUBTS} more"] if len(doubts) > DOUBTS else []
    marked = [part for line in doubts[:DOUBTS] for part in ("\n⚠ ", *line[:PARTS])]
    return [rich(section(spans(("⚠ ", *marked[1:], *more))))]


def address(shown: Card, *, own: bool = False) -> str:
    """Where to read on about the incident; `own`: about the update, where the message stands for a single one."""
    newest = shown.latest.url if shown.latest else ""
    urls = (newest, shown.link) if own and len(shown.entries) == 1 else (shown.link, newest)
    return next(filter(None, (web_address(url, ADDRESS) for url in urls)), "")


def foot(shown: Card, link: str) -> list[Json]:
    """The label, and where to read on."""
    parts: list[Json] = [bold(shown.label)] if shown.label else []
    if parts and link:
        parts.append(text_of(" · "))
    if link:
        parts.append({"type": "link", "url": link, "text": f"Read on at {urlsplit(link).hostname}"})
    return [rich(section(parts))] if parts else []


def pressable(notice: Notice, link: str) -> list[Json]:
    """What can be done about an incident, under its message: none in replies, nor where there is no incident."""
    incident = notice.incident
    if notice.act is Act.REPLY or notice.test or notice.moved or len(incident.id) > VALUE:
        return []
    made = [button("Timeline", f"{ACTION}timeline", incident.id)]
    if incident.open:
        made.append(button("Mute this incident", f"{ACTION}mute", incident.id))
    if link:
        made.append(button("Open the page", f"{ACTION}open") | {"url": link})
    return [{"type": "actions", "elements": made}]


def button(words: str, action: str, value: str = "") -> Json:
    """Something to press. action: what is told when it is, its own among its neighbours. value: at most VALUE."""
    shown = {"type": "plain_text", "text": one_line(words, LABEL) or "…", "emoji": False}
    made: Json = {"type": "button", "action_id": action, "text": shown}
    return made | ({"value": value} if value else {})


def linked(words: str) -> list[Json]:
    """Foreign words, their web addresses as links that show themselves."""
    parts = _IN_WORDS.split(words)
    return [
        {"type": "link", "url": part} if place % 2 and len(part) <= ADDRESS else text_of(part)
        for place, part in enumerate(parts)
        if part
    ]


def spans(line: Iterable[str | datetime]) -> list[Json]:
    """A summary's line; its times are shown in the reader's own zone."""
    parts = [part if isinstance(part, datetime) else clip(clean(part), PART) for part in line]
    return [date_of(part) if isinstance(part, datetime) else text_of(part) for part in parts if part]


def date_of(at: datetime) -> Json:
    """A time as an element of rich text."""
    return {"type": "date", "timestamp": unix(at), "format": "{date_short_pretty} {time}", "fallback": utc(at)}


def text_of(words: str, **style: bool) -> Json:
    """Words as an element of rich text, where nothing in them is acted upon."""
    return {"type": "text", "text": words} | ({"style": style} if style else {})


def bold(words: str) -> Json:
    """Words in bold."""
    return text_of(words, bold=True)


def one_line(words: str, limit: int) -> str:
    """Words without line breaks, cut at `limit` characters."""
    return clip(" ".join(clean(words).split()), limit)


def section(elements: list[Json]) -> Json:
    """A paragraph of rich text."""
    return {"type": "rich_text_section", "elements": elements}


def rich(*elements: Json) -> Json:
    """A block of rich text."""
    return {"type": "rich_text", "elements": list(elements)}


def plain(words: str) -> Json:
    """Small grey words."""
    return {"type": "context", "elements": [{"type": "plain_text", "text": words, "emoji": False}]}


def with_key(whole: Message, key: str) -> Message:
    """A message that cannot be asked for later, with the key that a repetition would bear as well."""
    made = whole.body["blocks"]
    shown = [plain(f"id {one_line(key, HEADER)}")] if key.strip() else []
    return replace(whole, body={**whole.body, "blocks": [*made, *shown] if isinstance(made, list) else made})
