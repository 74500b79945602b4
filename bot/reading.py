"""fetch -> parse: one poll of one source, from its documents to the statements in them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from bot.core.match import Vocabulary
from bot.errors import Unreadable
from bot.model import Capture, Cursor, Item, Source
from bot.ports import Collector, Divides

LARGE = 16 * 1024  #: bytes; a larger body is parsed off the event loop
#: Two threads for them: one long document holds up no other, and more would only wait for each other.
PARSERS = ThreadPoolExecutor(2, thread_name_prefix="parse")
NOT_MODIFIED = 304
#: What a parser may trip over in a document of a shape that nobody has seen yet: the source is unreadable, no more.
MISSHAPEN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True, slots=True)
class Watched:
    """One source with all that the corridor needs to read it."""

    source: Source
    collector: Collector
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    siblings: Mapping[str, str] = field(default_factory=dict)  #: the provider's sources, itself too: id -> label
    hosted: frozenset[str] = frozenset()  #: those of them that stand on the provider's own ground
    likeness: bool = False  #: one of them makes statements that only likeness can place
    lists_open: bool = False  #: what is open and missing in its documents has vanished from them


@dataclass(frozen=True, slots=True)
class Reading:
    """One capture, read: its statements, or why there are none to believe."""

    capture: Capture
    items: tuple[Item, ...] = ()
    failure: Unreadable | None = None
    unchanged: bool = False
    marks: Mapping[str | None, int] = field(default_factory=dict)  #: by thread, what its statements are known by again
    told: frozenset[str | None] = frozenset()  #: threads that read as when they were last saved
    parts: tuple[str, ...] = ()  #: digests of its entries that need not be read again


async def read(watched: Watched, capture: Capture, cursor: Cursor) -> Reading:
    """Parse a capture unless its bytes are those of last time. Raises nothing: a failure is a value."""
    page = cursor.pages.get(capture.url)
    same_bytes = page is not None and bool(page.digest) and page.digest == capture.digest and capture.status == 200
    if capture.status == NOT_MODIFIED or same_bytes:
        return Reading(capture, unchanged=True)
    known = page.parts if page is not None else ()
    try:
        if len(capture.body) > LARGE:
            return await asyncio.get_running_loop().run_in_executor(PARSERS, parse, watched, capture, known)
        return parse(watched, capture, known)
    except Unreadable as failure:
        return Reading(capture, failure=failure)
    except MISSHAPEN as error:
        return Reading(capture, failure=Unreadable(f"an unexpected shape ({type(error).__name__})"))


def parse(watched: Watched, capture: Capture, known: Collection[str] = ()) -> Reading:
    """What a capture says, the entries with a `known` digest left out.

    Raises Unreadable, and MISSHAPEN where the parser stumbles.
    """
    divided = watched.collector.divide(capture) if isinstance(watched.collector, Divides) and capture.body else None
    entries = {digest_of(entry): entry for entry in divided.entries} if divided else {}
    read_before = known if divided else ()
    said = capture
    if divided and any(name in read_before for name in entries):
        if all(name in read_before for name in entries):
            return Reading(capture, parts=tuple(entries))
        fresh = b"".join(entry for name, entry in entries.items() if name not in read_before)
        said = replace(capture, body=divided.head + fresh + divided.tail)
    items = tuple(watched.collector.parse(watched.source, said))
    return Reading(capture, items, marks=marks(items), parts=tuple(entries))


def digest_of(entry: bytes) -> str:
    """What an entry is known again by."""
    return blake2b(entry, digest_size=8).hexdigest()


def marks(items: Iterable[Item]) -> Mapping[str | None, int]:
    """By thread, a number that stands for its statements within this process."""
    threads: dict[str | None, list[Item]] = {}
    for item in items:
        threads.setdefault(item.thread, []).append(item)
    return {thread: hash(tuple(members)) for thread, members in threads.items()}


async def poll(watched: Watched, cursor: Cursor, seen: list[Capture] | None = None) -> list[Reading]:
    """Fetch and read every document of a source; `seen` collects the captures (for a recording)."""
    readings = []
    async for capture in watched.collector.fetch(watched.source, cursor):
        if seen is not None:
            seen.append(capture)
        readings.append(await read(watched, capture, cursor))
    return readings
