from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.frontends.slack.request import Asked, asked, word, words

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("user team channel event id user_id team_id container tab".split()), inner)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("status acme", "status acme"),
        ("  help ", "help"),
        ("subscribe a --mention critical=<!here>", "subscribe a --mention critical=<!here>"),
        ("x <!here|here> <@U1|ann> <!subteam^S1|@ops> <#C1|general>", "x <!here> <@U1> <!subteam^S1> <#C1>"),
        ("<https://status.acme.com|status.acme.com>", "status.acme.com"),
        ("<https://status.acme.com>", "https://status.acme.com"),
        ("R&amp;D &lt;b&gt; &amp;lt;", "R&D <b> &lt;"),
        ("<<<>>>", "<<<>>>"),
    ],
)
def test_what_was_typed_is_what_was_meant(typed: str, meant: str) -> None:
    assert words(typed) == meant


@given(st.text())
def test_any_text_can_be_typed(text: str) -> None:
    assert isinstance(words(text), str)


@given(st.dictionaries(st.sampled_from("user team channel event user_id team_id response_url".split()), json))
def test_any_body_is_somebody_or_nobody(body: dict[str, object]) -> None:
    who = asked(body)
    assert isinstance(who, Asked)
    assert all(isinstance(team, str) and team for team in who.teams)


def test_every_workspace_that_is_named_counts() -> None:
    assert asked({"team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T2"}}).teams == {"T1", "T2"}
    assert asked({}).teams == frozenset()


def test_the_addresses_of_a_request_are_not_shown() -> None:
    assert "hooks" not in repr(Asked("U1", answers="https://hooks.example/secret", trigger="hooks"))


def test_what_is_not_there_is_empty() -> None:
    assert word({"a": {"b": 5}}, "a", "b") == word(None, "a") == word({"a": []}, "a", "b") == ""
