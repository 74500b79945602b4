"""Words: foreign HTML to plain text, cutting at a word, and the parts of a text that carry meaning."""

from __future__ import annotations

import html
import re

# No tag or comment reaches over the next one's beginning: hostile markup is read once, not once for each "<".
_BREAK = re.compile(r"(?i)<\s*(?:br|/p|/div|/li|/tr|/h[1-6]|hr)\b[^<>]*>")
_ITEM = re.compile(r"(?i)<\s*li\b[^<>]*>")
_DROP = re.compile(r"(?is)<\s*(script|style|head|title)\b(?:(?!<\s*\1\b).)*?<\s*/\s*\1\s*>|<!--(?:(?!<!--).)*?-->")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u2060\ufeff]")
_LINES = re.compile(r"\n[ \n]+")


def plain(markup: str) -> str:
    """HTML (or text) as plain text: one line break for each block, entities resolved, no control characters."""
    text = _DROP.sub(" ", markup)
    text = _BREAK.sub("\n", text)
    text = _ITEM.sub("\n- ", text)
    text = html.unescape(_TAG.sub("", text))
    return tidy(text)


def tidy(text: str) -> str:
    """White space folded, control characters out; line breaks kept, never more than one in a row."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = text.replace("\t", " ").replace("\u00a0", " ")
    while "  " in text:  # much quicker than a pattern that looks at every single space
        text = text.replace("  ", " ")
    return _LINES.sub("\n", text.replace(" \n", "\n")).strip()


def clip(text: str, limit: int, ellipsis: str = "…") -> str:
    """At most `limit` characters, cut at a word where one ends near, with an ellipsis where anything is missing."""
    if len(text) <= limit:
        return text
    if limit <= len(ellipsis):
        return ellipsis[:limit]
    cut = text[: limit - len(ellipsis)]
    space = max(cut.rfind(" "), cut.rfind("\n"))
    if space > limit * 0.6:
        cut = cut[:space]
    return cut.rstrip(" \n,;:-–") + ellipsis
