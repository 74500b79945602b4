"""The ledger's part that keeps small notes by name: what a front end has to remember across restarts."""

from __future__ import annotations

from sqlalchemy import select

from bot.store.part import Part
from bot.store.schema import notes


class Notes(Part):
    """ports.Ledger's part about notes."""

    def note(self, name: str) -> str:
        """What was noted under a name; empty where nothing was."""
        return str(self._db.execute(select(notes.c.text).where(notes.c.name == name)).scalar() or "")

    def save_note(self, name: str, text: str) -> None:
        """Note it, in the place of what was noted under the name."""
        self._upsert(notes, [{"name": name, "text": text}])
