from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot import housekeeping
from bot.housekeeping import Housekeeping
from bot.store import SqlStore, open_store
from tests.store.build import at
from tests.store.test_pruning import names, over, save
from tests.support.clock import StillClock


@pytest.fixture
async def store() -> AsyncIterator[SqlStore]:
    store = open_store("sqlite://")
    await store.upgrade()
    yield store
    await store.close()


async def test_everything_that_was_kept_for_long_enough_goes_batch_by_batch(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    monkeypatch.setattr(housekeeping, "BREATH", 0)
    await save(store, *(over(f"i{number}", str(number), minutes=number) for number in range(6)))
    keeping = Housekeeping(store, StillClock(at(5) + timedelta(days=400)), timedelta(days=400))
    assert await keeping.tidy() == 5
    assert await names(store) == {"i5"}
    assert await keeping.tidy() == 0
