"""The ledger's part that reads incidents, each whole: with its updates and the reports that these rest on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from heapq import nlargest
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from bot.core.place import BEARERS, LATEST, NEAREST, TELLING
from bot.model import Incident, Known, Near
from bot.store.part import Part, Row
from bot.store.rows import KNOWN, incident_of, known_of
from bot.store.schema import (
    aliases,
    incident_references,
    incident_words,
    incidents,
    report_keys,
    reports,
    seen,
    updates,
)

T = TypeVar("T")

BOUND, SPOKEN = 0, 1  #: how an incident was found
CROWD = 100  #: incidents that have spoken since, of which more need not be known
BATCH = 10_000  #: values in one IN (…): SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535


class Timeline(Part):
    """ports.Ledger's part that reads the timeline."""

    def known(self, source: str, threads: Collection[str], native_ids: Collection[str]) -> list[Known]:
        """What is known of these threads and statements of one source."""
        found = {}
        for name, wanted in (("thread", threads), ("native_id", native_ids)):
            for some in batches(wanted):
                for row in self._rows(_remembered(name), {"source": source, "wanted": some}):
                    found[row["native_id"]] = known_of(row)
        return list(found.values())

    def neighbourhood(
        self,
        provider: str,
        *,
        threads: Collection[tuple[str, str]] = (),
        keys: Collection[str] = (),
        native_ids: Collection[tuple[str, str]] = (),
        window: tuple[datetime, datetime] | None = None,
    ) -> list[Incident]:
        """Whole incidents of a provider that a report may belong to, oldest first (ports.Ledger.neighbourhood).

        In a writing transaction on PostgreSQL no other process decides about the provider until this one has ended.
        """
        self._hold(provider)
        ids: set[str] = set()
        for name, pairs in (("thread", threads), ("native_id", native_ids)):
            for source, some in _by_source(pairs):
                values = {"provider": provider, "source": source, "wanted": some}
                ids.update(self._db.execute(_speaking(name), values).scalars())
        for some in batches(keys):
            ids.update(self._db.execute(_naming(), {"provider": provider, "wanted": some}).scalars())
        if window:
            ids.update(self._db.execute(_within(provider, *window)).scalars())
        return self._named(ids)

    def near(
        self,
        provider: str,
        source: str,
        *,
        threads: Collection[str],
        keys: Collection[str],
        native_ids: Collection[str],
        since: datetime,
    ) -> Near:
        """Which incidents these name, and which have spoken since (ports.Ledger.near), by one statement."""
        self._hold(provider)
        values = {"provider": provider, "source": source, "since": since}
        for name, wanted in (("thread", threads), ("native_id", native_ids), ("key", keys)):
            values.update((f"{name}{n}", value) for n, value in enumerate(wanted))
        found: dict[int, dict[str, str]] = {BOUND: {}, SPOKEN: {}}
        for kind, name, digest in self._db.execute(_near(len(threads), len(native_ids), len(keys)), values).all():
            found[kind][name] = digest
        spoken = {name: digest for name, digest in found[SPOKEN].items() if name not in found[BOUND]}
        return Near(tuple(self._remembered(found[BOUND])), tuple(self._remembered(spoken)))

    def likely(self, provider: str, words: Sequence[str], begin: datetime, until: datetime) -> list[Incident]:
        """The incidents that spoke last, and those with most of these words (ports.Ledger.likely), by one statement."""
        values = {f"word{n}": word for n, word in enumerate([*words, *[""] * TELLING][:TELLING])}
        times = {"provider": provider, "begin": begin, "until": until}
        found: dict[str, str] = {}
        points: Counter[tuple[datetime, str, str]] = Counter()
        for kind, name, digest, last_at in self._db.execute(_likely(), times | values).all():
            if kind == SPOKEN:
                found[name] = digest
            else:
                points[last_at, name, digest] += 1
        best = nlargest(NEAREST, points, key=lambda one: (points[one], one))
        return self._remembered(found | {name: digest for _, name, digest in best})

    def _remembered(self, digests: Mapping[str, str]) -> list[Incident]:
        """Whole incidents by their ids, oldest first; what was read before is not read again."""
        found = self._memory.recall(digests.items())
        names = [name for name, digest in digests.items() if (name, digest) not in found]
        missing = self._named(names)
        self._memory.keep(((incident.id, digests[incident.id]), incident) for incident in missing)
        return sorted([*found.values(), *missing], key=_age)

    def incident(self, incident: str) -> Incident | None:
        """One whole incident, by its id, by the id of one that it absorbed, or by a reference (`MO1221364`)."""
        digests = dict(map(tuple, self._db.execute(_digest(), {"name": incident})))
        return next(reversed(self._remembered(digests) or self.called(incident)), None)

    def called(self, name: str) -> list[Incident]:
        """All whole incidents that bear a name, oldest first: by the surest way in which one does."""
        return next(filter(None, map(self._whole, _called(name))), [])

    def timeline(
        self,
        *,
        provider: str | None = None,
        open_only: bool = False,
        since: datetime | None = None,
    ) -> list[Incident]:
        """Whole incidents, newest `started_at` first; `since`: those updated, or still open, at or after it.

        In a writing transaction about one provider it keeps other processes off as `neighbourhood` does.
        """
        ids = select(incidents.c.id)
        if provider is not None:
            self._hold(provider)
            ids = ids.where(incidents.c.provider == provider)
        if open_only:
            ids = ids.where(incidents.c.open)
        if since is not None:
            ids = ids.where(or_(incidents.c.open, incidents.c.updated_at >= since))
        return self._whole(ids)[::-1]

    def components(self, provider: str, limit: int = 500) -> list[str]:
        """What a provider's newest incidents, so many, have called its components; those named last come first."""
        newest = select(incidents.c.components).where(incidents.c.provider == provider)
        named = self._db.execute(newest.order_by(incidents.c.last_at.desc(), incidents.c.id).limit(limit)).scalars()
        return list(dict.fromkeys(name for names in named for name in names))

    def open_providers(self) -> set[str]:
        """The providers with an open incident (maintenances do not count)."""
        query = select(incidents.c.provider).where(incidents.c.open, incidents.c.maintenance.is_(False)).distinct()
        return set(self._db.execute(query).scalars())

    def _named(self, ids: Iterable[str]) -> list[Incident]:
        """The incidents with these ids, oldest first, by three statements for each batch."""
        found = [incident for some in batches(ids) for incident in self._whole(some)]
        return sorted(found, key=_age)

    def _whole(self, ids: Select[Any] | Sequence[str]) -> list[Incident]:
        """The incidents with these ids, or with those that a query selects, oldest first, by three statements."""
        spoken, entries = (self._children(table, ids) for table in (reports, updates))
        rows = self._belonging(ids, incidents.c.id)
        found = (incident_of(row, entries.get(row["id"], ()), spoken.get(row["id"], ())) for row in rows)
        return sorted(found, key=_age)

    def _children(self, table: Table, ids: Select[Any] | Sequence[str]) -> dict[str, list[Row]]:
        """The rows that belong to these incidents, by incident, each in their place."""
        found: dict[str, list[Row]] = {}
        for row in self._belonging(ids, table.c.incident_id, table.c.place):
            found.setdefault(row["incident_id"], []).append(row)
        return found

    def _belonging(self, ids: Select[Any] | Sequence[str], *columns: Column[Any]) -> list[Row]:
        """The rows in whose first column one of the ids stands, by the other columns' order."""
        if isinstance(ids, Select):
            return self._rows(select(columns[0].table).where(columns[0].in_(ids)).order_by(*columns[1:]))
        return self._rows(_whose(*columns), {"wanted": ids})

    def _hold(self, provider: str) -> None:
        """Where several processes write at once, let only one at a time decide about a provider.

        Two that did not see each other's new incident would tell the same event twice. SQLite has one writer anyway.
        """
        if self._writing and self._db.dialect.name == "postgresql":
            self._db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(provider, 0))))


def _age(incident: Incident) -> tuple[datetime, str]:
    return (incident.started_at, incident.id)


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in lists of at most BATCH."""
    rest = iter(values)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _by_source(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """The second of each pair, in lists for each source."""
    by_source: dict[str, list[str]] = {}
    for source, value in pairs:
        by_source.setdefault(source, []).append(value)
    for source, values in by_source.items():
        for some in batches(values):
            yield source, some


# What each poll asks is built once: to build a query costs more than to run it.


@cache
def _remembered(name: str) -> CompoundSelect[Any]:
    """What is known of a source's reports by this column, those of pruned incidents too."""
    kept = ((reports, literal(False)), (seen, literal(True)))
    return union_all(
        *(
            select(*(table.c[fact] for fact in KNOWN), forgotten.label("forgotten")).where(
                table.c.source == bindparam("source"), _wanted(table.c[name])
            )
            for table, forgotten in kept
        )
    )


@cache
def _digest() -> Select[Any]:
    """An incident's id and the digest of its content, where there is one with that id."""
    return select(incidents.c.id, incidents.c.digest).where(incidents.c.id == bindparam("name"))


@cache
def _whose(column: Column[Any], *order: Column[Any]) -> Select[Any]:
    """The rows of a column's table by its values."""
    return select(column.table).where(_wanted(column)).order_by(*order)


@cache
def _speaking(name: str) -> Select[Any]:
    """The incidents of a provider with such reports of a source by this column."""
    of = and_(reports.c.source == bindparam("source"), reports.c.provider == bindparam("provider"))
    return select(reports.c.incident_id).where(of, _wanted(reports.c[name])).distinct()


@cache
def _naming() -> Select[Any]:
    """The incidents of a provider with a report that bears such a key."""
    same = and_(reports.c.source == report_keys.c.source, reports.c.native_id == report_keys.c.native_id)
    query = select(reports.c.incident_id).join_from(report_keys, reports, same)
    return query.where(report_keys.c.provider == bindparam("provider"), _wanted(report_keys.c.key)).distinct()


@lru_cache(maxsize=256)
def _near(threads: int, native_ids: int, keys: int) -> Select[Any]:
    """The incidents that name the same (BOUND), and those that spoke since a time (SPOKEN, at most CROWD of them).

    For so many values of each kind: an IN whose length is only known when it runs costs more than all the rest.
    """
    of = and_(reports.c.source == bindparam("source"), reports.c.provider == bindparam("provider"))
    same = and_(reports.c.source == report_keys.c.source, reports.c.native_id == report_keys.c.native_id)
    spoken = select(_kind(BOUND), reports.c.incident_id).where(of)
    bearing = select(_kind(BOUND), reports.c.incident_id).join_from(report_keys, reports, same)
    parts = [
        (threads, spoken.where(_numbered(reports.c.thread, "thread", threads))),
        (native_ids, spoken.where(_numbered(reports.c.native_id, "native_id", native_ids))),
        (keys, bearing.where(_of_provider(report_keys), _numbered(report_keys.c.key, "key", keys))),
    ]
    late = select(_kind(SPOKEN), incidents.c.id).where(
        _of_provider(incidents), incidents.c.last_at >= bindparam("since")
    )
    spoke = select(_at_most(late, CROWD).subquery())
    ids = union_all(*(part for wanted, part in parts if wanted), spoke).subquery().alias("ids")
    kind, name = ids.c
    return select(kind, incidents.c.id, incidents.c.digest).join_from(ids, incidents, incidents.c.id == name)


@cache
def _likely() -> CompoundSelect[Any]:
    """The incidents that spoke last between two times (SPOKEN), and for each word those that used it last (BOUND)."""
    spoke = and_(_of_provider(incidents), _between(incidents.c.last_at))
    columns = (incidents.c.id, incidents.c.digest, incidents.c.last_at)
    latest = select(_kind(SPOKEN), *columns).where(spoke).order_by(incidents.c.last_at.desc())
    parts = [_at_most(latest, LATEST)]
    for number in range(TELLING):
        used = incident_words.alias(f"w{number}")
        same = and_(used.c.provider == bindparam("provider"), used.c.word == bindparam(f"word{number}"))
        bearers = select(used.c.incident_id).where(same, _between(used.c.at)).order_by(used.c.at.desc())
        whose = _at_most(bearers, BEARERS).subquery(f"b{number}")
        parts.append(select(_kind(BOUND), *columns).join_from(whose, incidents, incidents.c.id == whose.c.incident_id))
    return union_all(*(select(part.subquery(f"p{number}")) for number, part in enumerate(parts)))


def _of_provider(table: Table) -> ColumnElement[bool]:
    return table.c.provider == bindparam("provider")


def _numbered(column: ColumnElement[Any], name: str, many: int) -> ColumnElement[bool]:
    return column.in_([bindparam(f"{name}{number}") for number in range(many)])


def _at_most(query: Select[Any], rows: int) -> Select[Any]:
    """A limit that is written into the statement: as a value it would be handed over at each execution."""
    return query.limit(literal_column(str(rows), Integer)).offset(literal_column("0", Integer))


def _kind(number: int) -> ColumnElement[int]:
    """How an incident was found, as a column."""
    return literal_column(str(number), Integer).label("kind")


def _between(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(column >= bindparam("begin"), column <= bindparam("until"))


def _wanted(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.in_(bindparam("wanted", expanding=True))


def _within(provider: str, begin: datetime, end: datetime) -> Select[Any]:
    """The incidents of a provider that spoke between these times, or are open and began before their end."""
    spoke = and_(incidents.c.last_at >= begin, incidents.c.first_at <= end)
    lasts = and_(incidents.c.open, incidents.c.started_at <= end)
    return select(incidents.c.id).where(incidents.c.provider == provider, or_(spoke, lasts))


def _called(name: str) -> Iterator[Select[Any]]:
    """The ways to understand an incident's name, the surest first."""
    yield select(incidents.c.id).where(incidents.c.id == name)
    yield select(aliases.c.incident_id).where(aliases.c.id == name)
    known_as = incident_references.c.reference == name.strip().casefold()
    yield select(incident_references.c.incident_id).where(known_as)
