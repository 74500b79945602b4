"""Tells the operator of our own trouble: once when it begins and once when it is over, through every restart.

It stands in the ledger until it was told. Trouble of the operator's own destination, or of the ledger itself, goes to
the log, and never back into here: so nothing goes round in circles.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core import own
from bot.errors import SendError, StatusbotError, Temporary
from bot.limits import REMEMBERED, Limits
from bot.model import Act, Delivery, Destination, Trouble
from bot.ports import Clock, Finds, Ledger, Notifier, Store

log = logging.getLogger("statusbot")

IDLE = timedelta(seconds=30)  #: the longest sleep without looking at what is owed
LEASE = timedelta(minutes=2)  #: after which another process tells what this one took in hand
FIRST, LONGEST = timedelta(seconds=15), timedelta(minutes=15)  #: waits between tries, doubling
PATIENCE = timedelta(hours=24)  #: after which it is left to the log and to `statusbot doctor`
SENDING = 60.0  #: seconds for one message


class Operator:
    """ports.Operator. `to`: the destination; None: the log alone. notifier: gives that of a destination's kind.

    limits: shared by all that sends in this process.
    """

    def __init__(
        self,
        store: Store,
        notifier: Callable[[str], Notifier],
        clock: Clock,
        to: Destination | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._to = to
        self._limits = limits or Limits(clock)
        self._standing: dict[str, Trouble] = {}
        self._unsaved: list[Trouble] = []  #: what the ledger could not take yet
        self._wake = asyncio.Event()
        self._refused = ""  #: why the operator's destination takes nothing

    @property
    def standing(self) -> Collection[str]:
        """The keys of what stands (ports.Operator)."""
        return self._standing.keys()

    async def load(self) -> None:
        """Take up what stands in the ledger. Raises as the store does."""
        known = await self._store.read(lambda ledger: ledger.troubles())
        waiting = [trouble for trouble in self._unsaved if trouble.until is None]
        self._standing = {trouble.key: trouble for trouble in (*known, *waiting)}

    async def tell(self, key: str, words: str) -> None:
        """Something of ours is wrong (ports.Operator)."""
        if key in self._standing:
            return
        trouble = Trouble(key, words, self._clock.now())
        self._standing[key] = trouble
        log.warning("%s", words)
        await self._keep(trouble)
        self._wake.set()

    async def over(self, key: str, words: str = "") -> None:
        """It no longer is (ports.Operator)."""
        trouble = self._standing.pop(key, None)
        if trouble is None:
            return
        now = self._clock.now()
        words = words or own.ended(trouble, now)
        log.warning("%s", words)
        waiting = [one for one in self._unsaved if one.key == key and one.until is None]
        if waiting:
            self._unsaved.remove(waiting[0])
            await self._keep(replace(waiting[0], until=now, ending=words))
            self._wake.set()
            return
        try:
            await self._store.write(lambda ledger: ledger.end_trouble(key, words, now, self._due(now)))
        except StatusbotError:
            self._standing[key] = trouble  # whoever finds it well again ends it then
        self._wake.set()

    async def run(self) -> None:
        """Tell what is owed until cancelled."""
        while True:
            self._wake.clear()
            with suppress(StatusbotError):  # the ledger's trouble has a key of its own
                await self.round()
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE.total_seconds()):
                    await self._wake.wait()

    async def round(self) -> None:
        """Tell what is owed now. Raises as the store does, once what it cannot keep has been told without it."""
        await self._save()
        await self.load()  # another process may have told, or ended it
        if self._to is None:
            return
        now = self._clock.now()
        for trouble in await self._store.write(lambda ledger: ledger.owed_troubles(now, now + LEASE)):
            due = await self._try(trouble)
            await self._settle(trouble, due)

    async def _settle(self, trouble: Trouble, due: datetime | None) -> None:
        """Write down what came of a try, and where a platform asked for a rest meanwhile."""
        asked, since = self._limits.asked(), self._limits.now() - REMEMBERED

        def work(ledger: Ledger) -> None:
            ledger.settle_trouble(trouble, due)
            if asked:
                ledger.rest(asked, since)

        try:
            await self._store.write(work)
        except StatusbotError:
            self._limits.unheard(asked)
            raise

    def _due(self, now: datetime) -> datetime | None:
        return now if self._to is not None else None

    async def _keep(self, trouble: Trouble) -> None:
        due = self._due(self._clock.now()) if not trouble.told or trouble.until else None
        try:
            await self._store.write(lambda ledger: ledger.keep_trouble(trouble, due))
        except StatusbotError:
            self._unsaved.append(trouble)

    async def _save(self) -> None:
        """Hand the ledger what it could not take before; what it still cannot take is told without it, once."""
        unsaved, self._unsaved = self._unsaved, []
        for trouble in unsaved:
            await self._keep(trouble)
        for place, trouble in enumerate(self._unsaved):
            if not trouble.told and self._to is not None and await self._try(trouble) is None:
                self._unsaved[place] = replace(trouble, told=True)

    async def _try(self, trouble: Trouble) -> datetime | None:
        """Send it once; None where it was told (or is given up), else when to try again."""
        assert self._to is not None
        if rest := self._limits.rests(self._to):
            return rest
        now = self._clock.now()
        try:
            async with asyncio.timeout(SENDING):
                await self._send(self._to, trouble)
        except (SendError, TimeoutError) as error:
            self._note(str(error) or "no answer in time")
            if isinstance(error, Temporary) and error.delay:
                self._limits.limited(self._to, error.delay, wide=error.wide)
        except Exception as error:
            log.exception("telling the operator failed in our own code")
            self._note(f"our own fault ({type(error).__name__})")
        else:
            self._note("")
            return None
        if now - (trouble.until or trouble.since) > PATIENCE:
            return None
        wait: timedelta = min(FIRST * 2 ** min(trouble.tries, 10), LONGEST)
        return now + wait

    async def _send(self, to: Destination, trouble: Trouble) -> None:
        """Send it; after an earlier try only where that did not arrive, as far as the platform can be asked."""
        notifier = self._notifier(to.kind)
        message = own.notice(trouble)
        delivery = Delivery(
            0, message.key, to, message.incident.id, message.key, Act.POST, created_at=message.updates[0].at
        )
        if trouble.tries and await self._arrived(notifier, delivery):
            return
        await notifier.send(to, notifier.render(message), delivery)

    @staticmethod
    async def _arrived(notifier: Notifier, delivery: Delivery) -> bool:
        if not isinstance(notifier, Finds):
            return False
        with suppress(SendError):  # who may not be asked is told again: better twice than never
            return await notifier.find(delivery.destination, delivery) is not None
        return False

    def _note(self, reason: str) -> None:
        """The edges of the operator's own destination, in the log alone."""
        if bool(reason) != bool(self._refused):
            if reason:
                log.error("operator %s cannot be told: %s; see `statusbot doctor`", self._to, reason)
            else:
                log.warning("operator %s can be told again", self._to)
        self._refused = reason
