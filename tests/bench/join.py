"""What it costs to join one report, however many updates came before it, and however crowded its neighbourhood is."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import thread_time

from bot.linking import join
from bot.core.match import Vocabulary
from bot.model import Report, Status
from bot.ports import Ledger
from bot.store import open_store
from tests.bench.history import NOW, PAGE, SERVICES, SYMPTOMS, WORDS, X, account, fill, page_update, post

ROUNDS = 20


def goes_on(n: int) -> Report:
    """The next update of a thread that the page has."""
    return page_update("t0-0", f"We go on with it, step {n}.", NOW + timedelta(minutes=n), Status.MONITORING, "Mail")


def opens(n: int) -> Report:
    return page_update(
        f"new{n}", account(900 + n)[0], NOW + timedelta(minutes=n), Status.INVESTIGATING, SERVICES[n % 10]
    )


def echoes(n: int) -> Report:
    return post(f"echo{n}", account(n)[4], NOW + timedelta(minutes=n % 7))


def alone(n: int) -> Report:
    return post(f"post{n}", account(700 + n)[0], NOW + timedelta(minutes=n))


def further(n: int) -> Report:
    return post(f"post{n}", account(n)[2], NOW + timedelta(minutes=n))


KINDS = [goes_on, opens, echoes, alone, further]


def cost(ledger: Ledger, report: Report) -> float:
    t = thread_time()
    join(ledger, [report], WORDS, likeness=True)
    return thread_time() - t


async def measure(file: Path):
    store = open_store(f"sqlite:///{file}")
    out = {}
    for kind in KINDS:
        await store.read(lambda l: cost(l, kind(0)))
        times = [await store.read(lambda l, n=n: cost(l, kind(n))) for n in range(1, ROUNDS)]
        out[kind.__name__] = median(times) * 1000
    await store.close()
    return out


async def main():
    import time

    for spread, dense in ((1000, 0), (10000, 0), (int(sys.argv[1]) if len(sys.argv) > 1 else 1000, 1000)):
        with TemporaryDirectory() as folder:
            t = time.time()
            await fill(Path(folder) / "db", spread, dense)
            took = time.time() - t
            print(
                spread,
                dense,
                f"{took:.1f}s",
                {k: round(v, 2) for k, v in (await measure(Path(folder) / "db")).items()},
                flush=True,
            )


asyncio.run(main())
