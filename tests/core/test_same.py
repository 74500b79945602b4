from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bot.core.link import link
from bot.core.place import order
from bot.core.same import same_statements
from bot.model import Incident, Report, Status
from tests.core.build import NAMES, PAGE, X, apply, said

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


class Counted(datetime):
    """A time that counts how often one is subtracted from another or compared with it."""

    looks = 0

    def __sub__(self, other: Any) -> Any:
        Counted.looks += 1
        return super().__sub__(other)

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return super().__eq__(other)

    def __lt__(self, other: Any) -> bool:
        Counted.looks += 1
        return super().__lt__(other)

    def __gt__(self, other: Any) -> bool:
        Counted.looks += 1
        return super().__gt__(other)

    __hash__ = datetime.__hash__


def counted(report: Report) -> Report:
    at = report.at
    return replace(report, at=Counted.combine(at.date(), at.timetz()))


@pytest.mark.parametrize("odd", [False, True])
def test_many_equal_words_are_paired_in_their_order_without_a_search_for_every_two(odd: bool) -> None:
    """The nearest posts of all are those in the opposite order; with an odd one among them not all can be straight."""
    many = 50
    other = f"{GOES_ON} More at 19 UTC."
    told = [page(i / 10, other if odd and i == 40 else GOES_ON, f"a{i:02}") for i in range(many)]
    posts = [said(X, 6 + i / 10, other if odd and i == 10 else GOES_ON, f"p{i:02}") for i in range(many)]
    Counted.looks = 0
    found = groups(*map(counted, told), *map(counted, posts))
    left, right = [i for i in range(many) if i != 40 or not odd], [i for i in range(many) if i != 10 or not odd]
    straight = {f"a{a:02} p{p:02}" for a, p in zip(left, right, strict=True)}
    assert found == straight | ({"a40 p10"} if odd else set())
    assert Counted.looks < 2 * (2 * many) ** 2


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


def told(*batches: list[Report]) -> list[list[str]]:
    """The words that are news after each poll, and where they stand in the timeline's order."""
    incidents: dict[str, Incident] = {}
    found = []
    for batch in batches:
        (change,) = link(list(incidents.values()), batch, NAMES)
        apply(incidents, change)
        found.append([update.text for update in change.incident.updates if update.id in change.news])
    return found


LINKED = f"{POSTED} https://stspg.io/inc9"


def linked(minutes: float, text: str, name: str, status: Status) -> Report:
    return said(PAGE, minutes, text, name, thread="inc9", status=status, url="https://stspg.io/inc9")


def test_what_stood_for_one_statement_and_is_two_after_all_is_told() -> None:
    """A page's opening of the same breath as a post was taken for that post edited, until the page said more in it."""
    post = said(X, 0, LINKED, "p")
    opening = linked(0.1, EDITED, "a", Status.INVESTIGATING)
    more = linked(0.15, "The cause was found.", "b", Status.IDENTIFIED)
    assert told([post], [opening], [more]) == [[LINKED], [], [EDITED, "The cause was found."]]


def test_what_stood_for_one_statement_in_the_same_words_is_not_told_again() -> None:
    """Two equal posts, of which the second is the page's own: what is left of the first pair says nothing new."""
    first = said(X, 0, GOES_ON, "p")
    statement = linked(4, GOES_ON, "a", Status.INVESTIGATING)
    second = said(X, 4, GOES_ON, "q")
    assert told([statement], [first], [second]) == [[GOES_ON], [], []]
