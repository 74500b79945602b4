"""An incident that goes on under another id, and posts that name several."""

from __future__ import annotations

from itertools import permutations

import pytest

from bot.core.link import link
from bot.core.summary import said as who_said
from bot.markup import PLAIN
from bot.model import Corrections, Report
from tests.core.build import NAMES, PAGE, X, only, said, texts, timeline


def filed(name: str, minutes: float, words: str) -> Report:
    return said(PAGE, minutes, words, f"{name}-{minutes}", thread=name, references=(name,), title=f"Trouble {name}")


A = filed("MO1000001", 0, "Mail is slow.")
ON = filed("MO1000001", 30, "This incident continues under EX1000002.")
B = filed("EX1000002", 40, "Mail is slower still.")


def test_both_are_one_in_any_order() -> None:
    for reports in permutations([A, ON, B]):
        incident = only(timeline(*reports))
        assert texts(incident) == [A.text, ON.text, B.text]
        assert set(incident.references) == {"MO1000001", "EX1000002"}
    assert "it is said to go on as EX1000002" in only(timeline(A, ON, B)).joined.values()


@pytest.mark.parametrize(
    "words",
    [
        "The symptoms are similar to EX1000002.",
        "This is unrelated to EX1000002; see EX1000002 for further updates on that.",
        "We look into EX1000002, too.",
    ],
)
def test_a_mere_mention_joins_nothing(words: str) -> None:
    assert len(timeline(A, filed("MO1000001", 30, words), B)) == 2


def test_an_operator_who_keeps_them_apart_has_the_last_word() -> None:
    apart = Corrections(apart=frozenset({(B.id, A.id)}))
    assert len(link([], [A, ON, B], NAMES, apart)) == 2


def test_a_post_with_its_own_id_goes_on_as_another() -> None:
    post = said(X, 30, "Updates on MO1000001: the incident is now tracked under EX1000002.", "p")
    assert len(timeline(A, post, B)) == 1


BOTH = said(X, 50, "We are restoring service for MO1000001 and EX1000002.", "both")


def test_a_post_that_names_two_ids_stands_on_both_in_any_order() -> None:
    for reports in permutations([A, B, BOTH]):
        first, second = timeline(*reports)
        assert texts(first) == [A.text, BOTH.text]
        assert texts(second) == [B.text, BOTH.text]
        assert [len(update.reports) for update in first.updates] == [1, 1]
        assert [len(update.reports) for update in second.updates] == [1, 0], "a report is counted once"


def test_it_says_whose_words_they_are() -> None:
    _, second = timeline(A, B, BOTH)
    line = PLAIN.line(who_said(second.updates[-1], {"acme/x": "X"}))
    assert line.startswith("X · 2026-01-22 19:50 UTC, in a post about another incident")


def test_it_changes_no_state_and_an_edit_of_it_is_one_there_too() -> None:
    over = said(X, 50, "MO1000001 and EX1000002 are resolved.", "both", seen=60)
    first, second = timeline(A, B, BOTH, over)
    assert second.open
    assert texts(second) == [B.text, over.text]
    assert second.updates[-1].revision == 1
    assert texts(first) == [A.text, over.text]


def test_a_later_update_of_the_thread_leaves_it_there() -> None:
    later = filed("EX1000002", 70, "Still slow.")
    _, second = timeline(A, B, BOTH, later)
    assert texts(second) == [B.text, BOTH.text, later.text]


def test_a_post_that_compares_stands_on_one() -> None:
    post = said(X, 50, "MO1000001 is similar to EX1000002.", "both")
    assert [len(incident.updates) for incident in timeline(A, B, post)] == [2, 1]
