"""The last resort of a process that was asked to end: whatever still holds it then, it ends in time."""

from __future__ import annotations

import logging
import os
from threading import Thread, Timer
from typing import NoReturn

from bot.cli.common import FAILED

log = logging.getLogger("statusbot")

LAST = 9.5  #: seconds; `run` promises 10, and has handed back by then what could be (app.GRACE and app.PARTING)
LINE = 0.2  #: seconds for the line that says so: standard error may be what holds the process

running: list[Timer] = []


def begin() -> None:
    """End the process after LAST; no thread of its own can hold that up, as one with an open transaction does."""
    timer = Timer(LAST, end)
    timer.daemon = True
    timer.start()
    running.append(timer)


def over() -> None:
    """It has let go by itself."""
    while running:
        running.pop().cancel()


def end() -> NoReturn:
    """End at once, with a line that says so. Nothing that counts as written is lost, and leases run out."""
    what = "something does not let go of this process (a database or a name server that does not answer?)"
    words = "%s; it ends all the same, and what it held is taken up when its leases run out"
    saying = Thread(target=log.error, args=(words, what), daemon=True)
    saying.start()
    saying.join(LINE)
    os._exit(FAILED)
