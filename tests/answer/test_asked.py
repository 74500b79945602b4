from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer.asked import COMMANDS, Asked, asked
from bot.core.dates import length_of


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", Asked("help")),
        ("status", Asked("status")),
        ("  STATUS  github ", Asked("status", ("github",))),
        ('subscribe microsoft-365 "Exchange Online"', Asked("subscribe", ("microsoft-365", "Exchange Online"))),
        ("subscribe microsoft-365 “Exchange Online”", Asked("subscribe", ("microsoft-365", "Exchange Online"))),
        ("subscribe github --min major", Asked("subscribe", ("github",), {"min": ("major",)})),
        ("subscribe github —min=major", Asked("subscribe", ("github",), {"min": ("major",)})),
        ("subscribe a --region x --region y", Asked("subscribe", ("a",), {"region": ("x", "y")})),
        ("subscribe a --no-maintenance", Asked("subscribe", ("a",), {"no-maintenance": ()})),
        ("list", Asked("subscriptions")),
        ('why "MO1', Asked("why", ("MO1",))),
    ],
)
def test_a_line_of_words(line: str, wanted: Asked) -> None:
    assert asked(line) == wanted


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("statsu", 'I do not know "statsu"; did you mean "status"?'),
        ("xyzzy", 'I do not know "xyzzy".'),
        ("subscribe a --mni major", 'I do not know "--mni"; did you mean "min"?'),
        ("subscribe a --min", "--min needs a value."),
    ],
)
def test_what_cannot_be_understood_is_said(line: str, words: str) -> None:
    assert asked(line).wrong == words


@given(st.text(max_size=200))
def test_no_line_is_too_odd(line: str) -> None:
    found = asked(line)
    assert found.command in COMMANDS or found.wrong
    assert len(found.wrong) < 150


@pytest.mark.parametrize(
    ("words", "minutes"),
    [("30m", 30), ("2 h", 120), ("1 day", 1440), ("1W", 10080), ("2 hours", 120), ("90 minutes", 90)],
)
def test_a_length_of_time(words: str, minutes: int) -> None:
    length = length_of(words)
    assert length is not None
    assert length.total_seconds() == minutes * 60


@pytest.mark.parametrize("words", ["", "0m", "h", "2", "-2h", "2y", "999999w", "2h30m", "²h"])
def test_no_length_of_time(words: str) -> None:
    assert length_of(words) is None
