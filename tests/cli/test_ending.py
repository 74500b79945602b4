"""bot.cli.ending: the last resort, each in a process of its own, which it ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot.cli.common import FAILED

HOLDING = """
import logging, sys, threading, time
from bot.cli import ending

logging.basicConfig(stream=sys.stderr)
ending.LAST = 0.1
"""
WAITING = "ending.begin()\ntime.sleep(60)\n"
STUCK = """
handler, held = logging.getLogger().handlers[0], threading.Event()

def hold():
    with handler.lock:
        held.set()
        time.sleep(60)

threading.Thread(target=hold, daemon=True).start()
held.wait()
"""
LET_GO = "ending.begin()\nending.over()\ntime.sleep(1)\nprint('went on')\n"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HOLDING + code], capture_output=True, text=True, timeout=30, check=False
    )


def test_whatever_holds_the_process_it_ends_and_says_so() -> None:
    done = run(WAITING)
    assert done.returncode == FAILED
    assert len(done.stderr.splitlines()) == 1
    assert "it ends all the same" in done.stderr


def test_it_ends_where_standard_error_is_what_holds_it() -> None:
    assert run(STUCK + WAITING).returncode == FAILED


@pytest.mark.parametrize("times", [1, 2])
def test_a_process_that_let_go_by_itself_lives_on(times: int) -> None:
    done = run("ending.begin()\n" * (times - 1) + LET_GO)
    assert (done.returncode, done.stdout) == (0, "went on\n")
