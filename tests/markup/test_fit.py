from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.markup import DISCORD, TEAMS, Markup
from bot.markup.fit import fit, fit_line, shares, units, web_address
from tests.notifiers.notices import AT, BREAKING

LIMIT = 100


def test_what_fits_stays() -> None:
    assert fit("a_b", 4, DISCORD.text) == r"a\_b"


def test_what_does_not_fit_is_cut_at_a_word_and_marked() -> None:
    assert fit("one two three four", 17) == "one two three…"


@pytest.mark.parametrize("words", BREAKING.values(), ids=BREAKING)
@pytest.mark.parametrize("markup", [DISCORD, TEAMS])
def test_no_text_exceeds_its_limit(words: str, markup: Markup) -> None:
    cut = fit(words, LIMIT, markup.text, units)
    assert units(cut) <= LIMIT
    assert cut or not markup.text(words).strip()


@given(st.text(), st.integers(0, 50))
def test_an_escape_is_never_cut_in_two(words: str, limit: int) -> None:
    cut = fit(words, limit, DISCORD.text, units)
    assert units(cut) <= limit
    assert (len(cut) - len(cut.rstrip("\\"))) % 2 == 0


def test_a_line_loses_words_and_no_time() -> None:
    cut = fit_line(("x " * 500, AT, "y " * 500), LIMIT, DISCORD, units)
    assert f"<t:{int(AT.timestamp())}:f>" in cut
    assert units(cut) <= LIMIT
    assert "x…" in cut
    assert "y…" in cut


def test_what_short_texts_leave_goes_to_long_ones() -> None:
    assert shares([10, 500, 500], 110) == [10, 50, 50]
    assert shares([10, 20], 100) == [10, 20]
    assert shares([], 100) == []


@given(st.lists(st.integers(0, 10_000)), st.integers(0, 10_000))
def test_shares_never_exceed_budget_or_need(costs: list[int], budget: int) -> None:
    given_ = shares(costs, budget)
    assert sum(given_) <= budget
    assert all(share <= cost for share, cost in zip(given_, costs, strict=True))


@pytest.mark.parametrize(
    ("words", "link"),
    [
        ("https://status.example.com/i/1?a=b#c", "https://status.example.com/i/1?a=b#c"),
        ("https://bücher.example/ä b", "https://xn--bcher-kva.example/%C3%A4%20b"),
        ("javascript:alert(1)", ""),
        ("https://user:secret@example.com/", ""),
        ("http://localhost/x", ""),
        ("https://[", ""),
        ("/relative", ""),
        ("https://example.com/" + "x" * 3000, ""),
        ("", ""),
    ],
)
def test_only_an_ordinary_address_becomes_a_link(words: str, link: str) -> None:
    assert web_address(words) == link
