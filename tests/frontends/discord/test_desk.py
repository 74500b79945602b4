"""The real Desk asked on Discord, on a database that keeps everybody waiting or fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

import pytest

from bot import notifiers
from bot.answer.desk import Desk
from bot.answer.reply import Asker, Form
from bot.clock import SystemClock
from bot.errors import UsageError
from bot.frontends.discord.giving import Giving
from bot.frontends.discord.views import Page, words
from bot.model import Destination, Directory, Provider, Source
from bot.ports import Ledger, Store
from bot.store import open_store
from tests.frontends.desk import Script
from tests.frontends.discord.conversation import Scene, listening
from tests.support.discord_gateway import DEADLINE

T = TypeVar("T")

ACME = Provider("acme", "Acme Cloud", (Source("acme/page", "acme", "page", "statuspage"),), components={"Mail": ()})


class Slow:
    """A database behind a gate; `fault` instead of an answer."""

    def __init__(self, behind: Store) -> None:
        self._behind = behind
        self.open = asyncio.Event()
        self.open.set()
        self.fault: Exception | None = None

    async def write(self, work: Callable[[Ledger], T]) -> T:
        await self._wait()
        return await self._behind.write(work)

    async def read(self, work: Callable[[Ledger], T]) -> T:
        await self._wait()
        return await self._behind.read(work)

    async def _wait(self) -> None:
        await self.open.wait()
        if self.fault is not None:
            raise self.fault


@asynccontextmanager
async def asked() -> AsyncIterator[tuple[Scene, Slow]]:
    """The front end with the real Desk on a slow store."""
    store = open_store("sqlite://")
    await store.upgrade()
    slow = Slow(store)
    directory = Directory({"acme": "Acme Cloud"}, {"acme/page": "the status page"})
    desk = Desk(cast("Store", slow), (ACME,), directory, {}, SystemClock(), notifiers.mode_for)
    async with listening(desk=cast("Script", desk), store=store) as scene:
        yield scene, slow
    await store.close()


@pytest.mark.parametrize(
    ("command", "options", "private"),
    [
        ("status", {}, True),
        ("timeline", {}, True),
        ("subscriptions", {}, True),
        ("subscribe", {"provider": "acme", "component": "Mail"}, False),
        ("unsubscribe", {}, False),
        ("mute", {"what": "acme"}, False),
        ("unmute", {"what": "acme"}, False),
    ],
)
async def test_a_slow_database_delays_the_answer_and_not_the_first_word(
    command: str, options: dict[str, Any], private: bool
) -> None:
    async with asked() as (scene, slow):
        await scene.chat.listening()
        slow.open.clear()
        said = await scene.chat.sends(command, **options)
        await scene.chat.until(lambda: said.first, "no word in time")
        assert said.first is not None
        assert (said.first["type"], said.private) == (5, private)
        assert said.after < DEADLINE
        slow.open.set()
        await scene.chat.answered(said)
        assert len(said.edits) == 1


async def test_a_slow_database_behind_a_picker() -> None:
    async with asked() as (scene, slow):
        slow.open.clear()
        said = await scene.chat.presses("sb:components:acme|none||||", "Mail", wait=False)
        await scene.chat.until(lambda: said.first, "no word in time")
        assert said.after < DEADLINE
        slow.open.set()
        assert "Mail" in (await scene.chat.answered(said)).text


async def test_a_database_that_fails_is_said_and_the_next_question_answered() -> None:
    async with asked() as (scene, slow):
        slow.fault = UsageError("no disk")
        assert "the database does not answer" in (await scene.chat.types("status")).text
        assert await scene.chat.suggested("timeline", "incident", incident="") == []
        slow.fault = None
        assert "Acme Cloud" in (await scene.chat.types("status")).text


async def test_nobody_is_kept_waiting_for_ever() -> None:
    async def dialog(_: Form) -> Page:
        return words("a dialog")

    giving = Giving(dialog, patience=timedelta(milliseconds=1))
    desk = Script()
    desk.open.clear()
    shown = await giving.outcome(desk.subscriptions(Asker(Destination("discord", "42"), "5")))
    assert "I have given up waiting" in str(shown.embed)
