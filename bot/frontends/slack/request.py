"""What one request of Slack's tells, whatever its kind: who asks, where, of which workspace, and where to answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

#: `<@U1|ann>`, `<#C1|general>`, `<!subteam^S1|@ops>`, `<!here|here>`: what it shows is dropped, what it names stays.
_NAMED = re.compile(r"<([@#!][^<>|]+)\|[^<>]*>")
_LINK = re.compile(r"<((?:https?|mailto):[^<>|]+)(?:\|([^<>]*))?>")
_KEPT = re.compile(r"(<[@#!][^<>|]+>)")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and where. Empty: not told."""

    user: str
    channel: str = ""
    channel_name: str = ""  #: of a command only
    teams: frozenset[str] = frozenset()  #: every workspace that the request names
    answers: str = field(default="", repr=False)  #: the response_url: takes 5 answers within 30 minutes
    trigger: str = field(default="", repr=False)  #: opens one dialog within 3 s


def asked(body: Mapping[str, object]) -> Asked:
    """The same of a command's, an action's, a dialog's or an event's body. Whatever is missing is empty."""
    return Asked(
        user=word(body, "user_id") or word(body, "user", "id") or word(body, "event", "user"),
        channel=word(body, "channel_id") or word(body, "channel", "id") or word(body, "container", "channel_id"),
        channel_name=word(body, "channel_name"),
        teams=frozenset(filter(None, _teams(body))),
        answers=word(body, "response_url"),
        trigger=word(body, "trigger_id"),
    )


def _teams(body: Mapping[str, object]) -> Iterator[str]:
    """The workspace that it came from, and that of the person, who in a shared channel may be of another."""
    yield word(body, "team_id")
    yield word(body, "team", "id")
    yield word(body, "user", "team_id")


def word(body: object, *path: str) -> str:
    """The text at a path of keys; empty where there is none."""
    for key in path:
        body = body.get(key) if isinstance(body, Mapping) else None
    return body if isinstance(body, str) else ""


def words(text: str) -> str:
    """A command's words as they were meant: links and escapes undone, mentions `<@U1>` kept."""
    text = _LINK.sub(lambda match: match[2] or match[1], _NAMED.sub(r"<\1>", text))
    parts = _KEPT.split(text)
    parts[::2] = [_unescaped(part) for part in parts[::2]]
    return "".join(parts).strip()


def _unescaped(part: str) -> str:
    """Slack's three escapes undone."""
    return part.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
