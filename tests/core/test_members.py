from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.members import objects, oldest_first, strings, text, unique
from bot.errors import Unreadable
from bot.model import Item


def item(words: str, hour: int | None) -> Item:
    return Item(text=words, at=None if hour is None else datetime(2026, 1, 22, hour, tzinfo=UTC))


def order(*hours: int | None, newest_first: bool = True) -> str:
    """The letters a, b, c … of items at these hours, in the order that was made of them."""
    listed = [item(letter, hour) for letter, hour in zip("abcdef", hours, strict=False)]
    return "".join(one.text for one in oldest_first(listed, newest_first=newest_first))


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ((), ""),
        ((3,), "a"),
        ((3, 2, 1), "cba"),
        ((1, 2, 3), "abc"),
        ((3, 1, 2), "bca"),
        ((3, 2, 2, 1), "dcba"),
        ((1, 2, 2, 3), "abcd"),
        ((3, None, 1), "cba"),
        ((1, None, 3), "abc"),
    ],
)
@pytest.mark.parametrize("newest_first", [True, False])
def test_the_dates_tell_the_order(hours: tuple[int | None, ...], expected: str, newest_first: bool) -> None:
    assert order(*hours, newest_first=newest_first) == expected


@pytest.mark.parametrize("hours", [(2, 2, 2), (None, None, None), (None, 2, None)])
def test_where_dates_tell_nothing_the_documents_habit_does(hours: tuple[int | None, ...]) -> None:
    assert order(*hours, newest_first=True) == "cba"
    assert order(*hours, newest_first=False) == "abc"


@settings(deadline=None)
@given(hours=st.lists(st.none() | st.integers(0, 23), max_size=6), newest_first=st.booleans())
def test_nothing_is_lost_and_dated_items_ascend(hours: list[int | None], newest_first: bool) -> None:
    listed = [item(str(place), hour) for place, hour in enumerate(hours)]
    found = oldest_first(listed, newest_first=newest_first)
    assert sorted(one.text for one in found) == sorted(one.text for one in listed)
    if None not in hours:
        assert [one.at for one in found] == sorted(one.at for one in listed if one.at)


def test_objects_of_nothing_are_none() -> None:
    assert list(objects(None)) == []
    assert list(objects([])) == []
    assert list(objects([{"a": 1}])) == [{"a": 1}]


@pytest.mark.parametrize("value", [{}, "x", 0, False, [1], [{}, None], [[]]])
def test_a_list_of_anything_else_is_unreadable(value: object) -> None:
    with pytest.raises(Unreadable):
        objects(value)


def test_texts() -> None:
    assert [text(value) for value in (" x ", "", None, 7, ["x"])] == ["x", "", "", "", ""]
    assert strings([" x ", None, "y", "x", 7]) == ("x", "y")
    assert strings("xy") == strings(None) == strings({"x": 1}) == ()
    assert unique(["b", "", "a", "b"]) == ("b", "a")
