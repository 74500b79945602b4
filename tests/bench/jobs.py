"""Procrastinate's empty jobs in a PostgreSQL, the neighbour in the benchmark of several processes: see workers.py."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from procrastinate import App, PsycopgConnector


class Empty:
    """Jobs that do nothing. `done`: how many this process has worked off."""

    def __init__(self, address: str, abreast: int) -> None:
        self.done = 0
        self._abreast = abreast
        self._app = App(connector=PsycopgConnector(conninfo=address, min_size=1, max_size=abreast + 2))
        self._task = self._app.task(name="nothing")(self._nothing)

    async def _nothing(self) -> None:
        self.done += 1

    async def defer(self, many: int) -> None:
        """Create procrastinate's tables and queue so many."""
        async with self._app.open_async():
            await self._app.schema_manager.apply_schema_async()
            await self._task.batch_defer_async(*({} for _ in range(many)))

    async def work(self, ready: Callable[[], Awaitable[None]]) -> tuple[float, float]:
        """Work off all that is there, once `ready` has returned; the CPU time and the time that it took."""
        async with self._app.open_async():
            await ready()
            start, wall = time.process_time(), time.monotonic()
            await self._app.run_worker_async(
                wait=False, concurrency=self._abreast, listen_notify=False, install_signal_handlers=False
            )
            return time.process_time() - start, time.monotonic() - wall
