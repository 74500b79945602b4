"""Items to Reports: native ids, UTC, comparable keys; and which of them say anything that the ledger does not know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from bot.core.match import GOES, goes_on_as, id_keys, ids_in, link_key, mentions_beside
from bot.core.text import tidy
from bot.model import Item, Known, Report, Source

FUTURE = timedelta(minutes=15)  #: a statement dated later than this after we read it is misdated
YEAR = timedelta(days=365.2425)
ABOUT = timedelta(days=2)  #: how far from whole years a date may be off whose year is mistyped
LONG_AGO = datetime(2000, 1, 2, tzinfo=UTC)  #: earlier dates are empty ones: year 0001 (Microsoft 365), the epoch


def normalise(
    source: Source, items: Sequence[Item], known: Iterable[Known], at: datetime, *, read_at: datetime | None = None
) -> list[Report]:
    """The reports among `items` that are new or say something else than before.

    known: the ledger's memory of the items' threads and native ids. at: the time of the capture (UTC). read_at: when
    the document was read before; None: never, so that old ones may be among them.
    What is forgotten but for having been seen says nothing more, even where it reads otherwise now.
    """
    memory = {entry.native_id: entry for entry in known}
    fresh = []
    for item, native_id, position in numbered(items, memory.values()):
        before = memory.get(native_id)
        if before is not None and before.forgotten:
            continue
        report = as_report(source, item, native_id, position, before, at, read_at=read_at)
        if before is None or before.digest != digest(report):
            fresh.append(report)
    return fresh


def numbered(items: Sequence[Item], known: Iterable[Known]) -> list[tuple[Item, str, int]]:
    """Each item with its native id and its place within its thread.

    Where the source has an id for the whole incident only, its statements are counted from 1, oldest first, among
    all that were ever seen: a number is not used again (CONTRACT.md, "Timeline as JSON").
    """
    threads: dict[str | None, list[Item]] = defaultdict(list)
    for item in items:
        threads[item.thread].append(item)
    memory: dict[str | None, list[Known]] = defaultdict(list)
    for entry in known:
        memory[entry.thread].append(entry)
    result = []
    for thread, members in threads.items():
        unnumbered = [item for item in members if item.native_id is None]
        numbers = iter(_align(unnumbered, [entry for entry in memory[thread] if _counted(entry)]))
        for position, item in enumerate(members):
            native_id = item.native_id or f"{thread}#{next(numbers)}"
            result.append((item, native_id, position))
    return result


def _counted(entry: Known) -> bool:
    return entry.native_id.startswith(f"{entry.thread}#")


def _align(items: Sequence[Item], known: Sequence[Known]) -> list[int]:
    """The numbers of one thread's items: known ones are recognised by time and words, then either; others are new."""
    free = {int(entry.native_id.rpartition("#")[2]): entry for entry in known}
    highest = max(free, default=0)
    numbers: list[int | None] = [None] * len(items)
    for same in (_same_time_and_words, _same_time, _same_words):
        for place, item in enumerate(items):
            if numbers[place] is None:
                number = next((n for n, entry in sorted(free.items()) if same(item, entry)), None)
                if number is not None:
                    numbers[place] = number
                    del free[number]
    result = []
    for number in numbers:
        if number is None:
            highest += 1
            number = highest
        result.append(number)
    return result


def _same_time(item: Item, entry: Known) -> bool:
    return item.at is not None and item.at == entry.at


def _same_words(item: Item, entry: Known) -> bool:
    return words_digest(item.text) == entry.words


def _same_time_and_words(item: Item, entry: Known) -> bool:
    return _same_time(item, entry) and _same_words(item, entry)


def as_report(
    source: Source,
    item: Item,
    native_id: str,
    position: int,
    before: Known | None,
    at: datetime,
    *,
    read_at: datetime | None = None,
) -> Report:
    """One item, made comparable. What was dated by first sight keeps that date.

    A status or impact that it no longer repeats it still has stated: many sources give them with their newest only.
    """
    first_seen = before.first_seen_at if before else at
    dated = _believable(item.at, before, at, read_at)
    keys = {link_key(address) for address in item.links}
    if item.references:
        keys |= {f"id:{reference}" for reference in item.references}
    else:
        keys |= _named(item)
    keys |= _goes_on(item)
    return Report(
        source=source.id,
        native_id=native_id,
        provider=source.provider,
        at=item.at.astimezone(UTC) if item.at is not None and dated else first_seen,
        dated=dated,
        first_seen_at=first_seen,
        seen_at=at,
        text=tidy(item.text),
        thread=item.thread,
        title=tidy(item.title),
        status=item.status or (before.status if before else None),
        impact=item.impact or (before.impact if before else None),
        url=item.url,
        keys=frozenset(keys - {""}),
        references=item.references,
        components=item.components,
        regions=item.regions,
        maintenance=item.maintenance,
        starts=item.starts,
        ends=item.ends,
        revision=before.revision if before else 0,
        position=position,
        stated_at=_stated_at(item, at) if dated else None,
    )


def _believable(stated: datetime | None, before: Known | None, at: datetime, read_at: datetime | None) -> bool:
    """Whether a stated date can be true: nothing is said later than it is seen, and the year may be a typing error.

    (Where the source was not read since, what it says for the first time may be a year old; and who mends a year that
    was believed mends it to the time of the first sight.)
    """
    if stated is None or not LONG_AGO <= stated <= (before.first_seen_at if before else at) + FUTURE:
        return False
    if before is not None:
        return not (years_apart(stated, before.at) and years_apart(stated, before.first_seen_at))
    return read_at is None or stated >= read_at or not years_apart(stated, at)


def years_apart(one: datetime, other: datetime) -> bool:
    """Whether two times are just about the same but for the year."""
    years = round((other - one) / YEAR)
    return years != 0 and abs(other - one - years * YEAR) <= ABOUT


def _named(item: Item) -> set[str]:
    """The ids that a statement names.

    Where it has a thread of its own, its title's, else the only one in its words: of several some are neighbours.
    """
    if item.thread is None:
        return id_keys(f"{item.title}\n{item.text}")
    in_words = id_keys(item.text)
    alone = len(in_words) == 1 and not mentions_beside(item.text)
    return id_keys(item.title) or (in_words if alone else set())


def _goes_on(item: Item) -> set[str]:
    """The other id under which a statement says that its incident goes on; in a post with its own id beside it."""
    other = goes_on_as(item.text)
    own = item.references or (ids_in(item.title) if item.thread is not None else ())
    if not other or other in own or (item.thread is None and len(ids_in(f"{item.title}\n{item.text}")) != 2):
        return set()
    return {f"{GOES}{other}"}


def _stated_at(item: Item, at: datetime) -> datetime | None:
    """When the status was stated, where the source says so and that is later than the words."""
    if item.at is None or item.stated_at is None or item.status is None:
        return None
    return item.stated_at.astimezone(UTC) if item.at < item.stated_at <= at + FUTURE else None


def digest(report: Report) -> str:
    """What a report says, without clocks, white space and our own bookkeeping (rule of truth 1)."""
    facts = (
        words_digest(report.text),
        words_digest(report.title),
        report.at.isoformat() if report.dated else "",
        report.status or "",
        report.impact or "",
        "|".join(sorted(report.components)),
        "|".join(sorted(report.regions)),
        "|".join(sorted(report.keys)),
        str(report.starts or ""),
        str(report.ends or ""),
    )
    return _hash("\x1f".join(facts))


def words_digest(text: str) -> str:
    """The words of a text alone: white space folded, letter case kept (an edit may be of one letter)."""
    return _hash(" ".join(text.split()))


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()
