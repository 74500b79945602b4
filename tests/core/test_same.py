from __future__ import annotations

import pytest

from bot.core.place import order
from bot.core.same import same_statements
from bot.model import Report, Status
from tests.core.build import PAGE, X, said

GOES_ON = "We are continuing to investigate this issue."


def groups(*reports: Report) -> set[str]:
    """Which reports are one statement, by their native ids: {"a p", "b"}."""
    return {" ".join(sorted(r.native_id for r in group)) for group in same_statements(sorted(reports, key=order))}


def page(minutes: float, text: str, name: str) -> Report:
    return said(PAGE, minutes, text, name, thread="1", status=Status.INVESTIGATING)


def test_equal_words_are_repeated_in_their_order_and_not_by_the_nearest() -> None:
    posts = said(X, 6, GOES_ON, "p"), said(X, 7, GOES_ON, "q")
    assert groups(page(0, GOES_ON, "a"), page(5, GOES_ON, "b"), *posts) == {"a p", "b q"}


def test_one_post_repeats_the_nearest_of_equal_statements() -> None:
    assert groups(page(0, GOES_ON, "a"), page(8, GOES_ON, "b"), said(X, 9, GOES_ON, "p")) == {"a", "b p"}


def test_the_very_words_are_not_given_up_for_the_order() -> None:
    other = f"{GOES_ON} More at 19 UTC."
    posts = said(X, 6, other, "p"), said(X, 7, GOES_ON, "q")
    assert groups(page(0, GOES_ON, "a"), page(5, other, "b"), *posts) == {"a q", "b p"}


POSTED = "Trello may currently be slow or unavailable. Our engineering team is actively investigating this incident."
EDITED = "Trello may be slow for some users. Our engineering team is investigating it with our network partners."


def test_a_statement_that_was_edited_after_it_was_posted_is_still_the_one_of_that_breath() -> None:
    assert groups(page(0, EDITED, "a"), said(X, 0.05, POSTED, "p")) == {"a p"}


@pytest.mark.parametrize(
    "others",
    [
        [said(X, 0.5, POSTED, "p")],  # half a minute later
        [said(X, 0.05, "Database maintenance begins on Saturday at noon.", "p")],  # about something else
        [said(X, 0.05, POSTED, "p"), said(X, 0.08, "Boards load slowly, too.", "q")],  # which of the two?
    ],
)
def test_else_other_words_are_another_statement(others: list[Report]) -> None:
    assert "a" in groups(page(0, EDITED, "a"), *others)
