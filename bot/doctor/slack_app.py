"""Slack's commands: the scopes that they need, the socket or the door that they come by, and the named user groups."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from bot.doctor.finding import Answer, Finding, Level, ask
from bot.frontends.slack.manifest import SCOPES, scopes
from bot.frontends.slack.rights import WHY
from bot.frontends.slack.socket import MENDS
from bot.ports import Tools

BOT = "SLACK_BOT_TOKEN"
TOKEN, SECRET, LISTEN = "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "STATUSBOT_LISTEN"
WITHOUT, WRITE = "commands", "chat:write"  #: scopes: the one without which there are none, and one looked at elsewhere
INSTALL = 'grant it under "OAuth & Permissions", and install the app again'
UNHEARD = "is set, but {} is not: /statusbot is not answered"
ANOTHER = 'make one with the scope connections:write ("Basic Information", "App-Level Tokens")'


def heard(env: Mapping[str, str]) -> bool:
    """Whether the settings ask for commands at all."""
    return bool(env.get(TOKEN) or env.get(SECRET))


async def examine(
    tools: Tools, bot: str, may_subscribe: Collection[str], granted: Collection[str] | None
) -> list[Finding]:
    """A line for each scope that is missing, for the ways in, and for each named user group. bot: the bot's token."""
    if not bot:
        return [Finding(Level.FAILURE, TOKEN if tools.env.get(TOKEN) else SECRET, UNHEARD.format(BOT))]
    groups = sorted(word for word in may_subscribe if word.startswith("S"))
    asked = await asyncio.gather(*(_group(tools, bot, group) for group in groups))
    return [*lacking(may_subscribe, granted), *await socket(tools), *door(tools.env), *asked]


def lacking(may_subscribe: Collection[str], granted: Collection[str] | None) -> list[Finding]:
    """The scopes that the manifest asks for and the token lacks; none where Slack does not tell."""
    missing = [] if granted is None else [scope for scope in scopes(may_subscribe) if scope not in {*granted, WRITE}]
    return [
        Finding(Level.FAILURE if scope == WITHOUT else Level.WARNING, BOT, f"{_needed(scope)}: {INSTALL}")
        for scope in missing
    ]


def _needed(scope: str) -> str:
    """`the scope channels:join is missing, which it takes to join the public channel that subscribes`"""
    why = SCOPES[scope]
    return f"the scope {scope} is missing, which {'it takes' if why.startswith('to ') else 'is for'} {why}"


async def socket(tools: Tools) -> list[Finding]:
    """Whether Slack would give a connection by Socket Mode: an address is asked for, and not used."""
    if not tools.env.get(TOKEN):
        return []
    answer = await _call(tools, "apps.connections.open", tools.env[TOKEN])
    if reason := refusal(answer, MENDS):
        mend = f"; {ANOTHER}" if reason.startswith(TOKEN) else ""
        return [Finding(Level.FAILURE, TOKEN, reason.removeprefix(f"{TOKEN} ") + mend)]
    return [Finding(Level.OK, TOKEN, "Slack gives connections by Socket Mode")]


def door(env: Mapping[str, str]) -> list[Finding]:
    """What can be known of the other way in without a request of Slack's."""
    if not env.get(SECRET):
        return []
    if not env.get(LISTEN):
        if env.get(TOKEN):
            return [Finding(Level.OK, SECRET, f"not needed beside {TOKEN}; by HTTP nothing is heard without {LISTEN}")]
        return [Finding(Level.FAILURE, SECRET, UNHEARD.format(LISTEN))]
    return [
        Finding(Level.OK, SECRET, "Slack alone can tell whether it is right: look for 401 of /slack/events in /metrics")
    ]


async def _group(tools: Tools, bot: str, group: str) -> Finding:
    answer = await _call(tools, "usergroups.users.list", bot, usergroup=group)
    what = f"[slack] may_subscribe {group}"
    if reason := refusal(answer, WHY):
        return Finding(Level.FAILURE, what, reason)
    count = len(answer.body.get("users") or ())
    return Finding(Level.OK if count else Level.WARNING, what, f"{count} {'person' if count == 1 else 'people'} in it")


def refusal(answer: Answer, mends: Mapping[str, str]) -> str:
    """Why Slack said no, with the mend where one is known; empty where it said yes."""
    if answer.failure:
        return f"Slack: {answer.failure}"
    if not isinstance(answer.body, dict):
        return "Slack: an answer that is not its own"
    if answer.body.get("ok") is True:
        return ""
    word = str(answer.body.get("error", ""))[:60]
    return mends.get(word) or f"Slack: {word or answer.status}"


async def _call(tools: Tools, method: str, token: str, **arguments: str) -> Answer:
    url = f"{tools.env['SLACK_API_URL'].rstrip('/')}/{method}"
    return await ask(tools.session(), "POST", url, headers={"Authorization": f"Bearer {token}"}, data=arguments)
