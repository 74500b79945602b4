"""What may be sent how fast: how many abreast, how often to one place, and who rests because a platform asked for it.

One `Limits` is shared by everything in the process that sends, and what a platform asks of one process is asked of all
on its database: it is written down there with what came of the sends (turn.py), and heard before anything is claimed.
Nothing in here waits: it says what rests until when.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.model import Destination, Rest
from bot.ports import Clock


@dataclass(frozen=True, slots=True)
class Pace:
    """What a kind of destination bears."""

    abreast: int = 8  #: sends under way at once, over all its destinations
    ahead: int = 8  #: claimed beyond those, so that nobody waits for the database
    posts: int = 0  #: at one destination `within` this time; 0: as its answers say
    within: timedelta = timedelta(0)
    shared: bool = False  #: its destinations share one account, and so that account's limit


#: Constants only where a platform documents one (FACTS.md); everything else is learnt from its answers.
PACES: Mapping[str, Pace] = {
    "slack": Pace(posts=5, within=timedelta(seconds=5), shared=True),  # "about 1 message a second", bursts allowed
    "slack-webhook": Pace(posts=5, within=timedelta(seconds=5)),
    "discord": Pace(shared=True),
    "teams": Pace(posts=4, within=timedelta(seconds=1)),
    "webhook": Pace(abreast=16, ahead=1008),  # no more than http.PER_HOST: who waits for a connection has none
    "console": Pace(abreast=1, ahead=31),
}
ORDINARY = Pace()
REMEMBERED = timedelta(hours=1)  #: how long a limit that is over still explains a backlog
KEPT = 4096  #: destinations whose last posts are remembered
BRIEF = timedelta(seconds=1)  #: what is over so soon is not told to the other processes


class Limits:
    """Who rests until when, by the clock of the platforms (never that of a recording)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._resting: dict[str, datetime] = {}  # a destination, or a kind whose destinations share a limit
        self._limited: dict[str, datetime] = {}  # destination -> the end of its last limit
        self._posts: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._heard: datetime | None = None  # when the database was last asked what the other processes know
        self._asked: dict[str, None] = {}  # whose rest a platform has asked for, and no other process knows yet

    def now(self) -> datetime:
        """The platforms' time."""
        return self._clock.now()

    def pace(self, kind: str) -> Pace:
        """What a kind of destination bears."""
        return PACES.get(kind, ORDINARY)

    def sent(self, to: Destination, *, rest: timedelta | None = None) -> None:
        """A message has gone out; `rest`: what the answer's headers ask for before the next one."""
        pace = self.pace(to.kind)
        if not rest and not pace.posts:
            return
        name, now = str(to), self._clock.now()
        if rest:
            self._rest(name, now + rest, asked=True)
        if not pace.posts:
            return
        posts = self._posts[name]
        posts.append(now)
        while len(posts) > pace.posts:
            posts.popleft()
        if len(posts) == pace.posts and posts[0] + pace.within > now:
            self._rest(name, posts[0] + pace.within)
        if len(self._posts) > KEPT:
            self._posts.pop(next(iter(self._posts)))

    def limited(self, to: Destination, delay: timedelta, *, wide: bool = False) -> None:
        """The platform has asked for a wait; `wide`: for all that its account sends.

        Slack does not say which of its limits it was. A second channel that is limited while the first still rests
        means the workspace's: from then on all of it rests.
        """
        name, until = str(to), self._clock.now() + delay
        pace = self.pace(to.kind)
        others = any(other.startswith(f"{to.kind}:") and other != name for other in self._now_limited())
        self._limited[name] = max(until, self._limited.get(name, until))
        self._rest(name, until, asked=True)
        if wide or (pace.shared and others):
            self._rest(to.kind, until, asked=True)

    def asked(self) -> list[Rest]:
        """What platforms have asked for since this was last called, for the other processes to hear."""
        names, self._asked = self._asked, {}
        resting = self.resting()
        return [Rest(name, resting[name], self._limited.get(name)) for name in names if name in resting]

    def unheard(self, rests: Iterable[Rest]) -> None:
        """These could not be written down: `asked` has them again."""
        self._asked |= dict.fromkeys(rest.name for rest in rests)

    def unknown(self) -> datetime:
        """Since when rests that were over may not have been heard of; whatever lasts longer is heard again."""
        return self._heard or self._clock.now() - REMEMBERED

    def hear(self, rests: Iterable[Rest], at: datetime) -> None:
        """What platforms have asked of any process until `at`; of this one it is known already."""
        self._heard = at
        for rest in rests:
            self._rest(rest.name, rest.until)
            if rest.limited is None:
                continue
            known = self._limited.get(rest.name)
            if known is None or known < rest.limited:
                self._limited[rest.name] = rest.limited
                self._widen(rest.name, rest.limited)

    def resting(self) -> dict[str, datetime]:
        """The destinations, and the kinds, at which nothing may be sent now, and until when."""
        now = self._clock.now()
        self._resting = {name: until for name, until in self._resting.items() if until > now}
        return self._resting

    def rests(self, to: Destination) -> datetime | None:
        """Until when a destination rests; None: it does not."""
        if not self._resting:
            return None
        resting = self.resting()
        return max(filter(None, (resting.get(str(to)), resting.get(to.kind))), default=None)

    def behind(self) -> Mapping[str, datetime]:
        """The destinations that a platform has limited lately, and until when: what came meanwhile has piled up."""
        now = self._clock.now()
        self._limited = {name: until for name, until in self._limited.items() if now - until < REMEMBERED}
        return self._limited

    def _widen(self, name: str, until: datetime) -> None:
        """Another process was refused at a destination: as long as a second one is limited too, their account rests."""
        kind = name.partition(":")[0]
        others = [end for other, end in self._limited.items() if other.startswith(f"{kind}:") and other != name]
        if others and self.pace(kind).shared:
            self._rest(kind, min(until, max(others)))

    def _now_limited(self) -> list[str]:
        now = self._clock.now()
        return [name for name, until in self._limited.items() if until > now]

    def _rest(self, name: str, until: datetime, *, asked: bool = False) -> None:
        known = self._resting.get(name)
        self._resting[name] = until if known is None else max(until, known)
        if asked and until - self._clock.now() > BRIEF:
            self._asked[name] = None
