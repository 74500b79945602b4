"""The last resort of a process that was asked to end: whatever still holds it then, it ends in time."""

from __future__ import annotations

import logging
import os
from threading import Timer
from typing import NoReturn

from bot.cli.common import FAILED

log = logging.getLogger("statusbot")

LAST = 9.5  #: seconds; `run` promises 10, and has handed back by then what could be (app.GRACE and app.PARTING)


def begin() -> None:
    """End the process after LAST; no thread of its own can hold that up, as one with an open transaction does."""
    timer = Timer(LAST, end)
    timer.daemon = True
    timer.start()


def end() -> NoReturn:
    """End at once, with a line that says so. Nothing that counts as written is lost, and leases run out."""
    what = "something does not let go of this process (a database or a name server that does not answer?)"
    log.error("%s; it ends all the same, and what it held is taken up when its leases run out", what)
    os._exit(FAILED)
