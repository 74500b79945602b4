from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from bot.answer import status_line
from bot.core.dissent import Contradiction, contradiction
from bot.core.shape import incident_json
from bot.core.summary import card, disagreement, disagreement_words
from bot.model import Act, Incident, Notice, Provider, Report, Status
from tests.core.build import FEED, PAGE, X, at, only, said, timeline

SHORT = ("https://stspg.io/abc",)
SLOW = "Our engineers are investigating slow mail of users in North America."
NAMES = {PAGE.id: "the status page", X.id: "X"}

opened = said(PAGE, 0, SLOW, "p1", thread="1", status=Status.INVESTIGATING, links=SHORT)
closed = said(PAGE, 60, "This incident has been resolved.", "p2", thread="1", status=Status.RESOLVED, links=SHORT)


def post(minutes: float, text: str) -> Report:
    return said(X, minutes, text, f"x{minutes}", links=SHORT)


def lived(*more: Report) -> Incident:
    return only(timeline(opened, closed, *more))


STILL = post(70, "We are still seeing errors.")
GOES_ON = post(90, "We're investigating new reports that calendars cannot be opened.")


def test_a_source_that_goes_on_after_the_page_said_that_it_is_over_keeps_it_open_and_that_is_said() -> None:
    incident = lived(GOES_ON)
    assert incident.open
    assert contradiction(incident) == Contradiction(PAGE.id, at(60), X.id, at(90), standing=True)
    (line,) = disagreement(incident, NAMES)
    assert line == ("The status page says that it is over since ", at(60), ", but X goes on since ", at(90))


def test_the_order_in_which_they_were_read_makes_no_difference() -> None:
    for order in permutations([opened, closed, GOES_ON]):
        assert contradiction(only(timeline(*order))) == contradiction(lived(GOES_ON))


@pytest.mark.parametrize(
    "late",
    [
        post(61, "We have identified the cause of slow mail and are working on a fix."),
        post(90, "Our engineers are investigating slow mail of users in North America"),
        post(90, "Thank you for your patience while we resolved this issue."),
        post(90, "We're monitoring the environment."),
        post(90, "We're continuing to monitor; there is no remaining impact."),
        post(90, "All is well. If you are still seeing slow mail, please open a support case."),
        post(90, "Users that are well again may see residual headlines."),
    ],
    ids=["told late", "a repeat", "thanks", "watching only", "no impact left", "a question", "no word of it"],
)
def test_what_does_not_go_on_reopens_nothing(late: Report) -> None:
    incident = lived(late)
    assert (incident.status, incident.resolved_at) == (Status.RESOLVED, at(60))
    assert contradiction(incident) is None


@pytest.mark.parametrize(
    "words",
    [
        "We're still seeing errors for some users and have identified a second cause.",
        "We've restored most services and are monitoring residual delivery issues.",
        "We're investigating: the issue has returned.",
        "We're still seeing failures of mail in North America.",
        "Some users are still unable to send mail.",
    ],
)
def test_words_that_say_that_trouble_remains_count_at_once(words: str) -> None:
    incident = lived(post(62, words))
    assert incident.open
    assert disagreement(incident, NAMES)


@pytest.mark.parametrize(
    "words",
    ["We are still investigating whether the certificate is at fault.", "We're still seeing errors for anyone in EU."],
)
def test_what_is_asked_after_it_makes_no_question_of_what_remains(words: str) -> None:
    assert lived(post(70, words)).open


def test_the_document_calls_open_what_is_open() -> None:
    given: Any = incident_json(lived(post(70, "We're still seeing errors in EU.")), "Acme")
    newest, end, *_ = given["incident_updates"]
    assert (given["status"], newest["status"], end["status"]) == ("investigating", "investigating", "resolved")


def test_words_begin_no_finished_maintenance_anew() -> None:
    work = {"thread": "1", "links": SHORT, "maintenance": True}
    over = said(PAGE, 60, "The work is done.", "m2", status=Status.COMPLETED, **work)
    incident = only(timeline(said(PAGE, 0, "Work.", "m1", status=Status.IN_PROGRESS, **work), over, STILL))
    assert (incident.status, incident.resolved_at) == (Status.COMPLETED, at(60))


def test_a_source_with_a_field_for_it_counts_at_once() -> None:
    other = said(FEED, 61, "Work goes on.", "f1", thread="9", status=Status.IDENTIFIED, links=SHORT)
    found = contradiction(lived(other))
    assert found is not None
    assert (found.other, found.since) == (FEED.id, at(61))


def test_the_page_that_reopens_what_it_closed_contradicts_nobody() -> None:
    again = said(PAGE, 90, "It is slow again.", "p3", thread="1", status=Status.INVESTIGATING)
    assert contradiction(lived(again)) is None
    assert (
        contradiction(lived(GOES_ON, said(PAGE, 99, "So it is.", "p4", thread="1", status=Status.MONITORING))) is None
    )


def test_once_it_is_over_for_all_it_is_told_as_the_past() -> None:
    end = said(FEED, 200, "All is well.", "f9", thread="9", status=Status.RESOLVED, links=SHORT)
    incident = lived(GOES_ON, end)
    found = contradiction(incident)
    assert found is not None
    assert not incident.open
    assert disagreement(incident, NAMES) == ()
    assert disagreement_words(found, NAMES)[0] == "The status page said at "


def test_each_message_says_it_and_the_one_that_brings_it_says_it_as_news() -> None:
    incident = lived(GOES_ON, post(95, "We are looking into more of it."))
    first, later = (
        card(Notice(incident, (update,), Act.REPLY, source_names=NAMES)) for update in incident.updates[-2:]
    )
    assert first.doubts == later.doubts == disagreement(incident, NAMES)
    assert (first.fresh, later.fresh) == (first.doubts, ())


def test_one_line_of_the_provider_says_it() -> None:
    line = status_line(Provider("acme", "Acme"), [lived(GOES_ON)], [])
    assert "page says that it is over since 2026-01-22 20:00 UTC, x goes on)" in line
    assert "over" not in status_line(Provider("acme", "Acme"), [only(timeline(opened))], [])


def test_words_close_and_reopen_what_only_words_have_told() -> None:
    posts = [post(0, "We're investigating slow mail."), post(60, "Slow mail has been resolved.")]
    incident = only(timeline(*posts, post(70, "We're investigating calendars that cannot be opened.")))
    assert incident.open
    assert contradiction(incident) is None
