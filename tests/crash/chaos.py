"""What goes wrong, and when the program dies: all drawn from one seed, each platform from dice of its own."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tests.support.faults import Fate, Fault

TROUBLED = 0.22  #: of all requests, while there is no peace
#: How often one kind of trouble comes, against the others.
WEIGHTS: Mapping[Fault, int] = {
    Fault.SLOW: 4,
    Fault.RESET: 3,
    Fault.LIMITED: 2,
    Fault.LIMITED_BARE: 1,
    Fault.BROKEN: 3,
    Fault.HANGS: 1,
    Fault.LOST: 4,
    Fault.BROKEN_AFTER: 3,
    Fault.HANGS_AFTER: 2,
}
SLOWEST = 0.4  #: seconds: less than a new process needs to ask
AT_ONCE = 0.006  #: seconds after an answer, within which it is being written down
STARTING = 1.2  #: times as long as a start takes, within which a program is still starting
WORKING = 1.5  #: seconds after its first request
LONG = 20.0  #: seconds of a life that is let see a hanging request through


class How(Enum):
    """When a life ends."""

    STARTING = "while starting"
    WORKING = "some time after its first request"
    REQUEST = "at a request"
    LONG = "after 20 s"


@dataclass(frozen=True, slots=True)
class Death:
    """How a life ends: `after` so many seconds (or starts), or at its `request`-th request by the `fault`."""

    how: How
    after: float = 0.0
    request: int = 0
    fault: Fault = Fault.NONE


@dataclass
class Chaos:
    """`at_peace`: nothing goes wrong any more. `done` counts what went wrong."""

    seed: int
    long_lives: float = 0.02  #: of all lives
    at_peace: bool = False
    done: Counter[Fault] = field(default_factory=Counter)
    _dice: dict[str, random.Random] = field(default_factory=dict)

    def dice(self, name: str) -> random.Random:
        """The dice of that name."""
        return self._dice.setdefault(name, random.Random(f"{self.seed}/{name}"))

    def death(self) -> Death:
        """How the next life ends."""
        dice = self.dice("deaths")
        if dice.random() < self.long_lives:
            return Death(How.LONG, after=LONG)
        how = dice.choices([How.STARTING, How.WORKING, How.REQUEST], [2, 4, 6])[0]
        if how is How.REQUEST:
            fault = dice.choice([fault for fault in Fault if fault.kills])
            return Death(how, request=dice.randint(1, 8), fault=fault)
        return Death(how, after=dice.uniform(0, STARTING if how is How.STARTING else WORKING))

    def fate(self, platform: str, death: Death, requests: int) -> Fate:
        """What happens to a request to a platform, the n-th of its program's life."""
        dice = self.dice(platform)
        fault = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0] if dice.random() < TROUBLED else Fault.NONE
        late = dice.uniform(0, SLOWEST if fault is Fault.SLOW else AT_ONCE)
        if self.at_peace:
            return Fate(Fault.NONE)
        if death.how is How.REQUEST and requests == death.request:
            fault = death.fault
        self.done[fault] += 1
        return Fate(fault, wait=1, late=late)
