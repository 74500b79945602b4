"""A Reply as a Discord message: one embed and its buttons, within Discord's limits for any input; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.answer.reply import Reply, Row
from bot.core.summary import Line
from bot.markup import DISCORD, clean
from bot.markup.components import Component, button, rows
from bot.markup.fit import fit, fit_line, units, web_address

# Below Discord's 4,096 of a description, which is all that an answer's embed holds, and its 6,000 over all embeds.
TEXT = 800
ROWS = 2900
HEAD = 200
BODY = 350
MORE = 200
DONE, NOT_DONE = 0x0F6CBD, 0x8A8886  #: the colours of summary.COLOURS for news of no trouble, and for what is unstated


@dataclass(frozen=True, slots=True)
class Page:
    """What one message shows."""

    embed: dict[str, object]
    components: list[Component] = field(default_factory=list)
    private: bool = True


def page(reply: Reply) -> Page:
    """An answer as a message."""
    buttons = [button(one.verb, one.value, one.words) for one in reply.buttons]
    return Page(_embed(description(reply), done=reply.done), rows(*buttons), reply.private)


def words(text: str, *components: Component | None, done: bool = True) -> Page:
    """A sentence of the program's own, only for who asked, with what can be pressed under it."""
    return Page(_embed(fit(text, TEXT, DISCORD.text, units), done=done), rows(*components))


def _embed(told: str, *, done: bool) -> dict[str, object]:
    return {"description": told or "…", "color": DONE if done else NOT_DONE}


def description(reply: Reply) -> str:
    """The sentence, the rows as far as there is room, and what was left out."""
    told, left = list[str](), ROWS
    for row in reply.rows:
        block = _row(row)
        left -= units(block) + 2
        if left < 0:
            break
        told.append(block)
    hidden = len(reply.rows) - len(told)
    tail = [f"{hidden} more"] if hidden else []
    tail += [reply.more] if reply.more else []
    below = fit(" · ".join(tail), MORE, DISCORD.text, units)
    return "\n\n".join(filter(None, (_line(reply.text, TEXT), *told, below and f"-# {_flat(below)}"))).strip()


def _row(row: Row) -> str:
    """Its mark, its name in bold, the link to read on, and each thing that is said of it on a line."""
    return "\n".join(filter(None, (_head(row), *(_line(line, BODY) for line in row.body))))


def _head(row: Row) -> str:
    name = _flat(_line(row.head, HEAD))
    url = web_address(row.url).replace("(", "%28").replace(")", "%29")
    linked = bool(name and url) and len(url) <= HEAD
    whole = linked and "http" not in name and _plain(row.head)
    told = f"**[{name}]({url})**" if whole else f"**{name}**" if name else ""
    arrow = f"[↗]({url})" if linked and not whole else ""
    return " ".join(filter(None, (fit(clean(row.mark), 8, cost=units), told, arrow)))


def _plain(line: Line) -> bool:
    """Whether no time stands in a line: inside a link Discord would show its code."""
    return all(isinstance(part, str) for part in line)


def _line(line: Line, limit: int) -> str:
    return fit_line(line, limit, DISCORD, units).strip()


def _flat(text: str) -> str:
    return " ".join(text.split())


def choices(pairs: Iterable[tuple[str, str]], known: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(value, words) of what may be suggested while somebody types: within 100 characters each, 25 at the most."""
    fitting = [(value, fit(_flat(text), 100, cost=units) or value) for value, text in pairs if 0 < units(value) <= 100]
    return [pair for pair in fitting if pair[0] not in known][:25]
