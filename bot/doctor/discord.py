"""Discord: the token, and what the bot may do in each channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from bot.core.summary import duration
from bot.doctor.finding import Answer, Finding, Level, ask, each
from bot.frontends.discord.budget import SPARE
from bot.model import Destination
from bot.notifiers.discord import ADDRESS, HOME, TOKEN
from bot.ports import Tools

#: Discord's documentation, "Permissions"
ADMINISTRATOR = 1 << 3
NEEDED = {"View Channel": 1 << 10, "Send Messages": 1 << 11, "Embed Links": 1 << 14}
THREADS = {"Create Public Threads": 1 << 35, "Send Messages in Threads": 1 << 38}
HISTORY = 1 << 16


async def examine(tools: Tools, destinations: Iterable[Destination]) -> list[Finding]:
    """A line for the token, some for what keeps the commands from being heard, and one for each channel."""
    me = await _get(tools, "/users/@me")
    if reason := refused(me, "the token is not accepted: copy it again from the bot's page"):
        return [Finding(Level.FAILURE, TOKEN, reason)]
    found = await each(destinations, lambda to: _channel(tools, to, str(me.body.get("id", ""))))
    application, gateway = await _get(tools, "/oauth2/applications/@me"), await _get(tools, "/gateway/bot")
    name = str(me.body.get("username", "?"))[:80]
    return [Finding(Level.OK, TOKEN, f"the bot {name}"), *commands(application.body, gateway.body), *found]


def commands(application: Any, gateway: Any) -> list[Finding]:
    """What keeps Discord from telling the commands to `statusbot run`; nothing where it cannot be known."""
    found = []
    if isinstance(application, dict) and application.get("interactions_endpoint_url"):
        mend = "commands go to the application's Interactions Endpoint URL: empty it on the application's page"
        found.append(Finding(Level.FAILURE, "commands", mend))
    limit = gateway.get("session_start_limit") if isinstance(gateway, dict) else None
    left, wait = (limit.get("remaining"), limit.get("reset_after")) if isinstance(limit, dict) else (None, None)
    if isinstance(left, int) and left <= SPARE and isinstance(wait, int | float):
        words = (
            f"the bot has connected too often: {left} times more in the next {duration(timedelta(milliseconds=wait))}"
        )
        found.append(Finding(Level.WARNING, "commands", f"{words}; `statusbot run` waits with its last {SPARE}"))
    return found


async def _get(tools: Tools, path: str) -> Answer:
    headers = {"Authorization": f"Bot {tools.env.get(TOKEN, '')}"}
    return await ask(tools.session(), "GET", tools.env.get(ADDRESS, HOME).rstrip("/") + path, headers=headers)


def refused(answer: Answer, mend: str) -> str:
    """Why Discord said no, with the mend; empty where it said yes."""
    if answer.failure:
        return f"Discord: {answer.failure}"
    if answer.status in (401, 403, 404):
        return f"Discord: {answer.status}: {mend}"
    if answer.status != 200:
        return f"Discord: {answer.status}: try again later"
    return "" if isinstance(answer.body, dict) else "Discord: an answer that is not its own"


async def _channel(tools: Tools, to: Destination, me: str) -> Finding:
    if not (to.name.isascii() and to.name.isdigit()):
        return Finding(Level.FAILURE, str(to), "a Discord channel is named by its id, a number")
    answer = await _get(tools, f"/channels/{to.name}")
    if reason := refused(answer, "invite the bot to the server, and let it see the channel"):
        return Finding(Level.FAILURE, str(to), reason)
    guild = str(answer.body.get("guild_id", ""))
    member = await _get(tools, f"/guilds/{guild}/members/{me}") if guild.isdigit() else Answer()
    roles = await _get(tools, f"/guilds/{guild}/roles") if guild.isdigit() else Answer()
    if not isinstance(member.body, dict) or not isinstance(roles.body, list):
        return Finding(Level.WARNING, str(to), "the bot sees it; what it may do there cannot be told: `statusbot test`")
    return verdict(to, allowed(answer.body, member.body, roles.body, me))


def verdict(to: Destination, may: int) -> Finding:
    """What permissions in a channel mean."""
    lacking = [name for name, bit in NEEDED.items() if not may & bit]
    if lacking:
        return Finding(Level.FAILURE, str(to), f"the bot may not: grant it {', '.join(lacking)}")
    lacking = [name for name, bit in THREADS.items() if not may & bit]
    if lacking:
        return Finding(
            Level.WARNING, str(to), f'no thread is possible: grant {", ".join(lacking)}, or use mode = "edit"'
        )
    if not may & HISTORY:
        mend = "grant Read Message History"
        return Finding(Level.WARNING, str(to), f"deliveries may repeat after a lost answer: {mend}")
    return Finding(Level.OK, str(to), "the bot may write there")


def allowed(channel: Mapping[str, Any], member: Mapping[str, Any], roles: Iterable[Any], me: str) -> int:
    """A member's permissions in a channel, by the algorithm of Discord's documentation ("Permission Overwrites")."""
    guild = str(channel.get("guild_id"))
    mine = {guild, *map(str, member.get("roles") or ())}
    may = 0
    for role in roles:
        if isinstance(role, dict) and str(role.get("id")) in mine:
            may |= number(role.get("permissions"))
    if may & ADMINISTRATOR:
        return ~0
    rules = {str(rule.get("id")): rule for rule in channel.get("permission_overwrites") or () if isinstance(rule, dict)}
    for names in ({guild}, mine - {guild}, {me}):  # everybody's, then the roles' together, then its own
        applying = [rules[name] for name in names if name in rules]
        for rule in applying:
            may &= ~number(rule.get("deny"))
        for rule in applying:
            may |= number(rule.get("allow"))
    return may


def number(words: object) -> int:
    """Discord writes permissions as a string of digits."""
    return int(words) if isinstance(words, str) and words.isascii() and words.isdigit() else 0
