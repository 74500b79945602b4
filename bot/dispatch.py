"""Delivers digests from a process of its own, beside a running `statusbot run` or without one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from datetime import timedelta

from bot import notifiers as kinds
from bot.app import Notifiers, toolbox
from bot.clock import SystemClock
from bot.config import Settings
from bot.core.digest import Digest
from bot.core.window import Window
from bot.deliver import Deliver
from bot.digest import queue
from bot.model import Delivery, Destination, Directory, State
from bot.ports import Ledger, Store

PATIENCE = timedelta(seconds=20)  #: of real time, for all of them; what is owed after that is said to be so
LOOK = 0.25  #: seconds between looks at what another process is sending
OWED = (State.PENDING, State.SENDING, State.DOUBTFUL)


async def dispatch(
    store: Store,
    settings: Settings,
    digest: Digest,
    window: Window,
    to: Sequence[Destination],
    patience: timedelta = PATIENCE,
) -> list[Delivery]:
    """Send a digest to those who were not told of this window; what became of each delivery that was not sent before.

    A running `statusbot run` may send some of them: whoever claims a delivery has it, and this waits for the outcome.
    """
    clock = SystemClock()
    owed = await store.write(lambda ledger: queue(ledger, digest, window, to, clock.now()))
    ids = [delivery.id for delivery in owed]
    if not ids:
        return []
    async with contextlib.AsyncExitStack() as stack:
        tools = await stack.enter_async_context(toolbox(settings.env, clock))
        notifiers = Notifiers(tools)
        stack.push_async_callback(notifiers.close)
        deliver = Deliver(
            store,
            notifiers,
            clock,
            Directory(),
            digest=lambda to: kinds.digest(to, settings.env),
            only=ids,
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience.total_seconds()):
                await deliver.mend()
                await settled(store, deliver, ids)
    return await store.read(lambda ledger: read(ledger, ids))


async def settled(store: Store, deliver: Deliver, ids: Collection[int]) -> None:
    """Send until nothing of these is owed any more."""
    while True:
        await deliver.sweep()
        now = await store.read(lambda ledger: read(ledger, ids))
        if not any(delivery.state in OWED for delivery in now):
            return
        await asyncio.sleep(LOOK)


def read(ledger: Ledger, ids: Collection[int]) -> list[Delivery]:
    """These deliveries as they stand."""
    return [found for number in ids if (found := ledger.delivery(number)) is not None]
