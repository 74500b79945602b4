"""`statusbot doctor`: configuration, database, destinations, sources, what stands wrong; a line each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, timedelta

from bot import notifiers
from bot.config import Settings, check_destination
from bot.doctor import discord, slack, slack_app, sources
from bot.doctor.finding import Finding, Level
from bot.errors import StatusbotError
from bot.markup import PLAIN, clean
from bot.model import Destination, Rest, Sighting, Trouble
from bot.ports import Clock, Tools
from bot.store import SqlStore, open_store
from bot.store.place import file_of
from bot.watch import Watching

__all__ = ["Finding", "Level", "examine"]

PATIENCE = 60.0  #: seconds for each group of checks
BRIEF = timedelta(minutes=1)  #: a wait that a platform has asked for, and that needs no word
#: what each token says of a platform that can be asked, whether anything is told there or only commands are answered
ASKED = (
    ("slack", slack_app.BOT),
    ("slack", slack_app.TOKEN),
    ("slack", slack_app.SECRET),
    ("discord", "DISCORD_BOT_TOKEN"),
)
UNTRIED = "its address has the right form; nothing is sent to it: `statusbot test`"


@dataclass(frozen=True, slots=True)
class Known:
    """What the database told, as far as it could be asked."""

    findings: list[Finding]
    destinations: list[Destination] = field(default_factory=list)
    sightings: dict[str, Sighting] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=list)


async def examine(settings: Settings, watch: Watching, tools: Tools) -> list[Finding]:
    """Every check, in the order of reading."""
    known = await database(settings, tools.clock)
    named = [entry.to for entry in settings.subscriptions] + known.destinations
    backing = [entry.fallback for entry in settings.subscriptions] + [settings.operator]
    every = list(dict.fromkeys([*named, *filter(None, backing)]))
    groups = [_bounded("destinations", lambda: destinations(tools, every, settings.may_subscribe))]
    groups.append(_bounded("sources", lambda: sources.examine(tools, watch, known.sightings)))
    told, read = await asyncio.gather(*groups)
    return [
        configuration(settings, watch),
        *known.findings,
        *told,
        *read,
        *map(resting, known.rests),
        *map(standing, known.troubles),
    ]


def configuration(settings: Settings, watch: Watching) -> Finding:
    """What was read: whatever is wrong with it was refused before."""
    where = str(settings.path) if settings.path else "no file: the defaults"
    whom = (
        f"operator {settings.operator}" if settings.operator else "no operator: our own trouble goes to standard error"
    )
    return Finding(Level.OK, "configuration", f"{where}; {_watched(len(watch.providers))}; {whom}")


def _watched(count: int) -> str:
    return f"{count} provider{'' if count == 1 else 's'} watched"


async def database(settings: Settings, clock: Clock) -> Known:
    """Its version, whether it can be written, and what stands in it. Nothing is created or upgraded."""
    if missing := _missing(settings.database):
        return Known([Finding(Level.WARNING, "database", f"there is no {missing} yet; `statusbot run` makes it")])
    try:
        store = open_store(settings.database)
    except StatusbotError as error:
        return Known([Finding(Level.FAILURE, "database", str(error))])
    try:
        async with asyncio.timeout(PATIENCE):
            return await _look(store, clock)
    except StatusbotError as error:
        return Known([Finding(Level.FAILURE, "database", str(error))])
    except TimeoutError:
        return Known([Finding(Level.FAILURE, "database", "no answer in time; is it there, and not locked?")])
    finally:
        await store.close()


def _missing(url: str) -> str:
    """The embedded database's file, where it is not there yet and can be."""
    path = file_of(url)
    return str(path) if path and not path.exists() and path.parent.is_dir() else ""


async def _look(store: SqlStore, clock: Clock) -> Known:
    if await store.needs_upgrade():
        level, mend = (Level.WARNING, "`statusbot run` brings it up to date")
        if not store.embedded:
            level, mend = (Level.FAILURE, "run `statusbot db upgrade`")
        return Known([Finding(level, "database", f"its tables are not those of this version: {mend}")])
    await store.write(lambda ledger: ledger.touch("doctor", clock.now()))
    told = await store.read(lambda ledger: [entry.to for entry in ledger.subscriptions()])
    sightings = await store.read(lambda ledger: ledger.sightings())
    troubles = await store.read(lambda ledger: ledger.troubles())
    lasting = clock.now() + BRIEF
    rests = [rest for rest in await store.read(lambda ledger: ledger.rests(lasting)) if rest.until > lasting]
    return Known([Finding(Level.OK, "database", "up to date, and can be written")], told, sightings, troubles, rests)


async def destinations(
    tools: Tools, every: Iterable[Destination], may_subscribe: Collection[str] = ()
) -> list[Finding]:
    """A line for each destination; those of a platform that can be asked after what is to say of its tokens."""
    found: list[Finding] = []
    by_kind: dict[str, list[Destination]] = {kind: [] for kind, token in ASKED if tools.env.get(token)}
    for to in every:
        if fault := _unset(to, tools):
            found.append(fault)
        else:
            by_kind.setdefault(to.kind, []).append(to)
    for kind, some in by_kind.items():
        if kind == "slack":
            found += await slack.examine(tools, some, may_subscribe)
        elif kind == "discord":
            found += await discord.examine(tools, some)
        else:
            words = UNTRIED if notifiers.REGISTRY[kind].needs else "ready"
            found += [Finding(Level.OK, str(to), words) for to in some]
    return found


def _unset(to: Destination, tools: Tools) -> Finding | None:
    try:
        check_destination(to, tools.env)
    except StatusbotError as error:
        return Finding(Level.FAILURE, str(to), str(error))
    return None


def resting(rest: Rest) -> Finding:
    """A platform has asked for a wait that is worth a word."""
    until = rest.until.astimezone(UTC).strftime("%d %B %Y %H:%M UTC").lstrip("0")
    return Finding(Level.WARNING, rest.name, f"it has asked us to wait: nothing is sent there before {until}")


def standing(trouble: Trouble) -> Finding:
    """Trouble of our own that stands since `statusbot run` met it."""
    since = PLAIN.line((trouble.since,))
    return Finding(Level.WARNING, "trouble", f"since {since}: {' '.join(clean(trouble.words).split())}")


async def _bounded(what: str, group: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await group()
    except TimeoutError:
        return [Finding(Level.FAILURE, what, f"not all checked within {PATIENCE:.0f} s; is the network there?")]
