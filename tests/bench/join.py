"""What it costs to join one report, however many updates came before it, and however crowded its neighbourhood is.

    python -m tests.bench.join [--most 1000000] [--dense 1000] [--rounds 30]

CPU time from the fresh report to the Changes (`bot.linking.join`: what the ledger is asked, and `link`) on a SQLite
file, the median of the rounds, for five kinds of report: the next update of a thread, the first of a new one, a post
that repeats the page's words, one that goes on with an event in other words, and one that opens an account. The
histories: a thousand updates and ten times as many up to `--most`, spread as real ones are (one incident of a provider
in twelve hours); then the smallest and the largest again, with `--dense` updates of the one provider within 72 h.

What it aims at, and the exit code says (1: missed): at most 2 ms for one report; and the largest history costs no more
than 1.5 times the smallest.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from time import thread_time

from bot.linking import join
from bot.model import Report, Status
from bot.ports import Ledger
from bot.store import open_store
from tests.bench.conclude import conclude
from tests.bench.history import NOW, SERVICES, SYMPTOMS, WORDS, account, fill, page_update, post

AIM = 2.0  #: milliseconds
GROWTH = 1.5
LEAST = 1000  #: updates


@dataclass(frozen=True, slots=True)
class History:
    """The updates that came before."""

    spread: int
    dense: int = 0


def goes_on(n: int) -> Report:
    """The next update of a thread that the page has."""
    return page_update("t0-0", f"We go on with it, step {n}.", NOW + timedelta(minutes=n), Status.MONITORING, "Mail")


def begins(n: int) -> Report:
    """The first update of a new thread."""
    words, at = account(900 + n)[0], NOW + timedelta(minutes=n)
    return page_update(f"new{n}", words, at, Status.INVESTIGATING, SERVICES[n % len(SERVICES)])


def repeats(n: int) -> Report:
    """A post with the page's words."""
    return post(f"echo{n}", account(n)[4], NOW + timedelta(minutes=n % 7))


def continues(n: int) -> Report:
    """A post about a known event in words of its own."""
    words = f"The {SERVICES[n % 10]} service recovers slowly, {SYMPTOMS[n % 5]} continue in some clusters ({n})."
    return post(f"post{n}", words, NOW + timedelta(minutes=n))


def opens(n: int) -> Report:
    """A post about something that nobody has told yet."""
    return post(f"post{n}", account(700 + n)[0], NOW + timedelta(minutes=n))


KINDS: Sequence[Callable[[int], Report]] = (goes_on, begins, repeats, continues, opens)
Costs = Mapping[str, float]  #: by kind of report, milliseconds


def histories(most: int, dense: int) -> Iterator[History]:
    """What is measured."""
    updates = LEAST
    while updates <= most:
        yield History(updates)
        updates *= 10
    yield History(LEAST, dense)
    if most > LEAST:
        yield History(updates // 10, dense)


def cost(ledger: Ledger, report: Report) -> float:
    """CPU milliseconds to join one report."""
    began = thread_time()
    join(ledger, [report], WORDS, likeness=True)
    return (thread_time() - began) * 1000


async def measure(history: History, rounds: int) -> Costs:
    """Fill a database and join one report after the other; none is saved."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "statusbot.sqlite"
        await fill(file, history.spread, history.dense)
        store = open_store(f"sqlite:///{file}")
        found = {}
        for kind in KINDS:
            reports = [kind(n) for n in range(rounds + 1)]  # the first is not counted: a program that runs has joined
            times = [await store.read(lambda ledger, it=it: cost(ledger, it)) for it in reports]  # type: ignore[misc]
            found[kind.__name__] = median(times[1:])
        await store.close()
        return found


def table(results: Mapping[History, Costs]) -> Iterator[str]:
    """The results as lines."""
    names = [kind.__name__ for kind in KINDS]
    yield f"{'updates':>9} {'within 72 h':>12} " + " ".join(f"{name:>10}" for name in (*names, "mean, ms"))
    for history, costs in results.items():
        cells = [*(costs[name] for name in names), mean(costs.values())]
        yield f"{history.spread:>9} {history.dense or '':>12} " + " ".join(f"{cell:>10.2f}" for cell in cells)


def aims(results: Mapping[History, Costs]) -> Iterator[tuple[str, bool]]:
    """What is aimed at, and whether it is met."""
    for dense, words in ((False, "spread"), (True, "dense")):
        means = [mean(costs.values()) for history, costs in results.items() if bool(history.dense) is dense]
        yield f"{words}: {max(means):.2f} ms for one report (at most {AIM:g})", max(means) <= AIM
        growth = means[-1] / means[0]
        yield f"{words}: the largest history costs {growth:.2f} times the smallest (at most {GROWTH})", growth <= GROWTH


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print the table; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.join", description=__doc__.partition("\n")[0])
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--dense", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=30)
    chosen = parser.parse_args(arguments)
    results = {}
    for history in histories(chosen.most, chosen.dense):
        results[history] = asyncio.run(measure(history, chosen.rounds))
        print(f"{history.spread} updates, {history.dense} of them dense", file=sys.stderr)
    return conclude(table(results), aims(results))


if __name__ == "__main__":
    sys.exit(main())
