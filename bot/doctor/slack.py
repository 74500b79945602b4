"""Slack: the token, the scopes that were granted, each channel, and what the commands need besides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from bot.doctor import slack_app
from bot.doctor.finding import Answer, Finding, Level, ask, each
from bot.frontends.slack.manifest import SCOPES
from bot.model import Destination
from bot.notifiers.slack import MENDS, TOKEN
from bot.ports import Tools

REPEAT = "deliveries may repeat after a lost answer"


async def examine(
    tools: Tools, destinations: Iterable[Destination], may_subscribe: Collection[str] = ()
) -> list[Finding]:
    """A line for the token, some for the commands where the settings ask for them, and one for each channel."""
    if not tools.env.get(TOKEN):
        return await slack_app.examine(tools, "", may_subscribe, None)
    answer = await _call(tools, "auth.test")
    if reason := refused(answer):
        return [Finding(Level.FAILURE, TOKEN, reason), *await slack_app.socket(tools)]
    scopes = granted(answer)
    found = await each(destinations, lambda to: _channel(tools, to, scopes))
    heard = slack_app.heard(tools.env)
    app = await slack_app.examine(tools, tools.env[TOKEN], may_subscribe, scopes) if heard else []
    return [token(answer.body, scopes), *app, *found]


async def _channel(tools: Tools, to: Destination, scopes: Collection[str] | None) -> Finding:
    return channel(to, await _call(tools, "conversations.info", channel=to.name), scopes)


async def _call(tools: Tools, method: str, **arguments: str) -> Answer:
    url = f"{tools.env['SLACK_API_URL'].rstrip('/')}/{method}"
    headers = {"Authorization": f"Bearer {tools.env.get(TOKEN, '')}"}
    return await ask(tools.session(), "POST", url, headers=headers, data=arguments)


def refused(answer: Answer) -> str:
    """Why Slack said no, with the mend; empty where it said yes."""
    return slack_app.refusal(answer, {word: f"Slack: {word}: {mend}" for word, mend in MENDS.items()})


def granted(answer: Answer) -> frozenset[str] | None:
    """The scopes that the token has; None where Slack does not tell."""
    told = next((value for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), None)
    return None if told is None else frozenset(word.strip() for word in told.split(",") if word.strip())


def token(body: Any, scopes: frozenset[str] | None) -> Finding:
    """The token, by its scopes."""
    whose = f"{body.get('user', 'an app')} in {body.get('team', 'a workspace')}"
    if scopes is None:
        return Finding(Level.WARNING, TOKEN, f"{whose}; Slack does not tell its scopes: compare them with the README's")
    if "chat:write" not in scopes:
        return Finding(Level.FAILURE, TOKEN, f"{whose} may not write: grant the scope chat:write, and install it again")
    spare = sorted(scopes - set(SCOPES) - {"incoming-webhook"})
    return Finding(Level.OK, TOKEN, f"{whose}{f'; nothing here needs the scopes {_some(spare)}' if spare else ''}")


def _some(words: Sequence[str], most: int = 5) -> str:
    """The first of them, and how many more there are."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")


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
