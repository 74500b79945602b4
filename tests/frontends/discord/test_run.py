"""The gateway held: what it costs when Discord, the network or the token fails, and what it never costs."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from bot.answer.desk import Desk
from bot.clock import SystemClock
from bot.frontends.discord.asking import INVITED
from bot.frontends.discord.budget import Budget
from bot.frontends.discord.client import BREAKS
from bot.frontends.discord.run import Gateway
from bot.ports import Fetcher, Tools
from bot.store import open_store
from tests.frontends.desk import Script
from tests.frontends.discord.conversation import gateway, listening
from tests.support.clock import StillClock
from tests.support.discord import TOKEN, answer, error
from tests.support.discord_gateway import Chat
from tests.support.server import serve


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of the log, in which no token stands."""
    assert TOKEN not in caplog.text
    return [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]


def patience() -> web.Response:
    """A limit for an hour."""
    body = {"message": "wait", "retry_after": 3600, "global": False}
    return answer(body, 429, {"Via": "1.1 google", "Retry-After": "3600"})


def beating() -> list[str]:
    """The threads in which discord.py keeps heartbeats."""
    return [one.name for one in threading.enumerate() if one.name.startswith("keep-alive")]


LOST = "Discord's commands cannot be heard: {}. Trying again; what is owed goes on being sent"
BACK = "Discord's commands are heard again, after 0 min"


async def test_it_asks_for_no_privileged_intent() -> None:
    async with listening() as scene:
        await scene.chat.listening()
        (said,) = scene.chat.identified
    assert said["intents"] == 1  # guilds (Discord's documentation, "Gateway Intents")


async def test_a_connection_that_breaks_is_resumed_and_costs_no_identify(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as scene:
        await scene.chat.types("status")
        await scene.chat.sockets[0].close(code=1001)
        await scene.chat.until(lambda: scene.chat.resumed, "it did not resume")
        assert (await scene.chat.types("status")).said
        assert len(scene.chat.identified) == 1
    assert scene.chat.resumed[0]["session_id"] == "a-session"
    assert told(caplog) == []


async def test_a_session_that_discord_forgot_is_begun_anew() -> None:
    async with listening(Chat(forgets=True)) as scene:
        await scene.chat.listening()
        await scene.chat.sockets[0].close(code=1001)
        await scene.chat.until(lambda: len(scene.chat.identified) == 2, "it did not identify again")
        assert (await scene.chat.types("status")).said


async def test_an_outage_of_the_gateway_is_one_line_and_its_end_another(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as scene:
        await scene.chat.types("status")
        scene.chat.shut = True
        await scene.chat.sockets[0].close(code=1001)
        await scene.chat.until(lambda: len(scene.chat.asked("GET", "/gateway/bot")) >= 4, "it gave up")
        scene.chat.shut = False
        assert (await scene.chat.types("status")).said
        await scene.chat.until(lambda: BACK in told(caplog), "its return was not told")
    assert told(caplog) == [LOST.format("could not connect"), BACK]


async def test_each_session_begun_anew_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    limit = {"total": 25, "remaining": 25, "reset_after": 3_600_000, "max_concurrency": 1}
    async with listening(Chat(forgets=True, limit=limit, beat=50)) as scene:
        await scene.chat.listening()
        await scene.chat.sockets[0].close(code=1001)
        await scene.chat.until(lambda: told(caplog), "it was not said")
        assert "connected too often lately" in caplog.text
        await scene.chat.until(lambda: not beating(), "discord.py beats on")
        assert len(scene.chat.identified) == 1


async def test_a_gateway_that_refuses_sessions_is_said_and_each_try_has_its_pause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with listening(Chat(refuses=True)) as scene:
        await scene.chat.until(lambda: len(scene.chat.identified) >= 4, "it gave up")
        scene.chat.refuses = False
        assert (await scene.chat.types("status")).said
        await scene.chat.until(lambda: BACK in told(caplog), "its return was not told")
        assert len(scene.chat.asked("GET", "/gateway/bot")) == len(scene.chat.identified)
    assert told(caplog) == [LOST.format("Discord has ended the session"), BACK]


async def test_a_connection_that_breaks_again_and_again_is_not_resumed_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with listening(Chat(drops=True)) as scene:
        await scene.chat.listening()
        await scene.chat.sockets[0].close(code=1001)
        await scene.chat.until(lambda: len(scene.chat.asked("GET", "/gateway/bot")) >= 2, "it resumes for ever")
        assert 1 < len(scene.chat.resumed) < BREAKS
        scene.chat.drops = False
        assert (await scene.chat.types("status")).said
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []


async def test_a_gateway_that_says_nothing_is_not_waited_for_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(Chat(mute=True), unheard=timedelta(seconds=0.5)) as scene:
        await scene.chat.until(lambda: told(caplog), "it waits for ever")
        scene.chat.mute = False
        assert (await scene.chat.types("status")).said
    assert told(caplog)[0] == LOST.format("no answer in time")


async def test_a_session_that_stands_has_all_the_time_of_the_world(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "statusbot")
    async with listening() as scene:
        await scene.chat.until(lambda: "listening to Discord's commands" in caplog.text, "it is not heard")
        assert scene.held._standing is not None
        assert scene.held._standing.when() is None


async def test_pauses_grow_until_a_session_has_settled() -> None:
    clock = StillClock()
    tools = Tools(clock, cast("Fetcher", None), cast("Any", None), {})
    held = Gateway(cast("Desk", Script()), open_store("sqlite://"), tools, first=timedelta(seconds=2))
    grown = [held._pause() for _ in range(9)]
    assert all(one.total_seconds() <= 300 * 1.25 for one in grown)
    assert grown[-1] >= timedelta(seconds=300 * 0.75)
    held._hear("statusbot", 1)
    clock.forward(seconds=59)
    assert held._pause() >= timedelta(seconds=300 * 0.75)
    clock.forward(seconds=1)
    assert held._pause() <= timedelta(seconds=2 * 1.25)


async def test_a_heartbeat_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(Chat(beat=20)) as scene:
        await scene.chat.until(lambda: scene.chat.beats > 3, "no heartbeat")
    assert told(caplog) == []


async def test_a_token_that_is_not_accepted_is_said_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(DISCORD_BOT_TOKEN="another") as scene:
        await scene.chat.until(lambda: len(scene.chat.asked("GET", "/users/@me")) >= 3, "it gave up")
        assert not scene.task.done()
    assert told(caplog) == [LOST.format("DISCORD_BOT_TOKEN is not accepted")]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (4004, "DISCORD_BOT_TOKEN is not accepted"),
        (4014, "intents that the bot was not granted"),
        (4011, "Discord closed the connection (4011)"),
    ],
)
async def test_a_gateway_that_refuses_is_said_once(caplog: pytest.LogCaptureFixture, code: int, reason: str) -> None:
    async with listening(Chat(closing=code)) as scene:
        await scene.chat.until(lambda: len(scene.chat.identified) >= 2, "it gave up")
        scene.chat.closing = 0
        assert (await scene.chat.types("status")).said
        await scene.chat.until(lambda: BACK in told(caplog), "its return was not told")
    assert told(caplog) == [LOST.format(reason), BACK]


async def test_trouble_at_discord_passes(caplog: pytest.LogCaptureFixture) -> None:
    faults = [error(503), error(401), patience()]

    def trouble(request: web.Request) -> web.Response | None:
        return faults.pop(0) if faults and request.path.endswith("/gateway/bot") else None

    async with listening(Chat(trouble=trouble)) as scene:
        assert (await scene.chat.types("status")).said
        await scene.chat.until(lambda: BACK in told(caplog), "its return was not told")
    assert told(caplog) == [
        LOST.format("503 Service Unavailable"),
        LOST.format("401 Unauthorized"),
        LOST.format("429 Too Many Requests"),
        BACK,
    ]


async def test_nobody_there_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(DISCORD_API_URL="http://127.0.0.1:9/api/v10") as scene:
        await scene.chat.until(lambda: told(caplog), "nothing was said")
        assert not scene.task.done()
    assert told(caplog) == [LOST.format("could not connect")]


async def test_a_fault_of_our_own_is_told_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(Chat(limit={})) as scene:
        await scene.chat.until(lambda: told(caplog), "nothing was said")
    assert told(caplog) == [LOST.format("a fault of our own (KeyError)")]
    assert caplog.records[0].exc_info is not None


async def test_a_database_that_fails_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    store = open_store("sqlite://")  # without tables
    async with listening(store=store) as scene:
        await scene.chat.until(lambda: told(caplog), "nothing was said")
    assert [line.count("run `statusbot db upgrade`") for line in told(caplog)] == [1]
    await store.close()


async def test_a_spent_budget_is_said_once_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    chat = Chat(limit={"total": 1000, "remaining": 3, "reset_after": 400, "max_concurrency": 1})
    async with listening(chat) as scene:
        await scene.chat.until(lambda: told(caplog), "it was not said")
        assert scene.chat.identified == []
        chat.limit["remaining"] = 1000
        assert (await scene.chat.types("status")).said
        await scene.chat.until(lambda: BACK in told(caplog), "its return was not told")
    assert [line.partition(";")[0] for line in told(caplog)] == [
        LOST.partition("{")[0] + "connected too often lately, which would cost the token",
        BACK,
    ]


async def test_identifies_before_a_restart_count(caplog: pytest.LogCaptureFixture) -> None:
    store = open_store("sqlite://")
    await store.upgrade()
    before = Budget(store, SystemClock(), 1)
    for _ in range(40):
        await before.take()
    async with listening(store=store) as scene:
        await scene.chat.until(lambda: told(caplog), "it did not come as far")
        assert scene.chat.identified == []
    await store.close()


async def test_commands_are_told_once_and_again_only_when_they_changed() -> None:
    store, chat = open_store("sqlite://"), Chat()
    await store.upgrade()
    for _ in range(2):
        async with listening(chat, store=store):
            await chat.listening()
        await chat.until(lambda: not chat.sockets, "it did not leave")
    assert len(chat.commands) == 1
    await store.write(lambda ledger: ledger.save_note("discord.commands.1", "those of an older version"))
    async with listening(chat, store=store):
        await chat.listening()
    assert len(chat.commands) == 2
    await store.close()


async def test_cancelled_it_leaves_at_once() -> None:
    chat = Chat()
    async with serve(chat) as server:
        chat.server = server
        store = open_store("sqlite://")
        await store.upgrade()
        task = asyncio.create_task(gateway(chat, Script(), store).run())
        await chat.listening()
        task.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await task
        await store.close()


async def test_the_proxy_is_used(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(HTTPS_PROXY="http://127.0.0.1:9") as scene:
        await scene.chat.until(lambda: told(caplog), "nothing was said")
        assert scene.chat.server.requests == []
    assert told(caplog) == [LOST.format("could not connect")]


async def test_the_proxy_is_not_used_for_whom_it_is_not() -> None:
    async with listening(HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="127.0.0.1") as scene:
        await scene.chat.listening()


def test_nothing_but_run_pays_for_discord_py() -> None:
    words = "import sys, bot.cli, bot.app, bot.notifiers.discord; sys.exit('discord' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0


def test_the_readmes_invitation_asks_for_exactly_what_the_bot_needs() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"scope=bot\+applications\.commands&permissions=(\d+)", readme) == [str(INVITED.value)]
