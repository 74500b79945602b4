"""The event loop on which everything runs: uvloop where it exists, which takes less of the CPU."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

LOOKUPS = 32  #: names that are looked up at once; libuv gives that half of its threads, of which it has four by itself


def new() -> asyncio.AbstractEventLoop:
    """A loop; asyncio's own where there is no uvloop (it is not made for Windows)."""
    try:
        import uvloop  # noqa: PLC0415  (where nothing waits, as for `--help`, it is not loaded)
    except ImportError:
        return asyncio.new_event_loop()
    # Two name servers that do not answer would keep every other name from being found. libuv reads it at its first use.
    os.environ.setdefault("UV_THREADPOOL_SIZE", str(2 * LOOKUPS))  # noqa: TID251  (it is libuv's, no setting of ours)
    return uvloop.new_event_loop()


def settle() -> None:
    """What is there now stays: collecting garbage need not go through it again, a pause of tens of milliseconds."""
    gc.collect()
    gc.freeze()


def run(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine comes to, on a loop of its own."""
    with asyncio.Runner(loop_factory=new) as runner:
        return runner.run(work)
