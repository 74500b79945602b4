"""The benchmark of several processes runs: a smoke test with a few, which measures nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.bench import workers
from tests.bench.sink import Count
from tests.bench.workers import Place, Result


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with workers.place() as made:
        yield made


async def test_two_programs_share_what_is_sent(place: Place) -> None:
    result = await workers.statusbot(place, "sent", 60, 2)
    assert (result.done, sum(result.shares), len(result.shares)) == (60, 60, 2)
    assert 0 < result.first < result.wall
    assert min(result.cpu, result.database) > 0


async def test_two_of_procrastinate_s_share_the_empty_jobs(place: Place) -> None:
    result = await workers.procrastinate(place, "empty", 40, 2)
    assert (result.done, sum(result.shares), len(result.shares)) == (40, 40, 2)
    assert min(result.wall, result.cpu, result.database) > 0


def test_what_arrived_once_is_counted_by_who_sent_it() -> None:
    assert workers.once_each(Count({"0/0": 1, "1/1": 1, "0/2": 1}), 3) == {0: 2, 1: 1}


@pytest.mark.parametrize(
    "arrived",
    [
        {"0/0": 1},
        {"0/0": 1, "0/1": 2},
        {"0/0": 1, "0/1": 1, "1/1": 1},
        {"0/0": 1, "0/1": 1, "0/7": 1},
    ],
    ids=["missing", "twice by one", "once by each", "owed to nobody"],
)
def test_what_did_not_arrive_exactly_once_ends_the_run(arrived: dict[str, int]) -> None:
    with pytest.raises(AssertionError):
        workers.once_each(Count(arrived), 2)


ONE = Result(done=10_000, wall=2.0, cpu=2.0, database=0.5, shares=(10_000,))
TWO = replace(ONE, shares=(6_000, 4_000))
JOBS = replace(ONE, wall=20.0)
GOOD = {("statusbot", 1): ONE, ("statusbot", 2): TWO, ("procrastinate", 1): JOBS, ("procrastinate", 2): JOBS}


@pytest.mark.parametrize(
    ("which", "worse"),
    [
        (("procrastinate", 1), {"wall": 5.0}),
        (("statusbot", 2), {"wall": 3.0}),
        (("statusbot", 2), {"database": 2.0}),
        (("statusbot", 2), {"shares": (10_000, 0)}),
    ],
)
def test_each_aim_can_be_missed(which: tuple[str, int], worse: dict[str, object]) -> None:
    assert all(met for _, met in workers.aims(GOOD))
    bad = {**GOOD, which: replace(GOOD[which], **worse)}  # type: ignore[arg-type]
    assert [met for _, met in workers.aims(bad)].count(False) == 1


def test_the_table_tells_of_each() -> None:
    _, *rows = workers.table(GOOD)
    assert [row.split()[:2] for row in rows] == [
        ["statusbot", "1"],
        ["statusbot", "2"],
        ["procrastinate", "1"],
        ["procrastinate", "2"],
    ]
    assert rows[1].endswith("6000 + 4000")
