"""Which part of the work is this process's: all of it on SQLite, a fair share among the processes on one PostgreSQL.

The database is the only thing that they share. A process keeps itself alive there by a lease of TERM, renewed each
BEAT; with it go the sources that it polls and what it leads. Who cannot renew in time lets go of everything before
the others may take it up; who ends cleanly hands it back at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Protocol
from uuid import uuid4

from bot.errors import StatusbotError
from bot.ports import Ledger, Store

log = logging.getLogger("statusbot")

TERM = timedelta(seconds=20)  #: a process that says nothing for so long is dead to the others
BEAT = timedelta(seconds=5)  #: how often it says that it lives; the database has as long to take that down
LETTING_GO = 5.0  #: seconds that what was led has to end when it is led no more
AGAIN = 30.0  #: seconds before work that failed by itself is begun again
SOURCE, LEAD = "source", "lead"


class Hands(Protocol):
    """Who polls the sources that fall to this process."""

    @property
    def polled(self) -> Collection[str]:
        """The sources that are polled here now."""
        ...

    async def take_up(self, sources: Collection[str]) -> None:
        """Poll these from now on, from where the database has them."""
        ...

    def let_go(self, sources: Collection[str]) -> None:
        """Begin no more polls of these."""
        ...

    def idle(self, sources: Collection[str]) -> list[str]:
        """These, those first that are not being polled just now."""
        ...

    async def flush(self) -> None:
        """Write down what is only in memory."""
        ...


class Alone:
    """The only process on its database: it polls all sources and leads whatever there is to lead."""

    def __init__(self, hands: Hands, sources: Collection[str]) -> None:
        self._hands = hands
        self._sources = sources

    async def begin(self) -> None:
        """Take up every source. Raises StatusbotError."""
        await self._hands.take_up(self._sources)

    async def run(self) -> None:
        """Nothing changes from now on."""

    async def leave(self) -> None:
        """Write down what is only in memory."""
        await self._hands.flush()

    async def while_leading(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work`, again where it fails, until it is done."""
        while not await finished(name, work):  # noqa: ASYNC110  (nothing tells when it would go well)
            await asyncio.sleep(AGAIN)


class Leadership:
    """One name, held by at most one process at a time."""

    def __init__(self) -> None:
        self.gained = asyncio.Event()
        self.lost = asyncio.Event()

    def turn(self, *, leads: bool) -> None:
        """Say whether this process holds it now."""
        for event, happened in ((self.gained, leads), (self.lost, not leads)):
            event.set() if happened else event.clear()


@dataclass(frozen=True, slots=True)
class Share:
    """What falls to a process at one beat."""

    sources: set[str]
    leads: set[str]
    most: int  #: sources that it should hold, so that every process has its part


class Sharing:
    """One of several processes on one database. `term` and `beat` as TERM and BEAT."""

    def __init__(
        self,
        store: Store,
        hands: Hands,
        sources: Collection[str],
        worker: str = "",
        *,
        term: timedelta = TERM,
        beat: timedelta = BEAT,
    ) -> None:
        self.worker = worker or uuid4().hex
        self._store = store
        self._hands = hands
        self._watched = frozenset(sources)
        self._watching = blake2b("\n".join(sorted(sources)).encode(), digest_size=8).hexdigest()
        self._leaderships: dict[str, Leadership] = {}
        self._offered = False
        self._soon = asyncio.Event()
        self._term, self._pause = term.total_seconds(), beat.total_seconds()
        self._lives_until = 0.0  # by the loop's clock; never later than what the database has
        self._ailing = False

    async def begin(self) -> None:
        """Take a fair share for the first time. Raises StatusbotError."""
        await self.beat()

    async def run(self) -> None:
        """Take and keep a fair share, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._soon.wait()
            self._soon.clear()
            try:
                async with asyncio.timeout(self._pause):
                    await self.beat()
                self._edge(ailing=False)
            except (StatusbotError, TimeoutError) as error:
                self._edge(ailing=True, why=str(error) or "the database does not answer")
            if (
                asyncio.get_running_loop().time() + 2 * self._pause > self._lives_until
            ):  # the next beat might come too late
                self._let_go(self._hands.polled)
                self._lead(set())

    async def beat(self) -> None:
        """Say that this process lives, and bring what it does in line with what it holds."""
        begun, wanted = asyncio.get_running_loop().time(), list(self._leaderships)
        share = await self._store.write(lambda ledger: self._share(ledger, wanted))
        self._offered, self._lives_until = True, begun + self._term
        excess = self._hands.idle(sorted(share.sources))[: max(0, len(share.sources) - share.most)]
        self._let_go(set(self._hands.polled) - share.sources | set(excess))
        if excess:
            await self._hands.flush()
            await self._store.write(lambda ledger: ledger.give(self.worker, SOURCE, excess))
        self._lead(share.leads)
        if fresh := share.sources.difference(self._hands.polled, excess):
            await self._hands.take_up(fresh)

    async def leave(self) -> None:
        """Let go of everything, write down what is only in memory, and hand back what was held."""
        self._let_go(self._hands.polled)
        self._lead(set())
        await self._hands.flush()
        await self._store.write(lambda ledger: ledger.leave(self.worker))

    async def while_leading(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` while this process leads `name`, until it is done; it is cancelled before another may lead.

        Where it fails, the lead is handed back for a while: another process may fare better.
        """
        while True:
            leadership = self._leaderships[name] = Leadership()
            self._soon.set()
            try:
                done = await self._while_held(leadership, name, work)
            finally:
                del self._leaderships[name]  # the next beat hands it back
                self._soon.set()
            if done:
                return
            await asyncio.sleep(AGAIN)

    async def _while_held(self, leadership: Leadership, name: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Run `work` whenever the leadership is held; whether it ended well in the end."""
        while True:
            await leadership.gained.wait()
            task = asyncio.ensure_future(finished(name, work))
            lost = asyncio.ensure_future(leadership.lost.wait())
            try:
                await asyncio.wait([task, lost], return_when=asyncio.FIRST_COMPLETED)
                if task.done():
                    return task.result()
                log.info("%s: another process leads from now on", name)
            finally:
                lost.cancel()
                task.cancel()
                await asyncio.wait([task], timeout=LETTING_GO)

    def _share(self, ledger: Ledger, wanted: Collection[str]) -> Share:
        living = ledger.live(self.worker, self._watching, timedelta(seconds=self._term))
        if not self._offered:
            ledger.offer(SOURCE, self._watched)
        most = -(-len(self._watched) // living)
        sources = ledger.held(self.worker, SOURCE) & self._watched
        sources |= ledger.take(self.worker, SOURCE, self._watched, most - len(sources))
        ledger.offer(LEAD, wanted)
        leads = ledger.held(self.worker, LEAD)
        ledger.give(self.worker, LEAD, leads.difference(wanted))
        return Share(sources, leads.intersection(wanted) | ledger.take(self.worker, LEAD, wanted, len(wanted)), most)

    def _let_go(self, sources: Collection[str]) -> None:
        if sources:
            self._hands.let_go(list(sources))

    def _lead(self, names: Collection[str]) -> None:
        for name, leadership in self._leaderships.items():
            leadership.turn(leads=name in names)

    def _edge(self, *, ailing: bool, why: str = "") -> None:
        """One line when the database does not take down that this process lives, one when it does again."""
        if ailing and not self._ailing:
            log.warning("this process cannot renew its leases: %s", why)
        if self._ailing and not ailing:
            log.warning("this process renews its leases again")
        self._ailing = ailing


async def finished(name: str, work: Callable[[], Awaitable[None]]) -> bool:
    """Run `work`; whether it ended well. A fault of ours is logged and costs this work only."""
    try:
        await work()
    except StatusbotError as error:
        log.error("%s: %s; beginning again in %.0f s", name, error, AGAIN)
        return False
    except Exception:
        log.exception("%s failed in our own code; beginning again in %.0f s", name, AGAIN)
        return False
    return True
