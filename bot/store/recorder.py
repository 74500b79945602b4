"""The ledger's part that writes changes of the timeline: a handful of statements, however many rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Delete,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    literal,
    select,
    union_all,
    update,
)

from bot.core.place import REACH
from bot.model import Change, Incident
from bot.store.columns import EPOCH
from bot.store.part import Part
from bot.store.rows import Placed, incident_row, key_rows, placed, report_row, update_rows, word_rows
from bot.store.schema import (
    aliases,
    deliveries,
    incident_references,
    incident_words,
    incidents,
    report_keys,
    reports,
    told,
    updates,
)
from bot.store.timeline import batches

Key = tuple[str, str]
WORDS_KEPT = REACH + timedelta(hours=24)  #: no statement is joined by likeness to what was said longer ago

own = told.alias("own")


class Recorder(Part):
    """ports.Ledger's part that writes the timeline."""

    def save(self, changes: Sequence[Change]) -> None:
        """Write each change's incident as it now is (ports.Ledger.save); rows that stayed as they were are left."""
        current = _last_of_each(changes)
        before = [change.before for change in _first_of_each(changes) if change.before]
        now = [change.incident for change in current]
        self._upsert(incidents, [incident_row(incident) for incident in now])
        entries, statements = self._stored(now)
        self._save_updates(now, before, entries)
        self._save_reports(now, before, statements)
        self._save_references(now)
        self._save_words(now, before)
        self._revive([incident.id for incident in now])
        self._absorb([(old, change.incident.id) for change in changes for old in change.absorbed])

    def _save_updates(self, now: Collection[Incident], before: Collection[Incident], stored: set[Key]) -> None:
        rows = _together(update_rows(incident) for incident in now)
        former = _together(update_rows(incident) for incident in before)
        self._remove(updates, ("incident_id", "id"), stored - rows.keys())
        self._upsert(updates, [row for key, row in rows.items() if key not in stored or former.get(key) != row])

    def _save_reports(self, now: Collection[Incident], before: Collection[Incident], stored: set[Key]) -> None:
        standing: dict[Key, Placed] = _together(placed(incident) for incident in now)
        former: dict[Key, Placed] = _together(placed(incident) for incident in before)
        self._remove(reports, ("source", "native_id"), stored - standing.keys())
        fresh = {key: it for key, it in standing.items() if key not in stored or former.get(key) != it}
        rows = [report_row(it) for it in fresh.values()]
        self._upsert(reports, rows)
        self._remove(report_keys, ("source", "native_id"), [key for key in fresh if _renamed(key, standing, former)])
        self._upsert(report_keys, list(key_rows(rows)))

    def _save_references(self, now: Collection[Incident]) -> None:
        self._remove(incident_references, ("incident_id",), [(incident.id,) for incident in now])
        rows = [
            {"reference": reference.casefold(), "incident_id": incident.id}
            for incident in now
            for reference in incident.references
        ]
        self._upsert(incident_references, rows)

    def _save_words(self, now: Collection[Incident], before: Collection[Incident]) -> None:
        """Keep the words of the last days; one that an incident has lost may stay, and leads there for nothing."""
        if not now:
            return
        since = max(EPOCH, *(incident.updated_at for incident in now)) - WORDS_KEPT
        rows = _together(word_rows(incident) for incident in now if incident.updated_at >= since)
        former = _together(word_rows(incident) for incident in before)
        self._upsert(
            incident_words, [row for key, row in rows.items() if row["at"] >= since and former.get(key) != row]
        )
        if len(now) > len(before):
            old = and_(incident_words.c.provider == next(iter(now)).provider, incident_words.c.at < since)
            self._db.execute(delete(incident_words).where(old))

    def _revive(self, ids: Collection[str]) -> None:
        """Let ids that had led elsewhere be incidents again, each with the messages that were its own."""
        for some in batches(ids):
            once = select(aliases.c.id, aliases.c.incident_id).where(aliases.c.id.in_(some))
            for old, heir in list(self._db.execute(once)):
                names = ("destination", "message", "at")  # of an inherited row all three are those of the first
                its_own = exists().where(own.c.incident_id == old, *(own.c[name] == told.c[name] for name in names))
                self._db.execute(delete(told).where(told.c.incident_id == heir, its_own))
                self._db.execute(update(deliveries).where(deliveries.c.incident_id == old).values(lane=old))
                self._db.execute(delete(aliases).where(aliases.c.id == old))

    def _absorb(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Let the absorbed ids lead to their incident: its lane goes on behind theirs, and who was told stays told."""
        for old, new in pairs:
            self._db.execute(update(aliases).where(aliases.c.incident_id == old).values(incident_id=new))
            self._upsert(aliases, [{"id": old, "incident_id": new}])
            self._db.execute(update(deliveries).where(deliveries.c.lane == old).values(lane=new))
            self._inherit_told(old, new)
            self._db.execute(delete(incidents).where(incidents.c.id == old))

    def _inherit_told(self, old: str, new: str) -> None:
        """A destination that was told of the absorbed incident only gets the rest of the story under that message."""
        names = [column.name for column in told.c]
        columns = [literal(new) if name == "incident_id" else told.c[name] for name in names]
        heirs = select(*columns).where(told.c.incident_id == old)
        self._db.execute(self._insert(told).from_select(names, heirs).on_conflict_do_nothing())

    def _stored(self, now: Collection[Incident]) -> tuple[set[Key], set[Key]]:
        """The primary keys of the updates, and of the reports, that these incidents have now."""
        entries: set[Key] = set()
        statements: set[Key] = set()
        for some in batches(incident.id for incident in now):
            for is_update, first, second in self._db.execute(_standing(), {"incidents": some}):
                (entries if is_update else statements).add((first, second))
        return entries, statements

    def _remove(self, table: Table, columns: Sequence[str], keys: Iterable[tuple[str, ...]]) -> None:
        """Delete the rows with these values in these columns, by one statement."""
        values = [{f"old_{name}": value for name, value in zip(columns, key, strict=True)} for key in keys]
        if values:
            self._db.execute(_removal(table, tuple(columns)), values)


@cache
def _removal(table: Table, columns: tuple[str, ...]) -> Delete:
    """The statement that deletes the rows with given values in these columns."""
    return delete(table).where(*(table.c[name] == bindparam(f"old_{name}") for name in columns))


@cache
def _standing() -> CompoundSelect[Any]:
    """The statement that finds the primary keys of the updates and reports of incidents, and of which they are."""
    of: BindParameter[Any] = bindparam("incidents", expanding=True)
    return union_all(
        select(literal(True), updates.c.incident_id, updates.c.id).where(updates.c.incident_id.in_(of)),
        select(literal(False), reports.c.source, reports.c.native_id).where(reports.c.incident_id.in_(of)),
    )


def _last_of_each(changes: Iterable[Change]) -> list[Change]:
    """The changes that hold: the last of each incident, without those of incidents absorbed later on."""
    last: dict[str, Change] = {}
    for change in changes:
        for old in change.absorbed:
            last.pop(old, None)
        last[change.incident.id] = change
    return list(last.values())


def _first_of_each(changes: Sequence[Change]) -> Iterable[Change]:
    """The first change of each incident: what it came from is what is stored."""
    return {change.incident.id: change for change in reversed(changes)}.values()


def _together(parts: Iterable[Mapping[Key, Any]]) -> dict[Key, Any]:
    """Several mappings as one."""
    return {key: value for part in parts for key, value in part.items()}


def _renamed(key: Key, standing: Mapping[Key, Placed], former: Mapping[Key, Placed]) -> bool:
    """Whether a report may have keys stored that it bears no more."""
    return key not in former or former[key].report.keys != standing[key].report.keys
