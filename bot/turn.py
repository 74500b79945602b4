"""One transaction of the way out: what came of sends is written down, and what is due is claimed with its words."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bot.core.retry import LOOK
from bot.core.tell import notice
from bot.model import Act, Aside, Delivery, Directory, Incident, Notice, Outcome, Rest, Sighting, State
from bot.ports import Ledger

log = logging.getLogger("statusbot.deliver")

EXCLUDED = 5000  #: resting destinations that a claim is told of; what it claims for others is handed back
LEASE = timedelta(seconds=10)  #: a killed process's deliveries are taken up after it; renewed while it lives
DIGEST = Act.DIGEST  # a member costs a look-up at each use
Said = Notice | Mapping[str, Any]  #: of an incident, or a digest's document
Alike = tuple[object, ...]  #: what deliveries have in common that say the same


class Owed(NamedTuple):
    """A delivery in hand, with what it says: a notice, or a digest's document; None: it is doubtful, and looked for."""

    delivery: Delivery
    said: Said | None


@dataclass(slots=True)
class Done:
    """What a turn has brought: what was claimed, what the operator is to be told, and what platforms have asked for."""

    owed: list[Owed] = field(default_factory=list)
    told: list[tuple[str, str, bool]] = field(default_factory=list)  #: key, words, whether it is over
    rests: list[Rest] = field(default_factory=list)


@dataclass(slots=True)
class Turn:
    """One transaction, on the store's thread: settle, keep the leases, hear who rests, claim."""

    now: datetime
    here: datetime  #: the platforms' time, where `now` may be a recording's
    unknown: datetime  #: of a rest that was over by then it is known already
    past: datetime  #: a rest that was over by then explains nothing any more
    by: str  #: the lease of what is claimed
    written: Sequence[Outcome]
    renewed: Sequence[str]  #: leases to keep
    rooms: Mapping[str, int]  #: how many may be claimed for each kind, under the empty name for any other
    busy: Collection[str]
    behind: Mapping[str, datetime]
    asked: Sequence[Rest]  #: what platforms have asked for, for the other processes to hear
    only: Collection[int]  #: none but these deliveries, where any are named
    directory: Directory
    known: dict[Alike, Notice]  #: the notices of the last claim, to know them again
    left: Collection[str] = ()  #: leases that are given up, though nobody knows what comes of their sends

    def work(self, ledger: Ledger) -> Done:
        """What has to be done, in this order: no process waits for another that has written down who rests."""
        done = Done()
        if self.written:
            done.told = self._write(ledger)
        if self.left:
            ledger.give_up(self.left, self.now + LOOK)
        elif self.renewed:
            ledger.renew(self.renewed, self.now + LEASE)
        done.rests = ledger.rests(self.unknown)
        self._heed(done.rests)
        if any(room > 0 for room in self.rooms.values()):
            done.owed = self._claim(ledger)
        if self.asked:
            ledger.rest(self.asked, self.past)
        return done

    def _heed(self, rests: Sequence[Rest]) -> None:
        """Claim nothing where a platform has asked any process for a rest."""
        resting = [rest.name for rest in rests if rest.until > self.here]
        if resting:
            self.busy = list(dict.fromkeys((*self.busy, *resting)))[:EXCLUDED]
            self.rooms = {**self.rooms, **{name: 0 for name in resting if ":" not in name}}
        limited = {rest.name: rest.limited for rest in rests if rest.limited}
        if limited:
            self.behind = {
                **self.behind,
                **{name: max(end, self.behind.get(name, end)) for name, end in limited.items()},
            }

    def _write(self, ledger: Ledger) -> list[tuple[str, str, bool]]:
        """Write outcomes down; what the operator is to be told of them."""
        told, now = [], self.now
        if lost := ledger.settle(self.written, now):
            log.warning("%d deliveries were taken over by another process meanwhile; its word counts", lost)
        for outcome in self.written:
            to = outcome.delivery.destination
            if outcome.digest is not None and ledger.set_aside(Aside(to, now, outcome.reason, outcome.digest)):
                mend = f"`statusbot deliveries retry {outcome.delivery.id}` once that is mended"
                told.append((f"aside|{to}", f"{to} is set aside: {outcome.reason}; {mend}", False))
        if taken_up := {it.destination for it in ledger.asides() if it.since is None}:
            arrived = {outcome.delivery.destination for outcome in self.written if outcome.state is State.SENT}
            back = sorted(taken_up & arrived, key=str)
            if back:
                ledger.works(back)
            told += [(f"aside|{to}", f"{to} works again", True) for to in back]
        return told

    def _claim(self, ledger: Ledger) -> list[Owed]:
        """Lease what is doubtful and what is due, with all that rendering it needs."""
        now, rooms = self.now, self.rooms
        doubtful = ledger.doubt(now, LEASE, max(rooms.values()), self.busy, by=self.by, only=self.only)
        taken = {*self.busy, *(str(delivery.destination) for delivery in doubtful)}
        owed = ledger.claim(now, LEASE, rooms[""], taken, by=self.by, rooms=rooms, behind=self.behind, only=self.only)
        reader = Reader(ledger, self.directory, now, dict(self.known))
        found = [Owed(delivery, None) for delivery in doubtful]
        for delivery in owed:
            said = reader.said(delivery)
            if isinstance(said, Outcome):
                ledger.settle([said], now)
            else:
                found.append(Owed(delivery, said))
        self.known.clear()
        self.known.update(reader.made)
        return found


class Reader:
    """What the deliveries of one claim say: incidents and sightings read once, and alike deliveries share a notice."""

    def __init__(self, ledger: Ledger, directory: Directory, now: datetime, known: Mapping[Alike, Notice]) -> None:
        self._ledger, self._directory, self._now, self._known = ledger, directory, now, known
        self._incidents: dict[str, Incident | None] = {}
        self._sightings: dict[str, tuple[Sighting, ...]] = {}
        self.made: dict[Alike, Notice] = {}

    def said(self, delivery: Delivery) -> Said | Outcome:
        """What a delivery says, or what becomes of it as it has nothing to say any more."""
        if delivery.act is DIGEST:
            document = self._ledger.digest(delivery.key)
            return Outcome(delivery, State.DEAD, reason="its digest is gone") if document is None else document
        incident = self._incident(delivery.incident)
        if incident is None:
            return Outcome(delivery, State.DEAD, reason="its incident is gone")
        if not delivery.update and incident.id == delivery.incident and delivery.act is Act.POST:
            return Outcome(delivery, State.HELD, reason="it is an incident of its own again")
        return self._notice(delivery, incident)

    def _incident(self, name: str) -> Incident | None:
        if name not in self._incidents:
            self._incidents[name] = self._ledger.incident(name)
        return self._incidents[name]

    def _notice(self, delivery: Delivery, incident: Incident) -> Notice:
        """What a delivery says; the very notice of the last claim where nothing has changed since."""
        alike = alike_of(delivery)
        if alike not in self.made:
            made = notice(delivery, incident, self._seen(incident.provider), self._directory, self._now)
            known = self._known.get(alike)
            self.made[alike] = known if known is not None and made == known else made
        return self.made[alike]

    def _seen(self, provider: str) -> tuple[Sighting, ...]:
        if provider not in self._sightings:
            sightings = self._ledger.sightings(self._directory.sources(provider))
            self._sightings[provider] = tuple(sightings.values())
        return self._sightings[provider]


def alike_of(delivery: Delivery) -> Alike:
    """What the notices of one round have in common where they are the same."""
    called = tuple(delivery.mention.items()) if delivery.mention else ()
    made = delivery.created_at
    place = (delivery.limited, delivery.covered, delivery.instead)
    return delivery.incident, delivery.update, delivery.updates, delivery.act, called, made, *place
