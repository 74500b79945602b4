"""The benchmark of telling many runs: a smoke test with a few, which measures nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.bench import fanout
from tests.bench.senders import Result


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with fanout.sink() as url:
        yield url


@pytest.mark.parametrize("subject", ["statusbot", "aiohttp, bare", "apprise", "queueing"])
def test_each_sends_all_that_is_asked(base: str, subject: str) -> None:
    result = fanout.run(subject, base, 20, '{"type": "incident.created"}')
    assert (result.sends, result.cpu > 0) == (20, True)
    if subject == "statusbot":
        assert '"incident.created"' in result.body
        assert 0 < result.first < 60


OURS = Result(cpu=1.0, wall=1.0, sends=10_000, first=0.05, peak=60 * fanout.MEGABYTE)
GOOD = {
    "statusbot": [OURS],
    "aiohttp, bare": [replace(OURS, cpu=0.8)],
    "apprise": [replace(OURS, cpu=8.0)],
    "queueing": [replace(OURS, cpu=0.9, sends=100_000)],
    "a tenth": [replace(OURS, sends=1000, cpu=0.1)],
}


@pytest.mark.parametrize(
    ("subject", "worse"),
    [
        ("aiohttp, bare", {"cpu": 0.5}),
        ("apprise", {"cpu": 5.0}),
        ("statusbot", {"first": 0.2}),
        ("queueing", {"cpu": 1.1}),
        ("a tenth", {"peak": 10 * fanout.MEGABYTE}),
    ],
)
def test_each_aim_can_be_missed(subject: str, worse: dict[str, float]) -> None:
    assert all(met for _, met in fanout.aims(GOOD))
    bad = {**GOOD, subject: [replace(GOOD[subject][0], **worse)]}  # type: ignore[arg-type]
    assert [met for _, met in fanout.aims(bad)].count(False) == 1


def test_rates_are_compared_round_by_round_and_the_median_counts() -> None:
    """A machine that is twice as slow in one round, and once in the middle of it, changes nothing."""
    ours = [replace(OURS, cpu=cpu) for cpu in (1.0, 2.0, 3.0)]
    bare = [replace(OURS, cpu=cpu) for cpu in (0.8, 1.6, 0.8)]
    assert fanout.times(ours, bare) == 0.8
    assert fanout.best(ours).cpu == 1.0
