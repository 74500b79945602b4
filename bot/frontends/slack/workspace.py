"""What the app asks of Slack's Web API: whose token it is, what can be told, who may, and where answers go."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from bot.errors import SendError, StatusbotError
from bot.frontends.slack.request import Asked, word
from bot.ports import Tools
from bot.post import check, post, seconds

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

Json = dict[str, Any]
Ask = Callable[["AsyncWebClient"], Awaitable[Any]]

TIMEOUT = 10.0  #: seconds for one call
#: what Slack says (nothing, where it does not answer) of trouble that passes by itself
LATER = frozenset({"", "ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
REMEMBERED = timedelta(minutes=5)  #: how long the members of a user group are believed


class Refused(StatusbotError):
    """A call that Slack did not carry out. word: Slack's own for the error; empty where no answer came."""

    def __init__(self, word: str, delay: timedelta | None = None) -> None:
        super().__init__(f"Slack: {word}" if word else "Slack's API does not answer")
        self.word = word
        self.delay = delay


class Reach(Enum):
    """Whether a channel can be told."""

    IN = "in"  #: the bot is a member
    PUBLIC = "public"  #: it is not, but may join
    PRIVATE = "private"  #: it is not, and somebody must invite it
    ARCHIVED = "archived"
    DIRECT = "direct"  #: a conversation between people
    UNKNOWN = "unknown"  #: Slack did not say


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it is."""

    team: str
    name: str  #: the bot's, as one invites it


class Workspace:
    """The one workspace that the bot token belongs to. timeout: seconds for one call."""

    def __init__(self, tools: Tools, *, timeout: float = TIMEOUT) -> None:
        self._tools = tools
        self._timeout = timeout
        self._identity: Identity | None = None
        self._members: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._resting: tuple[datetime, Refused] | None = None  #: until when no user group is asked of, and why

    def session(self) -> aiohttp.ClientSession:
        """The process's shared session."""
        return self._tools.session()

    def client(self) -> AsyncWebClient:
        """A client on the shared session, which knows the proxies; it sends nothing twice by itself."""
        from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415  # 0.1 s, only where the app runs

        token, base_url = self._tools.env.get("SLACK_BOT_TOKEN", ""), self._tools.env["SLACK_API_URL"]
        client = AsyncWebClient(token, base_url, session=self.session(), retry_handlers=[])
        client.proxy = None  # which slack-sdk took from the process's environment, NO_PROXY unheard
        return client

    async def call(self, ask: Ask) -> Json:
        """What Slack answers to one call, made once. Raises Refused."""
        from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415  # as above

        try:
            async with asyncio.timeout(self._timeout):
                answer = await ask(self.client())
                return answer.data if isinstance(answer.data, dict) else {}
        except SlackApiError as error:
            refused = _refused(error)
        except (aiohttp.ClientError, OSError, ValueError, AttributeError, SlackClientError):
            refused = Refused("")
        raise refused  # outside of `except`: no library's words hang on it

    async def identity(self) -> Identity:
        """Whose token it is; asked once. Raises Refused."""
        if self._identity is None:
            answer = await self.call(lambda client: client.auth_test())
            self._identity = Identity(word(answer, "team_id"), word(answer, "user") or "statusbot")
        return self._identity

    async def reach(self, channel: str, name: str = "") -> Reach:
        """Whether a channel can be told. name: as the command calls it, which gives direct messages away."""
        if channel.startswith("D") or name == "directmessage" or name.startswith("mpdm-"):
            return Reach.DIRECT
        try:
            answer = await self.call(lambda client: client.conversations_info(channel=channel))
        except Refused as refused:
            return Reach.PRIVATE if refused.word == "channel_not_found" else Reach.UNKNOWN
        facts = answer.get("channel") or {}
        if facts.get("is_archived"):
            return Reach.ARCHIVED
        if facts.get("is_member"):
            return Reach.IN
        return Reach.PRIVATE if facts.get("is_private") else Reach.PUBLIC

    async def join(self, channel: str) -> bool:
        """Join a public channel; whether that worked."""
        with suppress(Refused):
            await self.call(lambda client: client.conversations_join(channel=channel))
            return True
        return False

    async def members(self, group: str) -> frozenset[str]:
        """The people of a user group, believed for some minutes, and while Slack is in trouble. Raises Refused."""
        now = self._tools.clock.now()
        known = self._members.get(group)
        if known is not None and now - known[0] < REMEMBERED:
            return known[1]
        try:
            found = await self._listed(group)
        except Refused as refused:
            if known is None or refused.word not in LATER:
                raise
            return known[1]
        self._members[group] = (now, found)
        return found

    async def _listed(self, group: str) -> frozenset[str]:
        """The same as Slack says it now, unless it has asked for a rest. Raises Refused."""
        now = self._tools.clock.now()
        if self._resting is not None and now < self._resting[0]:
            raise self._resting[1].with_traceback(None)  # which would grow with each time
        try:
            answer = await self.call(lambda client: client.usergroups_users_list(usergroup=group))
        except Refused as refused:
            if refused.delay is not None:
                self._resting = (now + refused.delay, Refused(refused.word, refused.delay))
            raise
        return frozenset(answer.get("users") or ())

    async def answer(self, asked: Asked, message: Mapping[str, object]) -> bool:
        """Say it where it was asked: by the request's own address, else privately in its channel; whether one did."""
        if asked.answers:
            try:
                body = json.dumps({**message, "replace_original": False}).encode()
                check(await post(self.session(), URL(asked.answers), body, timeout=self._timeout))
                return True
            except (SendError, ValueError):
                pass  # used up, too old, or lost: then as a message of its own, which at worst says it twice
        if not asked.channel:
            return False
        private = {name: part for name, part in message.items() if name in ("text", "blocks")}
        with suppress(Refused):
            await self.call(
                lambda client: client.chat_postEphemeral(channel=asked.channel, user=asked.user, **private)  # type: ignore[arg-type]
            )
            return True
        return False


def _refused(error: Any) -> Refused:
    """Slack's word for a SlackApiError; its response is slack-sdk's, or aiohttp's where the JSON was broken."""
    data = getattr(error.response, "data", None)
    said = data.get("error") if isinstance(data, dict) else None
    known = isinstance(said, str) and re.fullmatch(r"[a-z_]{1,60}", said)
    return Refused(str(said) if known else "", seconds(error.response.headers.get("Retry-After")))
