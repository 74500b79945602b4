"""The ledger's part about what platforms have asked for, so that no process has to be refused for itself.

Times are the processes' own, as those of deliveries are: their clocks agree within some seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, case, delete, or_, select

from bot.model import Rest
from bot.store.columns import Instant
from bot.store.part import Part
from bot.store.schema import rests as table

LEFT = select(table.c.name, table.c.until, table.c.limited).where(table.c.until > bindparam("since", type_=Instant()))


class Rests(Part):
    """ports.Ledger's part about where nothing may be sent for a while."""

    def rests(self, since: datetime) -> list[Rest]:
        """What platforms have asked of any process, as far as it was not over by then."""
        return [Rest(name, until, limited) for name, until, limited in self._db.execute(LEFT, {"since": since})]

    def rest(self, rests: Sequence[Rest], since: datetime) -> None:
        """Write down what platforms ask for, for every process; what was over by then is forgotten.

        Each in the order of the names, and nothing is waited for once they are written: processes never wait in a ring.
        """
        made = self._insert(table)
        new = made.excluded
        longer = case((new.until > table.c.until, new.until), else_=table.c.until)
        kept = or_(new.limited.is_(None), table.c.limited > new.limited)
        limited = case((kept, table.c.limited), else_=new.limited)
        asked = made.on_conflict_do_update(index_elements=["name"], set_={"until": longer, "limited": limited})
        rows = [{"name": it.name, "until": it.until, "limited": it.limited} for it in rests]
        self._db.execute(asked, sorted(rows, key=lambda row: str(row["name"])))
        over = select(table.c.name).where(table.c.until <= since).with_for_update(skip_locked=True)
        self._db.execute(delete(table).where(table.c.name.in_(over)))
        self.rings = True
