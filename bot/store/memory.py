"""Incidents that were read before, by a digest of all that belongs to them: so none of them can be out of date."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from bot.model import Incident

MOST = 512  #: incidents; those that were not asked for longest go first

Name = tuple[str, str]  #: an incident's id and the digest of its content


class Memory:
    """What the threads of one store have read; the values are frozen, and may be shared."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[Name, Incident] = OrderedDict()
        self._lock = Lock()

    def recall(self, names: Iterable[Name]) -> dict[Name, Incident]:
        """Those that are remembered."""
        with self._lock:
            found = {name: self._known[name] for name in names if name in self._known}
            for name in found:
                self._known.move_to_end(name)
            return found

    def keep(self, incidents: Iterable[tuple[Name, Incident]]) -> None:
        """Remember these."""
        with self._lock:
            self._known.update(incidents)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
