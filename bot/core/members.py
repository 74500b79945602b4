"""The members of a foreign JSON document, which may be missing, null or of another type than they ought to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.errors import Unreadable
from bot.model import Item


def objects(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects of a list; a missing or null list is an empty one. Raises Unreadable for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise Unreadable("a list of an unexpected shape in the answer")
    return value


def strings(value: object) -> tuple[str, ...]:
    """The texts of a list, each once, in its order; what is no text, or no list, is left out."""
    return unique(text(part) for part in value) if isinstance(value, list) else ()


def text(value: object) -> str:
    """A text without white space around it; empty for what is no text."""
    return value.strip() if isinstance(value, str) else ""


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, in the order of first sight, empty ones left out."""
    return tuple(dict.fromkeys(name for name in names if name))


def oldest_first(items: Iterable[Item], *, newest_first: bool) -> list[Item]:
    """The statements of one incident by date; equal dates, and none, keep the document's own order.

    newest_first: the order of this kind's documents, believed only where the dates do not show another.
    """
    listed = list(items)
    dates = [item.at for item in listed if item.at is not None]
    if dates and dates[0] != dates[-1]:
        newest_first = dates[0] > dates[-1]
    if newest_first:
        listed.reverse()
    if len(dates) == len(listed):
        listed.sort(key=_date)
    return listed


def _date(item: Item) -> float:
    return item.at.timestamp() if item.at else 0.0
