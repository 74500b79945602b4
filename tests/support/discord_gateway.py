"""The other half of Discord on loopback: its gateway, application commands, and what is answered to an interaction."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.support.discord import ME, TOKEN, Fake, answer, error

APPLICATION = "1"
GUILD = "10"
MANAGE_CHANNELS = 1 << 4
#: View Channel, Send Messages, Embed Links, Read Message History, Create Public Threads, Send Messages in Threads
MINE = 1 << 10 | 1 << 11 | 1 << 14 | 1 << 16 | 1 << 35 | 1 << 38
SLASH, PRESS, TYPING = 2, 3, 4  #: kinds of interactions
DEADLINE = 3.0  #: seconds in which Discord wants the first word
BOUND = 20.0  #: seconds after which something that should have happened counts as never happening
ROLE = {"id": "77", "name": "on call", "mentionable": True}
CHANNELS = [
    {"id": "42", "type": 0, "name": "ops", "position": 0},
    {"id": "43", "type": 2, "name": "voice", "position": 1, "bitrate": 64_000, "user_limit": 0, "rtc_region": None},
    {"id": "44", "type": 15, "name": "forum", "position": 2},
    {"id": "45", "type": 0, "name": "alerts", "position": 3},
]


@dataclass
class Asked:
    """One interaction, and what was answered: `first` the callback, then edits, follow-ups and deletions in order."""

    token: str
    kind: int
    at: float  #: the loop's time at which it was sent
    first: dict[str, Any] | None = None
    after: float = 0.0  #: seconds until the first word
    edits: list[dict[str, Any]] = field(default_factory=list)
    follow_ups: list[dict[str, Any]] = field(default_factory=list)
    deleted: bool = False

    @property
    def said(self) -> list[dict[str, Any]]:
        """Every message body, in order."""
        first = [self.first["data"]] if self.first and self.first["type"] in (4, 7) else []
        return [*first, *self.edits, *self.follow_ups]

    @property
    def shown(self) -> dict[str, Any]:
        """The answer as it stands at last."""
        return self.said[-1]

    @property
    def text(self) -> str:
        """The words of every answer."""
        return json.dumps([one["embeds"] for one in self.said], ensure_ascii=False)

    @property
    def private(self) -> bool:
        """Whether only the person who asked sees the first answer."""
        assert self.first is not None
        return bool((self.first.get("data") or {}).get("flags", 0) & 64)


@dataclass
class Chat(Fake):
    """A Discord with a gateway: one server, its channels, and people who type and press."""

    commands: list[list[dict[str, Any]]] = field(default_factory=list)  #: each time that they were overwritten
    identified: list[dict[str, Any]] = field(default_factory=list)
    resumed: list[dict[str, Any]] = field(default_factory=list)
    beats: int = 0
    sockets: list[web.WebSocketResponse] = field(default_factory=list)  #: those that are ready for events
    asked_of: dict[str, Asked] = field(default_factory=dict)  #: interactions by token
    limit: dict[str, int] = field(
        default_factory=lambda: {"total": 1000, "remaining": 900, "reset_after": 3_600_000, "max_concurrency": 1}
    )
    beat: int = 41_250  #: milliseconds between heartbeats
    deaf: bool = False  #: it no longer acknowledges heartbeats
    closing: int = 0  #: the code with which it answers an IDENTIFY, instead of READY
    forgets: bool = False  #: it does not know a session again
    refuses: bool = False  #: it answers an IDENTIFY with an invalid session
    mute: bool = False  #: it answers an IDENTIFY with nothing
    drops: bool = False  #: it closes whatever has been resumed
    shut: bool = False  #: it lets nobody connect
    sequence: int = 0
    happened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        finally:
            self.happened.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v10")
        if path == "/gateway-socket/":
            return error(503) if self.shut else await self._converse(request)
        if path.startswith(("/interactions/", "/webhooks/")):
            return self.trouble(request) or await self._interaction(request, path.split("/")[3], path)
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return error(401)
        if (fault := self.trouble(request)) is not None:
            return fault
        if path == "/gateway/bot":
            return answer({"url": self._socket_address(), "shards": 1, "session_start_limit": self.limit})
        if path == "/oauth2/applications/@me":
            return answer(application())
        if path == f"/applications/{APPLICATION}/commands":
            return self._commands(await request.json())
        return await super().__call__(request)

    def _socket_address(self) -> str:
        return self.server.url.replace("http", "ws") + "/gateway-socket/"

    def _commands(self, told: list[dict[str, Any]]) -> web.Response:
        self.commands.append(told)
        more = {"application_id": APPLICATION, "version": "1"}
        return answer([{"id": str(500 + number), **more, **one} for number, one in enumerate(told)])

    # the gateway

    async def _converse(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": self.beat}})
        with suppress(ConnectionError):
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(socket, json.loads(message.data))
                    self.happened.set()
        if socket in self.sockets:
            self.sockets.remove(socket)
        return socket

    async def _hear(self, socket: web.WebSocketResponse, said: Mapping[str, Any]) -> None:
        if said["op"] == 1:
            self.beats += 1
            if not self.deaf:
                await socket.send_json({"op": 11})
        elif said["op"] == 2:
            self.identified.append(said["d"])
            await self._welcome(socket, said["d"])
        elif said["op"] == 6:
            self.resumed.append(said["d"])
            if self.forgets:
                await socket.send_json({"op": 9, "d": False})
            else:
                await self._tell(socket, "RESUMED", {})
                if self.drops:
                    await socket.close(code=1001)
                else:
                    self.sockets.append(socket)

    async def _welcome(self, socket: web.WebSocketResponse, who: Mapping[str, Any]) -> None:
        if self.mute:
            return
        if self.refuses:
            await socket.send_json({"op": 9, "d": False})
            return
        code = self.closing or (0 if who["token"] == TOKEN else 4004)
        if code:
            await socket.close(code=code)
            return
        self.sequence = 0
        ready = {
            "v": 10,
            "user": ME,
            "session_id": "a-session",
            "resume_gateway_url": self._socket_address(),
            "application": {"id": APPLICATION, "flags": 0},
            "guilds": [{"id": GUILD, "unavailable": True}],
        }
        await self._tell(socket, "READY", ready)
        await self._tell(socket, "GUILD_CREATE", guild())
        self.sockets.append(socket)

    async def _tell(self, socket: web.WebSocketResponse, name: str, data: Mapping[str, Any]) -> None:
        self.sequence += 1
        await socket.send_json({"op": 0, "t": name, "s": self.sequence, "d": data})

    async def until(self, happened: Callable[[], object], what: str) -> None:
        """Wait until something has happened here."""
        async with asyncio.timeout(BOUND):
            while not happened():
                self.happened.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.happened.wait(), 0.2)
        assert happened(), what

    async def listening(self) -> None:
        """Wait until somebody hears the events."""
        await self.until(lambda: self.sockets, "nobody listens")

    # people

    async def types(self, command: str, **more: Any) -> Asked:
        """Somebody sends a slash command; its answer is complete. Options by name; `who`, see `_interact`."""
        return await self.answered(await self.sends(command, **more))

    async def sends(self, command: str, who: Mapping[str, Any] | None = None, **options: Any) -> Asked:
        """Somebody sends a slash command."""
        return await self._interact(SLASH, slash(command, options), who)

    async def suggested(self, command: str, focus: str, who: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """What is suggested while somebody types the option `focus`."""
        asked = await self._interact(TYPING, slash(command, options, focus), who)
        await self.until(lambda: asked.first, "nothing was suggested")
        assert asked.first is not None
        return [(one["name"], one["value"]) for one in asked.first["data"]["choices"]]

    async def presses(
        self, custom_id: str, *values: str, who: Mapping[str, Any] | None = None, wait: bool = True
    ) -> Asked:
        """Somebody presses a button, or chooses from a menu."""
        data = {"custom_id": custom_id, "component_type": 3 if values else 2, "values": list(values)}
        asked = await self._interact(PRESS, data, who)
        return await self.answered(asked) if wait else asked

    async def answered(self, asked: Asked) -> Asked:
        """The same, once its answer is complete: a promise of one is none."""
        await self.until(lambda: asked.said, "nothing was answered")
        if asked.first and asked.first["type"] == 7 and "One moment" in asked.text:
            await self.until(lambda: asked.deleted, "the picker was not taken away")
        return asked

    async def _interact(self, kind: int, data: Mapping[str, Any], who: Mapping[str, Any] | None) -> Asked:
        """An interaction by somebody who may manage channels, in channel 42; `who` replaces parts of its payload."""
        await self.listening()
        number = str(9_000 + len(self.asked_of))
        asked = Asked(f"secret-token-{number}", kind, asyncio.get_running_loop().time())
        self.asked_of[asked.token] = asked
        payload = {
            "id": number,
            "application_id": APPLICATION,
            "type": kind,
            "token": asked.token,
            "version": 1,
            "guild_id": GUILD,
            "guild": {"id": GUILD, "locale": "en-US", "features": []},
            "channel_id": "42",
            "channel": {**CHANNELS[0], "guild_id": GUILD},
            "member": member(MANAGE_CHANNELS),
            "app_permissions": str(MINE),
            "locale": "en-GB",
            "guild_locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": GUILD},
            "context": 0,
            "attachment_size_limit": 10_000_000,
            "data": data,
            **({"message": message({"embeds": []}, "700")} if kind == PRESS else {}),
            **(who or {}),
        }
        await self._tell(self.sockets[-1], "INTERACTION_CREATE", {k: v for k, v in payload.items() if v is not None})
        return asked

    # what is answered

    async def _interaction(self, request: web.Request, token: str, path: str) -> web.Response:
        asked = self.asked_of.get(token)
        if asked is None:
            return error(404, 10015)
        if path.endswith("/callback"):
            return self._callback(asked, await request.json())
        if asked.first is None:
            return error(404, 10015)
        if request.method == "DELETE":
            asked.deleted = True
            return web.Response(status=204)
        body = await request.json()
        (asked.edits if request.method == "PATCH" else asked.follow_ups).append(body)
        return answer(message(body, "801"))

    def _callback(self, asked: Asked, body: dict[str, Any]) -> web.Response:
        late = asyncio.get_running_loop().time() - asked.at
        if late > DEADLINE:
            return error(404, 10062)
        if asked.first is not None:
            return error(400, 40060)
        asked.first, asked.after = body, late
        told: dict[str, Any] = {"interaction": {"id": "1", "type": asked.kind, "response_message_id": "800"}}
        if body["type"] in (4, 7):
            told["resource"] = {"type": body["type"], "message": message(body["data"], "800")}
        return answer(told)


def slash(command: str, options: Mapping[str, Any], focus: str = "") -> dict[str, Any]:
    """A slash command's data; booleans, roles and words each in their own type."""
    given = []
    resolved: dict[str, Any] = {}
    for name, value in options.items():
        kind = 5 if isinstance(value, bool) else 8 if isinstance(value, dict) else 3
        if isinstance(value, dict):
            resolved = {"roles": {value["id"]: role(value)}}
            value = value["id"]
        given.append({"name": name, "type": kind, "value": value, **({"focused": True} if name == focus else {})})
    return {"id": "500", "name": command, "type": 1, "options": given, **({"resolved": resolved} if resolved else {})}


def member(permissions: int, user: str = "5") -> dict[str, Any]:
    """Somebody in the server."""
    person = {"id": user, "username": "ada", "discriminator": "0", "avatar": None, "global_name": "Ada"}
    joined = "2024-01-01T00:00:00+00:00"
    return {
        "user": person,
        "roles": [],
        "joined_at": joined,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "permissions": str(permissions),
    }


def role(given: Mapping[str, Any]) -> dict[str, Any]:
    """A role with everything that Discord says of one."""
    colours = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
    plain = {"color": 0, "colors": colours, "hoist": False, "position": 1, "permissions": "0", "managed": False}
    return {**plain, "flags": 0, **given}


def guild() -> dict[str, Any]:
    """The server as GUILD_CREATE has it."""
    everyone = {"id": GUILD, "name": "@everyone", "mentionable": False}
    return {
        "id": GUILD,
        "name": "A server",
        "owner_id": "5",
        "icon": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "features": [],
        "emojis": [],
        "stickers": [],
        "roles": [role(everyone), role(ROLE)],
        "channels": [{"permission_overwrites": [], "parent_id": None, **one} for one in CHANNELS],
        "members": [],
        "threads": [],
        "member_count": 2,
        "system_channel_flags": 0,
    }


def application() -> dict[str, Any]:
    """The application as it sees itself."""
    owner = {"id": "5", "username": "ada", "discriminator": "0", "avatar": None}
    return {
        "id": APPLICATION,
        "name": "statusbot",
        "description": "",
        "icon": None,
        "bot_public": False,
        "bot_require_code_grant": False,
        "owner": owner,
        "verify_key": "",
        "flags": 0,
        "team": None,
    }


def message(body: Mapping[str, Any], number: str) -> dict[str, Any]:
    """A message with everything that Discord says of one."""
    return {
        "id": number,
        "channel_id": "42",
        "author": ME,
        "content": body.get("content") or "",
        "timestamp": "2026-01-22T19:37:12+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": body.get("embeds") or [],
        "components": body.get("components") or [],
        "pinned": False,
        "type": 0,
    }
