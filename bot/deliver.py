"""The way out: claim -> render -> send -> settle, each destination in its own time, none waiting for another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_result, stop_after_attempt, wait_fixed
from tenacity.wait import wait_random_exponential

from bot.core import health
from bot.core.digest_shape import digest_of
from bot.core.retry import verdict
from bot.core.summary import went_on
from bot.errors import Permanent, SendError, StatusbotError, Temporary
from bot.model import Act, Belief, Delivery, Directory, Impact, Incident, Message, Notice, Receipt, Sighting, State
from bot.ports import Clock, Ledger, Notifier, Store, TellsDigests

log = logging.getLogger("statusbot.deliver")

LEASE = timedelta(seconds=60)
ABREAST = 32  #: deliveries under way at once
IDLE = timedelta(seconds=30)  #: the longest sleep without looking at the outbox
TROUBLE = timedelta(seconds=3)  #: the same, while the database cannot be used
TROUBLED = timedelta(seconds=2)  #: before a database in trouble is asked again
CALLS = frozenset({Act.CREATE, Act.POST, Act.REPLY})
backoff = wait_random_exponential(multiplier=1, max=300)


@dataclass(frozen=True, slots=True)
class Owed:
    """A delivery with all that rendering it needs."""

    delivery: Delivery
    incident: Incident
    sightings: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True)
class OwedDigest:
    """A delivery of a digest, with the document that it tells."""

    delivery: Delivery
    document: Mapping[str, Any]


class Deliver:
    """The outbox's worker. `notifier` gives the notifier of a destination's kind; `only`: for none but these ids."""

    def __init__(
        self,
        store: Store,
        notifier: Callable[[str], Notifier],
        clock: Clock,
        directory: Directory,
        only: Collection[int] = (),
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._directory = directory
        self._only = only
        self._wake = asyncio.Event()
        self._busy: dict[str, datetime | None] = {}  # destination -> until when it rests; None: a send is under way
        self._stopping = False
        self.round_at: datetime | None = None  #: when the loop last went round

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def stop(self) -> None:
        """Finish what is under way, claim nothing more."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Send until stopped; begins with what an earlier process left in flight."""
        await self._store.write(lambda ledger: ledger.orphan(self._clock.now()))
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                self._wake.clear()
                if not await self._round(group):
                    await self._rest()

    async def drain(self, patience: timedelta = timedelta(seconds=60)) -> None:
        """Send until nothing is owed any more, or until `patience` of real time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience.total_seconds()):
                while True:
                    await self.sweep()
                    if await self._store.read(lambda ledger: ledger.next_due()) is None:
                        return
                    await self._rest()

    async def sweep(self) -> None:
        """Send all that is due now, and what that lets go; wait until it is written down what came of it."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                started = await self._round(group)
                if None in self._busy.values():
                    await self._wake.wait()
                elif not started and not self._wake.is_set():
                    return

    async def _round(self, group: asyncio.TaskGroup) -> int:
        """Claim what is due and start on it; how many that were."""
        self.round_at = now = self._clock.now()
        self._busy = {name: until for name, until in self._busy.items() if until is None or until > now}
        room = ABREAST - sum(until is None for until in self._busy.values())
        if room <= 0:
            return 0
        busy = frozenset(self._busy)
        try:
            owed, doubtful = await self._store.write(lambda ledger: self._claim(ledger, now, room, busy))
        except StatusbotError as error:
            log.error("the outbox cannot be read: %s; trying again", error)
            return 0
        started = 0
        for entry in owed:
            self._busy[str(entry.delivery.destination)] = None
            group.create_task(self._safely(self._send(entry)))
            started += 1
        for delivery in doubtful:
            if str(delivery.destination) not in self._busy:
                self._busy[str(delivery.destination)] = None
                group.create_task(self._safely(self._look(delivery)))
                started += 1
        return started

    def _claim(
        self, ledger: Ledger, now: datetime, room: int, busy: frozenset[str]
    ) -> tuple[list[Owed | OwedDigest], list[Delivery]]:
        doubtful = ledger.doubt(now, self._only)
        taken = set(busy) | {str(delivery.destination) for delivery in doubtful}
        owed: list[Owed | OwedDigest] = []
        for delivery in ledger.claim(now, LEASE, room, taken, self._only):
            if delivery.act is Act.DIGEST:
                owed.append(OwedDigest(delivery, ledger.digest(delivery.key) or {}))
                continue
            incident = ledger.incident(delivery.incident)
            if incident is None:
                ledger.settle(delivery.id, State.DEAD, now, reason="its incident is gone")
                continue
            if not delivery.update and incident.id == delivery.incident and delivery.act is Act.POST:
                ledger.settle(delivery.id, State.HELD, now, reason="it is an incident of its own again")
                continue
            seen = ledger.sightings(self._directory.sources(incident.provider))
            owed.append(Owed(delivery, incident, tuple(seen.values())))
        return owed, doubtful

    async def _rest(self) -> None:
        try:
            due = await self._store.read(lambda ledger: ledger.next_due())
        except StatusbotError:
            due = self._clock.now() + TROUBLED
        wait = IDLE if due is None else min(IDLE, max(due - self._clock.now(), timedelta(milliseconds=20)))
        resting = [until for until in self._busy.values() if until is not None]
        if resting:
            wait = min(wait, max(min(resting) - self._clock.now(), timedelta(milliseconds=20)))
        with suppress(TimeoutError):
            async with asyncio.timeout(wait.total_seconds()):
                await self._wake.wait()

    async def _safely(self, work: Coroutine[None, None, None]) -> None:
        """A task whose trouble ends no other: what could not be written down is doubtful when its lease is over."""
        try:
            await work
        except StatusbotError as error:
            log.error("what came of a delivery cannot be written down: %s", error)

    async def _send(self, owed: Owed | OwedDigest) -> None:
        """One try, and what came of it written down."""
        delivery, now = owed.delivery, self._clock.now()
        rest: datetime | None = None
        try:
            notifier = self._notifier(delivery.destination.kind)
            message = await self._rendered(notifier, owed, now)
            receipt = await notifier.send(delivery.destination, message, delivery)
        except SendError as error:
            rest = await self._failed(delivery, error)
        except Exception as error:  # a fault of ours must not stop every other delivery
            log.exception("delivery %s to %s failed in our own code", delivery.id, delivery.destination.kind)
            rest = await self._failed(delivery, Permanent(f"our own fault ({type(error).__name__})"))
        else:
            await self._settle(delivery, State.SENT, receipt=receipt)
        finally:
            self._done(delivery, rest)

    async def _rendered(self, notifier: Notifier, owed: Owed | OwedDigest, now: datetime) -> Message:
        """What is to be sent. A digest's picture takes its time to draw, and is drawn off the event loop."""
        if isinstance(owed, Owed):
            return notifier.render(self._notice(owed, now))
        if not isinstance(notifier, TellsDigests):
            raise Permanent("this kind of destination takes no digest")
        return await asyncio.to_thread(notifier.render_digest, digest_of(owed.document), owed.delivery.key)

    async def _look(self, delivery: Delivery) -> None:
        """Settle a doubt: found, or (looked for twice, or not to be looked for at all) to be sent again."""
        receipt, state, reason, due = None, State.PENDING, "", self._clock.now()
        try:
            receipt = await self._find(delivery)
        except Permanent as error:  # it may never be asked; to lose the message would be worse than to repeat it
            reason = str(error)
        except SendError as error:
            state, reason, due = State.DOUBTFUL, str(error), due + self._wait(delivery)
        except Exception as error:
            log.exception("looking for delivery %s failed in our own code", delivery.id)
            reason, due = f"our own fault ({type(error).__name__})", due + self._wait(delivery)
        try:
            settled = State.SENT if receipt is not None else state
            await self._settle(delivery, settled, receipt=receipt, reason=reason, due=due)
        finally:
            self._done(delivery, None)

    async def _find(self, delivery: Delivery) -> Receipt | None:
        if delivery.act is Act.EDIT:
            return None
        notifier = self._notifier(delivery.destination.kind)
        twice = AsyncRetrying(
            stop=stop_after_attempt(2), wait=wait_fixed(1.5), retry=retry_if_result(lambda found: found is None)
        )
        try:
            found: Receipt | None = await twice(notifier.find, delivery.destination, delivery)
        except RetryError:
            return None
        return found

    async def _failed(self, delivery: Delivery, error: SendError) -> datetime | None:
        """Write a failure down; until when the destination rests, where its platform asked for that."""
        now = self._clock.now()
        judged = verdict(delivery, error, now, self._wait(delivery))
        level = logging.ERROR if judged.state is State.DEAD else logging.WARNING
        log.log(level, "%s: %s (try %d, %s)", delivery.destination, error, delivery.tries, judged.state.value)
        await self._settle(delivery, judged.state, reason=judged.reason, due=judged.due)
        return now + error.delay if isinstance(error, Temporary) and error.delay else None

    async def _settle(
        self,
        delivery: Delivery,
        state: State,
        *,
        receipt: Receipt | None = None,
        reason: str = "",
        due: datetime | None = None,
    ) -> None:
        now = self._clock.now()
        try:
            await self._store.write(
                lambda ledger: ledger.settle(delivery.id, state, now, receipt=receipt, reason=reason, due=due)
            )
        except StatusbotError as error:  # its lease will run out, and then it is looked for
            log.error("what came of delivery %d cannot be written: %s", delivery.id, error)

    def _done(self, delivery: Delivery, rest: datetime | None) -> None:
        name = str(delivery.destination)
        if rest is None:
            self._busy.pop(name, None)
        else:
            self._busy[name] = rest
        self._wake.set()

    @staticmethod
    def _wait(delivery: Delivery) -> timedelta:
        """Exponential with full jitter, by tenacity, for the number of tries so far."""
        state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
        state.attempt_number = max(1, delivery.tries)
        return timedelta(seconds=backoff(state))

    def _notice(self, owed: Owed, now: datetime) -> Notice:
        delivery, incident = owed.delivery, owed.incident
        moved = "" if delivery.update or incident.id == delivery.incident else delivery.incident
        wanted = set(delivery.updates) or {delivery.update}
        updates = tuple(update for update in incident.updates if update.id in wanted) or incident.updates[-1:]
        if moved:
            updates = (went_on(incident, delivery.created_at or now),)
        return Notice(
            incident=incident,
            updates=updates,
            act=delivery.act,
            key=delivery.key,
            sightings=tuple(health.believed(s, owed.sightings, [incident]) for s in owed.sightings if _told(s)),
            provider_name=self._directory.providers.get(incident.provider, incident.provider),
            mention=call(delivery, incident),
            late=now - delivery.created_at if delivery.created_at and delivery.act in CALLS else None,
            catch_up=len(updates) > 1,
            source_names=self._directory.labels,
            moved=moved,
            instead=str(delivery.instead or ""),
            covered=delivery.covered,
        )


def _told(sighting: Sighting) -> bool:
    return sighting.belief is not Belief.UNKNOWN


def call(delivery: Delivery, incident: Incident) -> str:
    """Whom the message calls: at the opening, by the greatest least-impact that the incident reaches."""
    opening = delivery.act is Act.CREATE or (
        delivery.act is Act.POST and incident.updates[0].id in (delivery.update, *delivery.updates)
    )
    if not opening or incident.impact is None or not delivery.mention:
        return ""
    reached = [(Impact(least).rank, words) for least, words in delivery.mention.items()]
    return max((entry for entry in reached if entry[0] <= incident.impact.rank), default=(0, ""))[1]
