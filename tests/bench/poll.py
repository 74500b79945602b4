"""What polling costs: CPU time and memory for many unchanged and changed feeds, beside what others take for the same.

    python -m tests.bench.poll [--feeds 1000] [--entries 25] [--rounds 3]

Four cases: the first poll ever; all feeds answer 304; all answer 200 with the same bytes; each has one new entry.
Beside statusbot (from its fetcher through Polling and Collect to the committed transaction in a SQLite file) the same
run takes: aiohttp that only fetches, feedparser alone on the same bodies, with and without its sanitiser, and
lemon24's reader, where it is installed (`pip install reader`: no dependency of ours).

The feeds come from a server on loopback in a process of its own (feeds.py); each subject runs in a fresh process for
each case (subjects.py), so that its memory is its own. CPU time is that of all its threads, in the cheapest round;
but for the first poll, a round that is not counted comes before: a program that runs has polled before.

What statusbot aims at, and the exit code says (1: missed): an unchanged poll within 2 times the bare loop; a poll
with one new entry within 1.2 times feedparser without its sanitiser, and not on the event loop; under 150 MB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from tempfile import TemporaryDirectory

from tests.bench.conclude import conclude
from tests.bench.subjects import Job, Result

CASES = {"first": "first poll", "304": "unchanged, 304", "200": "unchanged, 200", "new": "one new entry"}
FETCHERS = ("aiohttp", "reader", "statusbot") if find_spec("reader") else ("aiohttp", "statusbot")
PARSERS = ("feedparser", "feedparser, no sanitiser")
HEADS = "{:16} {:26} {:>11} {:>8} {:>7} {:>8} {:>8} {:>9}"
SUBJECTS = (*FETCHERS[:-1], *PARSERS, FETCHERS[-1])
MEGABYTE = 1024 * 1024

Results = Mapping[tuple[str, str], Result]  #: by subject and case


@contextmanager
def server(entries: int) -> Iterator[str]:
    """The feeds' server in a process of its own; its address."""
    command = [sys.executable, "-m", "tests.bench.feeds", str(entries)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def run(job: Job) -> Result:
    """One subject in one case, in a fresh process."""
    command = [sys.executable, "-m", "tests.bench.subjects", json.dumps(asdict(job))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Result(**json.loads(done.stdout))


def run_all(feeds: int, entries: int, rounds: int) -> Results:
    """Every subject in every case."""
    found = {}
    with server(entries) as base, TemporaryDirectory() as folder:
        for case in CASES:
            for subject in FETCHERS:
                found[subject, case] = run(Job(subject, case, base, folder, feeds, entries, rounds))
        for subject in PARSERS:  # it knows no 304, and parses what is unchanged like anything else
            found[subject, "first"] = found[subject, "new"] = run(
                Job(subject, "200", base, folder, feeds, entries, rounds)
            )
    return found


def table(results: Results) -> Iterator[str]:
    """The results as lines; `x bare` and `x parser` are multiples of aiohttp and of feedparser without sanitiser."""
    yield HEADS.format("case", "subject", "CPU ms/feed", "loop ms", "x bare", "x parser", "peak MB", "growth MB")
    for case, name in CASES.items():
        bare, parser = results["aiohttp", case], results.get(("feedparser, no sanitiser", case))
        for subject in SUBJECTS:
            if (one := results.get((subject, case))) is not None:
                cost = (f"{one.cpu * 1000:.3f}", f"{one.loop * 1000:.3f}", f"{one.cpu / bare.cpu:.2f}")
                times = f"{one.cpu / parser.cpu:.2f}" if parser else ""
                memory = (f"{one.peak / MEGABYTE:.0f}", f"{one.growth / MEGABYTE:.0f}")
                yield HEADS.format(name, subject, *cost, times, *memory)


def aims(results: Results) -> Iterator[tuple[str, bool]]:
    """What is aimed at, and whether it is met."""
    ours = {case: results["statusbot", case] for case in CASES}
    for case in ("304", "200"):
        ratio = ours[case].cpu / results["aiohttp", case].cpu
        yield f"{CASES[case]}: {ratio:.2f} times the bare loop (at most 2)", ratio <= 2
    ratio = ours["new"].cpu / results["feedparser, no sanitiser", "new"].cpu
    yield f"one new entry: {ratio:.2f} times feedparser without its sanitiser (at most 1.2)", ratio <= 1.2
    share = ours["new"].loop / ours["new"].cpu
    yield f"one new entry: {share:.0%} of it on the event loop (at most 20%)", share <= 0.2
    most = max(one.peak for one in ours.values()) / MEGABYTE
    yield f"memory: {most:.0f} MB (at most 150)", most <= 150


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print the table; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.poll", description=__doc__.partition("\n")[0])
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--entries", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    results = run_all(chosen.feeds, chosen.entries, chosen.rounds)
    print(f"{chosen.feeds} feeds of {chosen.entries} entries, the cheapest of {chosen.rounds} rounds")
    return conclude(table(results), aims(results))


if __name__ == "__main__":
    sys.exit(main())
