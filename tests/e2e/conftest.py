from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.e2e.world import World, world


@pytest.fixture
async def given(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


@pytest.fixture
async def common(given: World, make_database: Callable[[], str]) -> World:
    """The same, where any number of `statusbot run` share one PostgreSQL."""
    given.env["STATUSBOT_DATABASE"] = make_database()
    await given.printed("db", "upgrade")
    return given
