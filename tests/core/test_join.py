from __future__ import annotations

import re

import pytest

from bot.core.join import by_report, clusters
from bot.core.match import Vocabulary
from bot.core.place import FIRST
from bot.model import Report, Status
from tests.core.build import FEED, NAMES, PAGE, X, said

SHORT = "https://stspg.io/abc"
ADDRESS = "https://status.acme.example/incidents/abc"


def together(*reports: Report, vocabulary: Vocabulary = NAMES) -> set[frozenset[str]]:
    """Which reports, by their native ids, share an event; the same in both orders."""
    forward, backward = (
        {frozenset(r.native_id for r in c.reports) for c in clusters(rs, vocabulary)} for rs in (reports, reports[::-1])
    )
    assert forward == backward
    return forward


def sets(*names: str) -> set[frozenset[str]]:
    """`sets("a b", "c")`: a and b share an event, c is another."""
    return {frozenset(group.split()) for group in names}


# --- by the source's own thread ----------------------------------------------------------------------------------


def test_one_thread_is_one_event_however_long_it_lasts() -> None:
    assert together(
        said(PAGE, 0, "We look into slow mail.", "a", thread="1"),
        said(PAGE, 60 * 24 * 30, "It is over.", "b", thread="1", status=Status.RESOLVED),
    ) == sets("a b")


def test_two_threads_of_one_source_never_join_however_alike() -> None:
    words = "We are investigating slow mail in North America."
    assert together(said(PAGE, 0, words, "a", thread="1"), said(PAGE, 1, words, "b", thread="2")) == sets("a", "b")


def test_equal_names_of_two_sources_threads_mean_nothing() -> None:
    assert together(
        said(PAGE, 0, "Slow mail", "a", thread="1"), said(FEED, 0, "Nobody can call", "b", thread="1")
    ) == sets("a", "b")


def test_what_a_post_ties_itself_to_takes_it_into_no_other_thread_of_that_source() -> None:
    again = "We have identified a recurrence of the slow mail flow in EMEA that we saw earlier today, and mitigate it."
    assert together(
        said(PAGE, 0, "Mail flow is slow in EMEA today.", "a", thread="1", status=Status.IDENTIFIED),
        said(PAGE, 30, "Mail flow in EMEA is better.", "b", thread="1", status=Status.RESOLVED),
        said(X, 90, again, "c", links=(SHORT,)),
        said(PAGE, 90, again, "d", thread="2", links=(SHORT,), status=Status.MONITORING),
    ) == sets("a b", "c d")


# --- by a key that both name -------------------------------------------------------------------------------------


def test_a_post_joins_by_the_link_to_the_incident() -> None:
    assert together(
        said(PAGE, 0, "Slow mail", "a", thread="1", links=(SHORT,)),
        said(X, 5, "Nobody can call", "b", links=(SHORT,)),
    ) == sets("a b")


def test_a_page_joins_the_post_that_linked_to_it_first() -> None:
    assert together(
        said(X, 0, "Nobody can call", "a", links=(ADDRESS,)),
        said(PAGE, 30, "Slow mail", "b", thread="1", links=(SHORT, ADDRESS)),
    ) == sets("a b")


def test_page_and_feed_join_by_the_incidents_address() -> None:
    assert together(
        said(PAGE, 0, "Slow mail", "a", thread="abc", links=(SHORT, ADDRESS)),
        said(FEED, 0, "Slow mail", "b", thread="tag:17", links=(f"{ADDRESS}?x=1",)),
        said(X, 3, "More soon", "c", links=(SHORT,)),
    ) == sets("a b c")


def test_a_post_joins_by_the_id_that_it_names_typing_error_and_all() -> None:
    assert together(
        said(PAGE, 0, "Sign-in fails", "a", thread="MO244568", references=("MO244568",)),
        said(X, 60 * 24 * 9, "A report on M0244568 is out", "b"),
    ) == sets("a b")


def test_two_posts_join_by_the_id_that_both_name() -> None:
    assert together(said(X, 0, "See MO1 and MO1221364", "a"), said(X, 600, "MO1221364 goes on", "b")) == sets("a b")


def test_the_rule_says_what_joined() -> None:
    reports = [
        said(PAGE, 0, "Slow mail", "a", thread="1", references=("MO244568",)),
        said(X, 5, "see MO244568", "b"),
        said(PAGE, 9, "Over", "c", thread="1", references=("MO244568",)),
    ]
    (cluster,) = clusters(reports, NAMES)
    assert cluster.rules == {
        "acme/page|a": FIRST,
        "acme/x|b": "it names MO244568",
        "acme/page|c": "acme/page itself files it there",
    }
    assert by_report([cluster])["acme/x|b"] is cluster


def test_a_feed_that_links_every_entry_to_one_page_joins_nothing() -> None:
    link = "https://status.acme.example/history"
    assert together(
        said(FEED, 0, "Slow mail", "a", thread="1", links=(link,)),
        said(FEED, 900, "Nobody can call", "b", thread="2", links=(link,)),
        said(PAGE, 900, "Files are gone", "c", thread="9", links=(link,)),
    ) == sets("a", "b", "c")


def test_even_an_incidents_address_joins_nothing_where_two_threads_claim_it() -> None:
    assert together(
        said(FEED, 0, "Slow mail", "a", thread="1", links=(ADDRESS,)),
        said(FEED, 900, "Nobody can call", "b", thread="2", links=(ADDRESS,)),
        said(X, 905, "See there", "c", links=(ADDRESS,)),
    ) == sets("a", "b", "c")


def test_a_link_that_no_thread_claims_joins_nothing() -> None:
    blog = "https://acme.example/blog/what-we-do"
    assert together(
        said(X, 0, "We're investigating slow mail, see our help page.", "a", links=(blog,)),
        said(X, 60 * 24 * 30, "We're investigating failing calls, see our help page.", "b", links=(blog,)),
    ) == sets("a", "b")


def test_a_post_that_names_two_ids_joins_the_first_and_ties_no_two_incidents() -> None:
    teams = said(PAGE, 0, "Teams fails", "a", thread="TM402718", references=("TM402718",))
    suite = said(PAGE, 90, "Word fails", "b", thread="MO402741", references=("MO402741",))
    both = said(X, 100, "Updates for Word under MO402741; Teams stays with TM402718", "c")
    assert together(teams, suite, both) == sets("a", "b c")


# --- by likeness -------------------------------------------------------------------------------------------------

OPEN = "We're investigating an issue with mail flow in North America: messages are delayed."


def opened(source: str = "page") -> Report:
    if source == "page":
        return said(PAGE, 0, OPEN, "a", thread="1", status=Status.INVESTIGATING)
    return said(X, 0, OPEN, "a")


@pytest.mark.parametrize("source", ["page", "x"])
@pytest.mark.parametrize(
    "text",
    [
        "EXO: delayed messages are being worked through, we've identified the cause.",
        "We've rerouted traffic in North America to relieve delayed messages.",
        "Messages are no longer delayed in mail flow and we're monitoring.",
    ],
)
def test_what_goes_on_with_the_only_open_event_joins_it(source: str, text: str) -> None:
    assert together(opened(source), said(X, 40, text, "b")) == sets("a b")


@pytest.mark.parametrize("source", ["page", "x"])
def test_another_component_in_another_region_is_another_event(source: str) -> None:
    other = said(X, 40, "We're investigating why Teams calls drop in EMEA.", "b")
    assert together(opened(source), other) == sets("a", "b")


def test_between_two_candidates_that_fit_alike_nothing_is_guessed() -> None:
    assert together(
        said(PAGE, 0, "Teams meetings fail in Europe.", "a", thread="1", status=Status.INVESTIGATING),
        said(PAGE, 5, "Teams calls fail in Europe.", "b", thread="2", status=Status.INVESTIGATING),
        said(X, 40, "We're looking into trouble with Teams in EMEA.", "c"),
    ) == sets("a", "b", "c")


def test_the_very_words_of_one_of_two_decide() -> None:
    words = "Our engineers are investigating failed meetings of Teams users in Europe."
    assert together(
        said(PAGE, 0, words, "a", thread="1", status=Status.INVESTIGATING),
        said(PAGE, 5, "Teams calls of users in Europe fail.", "b", thread="2", status=Status.INVESTIGATING),
        said(X, 6, words, "c"),
    ) == sets("a c", "b")


def test_a_bare_end_shortly_before_an_incident_begins_is_not_its_end() -> None:
    assert together(
        said(X, 0, "This incident has been resolved.", "a"),
        said(PAGE, 10, "Users may be unable to send mail.", "b", thread="1", status=Status.INVESTIGATING),
    ) == sets("a", "b")


def test_the_rule_tells_every_signals_part() -> None:
    reports = [
        said(X, 0, "We're investigating an issue where EXO users can't send mail in North America.", "a"),
        said(X, 60, "Our fix of the mail flow in Europe takes effect.", "b"),
    ]
    (cluster,) = clusters(reports, NAMES)
    words = re.sub(r"\d\.\d", "n", cluster.rules["acme/x|b"])
    assert words == (
        "it goes on from what was said before (+n), both speak of Exchange Online (+n), "
        "although they speak of other things (-n)"
    )


def test_the_rule_tells_how_near_the_next_candidate_came() -> None:
    reports = [
        said(PAGE, 0, "Users may be unable to send mail with Exchange Online.", "a", thread="1"),
        said(PAGE, 0, "Users may be unable to join Teams meetings.", "b", thread="2"),
        said(X, 30, "Joining Teams meetings works for some users again.", "c"),
    ]
    rule = by_report(clusters(reports, NAMES))["acme/x|c"].rules["acme/x|c"]
    figures = re.fullmatch(r"(.*); the next nearest came to (-?\d\.\d), this one to (\d\.\d)", rule)
    assert figures, rule
    parts = [float(part) for part in re.findall(r"\(([+-]\d\.\d)\)", figures[1])]
    assert len(parts) == 3, rule
    assert float(figures[3]) == pytest.approx(sum(parts), abs=0.15)
    assert float(figures[2]) < float(figures[3]) - 1


PLAIN_WORDS = "A fix has been implemented and we are monitoring the results."


def two_events(first: float, second: float) -> list[Report]:
    """Two threads that say the same plain words at these minutes."""
    return [
        said(PAGE, 0, "Mail is slow", "a1", thread="1"),
        said(PAGE, 1, "Nobody can call", "b1", thread="2"),
        said(PAGE, first, PLAIN_WORDS, "a2", thread="1", status=Status.MONITORING),
        said(PAGE, second, PLAIN_WORDS, "b2", thread="2", status=Status.MONITORING),
    ]


def test_of_two_that_say_the_same_the_one_of_the_same_breath_is_repeated() -> None:
    posts = [said(X, 60.1, PLAIN_WORDS, "p"), said(X, 60.6, PLAIN_WORDS, "q")]
    assert together(*two_events(60, 60.5), *posts) == sets("a1 a2 p", "b1 b2 q")


def test_of_two_that_say_the_same_each_is_repeated_once_and_in_its_turn() -> None:
    posts = [said(X, 66, PLAIN_WORDS, "p"), said(X, 69, PLAIN_WORDS, "q")]
    assert together(*two_events(60, 65), *posts) == sets("a1 a2 p", "b1 b2 q")


def test_of_two_that_say_the_same_within_minutes_none_is_guessed() -> None:
    assert together(*two_events(60, 62), said(X, 65, PLAIN_WORDS, "p")) == sets("a1 a2", "b1 b2", "p")


def test_the_same_words_at_another_time_are_another_event() -> None:
    words = "We're investigating delayed messages of mail flow users."
    over = said(PAGE, 30, "This incident has been resolved.", "b", thread="1", status=Status.RESOLVED)
    first = said(PAGE, 0, words, "a", thread="1", status=Status.INVESTIGATING)
    assert together(first, over, said(X, 60 * 10, words, "c")) == sets("a b", "c")


def test_a_new_account_after_the_end_is_a_new_event() -> None:
    over = said(X, 60, "The issue with mail flow in North America has been resolved.", "b")
    again = said(X, 120, "We're investigating an issue with mail flow in North America.", "c")
    assert together(opened("x"), over, again) == sets("a b", "c")


def test_an_afterword_belongs_to_what_is_over() -> None:
    over = said(X, 60, "The issue with mail flow in North America has been resolved.", "b")
    after = said(X, 120, "Delayed messages of mail flow in North America may arrive up to an hour late.", "c")
    assert together(opened("x"), over, after) == sets("a b c")


def test_weeks_later_nothing_joins_by_likeness() -> None:
    assert together(
        opened("x"), said(X, 60 * 24 * 21, "Mail flow in North America: all delayed messages sent.", "b")
    ) == sets("a", "b")


def test_a_thread_adopts_the_post_that_told_it_first() -> None:
    page = said(PAGE, 25, "Mail flow: users in North America see delayed messages.", "b", thread="1")
    assert together(opened("x"), page) == sets("a b")


def test_what_is_joined_by_likeness_stands_in_the_order_of_time() -> None:
    page = [
        said(PAGE, 25, "Mail flow: users in North America see delayed messages.", "b", thread="1"),
        said(PAGE, 90, "We've identified the cause of delayed messages in mail flow.", "d", thread="1"),
    ]
    post = said(X, 40, "We've identified the cause of delayed messages in mail flow.", "c")
    [cluster] = clusters([*page, post, opened("page")], NAMES)
    assert [report.native_id for report in cluster.reports] == ["a", "b", "c", "d"]


def test_a_thread_about_something_else_adopts_nothing() -> None:
    page = said(PAGE, 25, "Teams calls drop in Europe.", "b", thread="1")
    assert together(opened("x"), page) == sets("a", "b")


def test_a_thread_that_begins_days_later_adopts_nothing() -> None:
    first = said(X, 0, "We're investigating an issue where users can't join Teams meetings in North America.", "a")
    words = "Calls dropped in Teams."
    for hours, expected in ((2, sets("a b")), (44, sets("a", "b"))):
        account = said(PAGE, hours * 60, words, "b", thread="1", title="Dropped calls", status=Status.RESOLVED)
        assert together(first, account) == expected


def test_a_bare_end_is_that_of_the_only_open_event_however_long_it_lasts() -> None:
    opening = said(PAGE, 0, "Nobody can print.", "a", thread="1", status=Status.INVESTIGATING)
    end = said(X, 40 * 60, "This incident has been resolved.", "b")
    assert together(opening, end) == sets("a b")
    assert together(opening, said(X, 40 * 60, "We have resolved all known login issues.", "b")) == sets("a", "b")
    another = said(PAGE, 60, "Nobody can scan.", "c", thread="2", status=Status.INVESTIGATING)
    assert together(opening, another, end) == sets("a", "b", "c")


def test_an_afterword_does_not_renew_what_is_over() -> None:
    over = (
        said(PAGE, -24 * 60, "Mail flow is slow.", "a", thread="1", status=Status.INVESTIGATING),
        said(PAGE, -20 * 60, "It is over.", "b", thread="1", status=Status.RESOLVED),
    )
    report = said(PAGE, 200, "A post-incident report has been published.", "c", thread="1", status=Status.POSTMORTEM)
    begun = said(X, 0, "We're investigating an issue where people can't print.", "d")
    goes_on = said(X, 240, "Most have recovered, and we're addressing what remains of this.", "e")
    assert together(*over, report, begun, goes_on) == sets("a b c", "d e")


@pytest.mark.parametrize("minutes", [12, 25, 60])
def test_a_post_adopted_by_a_thread_keeps_its_followers(minutes: int) -> None:
    assert together(
        opened("x"),
        said(X, 10, "We've identified the cause of delayed messages in mail flow.", "b"),
        said(PAGE, minutes, "Mail flow: users in North America see delayed messages.", "c", thread="1"),
    ) == sets("a b c")


def test_the_same_words_may_be_dated_a_little_before_what_they_repeat() -> None:
    post = said(X, 0, OPEN, "b")
    assert together(said(PAGE, 14, OPEN, "a", thread="1"), post) == sets("a b")
    assert together(said(PAGE, 14, "Teams calls drop in Europe.", "a", thread="1"), post) == sets("a", "b")


@pytest.mark.parametrize("text", ["", "…", "Update", "👍", "https://t.co/abc"])
def test_a_post_that_says_nothing_of_its_own_is_no_fault(text: str) -> None:
    groups = together(opened("page"), said(X, 5, text, "b"))
    assert frozenset().union(*groups) == {"a", "b"}
