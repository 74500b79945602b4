from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.core.spans import Span, painted, united, within
from tests.core.build import at

minutes = st.integers(-50, 150)
spans = st.lists(st.tuples(minutes, minutes).map(lambda pair: (at(pair[0]), at(pair[1]))), max_size=6)


def moments(some: Sequence[Span]) -> set[int]:
    """The minutes that spans cover."""
    return {minute for minute in range(-60, 160) for begin, end in some if begin <= at(minute) < end}


@given(spans)
def test_united_spans_cover_the_same_time_and_never_touch(some: list[Span]) -> None:
    made = united(some)
    assert moments(made) == moments(some)
    assert all(before[1] < after[0] for before, after in pairwise(made))


@given(spans)
def test_within_a_window_nothing_reaches_beyond_it(some: list[Span]) -> None:
    assert moments(within(some, at(0), at(100))) == moments(some) & set(range(100))


@given(spans, spans)
def test_paint_covers_the_window_without_gaps_and_the_last_layer_is_on_top(
    below: list[Span], above: list[Span]
) -> None:
    made = painted([("below", below), ("above", above)], "ground", at(0), at(100))
    assert (made[0][0], made[-1][1]) == (at(0), at(100))
    assert all(before[1] == after[0] and before[2] != after[2] for before, after in pairwise(made))
    assert sum((end - begin for begin, end, _ in made), timedelta(0)) == at(100) - at(0)
    on_top = moments([(begin, end) for begin, end, colour in made if colour == "above"])
    assert on_top == moments(above) & set(range(100))
