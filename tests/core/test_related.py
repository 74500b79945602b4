"""What is kept apart and shown side by side."""

from __future__ import annotations

from itertools import permutations

from bot.core.summary import beside
from bot.markup import PLAIN
from bot.model import Incident, Relation, Report, Status
from tests.core.build import FEED, PAGE, X, said, timeline

MAIL = "Users can't send or receive messages in Exchange Online because transport servers refuse connections."
OVER = "The transport servers accept connections again and the issue is resolved."


def thread(name: str, minutes: float, words: str = MAIL, status: Status = Status.INVESTIGATING) -> Report:
    return said(PAGE, minutes, words, f"{name}-{minutes}", thread=name, title="Mail flow", status=status)


FIRST = [thread("1", 0), thread("1", 60, OVER, Status.RESOLVED)]
SECOND = thread("2", 300)


def related(*reports: Report) -> list[list[tuple[str, str]]]:
    """For each incident, oldest first, what stands beside it."""
    incidents = timeline(*reports)
    places = {incident.id: str(place) for place, incident in enumerate(incidents)}
    return [[(it.relation.value, places[it.id]) for it in incident.related] for incident in incidents]


def words(incident: Incident) -> list[str]:
    return [PLAIN.line(line) for line in beside(incident)]


def test_a_recurrence_is_a_new_incident_that_links_to_the_old_one_in_any_order() -> None:
    for reports in permutations([*FIRST, SECOND]):
        assert related(*reports) == [[], [("recurrence_of", "0")]]
    _, again = timeline(*FIRST, SECOND)
    assert words(again) == ["Again: like Mail flow, over since 2026-01-22 20:00 UTC"]


def test_what_begins_before_the_end_is_no_recurrence() -> None:
    assert related(*FIRST, thread("2", 30)) == [[], []]


def test_another_trouble_of_the_same_service_is_no_recurrence() -> None:
    other = "Administrators see no reports about mailbox quotas in Exchange Online since the last update."
    assert related(*FIRST, thread("2", 300, other)) == [[], []]


def test_a_statement_that_says_again_needs_fewer_words() -> None:
    again = "The issue with Exchange Online mail flow has returned: connections to servers fail."
    assert related(*FIRST, thread("2", 300, again)) == [[], [("recurrence_of", "0")]]


def test_a_recurrence_long_after_is_none() -> None:
    assert related(*FIRST, thread("2", 60 * 24 * 5)) == [[], []]


NORTH = said(PAGE, 0, "Users can't send mail in Exchange Online in North America.", "n", thread="n")
SOUTH = said(FEED, 4, "Users can't join calls in Microsoft Teams in Europe.", "s", thread="s")
EITHER = said(X, 12, "We're still seeing errors and continue to look into what causes them.", "e")


def test_what_may_be_either_of_two_says_so_and_so_do_they_in_any_order() -> None:
    for reports in permutations([NORTH, SOUTH, EITHER]):
        assert related(*reports) == [[("possibly", "2")], [("possibly", "2")], [("possibly", "0"), ("possibly", "1")]]


def test_both_say_it_in_words() -> None:
    north, _, either = timeline(NORTH, SOUTH, EITHER)
    assert words(north) == [f"Possibly the same as: {EITHER.text}"]
    assert words(either)[0] == f"Possibly the same as: {NORTH.text}"


def test_what_one_source_numbers_apart_is_not_called_the_same() -> None:
    assert related(thread("1", 0), thread("2", 5)) == [[], []]


def test_once_they_are_one_nothing_is_said_any_more() -> None:
    key = frozenset({"id:MO1234567"})
    named = said(X, 20, "MO1234567 is what we called errors", "k", links=())
    later = timeline(NORTH, SOUTH, EITHER)
    assert any(it.relation is Relation.POSSIBLY for it in later[0].related)
    assert named.keys == key
    one = said(FEED, 30, "one", "s2", thread="s", references=("MO1234567",))
    both = said(PAGE, 31, "two", "n2", thread="n", references=("MO1234567",))
    incidents = timeline(NORTH, SOUTH, EITHER, one, both)
    assert len(incidents) < 3
    here = {incident.id for incident in incidents}
    assert all(it.id in here for incident in incidents for it in incident.related)


def test_two_names_that_the_provider_gave_are_not_called_the_same() -> None:
    north = said(PAGE, 0, NORTH.text, "n", thread="n", references=("EX1000001",))
    either = said(X, 12, f"{EITHER.text} TM1000002", "e")
    assert all(not it for it in related(north, SOUTH, either)[:1])
