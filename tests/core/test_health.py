from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import health
from bot.core.health import NETWORK, bearer, believed, came_back, down, fail_together, interval, sight, went_down
from bot.errors import Unreadable
from bot.model import Belief, Incident, Sighting, Status
from tests.core.build import PAGE, X, at, only, said, timeline

NEW = Sighting("acme/page")
BUSY = Unreadable("429 Too Many Requests")
GONE = Unreadable(NETWORK, ours=True)


def after(*polls: Unreadable | None, before: Sighting = NEW, start: float = 0) -> Sighting:
    """The sighting after polls a minute apart: None could be read and brought nothing new."""
    for minute, failure in enumerate(polls):
        before = sight(before, at(start + minute), failure, changed=False)
    return before


# --- belief (rule 2) ---------------------------------------------------------------------------------------------


def test_a_source_that_is_read_is_ok_since_its_first_reading() -> None:
    seen = after(None, None, None)
    assert (seen.belief, seen.since, seen.read_at, seen.asked_at) == (Belief.OK, at(0), at(2), at(2))
    assert (seen.reason, seen.failures, seen.failing_since) == ("", 0, None)


def test_the_last_change_is_when_something_new_was_said() -> None:
    seen = sight(after(None), at(5), None, changed=True)
    assert seen.changed_at == at(5)
    assert after(None, None, before=seen, start=6).changed_at == at(5)


def test_one_failure_may_be_a_hiccup() -> None:
    seen = after(None, BUSY)
    assert (seen.belief, seen.failures, seen.failing_since) == (Belief.OK, 1, at(1))
    assert not down(seen)
    assert after(None, BUSY, None).failing_since is None


def test_a_second_failure_confirms_it_since_the_first() -> None:
    seen = after(None, BUSY, Unreadable("no answer in time"))
    assert (seen.belief, seen.since, seen.reason) == (Belief.UNREADABLE, at(1), "no answer in time")
    assert (seen.read_at, seen.asked_at) == (at(0), at(2))
    assert down(seen)


def test_it_stays_unreadable_since_then_whatever_the_reason_becomes() -> None:
    seen = after(None, BUSY, BUSY, Unreadable("503 Service Unavailable"))
    assert (seen.since, seen.reason, seen.failures) == (at(1), "503 Service Unavailable", 3)


def test_a_source_that_was_never_read_is_unreadable_at_once() -> None:
    assert after(BUSY).belief is Belief.UNREADABLE
    assert after(BUSY).since == at(0)


def test_a_return_is_a_new_beginning() -> None:
    seen = after(None, BUSY, BUSY, None)
    assert (seen.belief, seen.since, seen.reason, seen.failures) == (Belief.OK, at(3), "", 0)


def test_a_source_that_was_silent_and_fails_once_is_not_called_well() -> None:
    silent = sight(NEW, at(0), None, changed=False, empty=True)
    assert sight(silent, at(1), BUSY, changed=False).belief is Belief.SILENT


def test_a_fault_of_ours_is_said_to_be_ours_and_accuses_nobody() -> None:
    spent = Unreadable("402 Payment Required", ours=True)
    seen = after(None, spent, spent)
    assert (seen.belief, seen.ours) == (Belief.UNREADABLE, True)
    assert not down(seen)
    assert not after(None, spent, spent, None).ours


def test_a_fault_that_turns_out_to_be_theirs_is_theirs() -> None:
    spent = Unreadable("402 Payment Required", ours=True)
    assert down(after(None, spent, spent, BUSY))


def test_readable_and_empty_where_it_never_is_means_silent() -> None:
    seen = sight(NEW, at(0), None, changed=False, empty=True)
    assert (seen.belief, seen.reason) == (Belief.SILENT, "readable, but empty where it never is")
    assert not down(seen)


@given(st.lists(st.sampled_from([None, BUSY, Unreadable("our token", ours=True), GONE]), min_size=1))
def test_whatever_happens_belief_and_its_beginning_agree(polls: list[Unreadable | None]) -> None:
    seen = after(*polls)
    assert seen.since is not None
    assert seen.asked_at is not None
    assert seen.since <= seen.asked_at
    assert (seen.belief is Belief.OK) or seen.failures > 0
    assert bool(seen.reason) is (seen.belief is not Belief.OK)
    in_a_row = next((n for n, poll in enumerate(reversed(polls)) if poll is None), len(polls))
    assert seen.failures == in_a_row or GONE in polls
    assert bool(seen.failures) is bool(in_a_row)


# --- ours or theirs (rule 3) --------------------------------------------------------------------------------------


def seen_of(source: str, failing: float | None = None, asked: float = 10, **facts: Any) -> Sighting:
    """A source asked at a minute, and failing since another."""
    since = None if failing is None else at(failing)
    return Sighting(source, failures=failing is not None, failing_since=since, asked_at=at(asked), **facts)


def test_most_sources_of_unrelated_providers_that_begin_to_fail_together_are_our_own_fault() -> None:
    failing = [seen_of("a/page", 1), seen_of("a/x", 2), seen_of("b/page", 3)]
    assert fail_together(failing, at(1))
    assert fail_together([*failing, seen_of("c/page")], at(1)), "3 of 4"
    assert not fail_together([*failing, seen_of("c/page"), seen_of("d/page")], at(1)), "3 of 5"
    assert fail_together([*failing, seen_of("c/page", asked=0), seen_of("d/page", asked=1)], at(1)), "not asked since"


@pytest.mark.parametrize(
    "failing",
    [
        [seen_of("a/page", 1), seen_of("a/x", 1), seen_of("a/feed", 1)],
        [seen_of("a/page", 1), seen_of("b/page", 1)],
        [seen_of("a/page", 1), seen_of("b/page", 1), seen_of("c/page", 7)],
        [seen_of("a/page", 1), seen_of("b/page", 1), seen_of("c/x", 1, ours=True, reason="no token")],
    ],
    ids=["one provider", "two sources", "one much later", "one by its settings"],
)
def test_nothing_is_known_from(failing: list[Sighting]) -> None:
    assert not fail_together(failing, at(1))


def test_while_anything_can_be_read_who_refuses_is_no_fault_of_our_network() -> None:
    """Microsoft's page and Graph fail with Azure's page in an outage that is theirs; the account on X goes on."""
    refusing = {"m/page": "429 Too Many Requests", "m/graph": "503 Service Unavailable", "z/page": "502 Bad Gateway"}
    failing = [seen_of(source, 1, reason=reason) for source, reason in refusing.items()]
    assert not fail_together([*failing, seen_of("m/x")], at(1))
    assert fail_together(failing, at(1)), "a proxy of ours may answer so in everybody's name"
    silent = [replace(seen, reason="no answer in time") for seen in failing]
    assert fail_together([*silent, seen_of("m/x")], at(1))


def test_a_source_that_is_asked_late_fails_with_those_known_to_be_ours() -> None:
    ours = [seen_of(f"{name}/page", 1, reason=NETWORK, ours=True) for name in "ab"]
    assert fail_together([*ours, seen_of("c/page", 20, asked=20)], at(20))


def test_a_fault_of_our_network_accuses_nobody_and_is_asked_about_at_the_usual_pace() -> None:
    seen = after(None, BUSY, GONE, GONE, GONE)
    assert (seen.belief, seen.since, seen.reason, seen.ours) == (Belief.UNREADABLE, at(1), NETWORK, True)
    assert not down(seen)
    assert wait(seen) == MINUTE


def test_who_still_fails_when_our_network_is_back_is_accused_once_that_is_confirmed_and_since_then() -> None:
    once = after(None, GONE, GONE, GONE, BUSY)
    assert (once.belief, once.ours, once.since) == (Belief.UNREADABLE, True, at(4))
    twice = after(BUSY, before=once, start=5)
    assert down(twice)
    assert (twice.since, twice.reason) == (at(4), BUSY.reason)


# --- stale, by contrast ------------------------------------------------------------------------------------------

SHORT = ("https://stspg.io/abc",)
WELL = Sighting("acme/page", Belief.OK, at(0), read_at=at(100), changed_at=at(0))
OTHER = Sighting("acme/x", Belief.OK, at(0), read_at=at(100))


def told(*minutes_of_x: float, status: Status = Status.INVESTIGATING) -> Incident:
    """An incident that the page opened at 0, and of which X spoke at these minutes."""
    posts = [said(X, m, f"Words of minute {m} that say something", f"x{m}", links=SHORT) for m in minutes_of_x]
    return only(timeline([said(PAGE, 0, "Slow mail", "p", thread="1", status=status, links=SHORT), *posts]))


def test_a_page_that_stands_still_while_the_account_speaks_is_stale() -> None:
    seen = believed(WELL, [WELL, OTHER], [told(10, 31)])
    assert (seen.belief, seen.since, seen.reason) == (Belief.STALE, at(0), "stands still while others speak")


@pytest.mark.parametrize("posts", [(), (5,), (29,)])
def test_a_page_that_was_quiet_for_a_little_is_not(posts: tuple[float, ...]) -> None:
    assert believed(WELL, [WELL, OTHER], [told(*posts)]) == WELL


def test_its_own_words_do_not_make_a_source_stale() -> None:
    account = replace(OTHER, changed_at=at(31))
    assert believed(account, [account], [told(10, 31)]) == account


def test_an_incident_that_is_over_makes_nobody_stale() -> None:
    assert believed(WELL, [WELL, OTHER], [told(31, 600, status=Status.RESOLVED)]) == WELL


def test_what_cannot_be_read_is_called_that_and_not_stale() -> None:
    gone = replace(WELL, belief=Belief.UNREADABLE, reason="429")
    assert believed(gone, [gone, OTHER], [told(31)]) == gone


# --- the page is down, and back (rule 4) -------------------------------------------------------------------------


def test_the_failure_says_since_when_why_and_whom_we_follow() -> None:
    gone = after(None, BUSY, BUSY)
    seen = went_down(gone, "the status page", ["X (@acmestatus)", "the admin center"])
    assert seen.text == (
        "The status page has not answered since 19:01 UTC (429 Too Many Requests); "
        "following X (@acmestatus) and the admin center."
    )
    assert seen.at == at(1)
    assert went_down(replace(gone, reason="timeout"), "the status page", []).key == seen.key, "told once"


def test_where_nothing_is_left_to_follow_it_says_so() -> None:
    assert "nothing else of this provider can be read" in went_down(after(BUSY), "X", []).text


def test_the_return_says_after_how_long() -> None:
    gone = after(None, BUSY, BUSY)
    back = came_back(gone, at(40), "the status page")
    assert back.text == "The status page answers again, after 39 min."
    assert back.key.removeprefix("up|") == went_down(gone, "the status page", []).key.removeprefix("down|")


def test_a_state_settles_once_and_a_fault_of_ours_never() -> None:
    well = Sighting(PAGE.id, Belief.OK, at(0), asked_at=at(29))
    assert health.settles(well, well, at(30))
    assert not health.settles(well, well, at(29.9))
    assert not health.settles(replace(well, asked_at=at(30)), well, at(31))
    gone = replace(well, belief=Belief.UNREADABLE, reason="503")
    assert health.settles(gone, gone, at(30))
    ours = replace(gone, ours=True)
    assert not health.settles(ours, ours, at(30))


def test_two_failures_are_two() -> None:
    first, second = after(None, BUSY, BUSY), after(None, BUSY, BUSY, None, BUSY, BUSY)
    assert went_down(first, "it", []).key != went_down(second, "it", []).key


def test_the_open_incident_that_spoke_last_bears_it() -> None:
    early, late = (
        only(timeline(said(PAGE, m, f"Words {m}", f"p{m}", thread=f"{m}", status=Status.INVESTIGATING))) for m in (0, 9)
    )
    over = only(timeline(said(PAGE, 20, "Over", "o", thread="o", status=Status.RESOLVED)))
    planned = only(timeline(said(PAGE, 30, "Work", "m", thread="m", status=Status.IN_PROGRESS, maintenance=True)))
    assert bearer([early, late, over, planned]) is late
    assert bearer([over, planned]) is None
    assert bearer([]) is None


def test_the_return_belongs_where_the_failure_was_told() -> None:
    (plain,) = timeline(said(PAGE, 0, "Words", "p", thread="1"))
    assert bearer([plain], "down|acme/page|x") is None


# --- when to ask again -------------------------------------------------------------------------------------------

MINUTE = timedelta(seconds=60)


def wait(
    seen: Sighting = WELL, *, troubled: bool = False, retry: timedelta | None = None, every: timedelta = MINUTE
) -> timedelta:
    source = replace(PAGE, interval=every)
    return interval(source, seen, troubled=troubled, retry_at=None if retry is None else at(0) + retry, at=at(0))


def test_in_peace_the_interval_is_the_configured_one() -> None:
    assert wait() == MINUTE


def test_in_trouble_it_is_shorter() -> None:
    assert wait(troubled=True) < MINUTE


def test_a_first_failure_is_asked_again_soon() -> None:
    assert wait(after(None, BUSY)) < MINUTE


def test_failures_that_go_on_make_it_slower_but_never_silent() -> None:
    waits = [wait(after(None, *[BUSY] * count)) for count in (2, 3, 4, 8, 50, 5000)]
    assert waits == sorted(waits)
    assert waits[0] >= MINUTE
    assert waits[2] > MINUTE
    assert waits[-1] == timedelta(minutes=15)


def test_a_long_interval_is_not_made_shorter_by_failure() -> None:
    assert wait(after(None, *[BUSY] * 9), every=timedelta(hours=1)) == timedelta(hours=1)


def test_in_trouble_a_page_that_fails_is_not_given_up() -> None:
    assert wait(after(None, *[BUSY] * 9), troubled=True) <= 2 * MINUTE


def test_retry_after_is_obeyed_even_in_trouble() -> None:
    for seen in (WELL, after(None, BUSY), after(None, *[BUSY] * 9)):
        assert wait(seen, troubled=True, retry=timedelta(hours=1)) == timedelta(hours=1)


def test_a_retry_after_in_the_past_or_near_hurries_nothing() -> None:
    assert wait(retry=-timedelta(hours=1)) == wait(retry=timedelta(seconds=1)) == MINUTE


@given(
    st.integers(1, 86_400), st.integers(0, 5000), st.booleans(), st.none() | st.timedeltas(timedelta(-9), timedelta(9))
)
def test_no_source_is_asked_without_a_pause_or_never(
    seconds: int, failures: int, troubled: bool, retry: timedelta | None
) -> None:
    every = timedelta(seconds=seconds)
    seen = replace(WELL, failures=failures, belief=Belief.UNREADABLE if failures > 1 else Belief.OK)
    waited = wait(seen, troubled=troubled, retry=retry, every=every)
    assert waited >= min(every / 4, timedelta(seconds=5))
    assert waited >= timedelta(milliseconds=250)
    assert waited <= max(every, timedelta(minutes=15), retry or timedelta(0))
    if retry is not None:
        assert waited >= retry


def test_a_poll_that_is_later_than_planned_was_missed_and_a_slow_one_was_not() -> None:
    seen = Sighting("acme/page", Belief.OK, at(0), asked_at=at(0))
    assert health.unasked(seen, at(1), at(17)) == at(0)
    assert health.unasked(seen, at(60), at(61)) is None  # asked once an hour
    assert health.unasked(seen, None, at(600)) is None  # a recording: its silences were watched
    assert health.unasked(Sighting("acme/page"), at(1), at(600)) is None


def test_the_history_of_beliefs_has_an_entry_for_each_edge_and_one_for_our_absence() -> None:
    well = Sighting("acme/page", Belief.OK, at(0), asked_at=at(5), read_at=at(5))
    gone = replace(well, belief=Belief.UNREADABLE, since=at(10))
    assert health.edges(Sighting("acme/page"), well, None, at(0)) == (well,)
    assert health.edges(well, replace(well, asked_at=at(6)), None, at(6)) == ()
    assert health.edges(well, gone, None, at(11)) == (gone,)
    assert health.edges(well, well, at(5), at(90)) == (
        Sighting("acme/page", Belief.UNKNOWN, at(5)),
        replace(well, since=at(90)),
    )
