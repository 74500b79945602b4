"""What is in hand: claimed, and not written down yet; by the claim, by the destination, and by its kind."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from bot.limits import Limits, Pace
from bot.model import Outcome
from bot.turn import EXCLUDED, Owed

CROWD = 4  #: deliveries in hand for one destination, beyond which it waits its turn: it is slow
LEASE, KIND = attrgetter("delivery.lease"), attrgetter("delivery.destination.kind")


@dataclass(slots=True)
class Outlet:
    """What is in hand for one kind of destination: a queue of destinations, each with its deliveries in order."""

    pace: Pace
    waiting: deque[tuple[str, list[Owed]]] = field(default_factory=deque)  #: destinations, and what is in hand for each
    working: int = 0  #: workers, each with one destination
    in_hand: int = 0  #: deliveries claimed and not written down yet

    @property
    def room(self) -> int:
        """How many more may be claimed."""
        if not self.in_hand:  # nobody is at work yet: a few at once are better than many soon
            return min(2 * self.pace.abreast, self.pace.abreast + self.pace.ahead)
        return self.pace.abreast + self.pace.ahead - self.in_hand


class Hand:
    """What one deliverer has in hand. limits: say what each kind bears, and who rests."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._outlets: dict[str, Outlet] = {}
        self._at: dict[str, list[Owed]] = {}  # destination -> what is in hand for it, sent in this order
        self._leases: Counter[str] = Counter()  # how many deliveries each claim still has in hand
        self.size = 0  #: deliveries

    def take(self, entries: Sequence[Owed]) -> list[Outlet]:
        """Take these in hand, and give the outlets at which one more has to set to work, once for each."""
        self.size += len(entries)
        self._leases.update(map(LEASE, entries))
        idle: list[Outlet] = []
        for entry in entries:
            to = entry.delivery.destination
            name, outlet = str(to), self._outlet(to.kind)
            outlet.in_hand += 1
            known = self._at.get(name)
            if known is not None:
                known.append(entry)  # its worker goes on with it
                continue
            batch = self._at[name] = [entry]
            outlet.waiting.append((name, batch))
            if outlet.working < outlet.pace.abreast:
                outlet.working += 1
                idle.append(outlet)
        return idle

    def done(self, destination: str) -> None:
        """Something has come of all that was in hand for a destination."""
        del self._at[destination]

    def forget(self, written: Sequence[Outcome]) -> None:
        """These are written down and no longer in hand."""
        self.size -= len(written)
        for kind, count in Counter(map(KIND, written)).items():
            self._outlets[kind].in_hand -= count
        self._leases -= Counter(map(LEASE, written))

    @property
    def working(self) -> bool:
        """Whether anybody is at work."""
        return any(outlet.working for outlet in self._outlets.values())

    def leases(self, written: Sequence[Outcome] = ()) -> list[str]:
        """The claims of which something is in hand besides these."""
        return list(self._leases - Counter(map(LEASE, written)))

    def rooms(self, written: Sequence[Outcome]) -> dict[str, int]:
        """How many more may be claimed for each kind once these are written down; under "" for any other."""
        done, resting = Counter(map(KIND, written)), self._limits.resting()
        rooms = {"": Outlet(self._limits.pace("")).room}
        for kind, outlet in self._outlets.items():
            rooms[kind] = Outlet(outlet.pace, in_hand=outlet.in_hand - done[kind]).room
        return rooms | dict.fromkeys((kind for kind in resting if ":" not in kind), 0)

    def taken(self) -> list[str]:
        """The destinations for which nothing may be claimed now: those that rest, and the slow ones."""
        slow = [name for name, entries in self._at.items() if len(entries) >= CROWD]
        return (slow + list(self._limits.resting()))[:EXCLUDED]

    def _outlet(self, kind: str) -> Outlet:
        known = self._outlets.get(kind)
        if known is None:
            known = self._outlets[kind] = Outlet(self._limits.pace(kind))
        return known
