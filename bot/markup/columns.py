"""Words in a terminal's columns: how wide they are, and where a line breaks."""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category, east_asian_width

from bot.markup import clean


def wrap(text: str, columns: int) -> list[str]:
    """The text's lines, broken between words; a word that is longer than a line is broken anywhere."""
    lines: list[str] = []
    for paragraph in clean(text).split("\n"):
        line = ""
        for word in paragraph.split():
            if line and width(line) + 1 + width(word) > columns:
                lines.append(line)
                line = ""
            *full, last = pieces(word, columns)
            if full and line:
                lines.append(line)
                line = ""
            lines += full
            line = f"{line} {last}" if line else last
        if line:
            lines.append(line)
    return lines


def pieces(word: str, columns: int) -> list[str]:
    """A word cut into pieces that each fit."""
    cut, room = [""], columns
    for sign in word:
        room -= width(sign)
        if room < 0:
            cut.append("")
            room = columns - width(sign)
        cut[-1] += sign
    return cut


def width(text: str) -> int:
    """Columns of a terminal: wide signs take two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(maxsize=4096)
def _columns(sign: str) -> int:
    if category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(sign) in "WF" else 1
