"""Slack as an app knows it, on loopback: its Web API, its socket, and people who type, press and fill in dialogs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from tests.support.server import serve
from tests.support.slack import TOKEN, Workspace

Json = dict[str, Any]
APP_TOKEN = "xapp-very-secret"
SECRET = "signing-very-secret"
TEAM = "T1"
BOUND = 20.0  #: seconds after which something that should have happened counts as never happening


@dataclass
class Answer:
    """What came to a response_url."""

    url: str
    body: Json

    @property
    def private(self) -> bool:
        return self.body.get("response_type") == "ephemeral"


@dataclass
class FakeSlack:
    """A `Workspace` with an app installed: what the app opened, published and answered, and its socket."""

    url: str = ""
    space: Workspace = field(default_factory=Workspace)
    answers: list[Answer] = field(default_factory=list)
    ephemerals: list[Json] = field(default_factory=list)
    views: list[Json] = field(default_factory=list)  #: opened and updated, as they came
    homes: list[Json] = field(default_factory=list)
    about: dict[str, Json] = field(default_factory=lambda: {"C1": {"is_member": False, "is_private": False}})
    groups: dict[str, list[str]] = field(default_factory=dict)
    links: list[web.WebSocketResponse] = field(default_factory=list)
    pongs: bool = True  #: whether the socket answers pings
    spent: bool = False  #: whether response_urls are used up
    team: str = TEAM
    _acks: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    _count: itertools.count[int] = field(default_factory=itertools.count)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    # what the app asks

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            if request.path.startswith("/link/"):
                return await self._link(request)
            if request.path.startswith("/answer/"):
                return await self._answered(request)
            method = request.path.rpartition("/")[2]
            if method not in METHODS or self.space.troubles.get(method):
                return await self.space.handle(request)
            arguments = await _arguments(request)
            self.space.calls.append((method, arguments))
            expected = APP_TOKEN if method == "apps.connections.open" else TOKEN
            if request.headers.get("Authorization") != f"Bearer {expected}":
                return web.json_response({"ok": False, "error": "invalid_auth"})
            return web.json_response(METHODS[method](self, arguments))
        finally:
            self._heard.set()

    def auth_test(self, _: Json) -> Json:
        return {"ok": True, "team_id": self.team, "user": "statusbot", "user_id": "UBOT"}

    def connections_open(self, _: Json) -> Json:
        return {"ok": True, "url": f"{self.url.replace('http', 'ws')}/link/{next(self._count)}?ticket=very-secret"}

    def conversations_info(self, arguments: Json) -> Json:
        found = self.about.get(arguments["channel"])
        return {"ok": True, "channel": found} if found else {"ok": False, "error": "channel_not_found"}

    def conversations_join(self, arguments: Json) -> Json:
        found = self.about.get(arguments["channel"])
        if found is None or found.get("is_private"):
            return {"ok": False, "error": "method_not_supported_for_channel_type"}
        found["is_member"] = True
        return {"ok": True, "channel": found}

    def users_list(self, arguments: Json) -> Json:
        found = self.groups.get(arguments["usergroup"])
        return {"ok": True, "users": found} if found is not None else {"ok": False, "error": "no_such_subteam"}

    def views_open(self, arguments: Json) -> Json:
        if arguments["trigger_id"] != "fresh":
            return {"ok": False, "error": "expired_trigger_id"}
        return self._viewed(arguments)

    def _viewed(self, arguments: Json) -> Json:
        view = arguments["view"] if isinstance(arguments["view"], dict) else json.loads(arguments["view"])
        self.views.append(view)
        return {"ok": True, "view": view}

    def views_publish(self, arguments: Json) -> Json:
        view = arguments["view"] if isinstance(arguments["view"], dict) else json.loads(arguments["view"])
        self.homes.append({"user": arguments["user_id"], **view})
        return {"ok": True}

    def post_ephemeral(self, arguments: Json) -> Json:
        self.ephemerals.append(arguments)
        return {"ok": True}

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        if self.spent:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        self.answers.append(Answer(str(request.url), await request.json()))
        return web.json_response({"ok": True})

    # the socket

    async def _link(self, request: web.Request) -> web.StreamResponse:
        link = web.WebSocketResponse(autoping=False)
        await link.prepare(request)
        await link.send_json({"type": "hello", "num_connections": 1})
        self.links.append(link)
        self._heard.set()
        async for message in link:
            if message.type is WSMsgType.PING and self.pongs:
                await link.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                ack = json.loads(message.data)
                if waiting := self._acks.pop(ack.get("envelope_id"), None):
                    waiting.set_result(ack.get("payload") or {})
        self._heard.set()
        return link

    async def sends(self, kind: str, payload: Json) -> Json:
        """An envelope through the newest socket; what the app's acknowledgement says, within Slack's 3 s."""
        name = f"envelope-{next(self._count)}"
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._acks[name] = waiting
        body = {"type": kind, "envelope_id": name, "payload": payload, "accepts_response_payload": True}
        await self.links[-1].send_json(body)
        async with asyncio.timeout(3):
            return await waiting

    async def until(self, happened: Any, what: str) -> None:
        """Wait until the app has done something."""
        end = asyncio.get_running_loop().time() + BOUND
        while not happened():
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"never happened: {what}; {[name for name, _ in self.space.calls]}")
            self._heard.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), 0.2)

    def answer_url(self) -> str:
        """An address for the answers to one request."""
        return f"{self.url}/answer/{next(self._count)}"


METHODS = {
    "auth.test": FakeSlack.auth_test,
    "apps.connections.open": FakeSlack.connections_open,
    "conversations.info": FakeSlack.conversations_info,
    "conversations.join": FakeSlack.conversations_join,
    "usergroups.users.list": FakeSlack.users_list,
    "views.open": FakeSlack.views_open,
    "views.update": FakeSlack._viewed,
    "views.publish": FakeSlack.views_publish,
    "chat.postEphemeral": FakeSlack.post_ephemeral,
}


async def _arguments(request: web.Request) -> Json:
    if request.content_type == "application/json":
        return {**request.query, **await request.json()}
    return {**request.query, **await request.post()}


@dataclass
class Person:
    """Somebody in a channel, whose requests come by socket, or by HTTP to `at`."""

    slack: FakeSlack
    user: str = "U1"
    channel: str = "C1"
    channel_name: str = "general"
    team: str = TEAM
    at: str = ""  #: where the app listens; empty: by socket
    session: aiohttp.ClientSession | None = None
    stamp: str = ""  #: seconds since 1970 of what is signed

    async def types(self, text: str, trigger: str = "fresh") -> Json:
        """`/statusbot <text>`; the acknowledgement."""
        return await self._send("slash_commands", self.command(text, trigger))

    async def asks(self, text: str) -> Answer:
        """The same; the answer."""
        count = len(self.slack.answers)
        await self.types(text)
        await self.slack.until(lambda: len(self.slack.answers) > count, f"an answer to {text!r}")
        return self.slack.answers[count]

    async def presses(self, action: str, value: str = "", **more: Any) -> Json:
        """A button under a message."""
        body = {
            "type": "block_actions",
            "channel": {"id": self.channel},
            "container": {"type": "message", "channel_id": self.channel},
            "response_url": self.slack.answer_url(),
            "trigger_id": "fresh",
            "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value}],
            **self._who(),
            **more,
        }
        return await self._send("interactive", body)

    async def chooses(self, view: Json, state: Json, action: str) -> Json:
        """A field of the dialog that tells at once."""
        body = {
            "type": "block_actions",
            "view": self.seen(view, state),
            "container": {"type": "view"},
            "trigger_id": "fresh",
            "actions": [{"type": "multi_external_select", "action_id": action, "block_id": "providers"}],
            **self._who(),
        }
        return await self._send("interactive", body)

    async def searches(self, view: Json, state: Json, action: str, typed: str) -> list[str]:
        """What is suggested in the dialog."""
        body = {"type": "block_suggestion", "action_id": action, "value": typed, **self._who()}
        answer = await self._send("interactive", {**body, "block_id": "b", "view": self.seen(view, state)})
        return [option["value"] for option in answer["options"]]

    async def submits(self, view: Json, state: Json) -> Json:
        """The dialog, filled in."""
        body = {"type": "view_submission", "view": self.seen(view, state), **self._who()}
        return await self._send("interactive", body)

    async def looks_home(self) -> Json:
        """The Home tab."""
        event = {"type": "app_home_opened", "user": self.user, "channel": "D1", "tab": "home"}
        body = {"type": "event_callback", "team_id": self.team, "api_app_id": "A1", "event": event}
        return await self._send("events_api", body)

    def command(self, text: str, trigger: str = "fresh") -> Json:
        """A command's fields."""
        return {
            "command": "/statusbot",
            "text": text,
            "user_id": self.user,
            "user_name": "ann",
            "team_id": self.team,
            "channel_id": self.channel,
            "channel_name": self.channel_name,
            "response_url": self.slack.answer_url(),
            "trigger_id": trigger,
        }

    @staticmethod
    def seen(view: Json, state: Json) -> Json:
        """A dialog as Slack sends it back."""
        return {**view, "id": "V1", "hash": "h1", "state": {"values": state}}

    def _who(self) -> Json:
        return {"team": {"id": self.team}, "user": {"id": self.user, "team_id": self.team}}

    async def _send(self, kind: str, payload: Json) -> Json:
        if not self.at:
            return await self.slack.sends(kind, payload)
        form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
        body = json.dumps(payload) if kind == "events_api" else urlencode(form)
        answer = await self.sends(body, "json" if kind == "events_api" else "x-www-form-urlencoded")
        assert answer.status == 200
        text = await answer.text()
        return json.loads(text) if text.startswith("{") else {"text": text}

    async def sends(
        self, body: str, kind: str = "x-www-form-urlencoded", headers: Mapping[str, str] | None = None
    ) -> aiohttp.ClientResponse:
        """One request by HTTP, signed unless `headers` say otherwise, answered within Slack's 3 s."""
        assert self.session is not None
        signed = {"X-Slack-Request-Timestamp": self.stamp, "X-Slack-Signature": signature(body, self.stamp)}
        sent = {"Content-Type": f"application/{kind}", **signed, **(headers or {})}
        return await self.session.post(
            self.at, data=body.encode(), headers=sent, timeout=aiohttp.ClientTimeout(total=3)
        )


def signature(body: str, stamp: str, secret: str = SECRET) -> str:
    """As Slack signs."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()


def chosen(*values: str) -> Json:
    """Several chosen options, as a dialog's state has them."""
    return {
        "any": {
            "selected_options": [{"value": value, "text": {"type": "plain_text", "text": value}} for value in values]
        }
    }


def picked(value: str) -> Json:
    """One chosen option, likewise."""
    return {"any": {"selected_option": {"value": value}}}


def texts(blocks: object) -> str:
    """All words that blocks show, in order."""
    if isinstance(blocks, list):
        return " ".join(filter(None, map(texts, blocks)))
    if not isinstance(blocks, dict):
        return ""
    own = blocks.get("text") or blocks.get("fallback") or ""
    own = texts(own) if isinstance(own, dict) else str(own)
    return " ".join(filter(None, [own, texts(blocks.get("elements")), str(blocks.get("channel_id", ""))]))


@asynccontextmanager
async def fake_slack() -> AsyncIterator[FakeSlack]:
    """Slack until the block ends."""
    slack = FakeSlack()
    async with serve(slack.handle) as server:
        slack.url = server.url
        slack.space.url = f"{server.url}/api/"
        try:
            yield slack
        finally:
            slack.space.over.set()
            for link in slack.links:
                await link.close()
