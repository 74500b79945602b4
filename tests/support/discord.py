"""A Discord on loopback: messages by channel, threads, nonces that are known again, and trouble as told."""

from __future__ import annotations

import itertools
import json
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any

from aiohttp import web

from tests.support.server import Server

TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.very-secret"
ME = {"id": "1", "username": "statusbot", "discriminator": "0", "avatar": None}
EPOCH_MS = 1_420_070_400_000  #: where Discord's ids begin to count (its documentation, "Snowflakes")
AT = datetime(2026, 1, 22, 19, 37, 12, tzinfo=UTC)

Trouble = Callable[[web.Request], web.Response | None]


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON as Discord says it: discord.py wants the type to the letter."""
    return web.Response(
        body=json.dumps(body).encode(), status=status, headers={**(headers or {}), "Content-Type": "application/json"}
    )


def error(status: int, code: int = 0, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error in Discord's form; `Via`, or discord.py takes a 429 for a ban."""
    body: dict[str, Any] = {"message": f"no {TOKEN}", "code": code}
    if status == 429:
        body["retry_after"] = 7.5
    return answer(body, status=status, headers={"Via": "1.1 google", **(headers or {})})


def encoded(data: object) -> str:
    """Bytes as JSON may hold them."""
    assert isinstance(data, bytes)
    return b64encode(data).decode()


async def told(request: web.Request) -> dict[str, Any]:
    """A message as it came: JSON, or a form whose files stand in `files`, in base64."""
    if not request.content_type.startswith("multipart/"):
        body: dict[str, Any] = await request.json()
        return body
    form = message_from_bytes(
        f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode() + await request.read()
    )
    parts = {part.get_param("name", header="content-disposition"): part for part in form.walk()}
    files = {name: encoded(part.get_payload(decode=True)) for part in parts.values() if (name := part.get_filename())}
    payload = parts["payload_json"].get_payload(decode=True)
    assert isinstance(payload, bytes)
    return {**json.loads(payload), "files": files}


@dataclass
class Fake:
    """A Discord that keeps messages by channel and knows a nonce again for `memory`. `now`: when it all happens."""

    server: Server = field(default_factory=lambda: Server(""))
    channels: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"42": []})
    trouble: Trouble = lambda _: None
    after: Trouble = lambda _: None  #: once it has acted
    posted: list[dict[str, Any]] = field(default_factory=list)  #: the messages as they were when they came
    now: Callable[[], datetime] = lambda: AT
    memory: timedelta = timedelta(minutes=5)
    recognised: int = 0  #: creates that were answered with the message of an earlier one
    count: itertools.count[int] = field(default_factory=itertools.count)

    def asked(self, method: str, end: str) -> list[web.Request]:
        """The requests of one kind."""
        return [one for one in self.server.requests if one.method == method and one.path.endswith(end)]

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bot {TOKEN}"
        if request.path == "/api/v10/users/@me":
            return self.trouble(request) or answer(ME)
        if (fault := self.trouble(request)) is not None:
            return fault
        done = await self.act(request)
        return self.after(request) or done

    async def act(self, request: web.Request) -> web.Response:
        _, _, _, _, channel, *rest = request.path.split("/")
        if channel not in self.channels:
            return error(404, 10003)
        if rest[-1] == "threads":
            return self.thread(rest[1])
        if request.method == "GET":
            return answer(self.page(channel, request))
        body = await told(request)
        if request.method == "PATCH":
            return answer(self.edit(channel, rest[1], body))
        known = self.known(channel, body)
        self.recognised += known is not None
        return answer(known or self.add(channel, body))

    def known(self, channel: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The message of the same nonce, where it is to be enforced and has not been forgotten yet."""
        oldest = self.number(self.now() - self.memory)
        found = (one for one in self.channels[channel] if one["nonce"] == body["nonce"] and int(one["id"]) >= oldest)
        return next(found, None) if body["enforce_nonce"] else None

    def number(self, at: datetime) -> int:
        """The least id of a time."""
        return int(at.timestamp() * 1000) - EPOCH_MS << 22

    def add(self, channel: str, body: dict[str, Any], later: timedelta = timedelta(0)) -> dict[str, Any]:
        number = self.number(self.now() + later) + next(self.count)
        message = {"nonce": "", "embeds": [], **body, "id": str(number)}
        self.posted.append({**message, "channel_id": channel})
        self.channels[channel].append(message)
        return message

    def edit(self, channel: str, number: str, body: dict[str, Any]) -> dict[str, Any]:
        """The message as it stands from now on; one that is not kept here is made up."""
        for message in self.channels[channel]:
            if message["id"] == number:
                message.update(body)
        return {"id": number, **body}

    def page(self, channel: str, request: web.Request) -> list[dict[str, Any]]:
        before = int(request.query.get("before", sys.maxsize))
        rows = [one for one in self.channels[channel] if int(one["id"]) < before]
        return sorted(rows, key=lambda one: -int(one["id"]))[: int(request.query["limit"])]

    def thread(self, message: str) -> web.Response:
        if message in self.channels:
            return error(400, 160004)
        self.channels[message] = []
        return answer({"id": message}, status=201)
