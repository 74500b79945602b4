"""A card as a Discord message with one embed: the same for the bot and for Discord's webhooks, and pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from bot.core.summary import COLOURS, Card, Entry, Line, card
from bot.markup import DISCORD, clean, discord_ago
from bot.markup.components import Component, button, link, rows
from bot.markup.fit import fit, fit_by, fit_line, shares, units, web_address
from bot.model import Act, Message, Notice

# Discord's limits (FACTS.md, "Discord"), counted in UTF-16 units to be safe. Below them, so that the sum stays under
# 6,000 whatever comes: 256 title + 100 author + 3,300 words + 256 footer, and fields of 2,050 (state, impact and time
# come from short lists of our own).
CONTENT = 2000
TITLE = 256
WORDS = 3300  #: the description, which may be 4,096
FIELD = 300  #: a field's value, which may be 1,024
DOUBTS = 700
FOOTER = 256  #: which may be 2,048
LABEL = 100
SAID = 150  #: who said it
SHOWN = 12  #: updates whose words are told in one message
ROLES = 100


def message(notice: Notice, *, buttons: bool = False) -> Message:
    """The body of a create, a reply or an edit, without nonce; an edit leaves the content (the call) as it was.

    buttons: somebody is there to hear them pressed.
    """
    it = card(notice)
    body: dict[str, object] = {"embeds": [embed(it, notice.act)]}
    if buttons and (pressable := pressed(notice, it)):
        body["components"] = pressable
    mention = "" if notice.act is Act.EDIT else notice.mention
    body["allowed_mentions"] = allowed(mention)
    if mention:
        body["content"] = fit(mention, CONTENT, clean, units)
    return Message(body, plain(it))


def with_key(whole: Message, key: str) -> Message:
    """The message with the key of one delivery in its footer; the notice was rendered for all who get it."""
    made = whole.body.get("embeds")
    if not isinstance(made, list) or not made:
        return whole
    signed = [{**made[0], "footer": {"text": footer(key)}}, *made[1:]]
    return replace(whole, body={**whole.body, "embeds": signed})


def pressed(notice: Notice, it: Card) -> list[Component]:
    """What can be done about an incident, under its message; none in replies, nor where there is no incident."""
    if notice.act is Act.REPLY or notice.test or notice.moved:
        return []
    incident = notice.incident
    mute = button("mute", incident.id, "Mute this incident") if incident.open else None
    page = link("Open the page", address(it, newest=notice.act is Act.POST))
    return rows(button("timeline", incident.id, "Timeline"), mute, page)


def plain(it: Card) -> str:
    """The headline and the latest words, for a thread's name and for logs."""
    words = it.latest.text if it.latest else it.label
    return f"{clean(it.headline)}\n{clean(words)}".strip()


def allowed(mention: str) -> dict[str, object]:
    """Exactly those who are named in `mention`: `@here`, `@everyone`, `<@&role>`, `<@user>`; else nobody."""
    everyone = ["everyone"] if re.search(r"@(here|everyone)\b", mention) else []
    roles = list(dict.fromkeys(re.findall(r"<@&(\d+)>", mention)))[:ROLES]
    users = list(dict.fromkeys(re.findall(r"<@!?(\d+)>", mention)))[:ROLES]
    return {"parse": everyone, "roles": roles, "users": users}


def embed(it: Card, act: Act) -> dict[str, object]:
    """The card as an embed; an update's own message begins with its words and not with the incident's headline."""
    alone = act in (Act.REPLY, Act.POST)
    url = address(it, newest=alone)
    made: dict[str, object] = {
        "title": title(it, act),
        "color": COLOURS[it.tone],
        "fields": list(fields(it, act)),
        "footer": {"text": footer(it.key)},
    }
    if words := description(it.entries, titled=alone):
        made["description"] = words
    if url:
        made["url"] = url
    if it.label:
        made["author"] = {"name": fit(it.label, LABEL, clean, units)}
    return made


def title(it: Card, act: Act) -> str:
    """The headline; in a reply what the update states, and in a message of its own the provider before it."""
    if act in (Act.CREATE, Act.EDIT):
        return f"{it.mark} {headline(it, TITLE - units(it.mark) - 1)}"
    state = (it.latest.state if it.latest else "") or it.state
    words = state if act is Act.REPLY else f"{it.provider}: {state}"
    return fit(f"{it.mark} {words}", TITLE, DISCORD.text, units)


def headline(it: Card, limit: int) -> str:
    """The headline; a title gives way to the references, by which people search."""
    return fit_by(it.headline_within, min(len(it.headline), limit), limit, DISCORD.text, units)


def address(it: Card, *, newest: bool) -> str:
    """Where to read on: the update's own address first where the message is about one update."""
    latest = it.latest.url if it.latest else ""
    return next(filter(None, map(web_address, (latest, it.link) if newest else (it.link, latest))), "")


def fields(it: Card, act: Act) -> Iterable[dict[str, object]]:
    """What stands under the words: in a reply only what began to be doubtful since the update before it."""
    if act is Act.REPLY:
        return doubt(it.fresh)
    return (*(about(it) if act is Act.POST else ()), *facts(it), *doubt(it.doubts))


def about(it: Card) -> Iterable[dict[str, object]]:
    """Which incident an update that stands alone belongs to."""
    yield {"name": "Incident", "value": headline(it, FIELD), "inline": False}


def footer(key: str) -> str:
    """The delivery's key as it stands in the footer, by which the message is found again (a long one by its digest)."""
    whole = clean(key).strip()
    return whole if 0 < units(whole) <= FOOTER else f"id {sha256(key.encode('utf-8', 'replace')).hexdigest()}"


def facts(it: Card) -> Iterable[dict[str, object]]:
    """State, impact, components, regions and time; what is not known is left out."""
    rows = (
        ("State", it.state, True),
        ("Impact", it.impact, True),
        ("Components", it.components, False),
        ("Regions", it.regions, False),
    )
    for name, value, inline in rows:
        if words := fit(value, FIELD, DISCORD.text, units).strip():
            yield {"name": name, "value": words, "inline": inline}
    yield {"name": "Time", "value": _time(it.since), "inline": False}


def _time(since: Line) -> str:
    """The span, and how long ago its first time was."""
    first = next((part for part in since if not isinstance(part, str)), None)
    words = DISCORD.line(since)
    return f"{words[:1].upper()}{words[1:]}" + (f" · {discord_ago(first)}" if first else "")


def doubt(lines: Iterable[Line]) -> Iterable[dict[str, object]]:
    """A field that says what cannot be believed now."""
    told: list[str] = []
    left = DOUBTS
    for line in lines:
        words = fit_line(line, FIELD, DISCORD, units)
        left -= units(words) + 1
        if left < 0:
            break
        told.append(words)
    if told:
        yield {"name": "⚠️ Not to be relied on", "value": "\n".join(told), "inline": False}


def description(entries: tuple[Entry, ...], *, titled: bool) -> str:
    """The words of the updates, oldest first, within WORDS; each keeps its share, and what is left out is said.

    titled: what the newest one states stands in the title, so that of a single one it is not said again.
    """
    single = titled and len(entries) == 1
    shown = entries[-SHOWN:]
    hidden = len(entries) - len(shown)
    heads = [f"**{DISCORD.text(entry.state)}**\n" if entry.state and not single else "" for entry in shown]
    tails = [f"\n-# {fit_line(entry.said, SAID, DISCORD, units)}" for entry in shown]
    more = [f"-# {hidden} earlier update{'' if hidden == 1 else 's'} left out"] if hidden else []
    fixed = sum(units(part) + 2 for part in (*heads, *tails, *more))
    costs = [units(DISCORD.text(entry.text)) for entry in shown]
    words = [
        fit(entry.text, share, DISCORD.text, units)
        for entry, share in zip(shown, shares(costs, max(0, WORDS - fixed)), strict=True)
    ]
    parts = [head + told + tail for head, told, tail in zip(heads, words, tails, strict=True)]
    return "\n\n".join((*more, *parts)).strip()
