"""Slack: the token, the scopes that were granted, and each channel."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from bot.doctor.finding import Answer, Finding, Level, ask, each
from bot.model import Destination
from bot.notifiers.slack import MENDS, TOKEN
from bot.ports import Tools

REPEAT = "deliveries may repeat after a lost answer"


async def examine(tools: Tools, destinations: Iterable[Destination]) -> list[Finding]:
    """A line for the token and one for each channel."""
    answer = await _call(tools, "auth.test")
    if reason := refused(answer):
        return [Finding(Level.FAILURE, TOKEN, reason)]
    scopes = granted(answer)
    found = await each(destinations, lambda to: _channel(tools, to, scopes))
    return [token(answer.body, scopes), *found]


async def _channel(tools: Tools, to: Destination, scopes: Collection[str] | None) -> Finding:
    return channel(to, await _call(tools, "conversations.info", channel=to.name), scopes)


async def _call(tools: Tools, method: str, **arguments: str) -> Answer:
    url = f"{tools.env['SLACK_API_URL'].rstrip('/')}/{method}"
    headers = {"Authorization": f"Bearer {tools.env.get(TOKEN, '')}"}
    return await ask(tools.session(), "POST", url, headers=headers, data=arguments)


def refused(answer: Answer) -> str:
    """Why Slack said no, with the mend; empty where it said yes."""
    if answer.failure:
        return f"Slack: {answer.failure}"
    if not isinstance(answer.body, dict):
        return "Slack: an answer that is not its own"
    if answer.body.get("ok") is True:
        return ""
    word = str(answer.body.get("error", ""))[:60]
    return f"Slack: {word}: {MENDS[word]}" if word in MENDS else f"Slack: {word or answer.status}"


def granted(answer: Answer) -> frozenset[str] | None:
    """The scopes that the token has; None where Slack does not tell."""
    told = next((value for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), None)
    return None if told is None else frozenset(word.strip() for word in told.split(",") if word.strip())


def token(body: Any, scopes: Collection[str] | None) -> Finding:
    """The token, by its scopes."""
    whose = f"{body.get('user', 'an app')} in {body.get('team', 'a workspace')}"
    if scopes is None:
        return Finding(Level.WARNING, TOKEN, f"{whose}; Slack does not tell its scopes: compare them with the README's")
    if "chat:write" not in scopes:
        return Finding(Level.FAILURE, TOKEN, f"{whose} may not write: grant the scope chat:write, and install it again")
    return Finding(Level.OK, TOKEN, whose)


def channel(to: Destination, answer: Answer, scopes: Collection[str] | None) -> Finding:
    """A channel: whether the app can write there, and read what it wrote."""
    if reason := refused(answer):
        if "missing_scope" in reason:
            return Finding(Level.WARNING, str(to), "cannot be looked at: grant channels:read and groups:read")
        return Finding(Level.FAILURE, str(to), reason)
    it = answer.body.get("channel")
    if not isinstance(it, dict):
        return Finding(Level.FAILURE, str(to), "Slack: an answer that is not its own")
    if it.get("is_archived"):
        return Finding(Level.FAILURE, str(to), f"{MENDS['is_archived']}: name another")
    private, member = bool(it.get("is_private")), bool(it.get("is_member"))
    if not member and (private or (scopes is not None and "chat:write.public" not in scopes)):
        return Finding(Level.FAILURE, str(to), f"the app is not in it: {MENDS['not_in_channel']}")
    if not member:
        return Finding(Level.WARNING, str(to), f"the app is not in it, so {REPEAT}: {MENDS['not_in_channel']}")
    history = "groups:history" if private else "channels:history"
    if scopes is not None and history not in scopes:
        return Finding(Level.WARNING, str(to), f"{REPEAT}: grant the scope {history}")
    return Finding(Level.OK, str(to), f"the app is in #{str(it.get('name', '?'))[:80]}")
