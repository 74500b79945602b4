"""Words with a form of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import notifiers
from bot.config import parse_destination, parse_duration
from bot.core.dates import LONGEST
from bot.errors import UsageError
from tests.config.written import SECRET

T = TypeVar("T")


@pytest.mark.parametrize(
    "pasted",
    [
        f"https://hooks.slack.com/services/T0/B0/{SECRET}",
        f"teams:https://flow.example/invoke?sig={SECRET}",
        f"slack: {SECRET}",
        f"xoxb-{SECRET}",
        f"discord:{SECRET}\n",
    ],
)
def test_a_secret_in_a_destinations_place_is_not_repeated(pasted: str) -> None:
    if pasted.endswith("\n"):
        assert parse_destination(pasted).name == SECRET  # a name like any other
        return
    with pytest.raises(UsageError) as caught:
        parse_destination(pasted)
    assert SECRET not in str(caught.value)


def or_plain_refusal(parse: Callable[[str], T], text: str) -> T | None:
    """What a text is read as; None where it is refused in one line."""
    line = ""
    try:
        return parse(text)
    except UsageError as error:
        line = str(error)
    assert line.isprintable()
    return None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("5m", 300), ("24h", 86_400), ("400d", 34_560_000), ("2w", 1_209_600), (" 1 h ", 3600), ("0s", 0)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"\s?\d{1,12} ?[a-z]\s?", fullmatch=True)))
def test_any_text_is_a_duration_or_a_plain_refusal(text: str) -> None:
    length = or_plain_refusal(parse_duration, text)
    assert length is None or timedelta() <= length <= LONGEST


@given(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(list(notifiers.REGISTRY)).flatmap(lambda k: st.text().map(lambda n: f"{k}:{n}")),
    )
)
def test_any_text_is_a_destination_that_reads_back_or_a_plain_refusal(text: str) -> None:
    found = or_plain_refusal(parse_destination, text)
    assert found is None or parse_destination(str(found)) == found
