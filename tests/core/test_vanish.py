from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.vanish import Absence, clock, due, dumps, loads, look, threads_of
from bot.model import Status
from tests.core.build import FEED, PAGE, at, only, said, timeline

SHORT = ("https://stspg.io/abc",)
INCIDENT = only(timeline(said(PAGE, 0, "Slow mail", "p", thread="1", status=Status.INVESTIGATING, links=SHORT)))


@given(st.dictionaries(st.text(), st.builds(Absence, st.integers(0, 10**6).map(at), st.booleans())))
def test_what_is_written_down_is_read_again(absences: dict[str, Absence]) -> None:
    assert loads(dumps(absences)) == absences


def test_nothing_absent_is_an_empty_word() -> None:
    assert dumps({}) == ""
    assert loads("") == {}


def test_an_absence_is_due_after_an_hour_and_once() -> None:
    assert not due({"1": Absence(at(0))}, at(59))
    assert due({"1": Absence(at(0))}, at(60))
    assert not due({"1": Absence(at(0), told=True)}, at(600))


def test_a_thread_that_is_listed_is_not_absent_and_forgets_what_it_was() -> None:
    before = {"1": Absence(at(0))}
    assert look(before, [INCIDENT], PAGE.id, "the page", {"1", "2"}, at(99)) == ({}, [])
    assert look({}, [INCIDENT], PAGE.id, "the page", set(), at(99)) == ({"1": Absence(at(99))}, [])


def test_a_time_of_another_day_is_told_with_its_day() -> None:
    assert clock(at(0), at(60)) == "19:00 UTC"
    assert clock(at(0), at(600)) == "22 January, 19:00 UTC"


def test_a_recording_that_is_replayed_into_its_own_database_tells_nothing_again() -> None:
    before = {"1": Absence(at(90), told=True)}
    assert look(before, [INCIDENT], PAGE.id, "the page", {"1"}, at(10)) == (before, [])
    assert look(before, [INCIDENT], PAGE.id, "the page", set(), at(-10)) == (before, [])
    assert look({}, [INCIDENT], PAGE.id, "the page", set(), at(-10)) == ({}, [])


def test_what_was_listed_before_is_unchanged() -> None:
    assert look({}, [INCIDENT], PAGE.id, "the page", None, at(99)) == ({}, [])
    before = {"1": Absence(at(90))}
    assert look(before, [INCIDENT], PAGE.id, "the page", None, at(99)) == (before, [])


def test_a_source_has_no_threads_where_it_did_not_speak_or_said_that_it_is_over() -> None:
    assert threads_of(INCIDENT, PAGE.id) == ["1"]
    assert threads_of(INCIDENT, FEED.id) == []
    over = said(PAGE, 5, "Over", "q", thread="1", status=Status.RESOLVED, links=SHORT)
    goes_on = said(FEED, 9, "It goes on", "f", thread="9", status=Status.IDENTIFIED, links=SHORT)
    incident = only(timeline([INCIDENT.updates[0].reports[0], over, goes_on]))
    assert incident.open
    assert (threads_of(incident, PAGE.id), threads_of(incident, FEED.id)) == ([], ["9"])
