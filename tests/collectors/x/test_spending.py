"""bot.collectors.x.spending: the budget is never exceeded, and nobody waits without need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.collectors.x.spending import HEAD_START, LEAST, MOST, SLOWEST, billed, month, pace, page_size, warning

TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants it
INTERVALS = st.integers(1, 7200).map(lambda seconds: timedelta(seconds=seconds))
BUDGETS = st.integers(5, 100_000)
READS = st.integers(0, 200_000)


@given(READS, BUDGETS, TIMES, INTERVALS)
def test_never_faster_than_the_interval_nor_slower_than_an_hour(
    reads: int, budget: int, at: datetime, interval: timedelta
) -> None:
    assert interval <= pace(reads, budget, at, interval) <= max(interval, SLOWEST)


@given(READS, READS, BUDGETS, TIMES, INTERVALS)
def test_more_reads_never_make_it_faster(one: int, other: int, budget: int, at: datetime, interval: timedelta) -> None:
    assert pace(min(one, other), budget, at, interval) <= pace(max(one, other), budget, at, interval)


@given(st.floats(0, 1), BUDGETS, TIMES, INTERVALS)
def test_who_spends_no_faster_than_the_month_passes_is_not_slowed(
    share: float, budget: int, at: datetime, interval: timedelta
) -> None:
    start, end = month(at)
    elapsed = (at - start) / (end - start)
    assert pace(int(budget * elapsed * share), budget, at, interval) == interval


@given(st.floats(0, HEAD_START), BUDGETS, TIMES, INTERVALS)
def test_the_head_start_is_never_slowed(share: float, budget: int, at: datetime, interval: timedelta) -> None:
    assert pace(int(budget * share), budget, at, interval) == interval


@given(st.integers(0, MOST), st.integers(100, 20_000), st.sampled_from([datetime(2026, 2, 1, tzinfo=UTC)]))
def test_a_month_of_polls_stays_within_the_budget(found: int, budget: int, at: datetime) -> None:
    """Each poll finds `found` posts and reads as many as may be asked for."""
    interval, end, reads = timedelta(hours=1), month(at)[1], 0
    while at < end:
        reads += min(found, page_size(reads, budget))
        at += pace(reads, budget, at, interval)
    assert reads <= budget


@given(st.integers(1, 10))
def test_an_even_stream_is_read_to_the_month_s_end(found: int) -> None:
    """What a slower pace can stretch (at most one poll an hour, 672 in February) lasts; it is not spent on day one."""
    at, interval, budget, reads = datetime(2026, 2, 1, tzinfo=UTC), timedelta(minutes=1), found * 672 + LEAST, 0
    end = month(at)[1]
    while at < end:
        assert page_size(reads, budget) >= LEAST or end - at <= timedelta(days=7)
        reads += min(found, page_size(reads, budget))
        at += pace(reads, budget, at, interval)


def test_a_year_s_turn() -> None:
    turn = datetime(2027, 1, 1, tzinfo=UTC)
    assert month(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == (datetime(2026, 12, 1, tzinfo=UTC), turn)
    assert month(turn)[0] == turn


@pytest.mark.parametrize(
    ("reads", "words"),
    [
        (0, ""),
        (7_999, ""),
        (8_000, "8,000 of 10,000 reads of X spent this month (80%)"),
        (10_000, "10,000 of 10,000 reads of X spent this month (100%)"),
    ],
)
def test_the_warning_begins_at_four_fifths(reads: int, words: str) -> None:
    assert warning(reads, 10_000) == words


@pytest.mark.parametrize(("reads", "size"), [(0, 100), (9_900, 100), (9_950, 50), (9_995, 5), (9_996, 0), (10_050, 0)])
def test_a_page_is_no_larger_than_what_is_left(reads: int, size: int) -> None:
    assert page_size(reads, 10_000) == size


def test_posts_and_users_are_billed_wherever_they_stand() -> None:
    document = {
        "data": [{"id": "1"}, {"id": "2"}],
        "includes": {"tweets": [{"id": "1"}], "posts": [{"id": "3"}], "users": [{"id": "1"}], "media": [{"id": "9"}]},
    }
    assert set(billed(document)) == {("post", "1"), ("post", "2"), ("post", "3"), ("user", "1")}
    assert list(billed({"data": {"id": "1"}})) == [("user", "1")]
    assert list(billed({"meta": {"result_count": 0}})) == []
