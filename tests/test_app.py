"""What goes on beside polling and delivering: its faults are its own."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from bot.app import unfailing


async def test_a_fault_is_logged_and_the_work_begins_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "statusbot")
    begun = asyncio.Event()
    times = []

    async def work() -> None:
        times.append(1)
        if len(times) < 3:
            raise ValueError("a fault")
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(unfailing("Slack's front end", work, timedelta(0)))
    await asyncio.wait_for(begun.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [record.getMessage() for record in caplog.records] == [
        "Slack's front end failed in our own code; beginning again in 0:00:00"
    ] * 2
