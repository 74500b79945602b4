"""What several processes send together: one update to many webhooks, shared by `statusbot run` on one PostgreSQL.

    python -m tests.bench.workers [--to 10000] [--jobs 3000] [--rounds 3]

One, two and four processes of the real program, with nothing to poll, listen on a PostgreSQL out of its wheel (fsync
on). One update is queued for all subscribers by one statement, whose NOTIFY wakes them; the sink on loopback (sink.py)
counts what arrives from whom. In the same run, on the same server, as many processes of procrastinate (jobs.py) work
off empty jobs that were queued before, beside nothing but their ledger. Best of the rounds.

A message that does not arrive exactly once, or is not written down as sent, ends the run with an error. `wall s` is
from the update being queued to the last delivery being written down. The sink, PostgreSQL and the processes share the
machine's cores: with two of them four processes cannot send more than two, and what several cost beyond one shows in
the rates a core-second: of the sending processes alone, and with PostgreSQL's. On a machine that does something else as
well they are lower: outcomes are gathered for a tenth of a second, and then fewer of them share a transaction.

What statusbot aims at, and the exit code says (1: missed): with every number of processes at least 3 times as many
messages a second as procrastinate's empty jobs; more processes never slower than three quarters of one, and no more
than half as much again of CPU time, PostgreSQL's included, for a message; every process takes part.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg

from bot.clock import SystemClock
from bot.model import State
from bot.store import SqlStore, open_store
from tests.bench.conclude import conclude
from tests.bench.fanout import sink
from tests.bench.jobs import Empty
from tests.bench.senders import Job, subscribed
from tests.bench.senders import Result as Done
from tests.bench.sink import Count, counted
from tests.e2e.world import Program, start
from tests.store.build import routing
from tests.support import postgresql

ROOT = Path(__file__).parents[2]
PROCESSES = (1, 2, 4)
ABREAST = 16  #: empty jobs of one process under way at once; as many as webhooks (limits.PACES)
PATIENCE = 300.0  #: seconds after which what has not arrived never will
HEADS = "{:14} {:>9} {:>7} {:>8} {:>9} {:>14} {:>11} {:>8} {:>8} {:>8} {:>6} {:>9}  {}"
TITLES = (
    *("subject", "processes", "done", "a second", "of one's", "a core-second", "and its DB", "x neigh.", "first ms"),
    *("wall s", "CPU s", "DB CPU s", "shares"),
)


@dataclass(frozen=True)
class Place:
    """Where it all happens: PostgreSQL's address and its server's process, the sink's address, an empty folder."""

    server: str
    postmaster: int
    sink: str
    folder: Path


@dataclass(frozen=True)
class Result:
    """What some processes did together; times in seconds."""

    done: int
    wall: float
    cpu: float  #: of the processes, all threads, user and system
    database: float  #: of PostgreSQL's
    shares: tuple[int, ...]  #: how much each did
    first: float = 0.0  #: from the update being queued to the first message arriving

    @property
    def rate(self) -> float:
        """A second."""
        return self.done / self.wall


Results = Mapping[tuple[str, int], Result]  #: by subject and number of processes


@asynccontextmanager
async def programs(place: Place, address: str, to: int, processes: int) -> AsyncIterator[list[Program]]:
    """So many processes of `statusbot run`, awake; each knows the webhooks by addresses that name the process."""
    (place.folder / "statusbot.toml").write_text("watch = []\nsubscription = []\n")
    made: list[Program] = []
    try:
        for number in range(processes):
            base = f"{place.sink}/{folder_of(address)}/{number}"
            env = {f"WEBHOOK_W{name:06}": f"{base}/{name}" for name in range(to)}
            env |= {"HOME": str(place.folder), "PYTHONPATH": str(ROOT)}
            env |= {"STATUSBOT_DATABASE": address, "STATUSBOT_LISTEN": ""}
            made.append(await start(place.folder, env, "run"))
        await listening(address, made)
        yield made
        for program in made:
            assert await program.end(signal.SIGTERM) == 0, program.tale
    finally:
        for program in made:
            await program.kill()


def folder_of(address: str) -> str:
    """The sink's folder for what is sent from a database: its name."""
    return address.partition("?")[0].rpartition("/")[2]


async def listening(address: str, programs: Sequence[Program]) -> None:
    """Wait until all of them hear what is queued."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection, asyncio.timeout(PATIENCE):
        while (await (await connection.execute(asked)).fetchone()) != (len(programs),):
            assert all(program.process.returncode is None for program in programs), programs[0].tale
            await asyncio.sleep(0.05)


async def statusbot(place: Place, name: str, to: int, processes: int) -> Result:
    """One update to so many, sent by so many processes."""
    address, clock = postgresql.database(place.server, name), SystemClock()
    store = open_store(address)
    await subscribed(store, to)
    async with programs(place, address, to, processes) as made:
        pids = [program.process.pid for program in made]
        before, database = sum(map(spent, pids)), server_spent(place.postmaster)
        queued = await store.write(lambda ledger: ledger.route(routing("u0"), clock.now()))
        assert queued == to, f"{queued} queued\n{made[0].tale}"
        begun = time.monotonic()
        count = await asyncio.to_thread(counted, place.sink, folder_of(address), to, PATIENCE)
        await written(store, to)
        wall = time.monotonic() - begun
        cpu, database = sum(map(spent, pids)) - before, server_spent(place.postmaster) - database
    await store.close()
    shares = once_each(counted(place.sink, folder_of(address), to, PATIENCE), to)
    return Result(to, wall, cpu, database, tuple(shares[number] for number in range(processes)), count.first - begun)


async def written(store: SqlStore, to: int) -> None:
    """Wait until all is written down as sent."""
    async with asyncio.timeout(PATIENCE):
        while (tally := await store.read(lambda ledger: ledger.tally())) != {("webhook", State.SENT): to}:
            assert sum(tally.values()) == to, tally
            await asyncio.sleep(0.01)


def once_each(count: Count, to: int) -> Counter[int]:
    """How much each process has sent. Raises AssertionError where anything has not arrived exactly once."""
    arrived, shares = Counter[int](), Counter[int]()
    for path, times in count.arrived.items():
        process, _, number = path.partition("/")
        arrived[int(number)] += times
        shares[int(process)] += times
    wrong = {number: arrived[number] for number in range(to) if arrived[number] != 1}
    assert not wrong, f"{len(wrong)} of {to} did not arrive exactly once: {dict(list(wrong.items())[:20])}"
    assert sum(shares.values()) == to, f"{sum(shares.values()) - to} arrived that were owed to nobody"
    return shares


async def procrastinate(place: Place, name: str, jobs: int, processes: int) -> Result:
    """So many empty jobs, worked off by so many processes."""
    address = postgresql.database(place.server, name)
    await Empty(address, ABREAST).defer(jobs)
    job = Job("procrastinate", address, str(place.folder), jobs, ABREAST)
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(worker(job)) for _ in range(processes)]
        database = server_spent(place.postmaster)
        said = await asyncio.gather(*(one.communicate(b"go\n") for one in made))
        database = server_spent(place.postmaster) - database
    done = [Done(**json.loads(out)) for out, _ in said]
    shares = tuple(one.sends for one in done)
    assert sum(shares) == jobs, shares
    return Result(jobs, max(one.wall for one in done), sum(one.cpu for one in done), database, shares)


@asynccontextmanager
async def worker(job: Job) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of senders.py that begins when it is told to."""
    words = (sys.executable, "-m", "tests.bench.senders", json.dumps(asdict(job)))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdin=pipe, stdout=pipe)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def spent(pid: int) -> float:
    """CPU time of a process so far, user and system."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def server_spent(postmaster: int) -> float:
    """The same of a PostgreSQL server: its own, and of its connections, those that ended included."""
    process = psutil.Process(postmaster)
    times = process.cpu_times()
    ended = float(times.children_user + times.children_system)
    return ended + sum(spent(one.pid) for one in (process, *process.children()))


async def run_all(place: Place, to: int, jobs: int, rounds: int, processes: Sequence[int] = PROCESSES) -> Results:
    """Every subject with every number of processes, so many times; the best of each."""
    found: dict[tuple[str, int], list[Result]] = {}
    for turn in range(rounds):
        for number in processes:
            sent = await statusbot(place, f"sent_{turn}_{number}", to, number)
            found.setdefault(("statusbot", number), []).append(sent)
            empty = await procrastinate(place, f"empty_{turn}_{number}", jobs, number)
            found.setdefault(("procrastinate", number), []).append(empty)
    return {which: max(results, key=lambda one: one.rate) for which, results in found.items()}


def table(results: Results) -> Iterator[str]:
    """The results as lines."""
    yield HEADS.format(*TITLES)
    for (subject, number), one in sorted(results.items(), key=lambda item: (item[0][0] != "statusbot", item[0][1])):
        times = f"{one.rate / results['procrastinate', number].rate:.1f}"
        rates = (f"{one.rate:,.0f}", f"{one.rate / results[subject, min(PROCESSES)].rate:.2f}")
        costs = (f"{one.done / one.cpu:,.0f}", f"{one.done / (one.cpu + one.database):,.0f}")
        first = f"{one.first * 1000:.0f}" if one.first else ""
        spending = (f"{one.wall:.2f}", f"{one.cpu:.2f}", f"{one.database:.2f}")
        shares = " + ".join(map(str, one.shares))
        yield HEADS.format(subject, number, one.done, *rates, *costs, times, first, *spending, shares)


def aims(results: Results) -> Iterator[tuple[str, bool]]:
    """What is aimed at, and whether it is met."""
    ours = {number: one for (subject, number), one in results.items() if subject == "statusbot"}
    alone = ours[min(ours)]
    for number, one in ours.items():
        times = one.rate / results["procrastinate", number].rate
        yield f"{number}: {times:.1f} times procrastinate's empty jobs (at least 3)", times >= 3
        yield f"{number}: every process sends ({' + '.join(map(str, one.shares))})", all(one.shares)
        if one is not alone:
            rate, cost = one.rate / alone.rate, (one.cpu + one.database) / (alone.cpu + alone.database)
            yield f"{number}: {rate:.2f} times the rate of one process (at least 0.75)", rate >= 0.75
            yield f"{number}: {cost:.2f} times the CPU time of one process (at most 1.5)", cost <= 1.5


@contextmanager
def place() -> Iterator[Place]:
    """A place of its own, for a block."""
    with TemporaryDirectory() as folder, sink() as base, postgresql.server(Path(folder, "pg"), durable=True) as server:
        postmaster = int(Path(folder, "pg", "postmaster.pid").read_text().split()[0])
        yield Place(server, postmaster, base, Path(folder))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print the table; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.workers", description=__doc__.partition("\n")[0])
    parser.add_argument("--to", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    with place() as here:
        results = asyncio.run(run_all(here, chosen.to, chosen.jobs, chosen.rounds))
    return conclude(table(results), aims(results))


if __name__ == "__main__":
    sys.exit(main())
