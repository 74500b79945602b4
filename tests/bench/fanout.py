"""What it costs to tell many: one update to many webhooks, beside what others take for the same requests.

    python -m tests.bench.fanout [--to 10000] [--queued 100000] [--rounds 5]

A sink on loopback in a process of its own (sink.py) answers 204 to every POST. In the same run are taken, each in a
fresh process (senders.py): statusbot, with its ledger in a SQLite file (write-ahead log, synchronous=FULL); aiohttp
that posts the same bytes in a bare loop, as many abreast; and Apprise's `async_notify` to a tenth of the addresses
(of 10,000 at once it gives some up). Rates are sends a second and core, by the CPU time of all threads, user and
system. The table shows the best of the rounds; two subjects are compared by their rates in the same round, one right
after the other, and of these the median counts: a shared machine is quick in one minute and slow in the next.

What statusbot aims at, and the exit code says (1: missed): 75 % of the bare loop's rate and 6 times Apprise's, the
first message within 100 ms of the update being queued, 100,000 deliveries queued by one statement in a second of CPU
time, and memory that does not grow with those who are told (at most 15 MB more for ten times as many).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from statistics import median
from tempfile import TemporaryDirectory

from bot.limits import PACES
from tests.bench.conclude import conclude
from tests.bench.senders import Job, Result

MEGABYTE = 1024 * 1024
HEADS = "{:14} {:>8} {:>12} {:>8} {:>10} {:>9}"
ABREAST = PACES["webhook"].abreast

Results = Mapping[str, Sequence[Result]]  #: of each subject, one for each round


@contextmanager
def sink() -> Iterator[str]:
    """The sink; its address."""
    command = [sys.executable, "-m", "tests.bench.sink"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def run(subject: str, base: str, to: int, body: str = "") -> Result:
    """One subject in a fresh process and an empty folder."""
    with TemporaryDirectory() as folder:
        job = Job(subject, base, folder, to, ABREAST, body)
        command = [sys.executable, "-m", "tests.bench.senders", json.dumps(asdict(job))]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Result(**json.loads(done.stdout))


def run_all(to: int, queued: int, rounds: int) -> Results:
    """Every subject in turn, so many times."""
    found: dict[str, list[Result]] = {}
    with sink() as base:
        body = ""
        for _ in range(rounds):
            for subject, many in (
                ("statusbot", to),
                ("aiohttp, bare", to),
                ("apprise", max(1, to // 10)),
                ("queueing", queued),
            ):
                result = run(subject, base, many, body)
                body = result.body or body
                found.setdefault(subject, []).append(result)
        found["a tenth"] = [run("statusbot", base, max(1, to // 10))]
    return found


def best(results: Sequence[Result]) -> Result:
    """Of several rounds that which took the least of the CPU."""
    return min(results, key=lambda one: one.cpu)


def times(ours: Sequence[Result], theirs: Sequence[Result]) -> float:
    """How many times their rate ours is: the median of the rounds."""
    pairs = zip(ours, theirs, strict=True)
    return median((mine.sends / mine.cpu) / (other.sends / other.cpu) for mine, other in pairs)


def table(results: Results) -> Iterator[str]:
    """The results as lines."""
    yield HEADS.format("subject", "sends", "a core-second", "wall s", "first ms", "peak MB")
    for subject, rounds in results.items():
        one = best(rounds)
        rate, first = f"{one.sends / one.cpu:,.0f}", f"{one.first * 1000:.0f}" if one.first else ""
        yield HEADS.format(subject, one.sends, rate, f"{one.wall:.2f}", first, f"{one.peak / MEGABYTE:.0f}")


def aims(results: Results) -> Iterator[tuple[str, bool]]:
    """What is aimed at, and whether it is met."""
    told, ours, queueing = results["statusbot"], best(results["statusbot"]), best(results["queueing"])
    share, more = times(told, results["aiohttp, bare"]), times(told, results["apprise"])
    yield f"{share:.0%} of the bare loop's rate (at least 75%)", share >= 0.75
    yield f"{more:.1f} times Apprise's rate (at least 6)", more >= 6
    yield f"first message after {ours.first * 1000:.0f} ms (at most 100)", ours.first <= 0.1
    yield f"{queueing.sends:,} queued in {queueing.cpu:.2f} s (at most 1)", queueing.cpu <= 1
    grown = (ours.peak - best(results["a tenth"]).peak) / MEGABYTE
    yield f"ten times as many take {grown:.0f} MB more (at most 15)", grown <= 15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print the table; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fanout", description=__doc__.partition("\n")[0])
    parser.add_argument("--to", type=int, default=10_000)
    parser.add_argument("--queued", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    results = run_all(chosen.to, chosen.queued, chosen.rounds)
    return conclude(table(results), aims(results))


if __name__ == "__main__":
    sys.exit(main())
