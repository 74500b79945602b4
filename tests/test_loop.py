from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from bot import loop

TASKS = Path("/proc/self/task")
LOOKING = """
import asyncio, os, sys
from bot import loop

os.environ.pop("UV_THREADPOOL_SIZE", None)
if len(sys.argv) > 1:
    os.environ["UV_THREADPOOL_SIZE"] = sys.argv[1]

async def look():
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    return len(os.listdir("/proc/self/task"))

print(loop.run(look()))
"""


async def test_it_is_uvloop_where_that_is_installed() -> None:
    pytest.importorskip("uvloop", reason="uvloop is not made for this system")
    assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")


@pytest.mark.skipif(not TASKS.exists(), reason="this system does not list a process's threads in /proc")
@pytest.mark.parametrize(("set_by_hand", "least", "most"), [([], 2 * loop.LOOKUPS, 3 * loop.LOOKUPS), (["8"], 8, 20)])
def test_many_names_can_be_looked_up_at_once(set_by_hand: list[str], least: int, most: int) -> None:
    """Two name servers that do not answer kept every other name from being found (libuv's four threads)."""
    pytest.importorskip("uvloop", reason="uvloop is not made for this system")
    command = [sys.executable, "-c", LOOKING, *set_by_hand]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert least < int(done.stdout) < most


async def test_without_uvloop_it_is_asyncios_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    made = loop.new()
    assert type(made).__module__.startswith("asyncio")
    made.close()


def test_what_is_there_when_work_begins_is_left_alone_by_the_collector() -> None:
    before = gc.get_freeze_count()
    try:
        loop.settle()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
