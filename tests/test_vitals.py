"""Alive, ready, and what is told where one of them is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web

from bot.errors import StatusbotError
from bot.ports import Ledger
from bot.store import SqlStore, open_store
from bot.vitals import LONGEST, ROOM, STUCK, Heartbeat, Vitals, unless_held
from tests.support.clock import StillClock
from tests.support.operator import Told
from tests.support.server import serve

T = TypeVar("T")


class Flaky:
    """A store that may be gone."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.gone = store, False

    async def write(self, work: Callable[[Ledger], T]) -> T:
        if self.gone:
            raise StatusbotError("database: it does not answer")
        return await self.store.write(work)

    async def read(self, work: Callable[[Ledger], T]) -> T:
        return await self.store.read(work)

    async def upgrade(self) -> None: ...

    async def close(self) -> None: ...


class Body:
    """What is watched, each part of it as a test wants it."""

    def __init__(self, store: SqlStore, place: Path | None = None) -> None:
        self.store, self.clock, self.operator = Flaky(store), StillClock(), Told()
        self.round: datetime | None = None
        self.free = ROOM * 4
        self.stopping = False
        self.vitals = Vitals(
            self.store,
            self.clock,
            self.operator,
            {"polling": lambda: self.round},
            place,
            lambda _: self.free,
            lambda: self.stopping,
        )


@pytest.fixture
async def store() -> AsyncIterator[SqlStore]:
    made = open_store("sqlite://")
    await made.upgrade()
    yield made
    await made.close()


async def test_it_is_alive_from_the_start_and_ready_once_all_has_begun(store: SqlStore) -> None:
    body = Body(store)
    assert (body.vitals.alive, body.vitals.ready) == (True, False)
    await body.vitals.look()
    assert (body.vitals.ready, body.vitals.checks()["polling"]) == (False, "not begun yet")
    body.round = body.clock.now()
    assert (body.vitals.alive, body.vitals.ready) == (True, True)
    assert body.vitals.checks() == {"polling": "ok", "database": "ok"}
    body.stopping = True
    assert (body.vitals.alive, body.vitals.ready) == (True, False)


async def test_a_loop_that_goes_round_no_more_is_stuck(store: SqlStore) -> None:
    body = Body(store)
    body.round = body.clock.now()
    body.clock.at += STUCK + timedelta(seconds=1)
    await body.vitals.look()
    assert (body.vitals.alive, body.vitals.ready) == (False, False)
    assert body.vitals.checks()["polling"] == "stuck since 19:00 UTC"
    body.round = body.clock.now()
    assert body.vitals.alive


async def test_who_looks_no_more_is_stuck_as_well(store: SqlStore) -> None:
    body = Body(store)
    await body.vitals.look()
    body.clock.at += STUCK + timedelta(seconds=1)
    body.round = body.clock.now()
    assert not body.vitals.alive


def test_a_poll_that_never_ends_holds_up_its_loop() -> None:
    clock = StillClock()
    began = clock.now()
    last = unless_held(clock.now, lambda: began, clock)
    assert last() == clock.now()
    clock.at += LONGEST + timedelta(seconds=1)
    assert last() == began
    assert unless_held(clock.now, lambda: None, clock)() == clock.now()


async def test_a_database_in_trouble_is_told_once_and_its_return_once(store: SqlStore) -> None:
    body = Body(store)
    body.round = body.clock.now()
    body.store.gone = True
    for _ in range(2):
        await body.vitals.look()
    assert (body.vitals.alive, body.vitals.ready) == (True, False), "to start again would not mend it"
    assert body.vitals.checks()["database"] == "cannot be written since 19:00 UTC"
    body.clock.forward(minutes=2)
    body.store.gone = False
    await body.vitals.look()
    assert body.operator.said == [
        "database: it does not answer",
        "the database takes what is written again, after 2 min",
    ]


async def test_a_disk_that_fills_up_is_told_once_and_that_there_is_room_once(store: SqlStore, tmp_path: Path) -> None:
    body = Body(store, tmp_path)
    for free in (ROOM - 1, ROOM + 1, ROOM - 1, ROOM * 2, ROOM * 2):
        body.free = free
        await body.vitals.look()
    first, second = body.operator.said
    assert first.startswith(f"256 MB are left on the disk of the database ({tmp_path})")
    assert second == "over: disk"


async def test_the_disk_s_own_room_is_asked_for(store: SqlStore, tmp_path: Path) -> None:
    told = Told()
    await Vitals(store, StillClock(), told, {}, tmp_path).look()
    await Vitals(store, StillClock(), told, {}, tmp_path / "nowhere").look()
    assert [words for words in told.said if "nowhere" in words] == []


class Switch:
    """A dead man's switch that answers as told."""

    def __init__(self) -> None:
        self.status, self.hangs, self.asked = 200, False, asyncio.Event()

    async def __call__(self, request: web.Request) -> web.Response:
        self.asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        return web.Response(status=self.status)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


async def test_a_heartbeat_that_fails_is_one_line_and_its_return_another_without_the_address(
    session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    switch = Switch()
    async with serve(switch) as server:
        beat = Heartbeat(lambda: session, f"{server.url}/ping/very-secret", patience=5)
        with caplog.at_level(logging.DEBUG, logger="statusbot"):
            for status in (200, 500, 500, 200):
                switch.status = status
                await beat.send()
    assert [request.path for request in server.requests] == ["/ping/very-secret"] * 4
    assert caplog.messages == [
        "STATUSBOT_HEARTBEAT_URL: answers 500; it is tried every minute",
        "STATUSBOT_HEARTBEAT_URL answers again",
    ]


async def test_a_heartbeat_that_hangs_or_leads_nowhere_is_bounded(
    session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    switch = Switch()
    switch.hangs = True
    async with serve(switch) as server:
        await Heartbeat(lambda: session, f"{server.url}/very-secret", patience=0.05).send()
    await Heartbeat(lambda: session, f"{server.url}/very-secret", patience=5).send()
    assert "no answer in time" in caplog.text
    assert "cannot be reached" in caplog.text
    assert "secret" not in caplog.text


async def test_the_heartbeat_is_sent_once_a_minute_while_all_is_well_and_only_then(
    store: SqlStore, session: aiohttp.ClientSession
) -> None:
    body, sent = Body(store), []
    async with serve(Switch()) as server:
        beat = Heartbeat(lambda: session, server.url)

        async def after(seconds: float) -> None:
            body.clock.forward(seconds=seconds)
            await body.vitals.turn(beat)
            sent.append(len(server.requests))

        await after(0)  # not all has begun
        body.round = body.clock.at
        for _ in range(4):
            await after(20)
        body.store.gone = True
        await after(60)
        body.store.gone = False
        body.clock.at += STUCK
        await after(1)
        body.round = body.clock.at
        await after(1)
        body.stopping = True
        await after(60)
    assert sent == [0, 1, 1, 1, 2, 2, 2, 3, 3]


async def test_the_loop_looks_and_beats(store: SqlStore, session: aiohttp.ClientSession) -> None:
    body, switch = Body(store), Switch()
    body.round = body.clock.now()
    async with serve(switch) as server:
        running = asyncio.create_task(body.vitals.run(Heartbeat(lambda: session, server.url)))
        await asyncio.wait_for(switch.asked.wait(), 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert body.vitals.ready
