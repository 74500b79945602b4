"""One run: lives end by force while the story plays, then there is peace until nothing is owed, then the verdict."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from tests.crash import ledger, verdict
from tests.crash.arena import Arena, Life, arena
from tests.crash.chaos import Chaos, Death, How
from tests.crash.story import Story

STUCK = (
    90.0  #: seconds without anything sent, while something is owed and nobody disturbs: it will not be sent any more
)
PEACEFUL = Death(How.LONG, after=3600.0)


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to. `faults` empty: every promise was kept."""

    faults: list[str]
    figures: dict[str, object]


async def play(
    folder: Path, seed: int, kills: int, database: Callable[[Path], str], processes: int = 1, long_lives: float = 0.02
) -> Result:
    """A run of that many kills, shared by so many processes."""
    chaos, begun = Chaos(seed, long_lives), monotonic()
    async with arena(folder, chaos, database) as made:
        if processes > 1:
            await made.printed("db", "upgrade")
        story = Story(made.page, made.x, chaos.dice("story"))
        await learnt(made, processes)
        telling = asyncio.create_task(story.tell())
        async with asyncio.TaskGroup() as group:
            for _ in range(processes):
                group.create_task(lives(made, kills))
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        story.end()
        war, chaos.at_peace = monotonic() - begun, True
        made.over.set()
        await in_peace(made, processes)
        deliveries = json.loads(await made.printed("deliveries", "--json", "--limit", "100000"))["deliveries"]
        incidents = json.loads(await made.printed("timeline", "--json"))["incidents"]
        found = verdict.faults(made, story, deliveries, incidents)
        return Result(found, figures(made, story, deliveries, war, monotonic() - begun - war))


async def learnt(made: Arena, processes: int) -> None:
    """Let the program see the empty page: what comes then is news. It shows how long a start takes here."""
    begun = monotonic()
    life = await made.born(PEACEFUL)
    await polled(made, life, 1)
    made.starting = processes * (monotonic() - begun)  # they start side by side, and quarrel for the machine
    await polled(made, life, 2)
    assert await life.program.end(signal.SIGTERM) == 0, life.program.tale


async def lives(made: Arena, kills: int) -> None:
    """One life after the other until there were enough kills."""
    while made.kills < kills:
        await made.live(made.chaos.death())


async def in_peace(made: Arena, processes: int) -> None:
    """Let the program do its work, until nothing is owed; then stop it."""
    last = [await made.born(PEACEFUL) for _ in range(processes)]
    await polled(made, last[0])
    await settled(made.database)
    for life in last:
        assert await life.program.end(signal.SIGTERM) == 0, life.program.tale


async def settled(database: str) -> None:
    """Wait until nothing is owed, as long as that grows less: a crowded machine takes its time, a stuck lane stands."""
    least, since = ledger.ALL, monotonic()
    while owed := await ledger.owed(database):
        if len(owed) < least:
            least, since = len(owed), monotonic()
        assert monotonic() - since < STUCK, f"{len(owed)} deliveries are stuck: {owed[:3]}"
        await asyncio.sleep(0.2)


async def polled(made: Arena, life: Life, times: int = 3) -> None:
    """Wait until both sources were asked so often; what they said has been taken in when they are asked again."""
    page, x = made.page.polls, len(made.x.polls)
    async with asyncio.timeout(60):
        while made.page.polls < page + times or len(made.x.polls) < x + times:
            assert life.program.process.returncode is None, life.program.tale
            await asyncio.sleep(0.05)


def figures(made: Arena, story: Story, deliveries: list[verdict.Json], war: float, peace: float) -> dict[str, object]:
    """What happened, in numbers."""
    repeats = {name: len(came) - len({one.key for one in came}) for name, came in made.arrivals.items()}
    return {
        "seed": made.chaos.seed,
        "kills": made.kills,
        "lives' ends": dict(Counter(life.death.how.value for life in made.lives if life.killed)),
        "faults": {fault.value: times for fault, times in made.chaos.done.most_common()},
        "incidents": len(story.threads),
        "updates": sum(len(thread.words) for thread in story.threads),
        "deliveries": dict(Counter(f"{one['act']} {one['state']}" for one in deliveries)),
        "messages": {name: len(told) for name, told in verdict.shown(made, deliveries).told.items()},
        "excused repeats": repeats,
        "creates that Discord knew by their nonce": made.discord.recognised,
        "questions to Slack": len(
            made.slack.called("conversations.history") + made.slack.called("conversations.replies")
        ),
        "seconds": {"with kills": round(war), "in peace": round(peace)},
    }
