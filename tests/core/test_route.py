from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.incident import Observation, observe
from bot.core.link import link
from bot.core.match import Vocabulary
from bot.core.route import Waking, as_it_stands, routings
from bot.model import Change, Impact, Report, Routing, Status
from tests.core.build import FEED, NAMES, PAGE, X, at, said, timeline

OPEN = said(PAGE, 0, "Slow mail", "p1", thread="1", status=Status.INVESTIGATING)
FOUND = said(PAGE, 10, "Found it", "p2", thread="1", status=Status.IDENTIFIED)
OVER = said(PAGE, 20, "It is over", "p3", thread="1", status=Status.RESOLVED)


def learnt(*fresh: Report, known: tuple[Report, ...] = ()) -> Change:
    (change,) = link(timeline(*known), fresh, NAMES)
    return change


def owed(change: Change, waking: Waking = Waking.AWAKE, names: Vocabulary = NAMES, now: float = 25) -> list[Routing]:
    return routings(change, waking, names, at(now))


def words(change: Change, routing: Routing) -> list[str]:
    """The words of the updates that one message stands for."""
    return [update.text for update in change.incident.updates if update.id in routing.updates]


def told(change: Change, waking: Waking, now: float = 25) -> list[list[str]]:
    """The words of each message that says something new."""
    return [words(change, routing) for routing in owed(change, waking, now=now) if routing.news]


# --- awake -------------------------------------------------------------------------------------------------------


def test_awake_every_update_is_told_by_itself_in_order() -> None:
    change = learnt(OVER, OPEN, FOUND)
    assert told(change, Waking.AWAKE) == [["Slow mail"], ["Found it"], ["It is over"]]
    assert all(routing.update == routing.updates[-1] for routing in owed(change))


def test_only_what_is_new_is_told() -> None:
    assert told(learnt(FOUND, known=(OPEN,)), Waking.AWAKE) == [["Found it"]]


def test_an_edit_is_one_edit_and_no_message() -> None:
    edited = replace(OPEN, text="Mail is slow everywhere", seen_at=at(15))
    (routing,) = owed(learnt(edited, known=(OPEN, FOUND)))
    assert not routing.news


def test_an_edit_that_is_read_together_with_the_end_is_not_told_again() -> None:
    edited = replace(FOUND, text="Found it, and mended it", seen_at=at(21))
    assert told(learnt(edited, OVER, known=(OPEN, FOUND)), Waking.AWAKE) == [["It is over"]]


def test_an_end_that_is_stated_by_an_update_of_before_is_told() -> None:
    ended = replace(FOUND, status=Status.RESOLVED, seen_at=at(21))
    assert told(learnt(ended, known=(OPEN, FOUND)), Waking.AWAKE) == [["Found it"]]


def test_each_edit_is_another_and_the_same_edit_is_the_same() -> None:
    first, second = (replace(OPEN, text=f"Version {n}", seen_at=at(15 + n)) for n in (1, 2))
    one, other = owed(learnt(first, known=(OPEN,)))[0], owed(learnt(second, known=(OPEN, first)))[0]
    assert one.revision != other.revision
    assert owed(learnt(first, known=(OPEN,)))[0] == one


def test_the_second_mouth_completes_the_message() -> None:
    post = said(X, 3, "Slow mail everywhere in the region of ours", "x1", links=("https://stspg.io/a",))
    page = said(PAGE, 0, post.text, "p1", thread="1", status=Status.INVESTIGATING, links=("https://stspg.io/a",))
    (routing,) = owed(learnt(post, known=(page,)))
    assert not routing.news


def test_a_change_that_nobody_would_see_is_worth_nothing() -> None:
    (incident,) = timeline(OPEN)
    assert owed(Change(incident, incident)) == []


def test_what_is_learnt_in_silence_is_not_told() -> None:
    assert owed(replace(learnt(OPEN), silent=True)) == []


def test_an_end_without_a_word_of_its_own_is_told() -> None:
    """Graph and feeds may only change the state of what they said."""
    ended = replace(OPEN, status=Status.RESOLVED, seen_at=at(60))
    change = learnt(ended, known=(OPEN,))
    (routing,) = owed(change)
    assert routing.news
    assert words(change, routing) == ["Slow mail"]
    assert routing.revision == 1, "another delivery than the one that told the opening"


def test_an_end_that_a_second_mouth_states_of_words_told_before_is_told() -> None:
    """A post says that it is over, which ends nothing that a page has an account of; then the page says so."""
    opening = replace(OPEN, keys=frozenset({"url:a"}))
    post = said(X, 20, "This incident has been resolved by now.", "x1", links=("https://stspg.io/a",))
    post = replace(post, keys=frozenset({"url:a"}))
    over = replace(OVER, text=post.text, keys=frozenset({"url:a"}), seen_at=at(22))
    first, second = learnt(post, known=(opening,)), learnt(over, known=(opening, post))
    (words_told,), (end_told,) = owed(first), owed(second)
    assert (first.incident.open, second.incident.open, end_told.news, end_told.ends) == (True, False, True, True)
    assert (words_told.update, words_told.news) == (end_told.update, True)
    assert words_told.revision != end_told.revision, "another delivery than the one that told the words"


def test_a_reopening_without_a_word_of_its_own_is_told() -> None:
    again = replace(OVER, status=Status.INVESTIGATING, seen_at=at(60))
    assert [routing.news for routing in owed(learnt(again, known=(OPEN, OVER)))] == [True]


def test_what_the_program_saw_is_told_as_an_update() -> None:
    (incident,) = timeline(OPEN)
    change = observe(incident, [Observation("down|acme/page|x", at(5), "The page is down")])
    assert change is not None
    assert told(change, Waking.AWAKE) == [["The page is down"]]


# --- at the first sight of a source ------------------------------------------------------------------------------


def test_at_first_sight_what_is_over_is_learnt_in_silence() -> None:
    assert owed(learnt(OPEN, FOUND, OVER), Waking.FIRST) == []


def test_at_first_sight_the_end_of_what_was_open_is_told_to_those_who_know_of_it() -> None:
    ended = learnt(OVER, known=(OPEN,))
    assert told(ended, Waking.FIRST) == [["It is over"]]
    assert [routing.opens for routing in owed(ended, Waking.FIRST)] == [False]
    assert owed(learnt(FOUND, known=(OPEN, OVER)), Waking.FIRST) == [], "an older word on what was over is history"


def test_at_first_sight_what_was_said_just_now_of_what_others_told_is_no_history() -> None:
    report = said(PAGE, 40, "A report is published", "p4", thread="1", status=Status.POSTMORTEM)
    change = learnt(report, known=(OPEN, OVER))
    assert told(change, Waking.FIRST, now=41) == [["A report is published"]]
    assert [routing.opens for routing in owed(change, Waking.FIRST, now=41)] == [False]
    assert owed(change, Waking.FIRST, now=60) == []


def test_at_first_sight_what_is_open_is_told_in_one_message_with_every_word() -> None:
    change = learnt(OPEN, FOUND)
    assert told(change, Waking.FIRST) == [["Slow mail", "Found it"]]
    assert owed(change, Waking.FIRST)[0].update == change.incident.updates[-1].id


def test_at_first_sight_even_an_old_statement_counts_where_it_says_that_it_is_open() -> None:
    assert len(told(learnt(OPEN), Waking.FIRST, now=60 * 24 * 20)) == 1


def test_the_history_of_a_feed_that_never_states_a_phase_is_no_flood() -> None:
    entry = said(FEED, 0, "Retirement of the old API", "f1", thread="f")
    assert owed(learnt(entry), Waking.FIRST, now=60 * 25) == []
    assert told(learnt(entry), Waking.FIRST, now=60) == [["Retirement of the old API"]]


# --- after a pause -----------------------------------------------------------------------------------------------


def test_after_a_pause_an_unchanged_open_incident_says_nothing() -> None:
    assert link(timeline(OPEN), [OPEN], NAMES) == []


def test_after_a_pause_what_opened_meanwhile_is_told_once() -> None:
    assert told(learnt(OPEN), Waking.PAUSED) == [["Slow mail"]]


def test_after_a_pause_what_opened_and_closed_meanwhile_is_one_summary() -> None:
    change = learnt(OPEN, FOUND, OVER)
    (routing,) = owed(change, Waking.PAUSED)
    assert words(change, routing) == ["Slow mail", "Found it", "It is over"]
    assert routing.opens, "whoever was told nothing yet may be told the whole of it"


def test_after_a_pause_several_updates_are_one_catch_up_with_every_word() -> None:
    assert told(learnt(FOUND, OVER, known=(OPEN,)), Waking.PAUSED) == [["Found it", "It is over"]]


def test_the_end_of_what_somebody_was_told_opens_nothing_for_others_when_it_was_over_before() -> None:
    after = said(PAGE, 60 * 48, "What happened", "p4", thread="1", status=Status.POSTMORTEM)
    (routing,) = owed(learnt(after, known=(OPEN, OVER)))
    assert not routing.opens
    (routing,) = owed(learnt(OVER, known=(OPEN,)))
    assert routing.opens


# --- facets (rule 12) --------------------------------------------------------------------------------------------


def faceted(**facts: object) -> Routing:
    return owed(learnt(replace(OPEN, **facts)))[0]  # type: ignore[arg-type]


def test_components_are_called_by_the_catalogues_names_in_lower_case() -> None:
    assert faceted(components=("EXO", "Teams")).components == ("exchange online", "microsoft teams")


@pytest.mark.parametrize("components", [(), ("Viva Engage",), ("EXO", "Viva Engage")])
def test_what_names_nothing_or_something_unknown_passes_every_filter(components: tuple[str, ...]) -> None:
    assert faceted(components=components, text="Words").components == ()


def test_without_a_catalogue_the_sources_own_names_filter() -> None:
    (routing,) = owed(learnt(replace(OPEN, components=("Git Operations",))), names=Vocabulary())
    assert routing.components == ("git operations",)


def test_an_impact_that_nobody_stated_has_no_rank() -> None:
    assert faceted().rank is None
    assert faceted(impact=Impact.NONE).rank == 0
    assert faceted(impact=Impact.CRITICAL).rank == 3


def test_a_maintenance_is_marked_as_one() -> None:
    assert faceted(maintenance=True, status=Status.SCHEDULED).maintenance
    assert not faceted().maintenance


def test_a_rise_of_impact_without_words_may_open_it_for_those_who_wait_for_it() -> None:
    worse = replace(OPEN, impact=Impact.CRITICAL, seen_at=at(15))
    (routing,) = owed(learnt(worse, known=(replace(OPEN, impact=Impact.MINOR),)))
    assert (routing.rank, routing.opens) == (3, True)


def test_routing_the_same_change_twice_owes_the_same() -> None:
    change = learnt(OPEN, FOUND)
    assert owed(change) == owed(change, now=25 + timedelta(hours=1).total_seconds() / 60)


def test_what_was_adopted_is_not_told_again() -> None:
    """The page's account of what X told: its words are news only where they say something else."""
    post = said(X, 0, "Slow mail for everybody in the region", "x1", links=("https://stspg.io/a",))
    page = said(PAGE, 4, post.text, "p1", thread="1", status=Status.INVESTIGATING, links=("https://stspg.io/a",))
    assert told(learnt(page, known=(post,)), Waking.AWAKE) == []
    assert told(learnt(page, known=(post,)), Waking.FIRST) == []


# --- for `why` ---------------------------------------------------------------------------------------------------


def test_an_incident_as_it_stands_asks_as_the_news_of_it_would() -> None:
    now = learnt(FOUND, known=(OPEN,))
    (news,) = owed(now)
    assert as_it_stands(now.incident, NAMES) == news


def test_what_is_over_opens_nothing_as_it_stands() -> None:
    assert not as_it_stands(learnt(OPEN, OVER).incident, NAMES).opens
