"""The ledger's part that remembers where each source was left and how far it is believed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select

from bot.model import Cursor, Sighting, Validators
from bot.store.many import one_of
from bot.store.part import Part, insert_of
from bot.store.rows import pick
from bot.store.schema import sources as table

FACTS = tuple(field.name for field in fields(Sighting) if field.name != "source")
CLOCKS = ("read_at", "asked_at", "changed_at", "next_at")
UNSEEN = {"reason": "", "ours": False, "failures": 0}


class Sources(Part):
    """ports.Ledger's part about sources."""

    def cursor(self, source: str) -> Cursor:
        """The saved cursor; an empty one for a source never read."""
        saved = self._db.execute(select(table.c.cursor).where(table.c.id == source)).scalar()
        if saved is None:
            return Cursor()
        pages = {
            url: Validators(**{**validators, "parts": tuple(validators.get("parts", ()))})
            for url, validators in saved["pages"].items()
        }
        return Cursor(pages, saved["state"])

    def save_cursor(self, source: str, cursor: Cursor) -> None:
        """Remember where a source was left."""
        row = {"id": source, "cursor": {"pages": dict(cursor.pages), "state": dict(cursor.state)}}
        self._db.execute(_placing(self._db.dialect.name), row | UNSEEN)

    def sightings(self, sources: Collection[str] | None = None) -> dict[str, Sighting]:
        """By source id; None asks for all. A source never seen is absent."""
        rows = self._rows(_believed()) if sources is None else self._rows(_believed_of(), {"wanted": sources})
        return {row["id"]: Sighting(row["id"], **{fact: row[fact] for fact in FACTS}) for row in rows}

    def save_sightings(self, sightings: Collection[Sighting]) -> None:
        """Remember what is believed of these sources; their cursors stay."""
        self._upsert(table, [{"id": sighting.source, **pick(sighting, FACTS)} for sighting in sightings])

    def save_clocks(self, sightings: Collection[Sighting]) -> None:
        """Remember of known sources when they were read, asked and changed, and when they are asked next."""
        if sightings:
            rows = [{"of": sighting.source, **pick(sighting, CLOCKS)} for sighting in sightings]
            self._db.execute(_ticking(), rows)


@cache
def _believed() -> Select[Any]:
    """Every source of which something is believed."""
    return select(table).where(table.c.belief.is_not(None)).order_by(table.c.id)


@cache
def _believed_of() -> Select[Any]:
    """The same, of these sources."""
    return _believed().where(one_of(table.c.id, "wanted"))


@cache
def _ticking() -> Any:
    """The statement that moves nothing but a source's clocks: the cheapest, because every poll comes to it."""
    return table.update().where(table.c.id == bindparam("of")).values({name: bindparam(name) for name in CLOCKS})


@cache
def _placing(dialect: str) -> Any:
    """The statement that saves a cursor and leaves what is believed of the source."""
    statement = insert_of(dialect)(table)
    return statement.on_conflict_do_update(index_elements=["id"], set_={"cursor": statement.excluded.cursor})
