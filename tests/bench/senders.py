"""Who sends in the benchmarks of telling many, each in a fresh process: see fanout.py and workers.py."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from bot import loop

WORDS = "We are investigating reports that some users cannot sign in. The next update follows within the hour."


@dataclass(frozen=True)
class Job:
    """What one process is asked to do."""

    subject: str  #: a key of SUBJECTS
    base: str  #: the sink's address
    folder: str
    to: int  #: how many are told
    abreast: int
    body: str = ""  #: what is posted, where the subject does not say it itself


@dataclass(frozen=True)
class Result:
    """Times in seconds, memory in bytes."""

    cpu: float  #: of all threads, user and system
    wall: float
    sends: int
    first: float = 0.0  #: from the update being queued to the first answer
    queueing: float = 0.0  #: CPU time of queueing
    peak: int = 0
    body: str = ""  #: what was posted


def peak() -> int:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def bare(job: Job) -> Result:
    """aiohttp alone."""
    import aiohttp

    numbers, body, headers = count(), job.body.encode(), {"Content-Type": "application/json"}

    async def work(session: aiohttp.ClientSession) -> None:
        while (number := next(numbers)) < job.to:
            async with session.post(f"{job.base}/{number}", data=body, headers=headers) as answer:
                assert answer.status == 204
                await answer.read()

    async with aiohttp.ClientSession() as session:
        start, wall = time.process_time(), time.monotonic()
        await asyncio.gather(*(work(session) for _ in range(job.abreast)))
        return Result(time.process_time() - start, time.monotonic() - wall, job.to, peak=peak())


async def apprise(job: Job) -> Result:
    """Apprise, told of every address."""
    import apprise

    told = apprise.Apprise()
    for number in range(job.to):
        told.add(f"{job.base.replace('http', 'json')}/{number}")
    start, wall = time.process_time(), time.monotonic()
    assert await told.async_notify(title="Acme: Trouble", body=WORDS)
    return Result(time.process_time() - start, time.monotonic() - wall, job.to, peak=peak())


async def statusbot(job: Job) -> Result:
    """One update routed to all, then sent until nothing is owed, with the ledger in a file."""
    from bot.app import Notifiers, toolbox
    from bot.clock import SystemClock
    from bot.deliver import Deliver
    from bot.model import Directory, Message
    from bot.store import open_store
    from tests.store.build import routing

    store, clock = open_store(f"sqlite:///{Path(job.folder, f'{job.to}.db')}"), SystemClock()
    await subscribed(store, job.to)
    env = {f"WEBHOOK_W{number:06}": f"{job.base}/{number}" for number in range(job.to)}
    async with toolbox(env, clock) as tools:
        notifiers = Notifiers(tools)
        webhook, said = notifiers("webhook"), [Message({})]
        first: list[float] = []
        plain = webhook.send

        async def send(destination, message, delivery):  # type: ignore[no-untyped-def]
            webhook.send = plain  # type: ignore[method-assign]  # only the first is looked at
            receipt = await plain(destination, message, delivery)
            first.append(time.monotonic())
            said.append(message)
            return receipt

        webhook.send = send  # type: ignore[method-assign]
        worker = Deliver(store, notifiers, clock, Directory({"acme": "Acme"}))
        loop.settle()  # as the program does before it goes to work
        queueing = time.process_time()
        assert await store.write(lambda ledger: ledger.route(routing("u0"), clock.now())) == job.to
        start, wall = time.process_time(), time.monotonic()
        await worker.sweep()
        cpu, taken = time.process_time() - start, time.monotonic() - wall
        assert await store.read(lambda ledger: ledger.next_due()) is None
    await store.close()
    body = json.dumps(said[-1].body)
    return Result(cpu, taken, job.to, first[0] - wall, start - queueing, peak(), body)


async def queue(job: Job) -> Result:
    """One update queued, and nothing sent."""
    from bot.clock import SystemClock
    from bot.store import open_store
    from tests.store.build import routing

    store, clock = open_store(f"sqlite:///{Path(job.folder, f'{job.to}.db')}"), SystemClock()
    await subscribed(store, job.to)
    start, wall = time.process_time(), time.monotonic()
    assert await store.write(lambda ledger: ledger.route(routing("u0"), clock.now())) == job.to
    result = Result(time.process_time() - start, time.monotonic() - wall, job.to, peak=peak())
    await store.close()
    return result


async def procrastinate(job: Job) -> Result:
    """The empty jobs in the PostgreSQL at `base`, together with other processes, from when a line has come to all."""
    from tests.bench.jobs import Empty

    async def ready() -> None:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

    jobs = Empty(job.base, job.abreast)
    cpu, wall = await jobs.work(ready)
    return Result(cpu, wall, jobs.done, peak=peak())


async def subscribed(store, to: int) -> None:  # type: ignore[no-untyped-def]
    """An incident, and so many who want to hear of it; in portions, so that this takes less memory than sending."""
    from sqlalchemy import insert

    from bot.model import Destination, Mode, Subscription
    from bot.store.schema import subscriptions
    from bot.store.subscriptions import subscription_row
    from tests.store.build import change, incident, report, update

    await store.upgrade()
    said = update(report("0", text=WORDS), name="u0")
    await store.write(lambda ledger: ledger.save([change(incident("i1", said))]))
    for begin in range(0, to, 1000):
        numbers = range(begin, min(begin + 1000, to))
        to_each = [Destination("webhook", f"w{number:06}") for number in numbers]
        some = [Subscription(each, mode=Mode.POST, origin="command") for each in to_each]
        await store.write(
            lambda ledger, some=some: ledger._db.execute(insert(subscriptions), [*map(subscription_row, some)]) and None
        )


SUBJECTS: Mapping[str, Callable[[Job], Awaitable[Result]]] = {
    "aiohttp, bare": bare,
    "apprise": apprise,
    "procrastinate": procrastinate,
    "statusbot": statusbot,
    "queueing": queue,
}


if __name__ == "__main__":
    asked = Job(**json.loads(sys.argv[1]))
    run = loop.run if asked.subject == "statusbot" else asyncio.run
    print(json.dumps(asdict(run(SUBJECTS[asked.subject](asked)))))  # type: ignore[arg-type]
