"""The identify budget: by the hour, across restarts, and never more than Discord itself grants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.frontends.discord.budget import A_DAY, HOUR, SPARE, Budget, Spent, free_at, times
from bot.ports import Store
from bot.store import open_store
from tests.support.clock import StillClock

AT = datetime(2026, 1, 22, 19, 0, tzinfo=UTC)
DAY = timedelta(days=1)


async def store() -> Store:
    made = open_store("sqlite://")
    await made.upgrade()
    return made


async def spend(budget: Budget, most: int) -> int:
    """How many are granted one after the other."""
    for number in range(most):
        try:
            await budget.take()
        except Spent:
            return number
    return most


async def test_an_hours_share_is_granted_and_then_none_until_the_first_is_an_hour_old() -> None:
    clock, kept = StillClock(AT), await store()
    budget = Budget(kept, clock, 1)
    assert await spend(budget, 100) == A_DAY // 25
    with pytest.raises(Spent) as spent:
        await budget.take()
    assert spent.value.until == AT + HOUR
    clock.forward(hours=1)
    assert await spend(budget, 1) == 1
    await kept.close()


async def test_a_restart_forgets_nothing_and_another_application_has_its_own() -> None:
    clock, kept = StillClock(AT), await store()
    await spend(Budget(kept, clock, 1), 30)
    assert await spend(Budget(kept, clock, 1), 100) == 10
    assert await spend(Budget(kept, clock, 2), 100) == 40
    await kept.close()


async def test_discords_own_count_is_obeyed() -> None:
    clock, kept = StillClock(AT), await store()
    budget = Budget(kept, clock, 1)
    budget.learn(1000, SPARE + 2, 3 * HOUR)
    assert await spend(budget, 9) == 2
    with pytest.raises(Spent) as spent:
        await budget.take()
    assert spent.value.until == AT + 3 * HOUR
    clock.forward(hours=3)
    assert await spend(budget, 1) == 1
    await kept.close()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 20_000), max_size=3000), st.integers(1, 40))
def test_whenever_one_asks_no_hour_sees_more_and_no_day_more_than_its_budget(pauses: list[int], hourly: int) -> None:
    past: list[datetime] = []
    at = AT
    for pause in pauses:
        at += timedelta(milliseconds=pause)
        recent = [one for one in past if one > at - HOUR]
        until = free_at(recent, hourly)
        if until is None:
            past.append(at)
        else:
            assert at < until <= at + HOUR
    for number, one in enumerate(past):
        assert sum(one <= other < one + HOUR for other in past[number : number + hourly + 1]) <= hourly
        assert (
            sum(one <= other < one + DAY for other in past[number : number + 25 * hourly + 1]) <= 24 * hourly + hourly
        )


@pytest.mark.parametrize("note", ["", "{", "[1]", '["yesterday"]', "null"])
def test_a_note_that_cannot_be_read_counts_for_nothing(note: str) -> None:
    assert times(note) == []
