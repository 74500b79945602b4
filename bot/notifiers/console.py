"""This terminal: each update as a short card, in colour where a person is looking."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, TextIO, cast

from bot.core.summary import Card, Entry, Line, Tone, card
from bot.core.text import clip
from bot.errors import Permanent, Temporary
from bot.markup import Markup, clean
from bot.markup.columns import width, wrap
from bot.markup.digest_text import text
from bot.markup.fit import web_address
from bot.model import Delivery, Destination, Message, Notice, Receipt
from bot.ports import Tools

if TYPE_CHECKING:
    from rich.text import Text

    from bot.core.digest import Digest

WIDTH = 80
LONGEST = 3_000  #: characters of one update's words
HEADLINE = 130  #: characters of the headline: two lines at the most
LINE = 400  #: characters for what should be one line: the components, who said it
INDENT = "   "
QUOTE = "   │ "
STYLES: Mapping[Tone, str] = {
    Tone.CRITICAL: "bold red",
    Tone.MAJOR: "bold dark_orange",
    Tone.MINOR: "bold yellow",
    Tone.UNSTATED: "bold",
    Tone.MAINTENANCE: "bold blue",
    Tone.OVER: "bold green",
}
FAINT, WARNING, PLAIN = "dim", "yellow", ""

Styled = tuple[str, str]  #: a line and its style


@dataclass(frozen=True, slots=True)
class Times:
    """Times in one zone: the day and the zone are named once, and the day again where it is another."""

    zone: tzinfo | None  #: None: the machine's own
    first: datetime

    def full(self, at: datetime) -> str:
        """`22 Jan 2026 19:37 UTC`."""
        local = self._local(at)
        return f"{local.day} {local:%b %Y %H:%M %Z}"

    def short(self, at: datetime) -> str:
        """`19:37`, or `23 Jan 00:05` on another day than the first."""
        local = self._local(at)
        same = local.date() == self._local(self.first).date()
        return f"{local:%H:%M}" if same else f"{local.day} {local:%b %H:%M}"

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)


class Console:
    """`console`. zone: in which times are shown; None: the machine's own."""

    def __init__(self, tools: Tools, *, zone: tzinfo | None = None) -> None:
        self._zone = zone

    def render(self, notice: Notice) -> Message:
        """Lines of at most 80 columns, each with its style; the text is the same without styles."""
        shown = card(notice)
        lines = list(layout(shown, Times(self._zone, notice.incident.started_at)))
        return Message({"lines": lines}, "\n".join(line for line, _ in lines))

    def render_digest(self, digest: Digest, key: str) -> Message:
        """The digest as text of 80 columns."""
        words = text(digest)
        return Message({"lines": [(line, PLAIN) for line in words.splitlines()]}, words)

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        """Print it. Raises Permanent where nobody reads standard output any more, Temporary where it takes nothing."""
        try:
            write(sys.stdout, cast("list[Styled]", message.body["lines"]))
        except BrokenPipeError as error:
            raise Permanent("nobody reads standard output any more") from error
        except OSError as error:
            raise Temporary("standard output does not take it") from error
        return Receipt("printed")

    async def close(self) -> None:
        """Nothing of its own to give back."""


def write(stream: TextIO, lines: Iterable[Styled]) -> None:
    """The lines and an empty one; in colour on a terminal, and with `?` for what the stream's encoding lacks."""
    encoding = stream.encoding or "utf-8"
    fitting = [(line.encode(encoding, "replace").decode(encoding), style) for line, style in lines]
    if stream.isatty():
        from rich.console import Console as Terminal  # noqa: PLC0415  # 0.1 s that only a terminal needs

        Terminal(file=stream, highlight=False).print(coloured(fitting), soft_wrap=True)
    else:
        stream.write("".join(f"{line}\n" for line, _ in fitting) + "\n")
    stream.flush()


def coloured(lines: Iterable[Styled]) -> Text:
    """The lines as rich's text, in which nothing foreign is markup."""
    from rich.text import Text  # noqa: PLC0415  # as above

    return Text.assemble(*((line + "\n", style) for line, style in lines))


def layout(shown: Card, times: Times) -> Iterator[Styled]:
    """The card, line by line."""
    yield from headline(shown)
    yield from facts(shown, times)
    yield from wrapped(" · ".join(clip(part, LINE) for part in (shown.components, shown.regions) if part), FAINT)
    for entry in shown.entries:
        yield from said(entry, times, alone=len(shown.entries) == 1 and entry.state in ("", shown.state))
    for line in shown.doubts:
        yield from wrapped(f"⚠ {joined(line, times)}", WARNING, hanging="  ")
    yield from wrapped(shown.label, FAINT)
    if link := address(shown):
        yield INDENT + link, FAINT  # never broken: a terminal makes it a link


def address(shown: Card) -> str:
    """Where to read on: a single update's own address, else the incident's."""
    own = shown.entries[0].url if len(shown.entries) == 1 else ""
    return web_address(own) or web_address(shown.link)


def headline(shown: Card) -> Iterator[Styled]:
    """A rule with the mark and the headline, which goes on below where it is long."""
    first, *rest = wrap(shown.headline_within(HEADLINE), WIDTH - 9) or [""]
    start = f"── {shown.mark} {first} "
    yield start + "─" * max(2, WIDTH - width(start)), STYLES[shown.tone]
    for line in rest:
        yield f"{INDENT}{INDENT}{line}", STYLES[shown.tone]


def facts(shown: Card, times: Times) -> Iterator[Styled]:
    """State, impact, since when; on two lines where one is too short."""
    parts = (f"{shown.state} · {shown.impact}", since(shown.since, times))
    one = " · ".join(parts)
    for line in (one,) if width(one) <= WIDTH - len(INDENT) else parts:
        yield from wrapped(line, PLAIN)


def since(line: Line, times: Times) -> str:
    """Since when: the first time in full, a second one of the same day without the day."""
    first = next((part for part in line if isinstance(part, datetime)), None)
    return Markup(clean, lambda at: times.full(at) if at is first else times.short(at)).line(line)


def said(entry: Entry, times: Times, *, alone: bool) -> Iterator[Styled]:
    """One update's words, and who said them."""
    for line in wrap(clip(entry.text, LONGEST), WIDTH - len(QUOTE)):
        yield (QUOTE + line).rstrip(), PLAIN
    state = f"{entry.state} · " if entry.state and not alone else ""
    yield from wrapped(state + joined(entry.said, times), FAINT)


def joined(line: Line, times: Times) -> str:
    """A summary's line with local times."""
    return clip(Markup(clean, times.short).line(line), LINE)


def wrapped(text: str, style: str, hanging: str = "") -> Iterator[Styled]:
    """Indented lines of a text; further ones hang."""
    for number, line in enumerate(wrap(text, WIDTH - len(INDENT) - len(hanging))):
        yield INDENT + (hanging if number else "") + line, style
