"""The ledger's part that keeps what a destination wants to hear nothing new of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select

from bot.model import Destination, Mute
from bot.store.part import Part, Row
from bot.store.schema import aliases, mutes
from bot.store.subscriptions import destination_of

INCIDENT, PROVIDER = "incident", "provider"


class Mutes(Part):
    """ports.Ledger's part about mutes."""

    def mute(self, wish: Mute) -> None:
        """Tell a destination nothing new of something; a second wish for the same replaces the first."""
        self._upsert(mutes, [{**_named(wish), "until": wish.until}])

    def unmute(self, wish: Mute) -> bool:
        """Lift what was muted; whether it was. `wish.until` makes no difference."""
        named = _named(wish)
        same = and_(*(mutes.c[name] == value for name, value in named.items()))
        return bool(self._db.execute(delete(mutes).where(same)).rowcount)

    def mutes(self, to: Destination | None = None) -> list[Mute]:
        """Those that stand, of one destination or of all."""
        query = select(mutes).order_by(mutes.c.destination, mutes.c.kind, mutes.c.value)
        if to is not None:
            query = query.where(mutes.c.destination == str(to))
        return [_mute_of(row) for row in self._rows(query)]

    def lapse(self, now: datetime) -> Sequence[Mute]:
        """Take away those whose time is over; these."""
        over = mutes.c.until <= now
        gone = [_mute_of(row) for row in self._rows(select(mutes).where(over))]
        if gone:
            self._db.execute(delete(mutes).where(over))
        return gone


def standing(incident: Any, provider: Any, at: Any) -> ColumnElement[bool]:
    """Whether a mute concerns an incident (also by an id that it absorbed) or its provider, and is not over.

    All three may be values or a statement's parameters.
    """
    absorbed = select(aliases.c.id).where(aliases.c.incident_id == incident)
    this = and_(mutes.c.kind == INCIDENT, or_(mutes.c.value == incident, mutes.c.value.in_(absorbed)))
    whole = and_(mutes.c.kind == PROVIDER, mutes.c.value == provider)
    return and_(or_(this, whole), or_(mutes.c.until.is_(None), mutes.c.until > at))


def _named(wish: Mute) -> Row:
    kind, value = (INCIDENT, wish.incident) if wish.incident else (PROVIDER, wish.provider)
    return {"destination": str(wish.to), "kind": kind, "value": value}


def _mute_of(row: Row) -> Mute:
    named = {row["kind"]: row["value"]}
    return Mute(destination_of(row["destination"]), named.get(INCIDENT, ""), named.get(PROVIDER, ""), row["until"])
