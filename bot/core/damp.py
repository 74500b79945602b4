"""A statement whose words flap is damped: so many edits within an hour, and the last words when there is room again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.model import Routing

EDITS = 3  #: of one update
WITHIN = timedelta(hours=1)


class Damper:
    """Which edits are told now. It lives as long as the process: a restart forgets what was held back."""

    def __init__(self) -> None:
        self._told: dict[str, deque[datetime]] = {}  # by update, when its edits were told
        self._held: dict[str, Routing] = {}  # by incident, the edit that waits

    def through(self, routings: Iterable[Routing], at: datetime) -> list[Routing]:
        """Those of one change of an update's words alone that are told now; what is held back is told later."""
        passed = []
        for routing in routings:
            if self._room(routing.update, at):
                self._told.setdefault(routing.update, deque(maxlen=EDITS)).append(at)
                passed.append(routing)
            else:
                self._held[routing.incident] = routing
        return passed

    def due(self, at: datetime) -> bool:
        """Whether anything held back may be told."""
        return any(self._room(routing.update, at) for routing in list(self._held.values()))

    def released(self, at: datetime) -> list[Routing]:
        """What was held back and is told now."""
        ready = [routing for routing in self._held.values() if self._room(routing.update, at)]
        for routing in ready:
            del self._held[routing.incident]
        self._forget(at)
        return self.through(ready, at)

    def settle(self, incident: str) -> None:
        """The incident's message is brought up to date by something else: nothing of it waits any more."""
        self._held.pop(incident, None)

    def _room(self, update: str, at: datetime) -> bool:
        told = self._told.get(update)
        return told is None or len(told) < EDITS or at - told[0] >= WITHIN

    def _forget(self, at: datetime) -> None:
        for update in [update for update, told in self._told.items() if at - told[-1] >= WITHIN]:
            del self._told[update]
