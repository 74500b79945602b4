"""A workspace on loopback that acts like Slack's Web API, with messages, threads, metadata, and trouble as told."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import time
from typing import Any

from aiohttp import web

from tests.support.server import serve

Json = dict[str, Any]
TOKEN = "xoxb-very-secret"


@dataclass
class Trouble:
    """What goes wrong with the next call. acts: the call is carried out all the same."""

    answer: Callable[[], web.StreamResponse] | None = None  #: None: there is none
    acts: bool = False
    hangs: bool = False


def error(word: str, status: int = 200, **headers: str) -> Trouble:
    """`ok: false` in Slack's words."""
    return Trouble(lambda: web.json_response({"ok": False, "error": word}, status=status, headers=headers))


def said(text: str, status: int = 200, kind: str = "text/html", *, acts: bool = False) -> Trouble:
    """Not Slack's words."""
    return Trouble(lambda: web.Response(text=text, status=status, content_type=kind), acts=acts)


DROPPED = Trouble()
LOST = Trouble(acts=True)
HANGING = Trouble(acts=True, hangs=True)


@dataclass
class Workspace:
    """`messages` as they stand, `calls` as they came, `troubles` for the next calls by method."""

    url: str = ""
    messages: list[Json] = field(default_factory=list)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    troubles: dict[str, list[Trouble]] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=lambda: {"C1": "C1", "general": "C1"})  #: as asked -> id
    posted: list[Json] = field(default_factory=list)  #: the same as they were when they came
    clock: Iterator[float] = field(default_factory=lambda: itertools.count(1769110700.0001))
    page: int = 100
    over: asyncio.Event = field(default_factory=asyncio.Event)
    files: dict[str, bytes] = field(default_factory=dict)  #: what was uploaded, by its id
    processing: int = 0  #: so many messages that show a file are refused, as long as it is not processed

    def called(self, method: str) -> list[Json]:
        """The arguments of each call of a method."""
        return [arguments for name, arguments in self.calls if name == method]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.path.rpartition("/")[2]
        if request.path.startswith("/upload/"):
            self.files[method] = await request.read()
            return web.Response(text="OK")
        arguments: Json = await request.json() if request.content_type == "application/json" else dict(request.query)
        arguments |= {name: str(value) for name, value in (await request.post()).items()}
        self.calls.append((method, arguments))
        waiting = self.troubles.get(method)
        trouble = waiting.pop(0) if waiting else None
        if trouble is None:
            return web.json_response(self.act(method, arguments, request.headers.get("Authorization", "")))
        if trouble.acts:
            self.act(method, arguments, f"Bearer {TOKEN}")
        if trouble.hangs:
            await self.over.wait()
        if trouble.answer is not None:
            return trouble.answer()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def act(self, method: str, arguments: Json, authorization: str) -> Json:
        """What Slack answers."""
        if authorization != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        if method == "files.getUploadURLExternal":
            file = f"F{len(self.files) + 1}"
            self.files[file] = b""
            return {"ok": True, "upload_url": f"{self.url.removesuffix('/api/')}/upload/{file}", "file_id": file}
        if method == "files.completeUploadExternal":
            return {"ok": True, "files": [{"id": json.loads(arguments["files"])[0]["id"]}]}
        channel = self.channels.get(arguments["channel"])
        if channel is None:
            return {"ok": False, "error": "channel_not_found"}
        return {
            "chat.postMessage": self.post,
            "chat.update": self.update,
            "conversations.history": self.history,
            "conversations.replies": self.history,
        }[method](arguments, channel)

    def post(self, arguments: Json, channel: str) -> Json:
        shown = [block["slack_file"]["id"] for block in arguments.get("blocks") or () if block["type"] == "image"]
        if any(not self.files.get(file) for file in shown) or (shown and self.processing):
            self.processing -= 1
            return {"ok": False, "error": "invalid_blocks"}
        stamp = f"{next(self.clock):.6f}"
        self.posted.append({**arguments, "channel": channel, "ts": stamp})
        self.messages.append(dict(self.posted[-1]))
        return {"ok": True, "channel": channel, "ts": stamp}

    def update(self, arguments: Json, channel: str) -> Json:
        for message in self.messages:
            if (message["channel"], message["ts"]) == (channel, arguments["ts"]):
                message.update(text=arguments["text"], blocks=arguments.get("blocks"))
                return {"ok": True, "channel": channel, "ts": message["ts"]}
        return {"ok": False, "error": "message_not_found"}

    def history(self, arguments: Json, channel: str) -> Json:
        """Newest first and without replies; a thread (`ts`) from its root on."""
        thread, oldest = arguments.get("ts"), float(arguments.get("oldest", 0))
        wanted = [
            {name: part for name, part in message.items() if name != "metadata" or arguments["include_all_metadata"]}
            for message in self.messages
            if message["channel"] == channel and message.get("thread_ts") == thread and float(message["ts"]) >= oldest
        ]
        if thread is None:
            wanted.reverse()
        start = int(arguments.get("cursor") or 0)
        more = str(start + self.page) if len(wanted) > start + self.page else ""
        shown = wanted[start : start + self.page]
        return {"ok": True, "messages": shown, "has_more": bool(more), "response_metadata": {"next_cursor": more}}


def ticking() -> Iterator[float]:
    """The machine's clock, never twice the same."""
    last = 0.0
    while True:
        last = max(last + 1e-4, time())
        yield last


@asynccontextmanager
async def workspace() -> AsyncIterator[Workspace]:
    """A workspace with the channel C1 until the block ends."""
    slack = Workspace()
    async with serve(slack.handle) as server:
        slack.url = f"{server.url}/api/"
        try:
            yield slack
        finally:
            slack.over.set()
