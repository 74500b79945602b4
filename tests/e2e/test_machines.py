"""Two `statusbot run` on one PostgreSQL: what one does no other does, and what one leaves the other takes up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import psycopg
import pytest

from bot.sharing import BEAT, TERM
from tests.e2e.test_run import EVERYWHERE, states
from tests.e2e.world import Program, World
from tests.support.faults import Fault
from tests.support.slack_app import APP_TOKEN, Person

READY = 10.0  #: seconds that a busy machine may take to connect once it may
SUCCESSION = TERM.total_seconds() + BEAT.total_seconds() + READY  #: after a process that was killed
HANDOVER = BEAT.total_seconds() + 6  #: after one that ends cleanly; the dead are given 15 s at the least


async def living(given: World, count: int) -> None:
    """Wait until so many processes share the work."""
    async with asyncio.timeout(30), await connected(given) as connection:
        while (await (await connection.execute("SELECT count(*) FROM workers")).fetchone()) != (count,):
            pass


async def connected(given: World) -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(given.env["STATUSBOT_DATABASE"], autocommit=True)


@asynccontextmanager
async def two(given: World) -> AsyncIterator[Program]:
    """Two processes, of which the first (this one) holds what only one can hold; the second ends with the block."""
    given.env["SLACK_APP_TOKEN"] = APP_TOKEN
    first = await given.start("run")
    await given.until(lambda: held(given) == (1, 1), "Slack's socket and Discord's gateway")
    async with given.run():
        await living(given, 2)
        await given.settled()
        yield first


def held(given: World) -> tuple[int, int]:
    """How many connections stand: Slack's sockets, Discord's gateways."""
    return sum(not link.closed for link in given.chat.links), len(given.discord.sockets)


async def answers(given: World) -> None:
    """A command on each platform is answered, once."""
    slack, discord = len(given.chat.answers), len(given.discord.asked_of)
    await Person(given.chat).asks("subscriptions")
    asked = await given.discord.types("subscriptions")
    await given.settled()
    assert len(given.chat.answers) == slack + 1
    assert len(given.discord.asked_of) == discord + 1
    assert (asked.first is not None, len(asked.said)) == (True, 1)


@pytest.mark.parametrize(
    ("ending", "bound"), [(signal.SIGKILL, SUCCESSION), (signal.SIGTERM, HANDOVER)], ids=["killed", "ended"]
)
async def test_the_socket_and_the_gateway_are_held_by_one_process_and_taken_over_by_the_other(
    common: World, ending: signal.Signals, bound: float
) -> None:
    async with two(common) as first:
        assert held(common) == (1, 1)
        assert (len(common.chat.links), len(common.discord.identified)) == (1, 1)
        await answers(common)
        common.running.remove(first)
        begun = monotonic()
        assert await first.end(ending) == (0 if ending is signal.SIGTERM else -ending), first.tale
        await common.until(
            lambda: held(common) == (1, 1) and len(common.chat.links) == 2,
            "both taken over",
            begun + bound - monotonic(),
        )
        await answers(common)
        assert (len(common.chat.links), len(common.discord.identified)) == (2, 2)
        assert "Traceback" not in first.tale


async def test_what_a_platform_asks_of_one_process_the_other_heeds(common: World) -> None:
    """As long as its fault stands, whatever else came to Teams would be struck as well."""
    common.faults, common.wait = {"teams": Fault.LIMITED}, 15
    async with common.run(), common.run():
        await living(common, 2)
        await common.settled()
        common.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await common.until(lambda: common.struck, "the refusal")
        begun = monotonic()
        for number in range(3):
            common.page.begin(f"Calls drop {number}", f"Calls may drop: {number}.")
        await common.until(
            lambda: [common.shown(f"drop: {number}")[:3] for number in range(3)] == [[1, 0, 1]] * 3,
            "the others elsewhere",
        )
        await common.settled()
        assert monotonic() - begun < common.wait, "else nothing was held back any more"
        assert common.struck == ["teams"]
        common.faults = {}
        await common.until(lambda: len(common.teams.cards) == 4, "all of it in Teams")
        assert monotonic() - begun >= common.wait - 0.1
        while await states(common) != {"sent"}:
            pass
    assert len(common.teams.cards) == 4


async def test_a_process_that_was_killed_while_a_channel_rests_lets_it_rest_after_its_start(given: World) -> None:
    given.faults, given.wait = {"teams": Fault.LIMITED}, 15
    async with given.run(signal.SIGKILL):
        given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await given.until(lambda: given.struck, "the refusal")
        begun = monotonic()
        while "sending" in await states(given):
            pass  # that it was refused is written down a moment later
    async with given.run():
        given.page.begin("Calls drop", "Calls may drop after a minute.")
        await given.until(lambda: given.shown("drop after a minute")[:3] == [1, 0, 1], "the next one elsewhere")
        await given.settled()
        assert monotonic() - begun < given.wait, "else nothing was held back any more"
        assert given.struck == ["teams"]
        given.faults = {}
        await given.until(lambda: given.shown("drop after a minute") == EVERYWHERE, "and in Teams, when it may be")
        assert monotonic() - begun >= given.wait - 0.1
    assert len(given.teams.cards) == 2
