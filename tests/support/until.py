"""Waiting for what happens in its own time, for as long as it may take on a busy machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

BOUND = 30.0  #: seconds after which something that should have happened counts as never happening


async def until(happened: Callable[[], object]) -> None:
    """Wait until it has happened. Raises TimeoutError."""
    async with asyncio.timeout(BOUND):
        while not happened():  # noqa: ASYNC110  (what happens tells nobody)
            await asyncio.sleep(0.005)
