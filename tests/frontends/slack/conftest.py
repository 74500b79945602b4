from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.frontends.slack.bench import Bench, bench


@pytest.fixture(params=["socket", "http"])
async def app(request: Any) -> AsyncIterator[Bench]:
    """The app by each of its two ways in."""
    async with bench(request.param) as made:
        yield made


@pytest.fixture
async def by_socket() -> AsyncIterator[Bench]:
    async with bench("socket") as made:
        yield made


@pytest.fixture
async def by_http() -> AsyncIterator[Bench]:
    async with bench("http") as made:
        yield made
