"""Removes the texts of what has long been over (`keep`), a little at a time; one process of several does it."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from bot.ports import Clock, Store

log = logging.getLogger("statusbot")

EVERY = timedelta(hours=1)
BATCH = 50  #: incidents in one transaction: it keeps nobody waiting
BREATH = 0.2  #: seconds between transactions


class Housekeeping:
    """keep: how long texts are kept after their incident was last spoken of."""

    def __init__(self, store: Store, clock: Clock, keep: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep

    async def run(self) -> None:
        """Tidy up every now and then, until cancelled."""
        while True:
            removed = await self.tidy()
            if removed:
                log.info("removed the texts of %d incidents that were over for longer than `keep`", removed)
            await asyncio.sleep(EVERY.total_seconds())

    async def tidy(self) -> int:
        """Remove what has been kept for long enough; how many incidents that were."""
        before, removed = self._clock.now() - self._keep, 0
        while some := await self._store.write(lambda ledger: ledger.prune(before, BATCH)):
            removed += some
            await asyncio.sleep(BREATH)
        return removed
