"""The short form of `python -m tests.crash`, and that its judge would see a broken promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.__main__ import sqlite
from tests.crash.play import play
from tests.support import postgresql

SEED = 20260122

pytestmark = pytest.mark.timeout(400)  # on a busy machine; by itself less than half a minute


async def test_killed_again_and_again_it_tells_everything_once_and_in_order(tmp_path: Path) -> None:
    result = await play(tmp_path, SEED, 6, sqlite, long_lives=0)
    assert result.faults == [], result.figures


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], str]]:
    with postgresql.server(tmp_path_factory.mktemp("server")) as uri:
        yield lambda _: postgresql.database(uri, "crash")


async def test_so_do_three_processes_on_one_database(tmp_path: Path, database: Callable[[Path], str]) -> None:
    result = await play(tmp_path, SEED, 3, database, processes=3, long_lives=0)
    assert result.faults == [], result.figures
