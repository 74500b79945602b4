"""Microsoft Teams by a Workflows webhook: an Adaptive Card that is read at night, on a phone, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

import orjson

from bot.core.digest import Digest
from bot.core.digest_words import outline
from bot.core.summary import Card, Entry, Tone, card
from bot.markup import TEAMS, clean, digest_card
from bot.markup.fit import fit, fit_by, fit_line, shares, web_address
from bot.model import Delivery, Destination, Message, Notice, Receipt
from bot.ports import Tools
from bot.post import TIMEOUT, address, check, post

ADDRESS = "TEAMS_WEBHOOK_"
VERSION = "1.2"  #: of Adaptive Cards: what phones show (FACTS.md, "Microsoft Teams")
WHOLE = 19_000  #: bytes of the whole request; Teams expands it and refuses above 28 KB
HEADLINE = 900  #: bytes, as are the limits below
FACT = 600
LINE = 300
DOUBTS = 5
SHOWN = 15  #: updates whose words are told in one card
KEY = 200
#: the ground on which the state stands: as words, Teams' own yellow and green cannot be read on its white
STYLES = {
    Tone.CRITICAL: "attention",
    Tone.MAJOR: "attention",
    Tone.MINOR: "warning",
    Tone.OVER: "good",
    Tone.MAINTENANCE: "accent",
}

Element = dict[str, object]


class Teams:
    """`teams:<name>`; 200 and 202 mean queued, never shown, and nobody can be asked: the card bears the delivery's key.

    timeout: seconds for one try.
    """

    def __init__(self, tools: Tools, *, timeout: float = TIMEOUT) -> None:
        self._tools = tools
        self._timeout = timeout

    def render(self, notice: Notice) -> Message:
        """A message with one card; whatever came in, its request stays below WHOLE."""
        it = card(notice)
        words = it.latest.text if it.latest else it.label
        return Message(envelope(fill(it)), f"{clean(it.headline)}\n{clean(words)}".strip())

    def render_digest(self, digest: Digest, key: str) -> Message:
        """A message with one card, its picture among it where that fits."""
        room = WHOLE - len(orjson.dumps(envelope({})))
        return Message(envelope(digest_card.card(digest, mark(key), room, size)), outline(digest).text)

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        """One POST to the flow. Raises Temporary, Permanent or Doubtful."""
        url = address(self._tools.env, ADDRESS, destination.name)
        headers = {"Idempotency-Key": identity(delivery.key)}
        body = orjson.dumps(with_key(message.body, delivery.key))
        check(await post(self._tools.session(), url, body, headers=headers, timeout=self._timeout))
        return Receipt()

    async def close(self) -> None:
        """Nothing of its own to give back."""


def envelope(content: Element) -> dict[str, object]:
    """What the trigger "When a Teams webhook request is received" expects; a wrong shape fails unseen in the flow."""
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": content,
    }
    return {"type": "message", "attachments": [attachment]}


def with_key(body: Mapping[str, object], key: str) -> dict[str, object]:
    """The rendered message with one delivery's key in its foot, its last block."""
    made = orjson.loads(orjson.dumps(body))
    for attachment in made.get("attachments") or ():
        attachment["content"]["body"][-1] = foot(key)
    return made  # type: ignore[no-any-return]  # what was a message is one


def foot(key: str) -> Element:
    """The delivery's key, by which a reader knows a repetition."""
    return block(f"id {mark(key)}", size="Small", isSubtle=True, separator=True)


def fill(it: Card) -> Element:
    """The card with as many of the updates' words as fit beside everything else."""
    shown = it.entries[-SHOWN:]
    costs = [size(TEAMS.text(entry.text)) for entry in shown]
    room = WHOLE - len(orjson.dumps(envelope(content(it, [""] * len(shown)))))
    rooms = shares(costs, max(0, room))
    words = [fit(entry.text, share, TEAMS.text, size) for entry, share in zip(shown, rooms, strict=True)]
    return content(it, words)


def content(it: Card, words: Sequence[str]) -> Element:
    """The card: who, what was said and by whom, of which incident, how bad, since when, how sure, the link, the key."""
    shown = it.entries[len(it.entries) - len(words) :]
    made: Element = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": VERSION,
        "msteams": {"width": "Full"},
        "fallbackText": fit(it.headline, HEADLINE, clean, size),
        "body": [
            head(it),
            *left_out(len(it.entries) - len(shown)),
            *(update(shown[n], said, alone=len(it.entries) == 1, first=n == 0) for n, said in enumerate(words)),
            block(headline(it), size="Medium", weight="Bolder", separator=True),
            {"type": "FactSet", "facts": list(facts(it))},
            *doubts(it),
            foot(it.key),
        ],
    }
    if link := address_of(it):
        made["actions"] = [{"type": "Action.OpenUrl", "title": "Open the page", "url": link}]
    return made


def address_of(it: Card) -> str:
    """Where to read on: the incident's page, else what the newest words came from."""
    return web_address(it.link) or web_address(it.latest.url if it.latest else "")


def head(it: Card) -> Element:
    """The label, where there is one; then the provider and the state, large: the words come right after.

    The state is the newest update's own, or, where several are told at once, what they come to.
    """
    own = it.latest.state if it.latest and len(it.entries) == 1 else ""
    items = [block(fit(it.label, LINE, TEAMS.text, size), isSubtle=True, weight="Bolder")] if it.label else []
    text = fit(f"{it.mark} {it.provider}: {own or it.state}", HEADLINE, TEAMS.text, size)
    return container(STYLES.get(it.tone, "default"), *items, block(text, size="Large", weight="Bolder"))


def headline(it: Card) -> str:
    """The incident's headline; a title gives way to the references, by which people search."""
    return fit_by(it.headline_within, min(len(it.headline), HEADLINE), HEADLINE, TEAMS.text, size)


def facts(it: Card) -> Iterable[Element]:
    """What is known; the words of each within FACT."""
    rows = (("State", it.state), ("Impact", it.impact), ("Components", it.components), ("Regions", it.regions))
    for title, value in rows:
        if words := fit(value, FACT, TEAMS.text, size).strip():
            yield {"title": title, "value": words}
    since = TEAMS.line(it.since)
    yield {"title": "Time", "value": f"{since[:1].upper()}{since[1:]}"}


def left_out(count: int) -> Iterable[Element]:
    """Says how many of the updates that the notice stands for are not told here."""
    if count > 0:
        yield block(f"{count} earlier update{'' if count == 1 else 's'} left out", isSubtle=True)


def update(entry: Entry, words: str, *, alone: bool, first: bool) -> Element:
    """One update: its state (unless the card is titled with it), its words, who said it."""
    items = [block(entry.state, weight="Bolder")] if entry.state and not alone else []
    if words.strip():
        items.append(block(words, spacing="Small"))
    items.append(block(fit_line(entry.said, LINE, TEAMS, size), size="Small", isSubtle=True, spacing="Small"))
    return {"type": "Container", "separator": not first, "items": items}


def doubts(it: Card) -> Iterable[Element]:
    """What cannot be read or believed now, on the ground of warning."""
    lines = [block(f"⚠️ {fit_line(line, LINE, TEAMS, size)}", spacing="Small") for line in it.doubts[:DOUBTS]]
    if lines:
        yield container("warning", *lines)


def container(style: str, *items: Element) -> Element:
    """Blocks on a ground of their own, from edge to edge."""
    return {"type": "Container", "style": style, "bleed": True, "items": list(items)}


def block(text: str, **more: object) -> Element:
    """Words that wrap."""
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def mark(key: str) -> str:
    """The delivery's key for the id line; a long one by its digest."""
    words = TEAMS.text(key).strip()
    return words if size(words) <= KEY else digest(key)


def identity(key: str) -> str:
    """The delivery's key as a header carries it."""
    return key if key.isascii() and key.isprintable() else digest(key)


def digest(key: str) -> str:
    """A key of ordinary letters that stands for any other."""
    return sha256(key.encode("utf-8", "replace")).hexdigest()


def size(words: str) -> int:
    """Bytes in JSON, without the quotation marks."""
    return len(orjson.dumps(words)) - 2
