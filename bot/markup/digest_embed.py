"""A digest as a Discord message with one embed, its picture attached: for the bot and for Discord's webhooks."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.digest import Digest
from bot.core.digest_words import LEVELS, Entry, Outline, outline, rounded, shorter
from bot.core.summary import COLOURS, Line, Tone
from bot.markup import DISCORD, clean
from bot.markup.embed import TITLE, allowed, footer
from bot.markup.fit import fit, fit_line, units, web_address
from bot.markup.picture import picture
from bot.model import Impact, Message

WORDS = 3_800  #: the description, which may be 4,096
LINE = 350
ALT = 1_000  #: of an attachment's description, which may be 1,024

#: how bad a digest is: by the worst of what is open, else by the worst of what was
BAD = {None: Tone.UNSTATED, Impact.NONE: Tone.UNSTATED, Impact.MAINTENANCE: Tone.MAINTENANCE}


def message(digest: Digest, key: str) -> Message:
    """The body of a create, without nonce; the picture is shown by the embed that names its file."""
    whole, shown = outline(digest), picture(digest)
    fitting = ("\n".join(lines(shorter(whole, level))) for level in range(len(LEVELS)))
    words = next((made for made in fitting if units(made) <= WORDS), "")
    embed: dict[str, object] = {
        "title": fit(whole.title, TITLE, DISCORD.text, units),
        "description": words or line(whole.window),
        "color": COLOURS[tone(digest)],
        "footer": {"text": footer(key)},
        "image": {"url": f"attachment://{shown.name}"},
    }
    attached = [{"id": 0, "filename": shown.name, "description": fit(shown.alt, ALT, clean, units)}]
    body = {"embeds": [embed], "allowed_mentions": allowed(""), "attachments": attached}
    return Message(body, whole.text, shown)


def tone(digest: Digest) -> Tone:
    """The colour: green where nothing is open any more."""
    going = [event.impact for account in digest.accounts for event in account.open]
    worst = max(going, key=lambda impact: impact.rank if impact else 0, default=None)
    if not going:
        return Tone.OVER if any(account.watched for account in digest.accounts) else Tone.UNSTATED
    return BAD[worst] if worst is None or worst in BAD else Tone(worst.value)


def lines(whole: Outline) -> Iterator[str]:
    """The description."""
    yield line(whole.window)
    for section in whole.sections:
        yield f"\n## {fit(section.title, 100, DISCORD.text, units)}\n{line(section.summary)}"
        for part in section.parts:
            yield f"**{part.title}**"
            for entry in part.entries:
                yield from told(entry)
    yield from (f"\n{line(rest)}" for rest in whole.rest)


def told(entry: Entry) -> Iterator[str]:
    """One entry, and under it what belongs to it in small letters."""
    url = web_address(entry.url, 300)
    linked = f"[{line(rounded(entry.line))}](<{url}>)" if url and ")" not in url else line(entry.line)
    yield f"- {entry.mark} {linked}".replace("  ", " ")
    yield from (f"-# {line(more)}" for more in entry.more)


def line(some: Line) -> str:
    """A line within its limit."""
    return fit_line(some, LINE, DISCORD, units)
