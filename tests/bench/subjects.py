"""What the benchmark measures: one subject in one case, in a process of its own.

`python -m tests.bench.subjects '<Job as JSON>'` prints a Result as JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from time import monotonic, process_time, thread_time
from urllib.request import Request, urlopen

from bot import loop
from tests.bench.feeds import body, latest

AT_ONCE = 64  #: requests under way at once: as many as polls in bot.polling


@dataclass(frozen=True, slots=True)
class Job:
    """One subject's task in one case."""

    subject: str
    case: str  #: first, 304, 200, new
    base: str  #: the server's address
    folder: str  #: where a subject keeps its database from case to case
    feeds: int
    entries: int
    rounds: int

    @property
    def urls(self) -> list[str]:
        """The feeds' addresses."""
        return [f"{self.base}/feeds/{number}" for number in range(self.feeds)]

    @property
    def turns(self) -> int:
        """Rounds in all: but for the first poll, one that is not counted comes before, as in a program that runs."""
        return 1 if self.case == "first" else 1 + self.rounds

    def turn(self, number: int) -> int:
        """Let the server serve what the case wants in this round; the feeds' version."""
        version = number + 1 if self.case == "new" else 0
        query = f"version={version}&conditional={int(self.case == '304')}"
        with urlopen(Request(f"{self.base}/turn?{query}", method="POST")) as answer:
            answer.read()
        return version


@dataclass(frozen=True, slots=True)
class Result:
    """What one subject took in one case."""

    cpu: float  #: seconds of CPU time of all threads, for one feed, in the cheapest round
    loop: float  #: those of them that the event loop's thread took
    peak: int  #: bytes of memory at the most
    growth: int  #: beyond what the imports had taken


Poll = Callable[[int], Awaitable[None]]  #: polls every feed once; the argument is the feeds' version


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


async def measure(job: Job, poll: Poll, before: int) -> Result:
    """Run a subject's rounds. before: bytes of memory that the imports took."""
    taken = []
    for number in range(job.turns):
        version = job.turn(number)
        gc.collect()
        every, own = process_time(), thread_time()
        await poll(version)
        taken.append((process_time() - every, thread_time() - own))
    cpu, loop = min(taken[1:] or taken)
    return Result(cpu / job.feeds, loop / job.feeds, peak(), peak() - before)


async def bare(job: Job) -> Result:
    """A loop of aiohttp that only fetches, with the validators of the last time."""
    import aiohttp

    marks: dict[str, str] = {}
    before = peak()

    async def some(session: aiohttp.ClientSession, urls: Sequence[str]) -> None:
        for url in urls:
            headers = {"If-None-Match": marks[url]} if url in marks else None
            async with session.get(url, headers=headers) as answer:
                await answer.read()
                marks[url] = answer.headers["ETag"]

    async with aiohttp.ClientSession() as session:

        async def poll(_: int) -> None:
            await asyncio.gather(*(some(session, job.urls[start::AT_ONCE]) for start in range(AT_ONCE)))

        return await measure(job, poll, before)


async def feedparser(job: Job, **options: bool) -> Result:
    """feedparser alone on the same bodies, one after the other."""
    import feedparser

    before = peak()

    async def poll(_: int) -> None:
        for document in bodies:
            feedparser.parse(BytesIO(document), **options)

    bodies = [body(number, 0, job.entries) for number in range(job.feeds)]
    return await measure(job, poll, before)


async def feedparser_unsanitised(job: Job) -> Result:
    """The same without its sanitiser, as this program uses it: what is shown is sanitised instead."""
    return await feedparser(job, sanitize_html=False, resolve_relative_uris=False)


async def reader(job: Job) -> Result:
    """lemon24's reader, as it comes."""
    from reader import make_reader

    before = peak()
    library = make_reader(str(Path(job.folder, "reader.sqlite")), feed_root=None)
    for url in job.urls:
        library.add_feed(url, exist_ok=True)

    async def poll(_: int) -> None:
        library.update_feeds(scheduled=False)

    return await measure(job, poll, before)


class Later:
    """A clock that runs on from after the newest entry, 20 times as quick: no poll waits for its time."""

    def __init__(self, job: Job) -> None:
        self._base = latest(job.turns + 1, job.entries)
        self._begun = monotonic()

    def now(self) -> datetime:
        """The time, UTC."""
        return self._base + timedelta(seconds=(monotonic() - self._begun) * 20)


async def statusbot(job: Job) -> Result:
    """This program from the fetcher to the committed transaction, as `statusbot run` drives it."""
    from bot.app import Notifiers, toolbox
    from bot.collect import Collect, Outcome
    from bot.collectors import load
    from bot.deliver import Deliver
    from bot.model import Provider, Source
    from bot.operator import Operator
    from bot.polling import Polling
    from bot.reading import Reading
    from bot.store import open_store
    from bot.watch import directory_of, wire

    class Counting(Collect):
        """Says when every source has been polled once."""

        left: set[str]
        done: asyncio.Event

        async def take(self, source: str, readings: Sequence[Reading]) -> Outcome:
            outcome = await super().take(source, readings)
            assert all(reading.failure is None for reading in readings), readings[0].failure
            self.left.discard(source)
            if not self.left:
                self.done.set()
            return outcome

    class Planned(Polling):
        """Asks every source again when it is told to, spread over a little time as at a start."""

        def ask_all(self) -> None:
            now, spread = clock.now(), min(30.0, 0.02 * len(collect.watched))
            for place, source in enumerate(collect.watched):
                self._plan(source, now + timedelta(seconds=spread * place / len(collect.watched)))

    providers = [
        Provider(
            f"p{number}",
            f"Provider {number}",
            (Source(f"p{number}/feed", f"p{number}", "feed", "feed", url, trusted=True, interval=timedelta(days=30)),),
        )
        for number, url in enumerate(job.urls)
    ]
    store, clock = open_store(f"sqlite:///{Path(job.folder, 'statusbot.sqlite')}"), Later(job)
    async with toolbox({}, clock) as box:
        load("feed", box)
        box.session()
        await store.upgrade()
        before = peak()
        collect = Counting(store, wire(providers, box))
        deliver = Deliver(store, Notifiers(box), clock, directory_of(providers))  # nobody subscribes: nothing to send
        polling = Planned(collect, deliver, store, clock, Operator(store, Notifiers(box), clock))

        async def poll(_: int) -> None:
            collect.left, collect.done = set(collect.watched), asyncio.Event()
            polling.ask_all()
            await asyncio.wait([running, asyncio.create_task(collect.done.wait())], return_when="FIRST_COMPLETED")
            await collect.flush()

        await collect.load()
        running = asyncio.create_task(polling.run())
        result = await measure(job, poll, before)
        running.cancel()
        await asyncio.wait([running])
    await store.close()
    return result


SUBJECTS = {
    "aiohttp": bare,
    "feedparser": feedparser,
    "feedparser, no sanitiser": feedparser_unsanitised,
    "reader": reader,
    "statusbot": statusbot,
}

if __name__ == "__main__":
    task = Job(**json.loads(sys.argv[1]))
    run = loop.run if task.subject == "statusbot" else asyncio.run
    print(json.dumps(asdict(run(SUBJECTS[task.subject](task)))))
