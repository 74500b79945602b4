"""What commands share: the settings, the store, the event loop, JSON on standard output."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from bot.errors import UsageError

if TYPE_CHECKING:
    from datetime import timedelta

    from bot.config import Settings
    from bot.model import Incident
    from bot.store import SqlStore

T = TypeVar("T")

DONE, FAILED, MISUSED = 0, 1, 2  #: exit codes


def settings_of(context: typer.Context) -> Settings:
    """The settings that the command was called with; no log line shows their secrets. Raises UsageError."""
    from bot.cli import speech
    from bot.config import load

    settings = load(context.find_root().obj["config"])
    speech.hide(settings.secrets)
    return settings


def duration_of(option: str, words: str) -> timedelta:
    """The length that an option's words mean. Raises UsageError, which names the option."""
    from bot.config import parse_duration

    try:
        return parse_duration(words)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from error


async def opened(url: str, work: Callable[[SqlStore], Awaitable[T]], *, upgrade: bool = True) -> T:
    """What `work` makes of the store at an address, closed again; UsageError where its tables need an upgrade first."""
    from bot.store import open_store

    store = open_store(url)
    try:
        if upgrade:
            await store.upgrade()
        elif await store.needs_upgrade():
            raise UsageError("database: its tables are not those of this version; run `statusbot db upgrade`")
        return await work(store)
    finally:
        await store.close()


def only_asking(settings: Settings, work: Callable[[SqlStore], Awaitable[T]]) -> T:
    """As `with_store`, for what only asks: it makes no database where there is none yet."""
    from bot.store.place import file_of

    path = file_of(settings.database)
    if path is None or path.exists() or not path.parent.is_dir():
        return with_store(settings, work)
    print(f"statusbot: there is no database {path} yet; `statusbot run` makes it", file=sys.stderr)  # noqa: T201
    return in_memory(work)


def with_store(settings: Settings, work: Callable[[SqlStore], Awaitable[T]], *, alone: bool = False) -> T:
    """Open the store of the settings, do the work, close it; `alone` keeps a second one off. Upgrades SQLite only."""
    from bot.app import alone_on

    with alone_on(settings.database, wanted=alone):
        return waited_for(opened(settings.database, work, upgrade=settings.database.startswith("sqlite")))


def in_memory(work: Callable[[SqlStore], Awaitable[T]]) -> T:
    """Do the work with a store that is gone afterwards."""
    return waited_for(opened("sqlite://", work))


def waited_for(work: Awaitable[T]) -> T:
    """What an awaitable comes to, on an event loop of its own."""
    from bot import loop

    async def whole() -> T:
        return await work

    return loop.run(whole())


def print_timeline(incidents: list[Incident], names: dict[str, str]) -> None:
    """Incidents on standard output, in the shape of Statuspage's incidents.json; `names` by a provider's id."""
    from bot.clock import SystemClock
    from bot.core.shape import Page, timeline_json

    latest = max((incident.updated_at for incident in incidents), default=SystemClock().now())
    print_json(timeline_json(incidents, names, Page(latest)))


def print_json(document: object) -> None:
    """A document on standard output."""
    import orjson

    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
