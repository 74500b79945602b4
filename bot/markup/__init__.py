"""Each platform's escaping and times: foreign words shown as they are, and nothing in them acted upon."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.core.summary import Line

#: Characters that steer a terminal or turn the direction of what follows, and halves of surrogate pairs (no UTF-8).
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ADDRESS = re.compile(r"(https?://[^\s<>()\[\]{}|*~`\"'\\]+)")
_MARKDOWN = re.compile(r"([\\*_~`|\[\]<])")
_STARTS = re.compile(r"(?m)^([ \t]*)([#>]|[+-](?=[\s#-])|\d+(?=[.)]))([.)]?)")
_ZERO_WIDTH = "\u200b"


@dataclass(frozen=True, slots=True)
class Markup:
    """How one platform writes words and times."""

    text: Callable[[str], str]  #: foreign words, escaped
    time: Callable[[datetime], str]  #: an aware time, as the platform shows it in the reader's zone

    def line(self, line: Line) -> str:
        """A summary's line as one string."""
        return "".join(self.text(part) if isinstance(part, str) else self.time(part) for part in line)


def clean(words: str) -> str:
    """Words without control characters, direction marks and lone surrogates; line breaks and tabs stay."""
    return _STEERING.sub("", words)


def utc(at: datetime) -> str:
    """`2026-01-22 19:37 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def unix(at: datetime) -> int:
    """Whole seconds since 1970."""
    return int(at.timestamp())


def _slack_text(words: str) -> str:
    """Slack knows three escapes and no more, so `*` and `_` stay (FACTS.md, Slack)."""
    return clean(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _slack_time(at: datetime) -> str:
    return f"<!date^{unix(at)}^{{date_short_pretty}} {{time}}|{utc(at)}>"


def _discord_text(words: str) -> str:
    """Markdown escaped outside addresses, which would break by it; `@` cut off from what it would call."""
    parts = _ADDRESS.split(clean(words))
    parts[::2] = [_MARKDOWN.sub(r"\\\1", part).replace("@", "@" + _ZERO_WIDTH) for part in parts[::2]]
    parts[1::2] = [part.replace("@", "%40") for part in parts[1::2]]
    return _starts("".join(parts))


def _starts(words: str) -> str:
    r"""What begins a heading, a quotation or a list is escaped: `\# x`, `\- x`, `1\. x`."""
    return _STARTS.sub(_start, words)


def _start(match: re.Match[str]) -> str:
    indent, sign, point = match.groups()
    return f"{indent}{sign}\\{point}" if sign.isdigit() else f"{indent}\\{sign}{point}"


def _discord_time(at: datetime) -> str:
    return f"<t:{unix(at)}:f>"


def discord_ago(at: datetime) -> str:
    """`2 hours ago`, counted by the reader's client."""
    return f"<t:{unix(at)}:R>"


def _teams_text(words: str) -> str:
    """Markdown escaped, the date functions of Adaptive Cards pulled apart, and each line break made visible."""
    words = _MARKDOWN.sub(r"\\\1", clean(words)).replace("&", "\\&")
    words = re.sub(r"\{(?=\{)", "{" + _ZERO_WIDTH, words)
    return _starts(words).replace("\n", "\n\n")


def _teams_time(at: datetime) -> str:
    stamp = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
    return f"{{{{DATE({stamp}, SHORT)}}}} {{{{TIME({stamp})}}}}"


SLACK = Markup(_slack_text, _slack_time)  #: mrkdwn
DISCORD = Markup(_discord_text, _discord_time)  #: Markdown of messages and embeds
TEAMS = Markup(_teams_text, _teams_time)  #: text blocks of Adaptive Cards
PLAIN = Markup(clean, utc)
