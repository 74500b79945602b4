"""Foreign words cut to a platform's limits: a text after its escaping, texts that share a budget, a link or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from yarl import URL

from bot.core.summary import Line
from bot.core.text import clip
from bot.markup import Markup, clean


def fit(words: str, limit: int, escape: Callable[[str], str] = clean, cost: Callable[[str], int] = len) -> str:
    """`escape(words)`, cut at a word of the original where its `cost` would exceed `limit`: no escape is cut in two.

    Every character costs at least 1, so that of a very long text no more than `limit` characters are ever tried.
    """
    words = clean(words)
    return fit_by(lambda length: clip(words, length), min(len(words), limit), limit, escape, cost)


def fit_by(
    shorten: Callable[[int], str],
    longest: int,
    limit: int,
    escape: Callable[[str], str] = clean,
    cost: Callable[[str], int] = len,
) -> str:
    """As `fit`, of words that know how to be shortened: `shorten(length)`, whole at `longest`."""
    whole = escape(shorten(longest))
    if cost(whole) <= limit:
        return whole
    least, most = 0, longest
    while least < most:
        length = (least + most + 1) // 2
        if cost(escape(shorten(length))) <= limit:
            least = length
        else:
            most = length - 1
    return escape(shorten(least))


def fit_line(line: Line, limit: int, markup: Markup, cost: Callable[[str], int] = len) -> str:
    """A line within `limit`: its words are shortened, its times are never cut."""
    times = [0 if isinstance(part, str) else cost(markup.time(part)) for part in line]
    words = [cost(markup.text(part)) if isinstance(part, str) else 0 for part in line]
    rooms = shares(words, max(0, limit - sum(times)))
    return "".join(
        fit(part, room, markup.text, cost) if isinstance(part, str) else markup.time(part)
        for part, room in zip(line, rooms, strict=True)
    )


def shares(costs: Sequence[int], budget: int) -> list[int]:
    """What each of several texts may cost: what the short ones leave goes to the long ones."""
    given = [0] * len(costs)
    left = budget
    order = sorted(range(len(costs)), key=costs.__getitem__)
    for position, index in enumerate(order):
        given[index] = min(costs[index], left // (len(costs) - position))
        left -= given[index]
    return given


def web_address(words: str, limit: int = 2048) -> str:
    """A link that a platform accepts, in ASCII, else empty: one bad link costs the whole message."""
    try:
        url = str(URL(words))
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    well = parts.scheme in ("http", "https") and "." in host.strip(".") and url.isascii()
    return url if well and len(url) <= limit and not parts.username else ""


def units(words: str) -> int:
    """Length in UTF-16 code units, the stricter of the two ways in which a platform may count characters."""
    return len(words.encode("utf-16-le", "surrogatepass")) // 2
