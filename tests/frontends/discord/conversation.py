"""The program's Discord front end against the Discord on loopback, in one process, with a Desk that a test scripts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import jsonschema

from bot.answer.desk import Desk
from bot.clock import SystemClock
from bot.frontends.discord.run import UNHEARD, Gateway
from bot.ports import Fetcher, Store, Tools
from bot.store import open_store
from tests.frontends.desk import Script
from tests.support.discord import TOKEN
from tests.support.discord_gateway import Chat
from tests.support.server import serve

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "schema.json").read_text())


def valid(name: str, body: object) -> None:
    """Hold a body against Discord's own schema."""
    jsonschema.Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{name}"}).validate(body)


@dataclass
class Scene:
    """Both ends."""

    chat: Chat
    desk: Script
    store: Store
    task: asyncio.Task[None]
    held: Gateway


def gateway(chat: Chat, desk: Script | Desk, store: Store, *, unheard: timedelta = UNHEARD, **env: str) -> Gateway:
    """The front end, pointed at the fake."""
    given = {"DISCORD_BOT_TOKEN": TOKEN, "DISCORD_API_URL": f"{chat.server.url}/api/v10", **env}

    def no_session() -> Any:
        raise AssertionError("discord.py has sessions of its own")

    tools = Tools(SystemClock(), cast("Fetcher", None), no_session, given)
    return Gateway(cast("Desk", desk), store, tools, first=timedelta(milliseconds=20), unheard=unheard)


@asynccontextmanager
async def listening(
    chat: Chat | None = None,
    desk: Script | None = None,
    store: Store | None = None,
    *,
    unheard: timedelta = UNHEARD,
    **env: str,
) -> AsyncIterator[Scene]:
    """The front end runs for the block; whoever needs it connected waits for `chat.listening()`."""
    chat, desk = chat or Chat(), desk or Script()
    kept = store or open_store("sqlite://")
    if store is None:
        await kept.upgrade()
    async with serve(chat) as server:
        chat.server = server
        held = gateway(chat, desk, kept, unheard=unheard, **env)
        task = asyncio.create_task(held.run())
        try:
            yield Scene(chat, desk, kept, task, held)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    if store is None:
        await kept.close()
