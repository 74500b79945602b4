"""The sources: each is asked once, but for those that are paid by the question."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bot import collectors
from bot.collect import failure_of
from bot.core.document import REDIRECTED
from bot.doctor.finding import Finding, Level
from bot.errors import StatusbotError
from bot.markup import PLAIN
from bot.model import Cursor, Sighting
from bot.ports import Tools
from bot.reading import Watched, poll
from bot.watch import Watching, wire

ABREAST = 16  #: asked at once
PATIENCE = 30.0  #: seconds for one source, all its documents


async def examine(tools: Tools, watch: Watching, sightings: Mapping[str, Sighting]) -> list[Finding]:
    """A line for each source; nothing is saved of what it answers."""
    room = asyncio.Semaphore(ABREAST)
    asking = [_ask(one, sightings.get(one.source.id), room) for one in wire(watch.providers, tools, watch.left_out)]
    left_out = [
        Finding(Level.WARNING, name, f"{reason}; set it, or leave it out") for name, reason in watch.left_out.items()
    ]
    return [*await asyncio.gather(*asking), *left_out]


async def _ask(watched: Watched, sighting: Sighting | None, room: asyncio.Semaphore) -> Finding:
    name = watched.source.id
    if collectors.REGISTRY[watched.source.kind].billed:
        return remembered(name, sighting)
    try:
        async with room, asyncio.timeout(PATIENCE):
            readings = await poll(watched, Cursor())
    except TimeoutError:
        return Finding(Level.FAILURE, name, "no answer in time; is the address right?")
    except StatusbotError as error:
        return Finding(Level.FAILURE, name, str(error))
    failure = failure_of(readings)
    if failure is None:
        return Finding(Level.OK, name, "can be read")
    mend = "name its new address in statusbot.toml" if failure.reason.startswith(REDIRECTED) else ""
    mend = mend or ("mend the setting" if failure.ours else "is the address right, or is the page in trouble?")
    return Finding(Level.FAILURE, name, f"{failure.reason}; {mend}")


def remembered(name: str, sighting: Sighting | None) -> Finding:
    """How a source that is billed by the question answered last."""
    if sighting is None or sighting.asked_at is None:
        return Finding(
            Level.WARNING, name, "not asked, since that costs money, and never asked before: `statusbot run`"
        )
    when = f"when it was asked last, at {PLAIN.line((sighting.asked_at,))}"
    if sighting.failures:
        return Finding(Level.FAILURE, name, f"{sighting.reason or 'it could not be read'}, {when}; mend the setting")
    return Finding(Level.OK, name, f"could be read {when}; not asked now, since that costs money")
