"""The way out: claim -> render -> send -> settle, each destination in its own time, none waiting for another.

One transaction writes what came of many sends and claims the next ones. Nothing counts as sent before it is written:
what a crash leaves between is doubtful, and looked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_result, stop_after_attempt, wait_fixed
from tenacity.wait import wait_random_exponential

from bot.core.digest_shape import digest_of
from bot.core.retry import verdict
from bot.errors import Permanent, SendError, StatusbotError, Temporary, Unsendable
from bot.hand import Hand, Outlet
from bot.limits import REMEMBERED, Limits
from bot.model import (
    Act,
    Delivery,
    Destination,
    Directory,
    Message,
    Notice,
    Outcome,
    Receipt,
    State,
)
from bot.ports import Clock, Finds, Notifier, Operator, Store, TellsDigests
from bot.turn import EXCLUDED, LEASE, Alike, Done, Owed, Said, Turn

log = logging.getLogger("statusbot.deliver")

RENEW = LEASE / 3
GATHER = timedelta(milliseconds=100)  #: the longest that outcomes are gathered for one transaction
IDLE = timedelta(seconds=30)  #: the longest sleep without looking at the outbox
TROUBLED = timedelta(seconds=2)  #: before a database in trouble is asked again
PAUSE = timedelta(milliseconds=25)  #: the longest that sends wait for a transaction
BLINK = timedelta(milliseconds=20)  #: the shortest sleep
RENDERED = 64  #: messages kept to be sent again to others
EDIT, SENT = Act.EDIT, State.SENT  # a member costs a look-up at each use
UNASKED = "it may come twice, for whether it arrived could not be asked"
backoff = wait_random_exponential(multiplier=1, max=300)


def unasked(delivery: Delivery) -> str:
    """That it may come twice, with the reason, where it was said of the delivery; this stays with it."""
    return delivery.reason[delivery.reason.find(UNASKED) :] if UNASKED in delivery.reason else ""


class LogOperator:
    """ports.Operator by the log: each thing once."""

    def __init__(self) -> None:
        self.standing: set[str] = set()  #: keys (ports.Operator)

    async def tell(self, key: str, words: str) -> None:
        """One line, unless this key was told already."""
        if key not in self.standing:
            self.standing.add(key)
            log.error("%s", words)

    async def over(self, key: str, words: str = "") -> None:
        """One line, where the key was told."""
        if key in self.standing:
            self.standing.remove(key)
            log.warning("%s", words or f"over: {key}")


class Deliver:
    """The outbox's worker.

    notifier: gives the notifier of a destination's kind. limits: shared by all that sends in this process. operator: is
    told where a destination is set aside. digest: of a destination's settings, to see that they have changed. only: of
    the deliveries none but these are sent. pauses: sends wait for transactions, as is quicker where the database is
    within this process.
    """

    def __init__(
        self,
        store: Store,
        notifier: Callable[[str], Notifier],
        clock: Clock,
        directory: Directory,
        *,
        limits: Limits | None = None,
        operator: Operator | None = None,
        digest: Callable[[Destination], str] = str,
        only: Collection[int] = (),
        pauses: bool = True,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._directory = directory
        self._limits = limits or Limits(clock)
        self._operator = operator or LogOperator()
        self._digest = digest
        self._only = only
        self._name = token_hex(8)
        self._claims = 0
        self._renewed: datetime | None = None
        self._wake = asyncio.Event()
        self._enough = asyncio.Event()  # half of what is in hand has come back
        self._pauses = pauses
        self._free = asyncio.Event()  # no transaction is waited for
        self._free.set()
        self._hand = Hand(self._limits)
        self._outcomes: list[Outcome] = []  # what came of sends, not written yet
        self._rendered: OrderedDict[tuple[str, int], tuple[Notice, Message]] = OrderedDict()
        self._notices: dict[Alike, Notice] = {}  # of the last round, to know them again
        self._stopping = False
        self.round_at: datetime | None = None  #: when the loop last went round

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def stop(self) -> None:
        """Finish what is under way, hand back what is not, claim nothing more."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Send until stopped; begins with what an earlier process left in flight."""
        await self._begin()
        async with asyncio.TaskGroup() as group:
            while not self._stopping or self._hand.size:
                self._wake.clear()
                await self._round(group)
                if not self._stopping or self._hand.size:  # else nothing would wake it any more
                    await self._rest()

    async def hand_back(self) -> None:
        """Once `run` was cancelled: write what came of sends; what hung is to be looked for by whoever is there."""
        turn = self._turn()
        turn.left = self._hand.leases()
        await self._tell(await self._turned(turn))

    async def drain(self, patience: timedelta = timedelta(seconds=60)) -> None:
        """Send until nothing is owed any more that falls due within `patience`, or until that much real time is over.

        (A recording's clock may stand years before what an operator's correction owes since today.)
        """
        end = self._clock.now() + patience
        with suppress(TimeoutError):
            async with asyncio.timeout(patience.total_seconds()):
                while True:
                    await self.sweep()
                    due = await self._store.read(lambda ledger: ledger.next_due())
                    if due is None or due > end:
                        return
                    await self._rest()

    async def sweep(self) -> None:
        """Send all that is due now, and what that lets go; wait until it is written down what came of it."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                started = await self._round(group)
                if self._hand.working:
                    await self._gathered()
                elif not started and not self._wake.is_set():
                    return

    async def _begin(self) -> None:
        """Take up what an earlier process left, and the destinations whose settings have changed since."""
        now = self._clock.now()
        await self._store.write(lambda ledger: ledger.orphan(now))
        await self.mend()

    async def mend(self) -> None:
        """Take up again the destinations that were set aside and whose settings have changed since."""
        now = self._clock.now()
        for destination in await self._store.write(lambda ledger: ledger.mended(self._digest, now)):
            log.info("%s: its settings have changed; it is tried again", destination)

    # --- rounds: one transaction each ---------------------------------------------------------------------------

    async def _round(self, group: asyncio.TaskGroup) -> int:
        """Write what came of the last sends, claim what is due and start on it; how many deliveries that were."""
        self.round_at = self._clock.now()
        done = await self._turned(self._turn())
        for outlet in self._hand.take(done.owed):
            group.create_task(self._work(outlet))
        await self._tell(done)
        return len(done.owed)

    async def _turned(self, turn: Turn) -> Done:
        """Run the transaction, and take in what it brought; nothing where the database is in trouble."""
        written, self._outcomes = self._outcomes, []
        try:
            with self._pausing():
                done = await self._store.write(turn.work)
        except StatusbotError as error:
            self._outcomes = written + self._outcomes  # until it can be written, or the lease runs out
            self._limits.unheard(turn.asked)
            log.error("the outbox cannot be used: %s; trying again", error)
            self._wake.clear()
            return Done()
        self._limits.hear(done.rests, turn.here)
        self._hand.forget(written)
        return done

    @contextmanager
    def _pausing(self) -> Iterator[None]:
        """Begin no send while a transaction runs, for PAUSE at the most.

        Both want the interpreter's lock; to hand it over at each step costs more than to wait for each other.
        """
        if not self._pauses:
            yield
            return
        self._free.clear()
        end = asyncio.get_running_loop().call_later(PAUSE.total_seconds(), self._free.set)
        try:
            yield
        finally:
            end.cancel()
            self._free.set()

    async def _tell(self, done: Done) -> None:
        for key, words, over in done.told:
            await (self._operator.over(key, words) if over else self._operator.tell(key, words))

    def _turn(self) -> Turn:
        """What the next transaction has to do; everything that it needs of this thread is taken along."""
        now, written = self._clock.now(), self._outcomes
        left = self._hand.leases(written)
        renews = bool(left) and (self._renewed is None or now - self._renewed >= RENEW)
        self._renewed = now if renews or not left else self._renewed
        self._claims += 1
        return Turn(
            now=now,
            here=self._limits.now(),
            unknown=self._limits.unknown(),
            past=self._limits.now() - REMEMBERED,
            by=f"{self._name}.{self._claims}",
            written=written,
            renewed=left if renews else [],
            rooms={} if self._stopping else self._hand.rooms(written),
            busy=self._hand.taken(),
            behind=dict(self._limits.behind()),
            asked=self._limits.asked(),
            only=self._only,
            directory=self._directory,
            known=self._notices,
        )

    async def _rest(self) -> None:
        """Sleep until there is something to write, or something is due."""
        if self._hand.working:
            return await self._gathered()
        resting = self._limits.resting()
        wait = IDLE
        try:
            due = await self._store.read(lambda ledger: ledger.next_due(list(resting)[:EXCLUDED]))
        except StatusbotError:
            due = self._clock.now() + TROUBLED
        for moment in (due, *resting.values()):
            if moment is not None:
                wait = min(wait, max(moment - self._clock.now(), BLINK))
        if self._outcomes:
            wait = min(wait, TROUBLED)
        await self._woken(self._wake, wait)

    async def _gathered(self) -> None:
        """Until some outcomes are there to be written together, or a lease has to be renewed."""
        self._enough.clear()
        await self._woken(self._wake, RENEW)
        if 0 < 2 * len(self._outcomes) < self._hand.size and not self._stopping:
            await self._woken(self._enough, GATHER)

    async def _woken(self, event: asyncio.Event, wait: timedelta) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait.total_seconds()):
                await event.wait()

    # --- workers: one destination at a time ---------------------------------------------------------------------

    async def _work(self, outlet: Outlet) -> None:
        """Send to one waiting destination after the other."""
        try:
            while outlet.waiting:
                name, batch = outlet.waiting.popleft()
                for entry in batch:  # which may grow meanwhile
                    if not self._free.is_set():
                        await self._free.wait()
                    outcome = self._spared(entry) or await self._tried(entry)
                    self._note(outcome)
                self._hand.done(name)
        finally:
            outlet.working -= 1
            self._wake.set()

    def _note(self, outcome: Outcome) -> None:
        """Something is to be written down."""
        self._outcomes.append(outcome)
        self._wake.set()
        if 2 * len(self._outcomes) >= self._hand.size:
            self._enough.set()

    def _spared(self, entry: Owed) -> Outcome | None:
        """Handed back untried, where that is to be."""
        delivery, rest = entry.delivery, self._limits.rests(entry.delivery.destination)
        if self._stopping or (rest is not None and entry.said is not None):
            state = State.PENDING if entry.said is not None else State.DOUBTFUL
            return Outcome(delivery, state, reason=delivery.reason, due=rest, spared=entry.said is not None)
        return None

    def _tried(self, entry: Owed) -> Awaitable[Outcome]:
        """What comes of sending it, or of looking for it."""
        return self._look(entry.delivery) if entry.said is None else self._send(entry.delivery, entry.said)

    async def _send(self, delivery: Delivery, said: Said) -> Outcome:
        """One try, and what came of it."""
        try:
            notifier = self._notifier(delivery.destination.kind)
            if isinstance(said, Notice):
                message = self._rendering(notifier, delivery, said)
            else:
                message = await self._summing(notifier, delivery, said)
            receipt = await notifier.send(delivery.destination, message, delivery)
        except SendError as error:
            return self._failed(delivery, error)
        except Exception as error:  # a fault of ours must not stop every other delivery
            log.exception("delivery %s to %s failed in our own code", delivery.id, delivery.destination.kind)
            return self._failed(delivery, Unsendable(f"our own fault ({type(error).__name__})"))
        if receipt.rest or delivery.act is not EDIT:
            self._limits.sent(delivery.destination, rest=receipt.rest)
        return Outcome(delivery, SENT, receipt, reason=unasked(delivery))

    async def _summing(self, notifier: Notifier, delivery: Delivery, said: Mapping[str, Any]) -> Message:
        """A digest rendered, its picture drawn off the loop."""
        if not isinstance(notifier, TellsDigests):
            raise Unsendable("this kind of destination takes no digest")
        return await asyncio.to_thread(notifier.render_digest, digest_of(said), delivery.key)

    def _rendering(self, notifier: Notifier, delivery: Delivery, said: Notice) -> Message:
        """A notice rendered, once for all of a kind that it goes to."""
        key = (delivery.destination.kind, id(said))
        known = self._rendered.get(key)
        if known is not None and known[0] is said:
            return known[1]
        message = notifier.render(said)
        self._rendered[key] = (said, message)
        if len(self._rendered) > RENDERED:
            self._rendered.popitem(last=False)
        return message

    async def _look(self, delivery: Delivery) -> Outcome:
        """Settle a doubt: found, or (looked for twice, or not to be looked for at all) to be sent again."""
        now = self._clock.now()
        try:
            receipt = await self._find(delivery)
        except Unsendable as error:  # what it belongs to is gone, and so it does not stand there
            return Outcome(delivery, State.PENDING, reason=str(error))
        except Permanent as error:  # it may never be asked; to lose the message would be worse than to repeat it
            return Outcome(delivery, State.PENDING, reason=f"{UNASKED} ({error})")
        except SendError as error:
            return Outcome(delivery, State.DOUBTFUL, reason=str(error), due=now + self._wait(delivery))
        except Exception as error:
            log.exception("looking for delivery %s failed in our own code", delivery.id)
            reason = f"our own fault ({type(error).__name__})"
            return Outcome(delivery, State.PENDING, reason=reason, due=now + self._wait(delivery))
        return Outcome(delivery, State.SENT if receipt is not None else State.PENDING, receipt)

    async def _find(self, delivery: Delivery) -> Receipt | None:
        if delivery.act is Act.EDIT:
            return None
        notifier = self._notifier(delivery.destination.kind)
        if not isinstance(notifier, Finds):
            return None
        twice = AsyncRetrying(
            stop=stop_after_attempt(2), wait=wait_fixed(1.5), retry=retry_if_result(lambda found: found is None)
        )
        try:
            found: Receipt | None = await twice(notifier.find, delivery.destination, delivery)
        except RetryError:
            return None
        return found

    def _failed(self, delivery: Delivery, error: SendError) -> Outcome:
        """What a failure means for the delivery, and for its destination."""
        judged = verdict(delivery, error, self._clock.now(), self._wait(delivery))
        log.warning("%s: %s (try %d, %s)", delivery.destination, error, delivery.tries, judged.state.value)
        if isinstance(error, Temporary) and error.delay:
            self._limits.limited(delivery.destination, error.delay, wide=error.wide)
        digest = self._digest(delivery.destination) if judged.state is State.HELD else None
        reason = "; ".join(filter(None, (judged.reason, unasked(delivery))))
        return Outcome(delivery, judged.state, reason=reason, due=judged.due, digest=digest)

    @staticmethod
    def _wait(delivery: Delivery) -> timedelta:
        """Exponential with full jitter, by tenacity, for the number of tries so far."""
        state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
        state.attempt_number = max(1, delivery.tries)
        return timedelta(seconds=backoff(state))
