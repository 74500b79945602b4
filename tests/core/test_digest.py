from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.digest import Account, Condition, Digest, account_of, digest
from bot.core.digest_shape import digest_json, digest_of
from bot.model import Belief, Impact, Incident, Provider, Report, Sighting, Status, Update
from tests.core.build import FEED, PAGE, X, at

ACME = Provider("acme", "Acme Cloud", (PAGE, X), components={"Mail": (), "Chat": ()})
LABELS = {"acme/page": "the status page", "acme/x": "X (@acmestatus)", "acme/feed": "the feed"}
SINCE, UNTIL = at(0), at(1000)
MINUTE = timedelta(minutes=1)


def incident(begin: float, end: float | None = None, impact: Impact | None = Impact.MAJOR, **facts: Any) -> Incident:
    """An incident from one minute to another."""
    name = facts.pop("id", f"i{begin}")
    first = Update(f"{name}-1", at(begin), "It began.", Status.INVESTIGATING, impact)
    last = [Update(f"{name}-2", at(end), "It is over.", Status.RESOLVED)] if end is not None else []
    made = Incident(
        name, "acme", "Trouble", Status.RESOLVED if last else Status.INVESTIGATING, at(begin), at(end or begin), impact
    )
    resolved = at(end) if end is not None else None
    return replace(made, resolved_at=resolved, updates=(first, *last), **facts)


def maintenance(begin: float, end: float, status: Status = Status.SCHEDULED, **facts: Any) -> Incident:
    """A maintenance that was announced long before."""
    told = Update("m-1", at(-5000), "Planned.", Status.SCHEDULED)
    made = Incident("m", "acme", "New disks", status, at(begin), at(-5000), Impact.MAINTENANCE, maintenance=True)
    return replace(made, starts=at(begin), ends=at(end), updates=(told,), **facts)


def sight(minute: float, belief: Belief = Belief.OK, source: str = "acme/page", **facts: Any) -> Sighting:
    return Sighting(source, belief, at(minute), **facts)


WATCHED = {"acme/page": [sight(-9000)]}
ASKED = {"acme/page": sight(-9000, asked_at=UNTIL)}


def account(
    incidents: Sequence[Incident] = (),
    beliefs: dict[str, list[Sighting]] | None = None,
    now: dict[str, Sighting] | None = None,
    since: datetime = SINCE,
    until: datetime = UNTIL,
) -> Account:
    told = WATCHED if beliefs is None else beliefs
    asked = {name: replace(edges[-1], asked_at=until) for name, edges in told.items() if edges}
    return account_of(ACME, incidents, told, asked if now is None else now, LABELS, since, until)


def minutes(made: Account, component: str = "") -> tuple[float, float, float, float]:
    """Well, in trouble, at work on it, unknown."""
    rows = {course.name: course for course in made.components}
    shares = (rows[component] if component else made.whole).shares
    return tuple(part / MINUTE for part in (shares.well, shares.trouble, shares.maintenance, shares.unknown))  # type: ignore[return-value]


def test_a_quiet_window_is_well_and_has_nothing_to_say() -> None:
    made = account()
    assert minutes(made) == minutes(made, "Mail") == (1000, 0, 0, 0)
    assert not made.news
    assert digest([made], SINCE, UNTIL, "UTC").empty


def test_an_incident_counts_for_its_components_and_the_provider() -> None:
    made = account([incident(100, 160, components=("Mail",))])
    assert minutes(made) == minutes(made, "Mail") == (940, 60, 0, 0)
    assert minutes(made, "Chat") == (1000, 0, 0, 0)


def test_an_incident_without_components_counts_for_all() -> None:
    made = account([incident(100, 160)])
    assert minutes(made) == minutes(made, "Mail") == minutes(made, "Chat") == (940, 60, 0, 0)


def test_overlaps_are_counted_once_and_the_worst_is_shown() -> None:
    made = account([incident(100, 200, Impact.MINOR), incident(150, 250, Impact.CRITICAL), incident(160, 170, None)])
    assert minutes(made)[1] == 150
    shown = [(begin, end, what) for begin, end, what in made.whole.stretches if what.trouble]
    assert shown == [(at(100), at(150), Condition.MINOR), (at(150), at(250), Condition.CRITICAL)]


def test_the_window_cuts_what_reaches_beyond_it() -> None:
    made = account([incident(-500, 50), incident(990)])
    assert minutes(made)[1] == 60
    assert [event.length(UNTIL) for event in made.incidents] == [550 * MINUTE, 10 * MINUTE]
    assert [event.id for event in made.open] == ["i990"]


def test_what_lies_outside_the_window_is_not_told() -> None:
    made = account([incident(-500, -1), incident(-300, 0), incident(1000, 1010), incident(2000)])
    assert made.incidents == ()
    assert minutes(made) == (1000, 0, 0, 0)


def test_an_incident_that_began_and_ended_in_one_moment_is_told() -> None:
    assert [event.id for event in account([incident(10, 10), incident(0, 0)]).incidents] == ["i0", "i10"]


def test_what_ended_after_the_window_was_open_then() -> None:
    (event,) = account([incident(900, 1100)]).open
    assert (event.status, event.ended_at) == (Status.INVESTIGATING, None)
    (later,) = account([incident(900, 1100)], until=at(1200)).incidents
    assert (later.status, later.ended_at) == (Status.RESOLVED, at(1100))


def test_an_impact_stated_as_none_is_told_but_is_no_trouble() -> None:
    made = account([incident(100, 160, Impact.NONE)])
    assert minutes(made) == (1000, 0, 0, 0)
    assert len(made.incidents) == 1


def test_an_impact_that_nobody_stated_is_trouble() -> None:
    assert minutes(account([incident(100, 160, None)]))[1] == 60


def test_time_before_the_first_sight_is_unknown() -> None:
    made = account(beliefs={"acme/page": [sight(300)]})
    assert minutes(made) == (700, 0, 0, 300)


def test_a_provider_that_was_never_asked_is_unknown_and_says_nothing() -> None:
    made = account(beliefs={}, now={})
    assert minutes(made) == (0, 0, 0, 1000)
    assert not made.watched
    assert not made.news


def test_time_in_which_no_source_could_be_believed_is_unknown() -> None:
    page = [sight(-9), sight(200, Belief.UNREADABLE, reason="429 Too Many Requests"), sight(500)]
    x = [sight(-9, source="acme/x"), sight(400, Belief.UNREADABLE, "acme/x"), sight(600, source="acme/x")]
    assert minutes(account(beliefs={"acme/page": page})) == (700, 0, 0, 300)
    both = account(beliefs={"acme/page": page, "acme/x": x})
    assert minutes(both) == (900, 0, 0, 100)
    assert [(gap.source, gap.since, gap.until, gap.reason) for gap in both.gaps] == [
        ("the status page", at(200), at(500), "429 Too Many Requests"),
        ("X (@acmestatus)", at(400), at(600), ""),
    ]


def test_an_open_incident_goes_on_while_nothing_can_be_read() -> None:
    page = [sight(-9), sight(200, Belief.UNREADABLE)]
    assert minutes(account([incident(100, None)], beliefs={"acme/page": page})) == (100, 900, 0, 0)


def test_nothing_is_known_of_the_time_after_the_last_poll() -> None:
    stopped = {"acme/page": sight(-9, asked_at=at(400), next_at=at(401))}
    assert minutes(account(now=stopped)) == (400, 0, 0, 600)
    (gap,) = account(now=stopped).gaps
    assert (gap.belief, gap.since, gap.until, gap.edge) == (Belief.UNKNOWN, at(400), UNTIL, True)
    slow = {"acme/page": sight(-9, asked_at=at(400), next_at=at(995))}
    assert minutes(account(now=slow)) == (1000, 0, 0, 0)


def test_a_source_that_stopped_before_the_window_was_not_watched_in_it() -> None:
    made = account(now={"acme/page": sight(-9, asked_at=at(-5))})
    assert minutes(made) == (0, 0, 0, 1000)
    assert not made.news  # it was news in the window in which it stopped


def test_a_long_gap_is_worth_a_digest_where_it_begins_or_ends_and_a_hiccup_is_not() -> None:
    def gap(begin: float, end: float) -> Account:
        return account(beliefs={"acme/page": [sight(-9000), sight(begin, Belief.UNREADABLE), sight(end)]})

    assert gap(100, 200).news
    assert gap(-100, 200).news
    assert not gap(100, 110).news
    assert not gap(-100, 5000).news


def test_maintenances_within_and_ahead() -> None:
    made = account([maintenance(100, 200), replace(maintenance(1200, 1300), id="later")])
    assert minutes(made) == (900, 0, 100, 0)
    assert [event.id for event in made.maintenances] == ["m"]
    assert [event.id for event in made.ahead] == ["later"]
    assert made.news


def test_a_maintenance_that_is_weeks_off_is_not_told_yet() -> None:
    assert account([maintenance(60 * 24 * 30, 60 * 24 * 31)]).ahead == ()


def test_a_maintenance_lasts_as_long_as_was_told_not_as_was_planned() -> None:
    done = maintenance(100, 200, Status.COMPLETED, resolved_at=at(350))
    begun = Update("m-2", at(110), "We begin.", Status.IN_PROGRESS)
    over = replace(done, updates=(*done.updates, begun, Update("m-3", at(350), "Done.", Status.COMPLETED)))
    assert minutes(account([over])) == (750, 0, 250, 0)
    still = replace(maintenance(100, 200, Status.IN_PROGRESS), updates=(*maintenance(100, 200).updates, begun))
    assert minutes(account([still])) == (100, 0, 900, 0)


def gone(incident: Incident, minute: float) -> Incident:
    """The same, listed no more since."""
    key = f"gone|acme/page|{at(minute).isoformat()}|1"
    seen = Update(f"{incident.id}-gone", at(minute + 60), "No longer listed.", observed=key)
    return replace(incident, updates=(*incident.updates, seen))


def test_a_maintenance_that_is_listed_no_more_is_not_called_work_for_ever() -> None:
    begun = Update("m-2", at(110), "We begin.", Status.IN_PROGRESS)
    still = replace(maintenance(100, 200, Status.IN_PROGRESS), updates=(*maintenance(100, 200).updates, begun))
    made = account([gone(still, 210)])
    assert minutes(made) == (890, 0, 110, 0)
    assert made.maintenances[0].vanished_at == at(210)
    assert account([gone(maintenance(-5000, -4900, Status.IN_PROGRESS), -4890)]).maintenances == ()


def test_a_maintenance_that_vanished_before_its_time_was_not_done_as_far_as_anybody_knows() -> None:
    assert account([gone(maintenance(500, 600), 100)]).maintenances == ()
    (ahead,) = account([gone(maintenance(1200, 1300), 100)]).ahead
    assert ahead.vanished_at == at(100)


def test_the_maintenance_of_one_part_is_not_the_provider_s() -> None:
    parts = dict.fromkeys(("Mail", "Chat"), ())
    made = account_of(
        replace(ACME, components=parts),
        [maintenance(100, 200, components=("Mail",)), maintenance(300, 350, components=("Mail", "Chat"))],
        WATCHED, ASKED, LABELS, SINCE, UNTIL,
    )  # fmt: skip
    assert minutes(made) == (950, 0, 50, 0)
    assert (minutes(made, "Mail"), minutes(made, "Chat")) == ((850, 0, 150, 0), (950, 0, 50, 0))


@pytest.mark.parametrize("parts", [("DC Amsterdam",), ("DC Amsterdam", "DC Berlin")])
def test_of_a_provider_whose_parts_nobody_knows_what_names_some_is_not_the_whole(parts: tuple[str, ...]) -> None:
    works = [maintenance(100, 200, components=parts), maintenance(300, 350)]
    made = account_of(replace(ACME, components={}), works, WATCHED, ASKED, LABELS, SINCE, UNTIL)
    assert minutes(made) == (950, 0, 50, 0)
    assert {minutes(made, part) for part in parts} == {(850, 0, 150, 0)}


def test_what_vanished_before_the_window_is_known_and_no_news_for_ever() -> None:
    before, within = gone(incident(-900), -800), gone(incident(100), 300)
    made = account([before])
    assert [event.id for event in made.bygone] == ["i-900"]
    assert not made.news
    assert minutes(made) == (0, 0, 0, 1000)
    assert account([before, within]).news
    assert [event.id for event in account([before, within]).bygone] == ["i-900"]


def test_trouble_shows_through_a_maintenance() -> None:
    assert minutes(account([maintenance(100, 200), incident(150, 250)])) == (850, 100, 50, 0)


def said(source: str, minute: float) -> Report:
    return Report(source, f"{source}{minute}", "acme", at(minute), True, at(minute), at(minute), "Words.")


def test_who_told_first_and_by_how_much_the_others_followed() -> None:
    def both(begin: float, behind: float) -> Incident:
        made = incident(begin, begin + 90)
        reports = (said("acme/x", begin), said("acme/page", begin + behind))
        return replace(made, updates=(replace(made.updates[0], reports=reports), made.updates[1]))

    made = account([both(100, 40), both(300, 20), incident(500, 550)])
    assert [(lag.source, lag.incidents, lag.first, lag.median / MINUTE) for lag in made.lags] == [
        ("X (@acmestatus)", 2, 2, 0),
        ("the status page", 2, 0, 30),
    ]
    assert made.incidents[0].firsts == (("X (@acmestatus)", at(100)), ("the status page", at(140)))
    assert made.incidents[2].firsts == ()


def test_components_that_only_incidents_name_are_told_too() -> None:
    made = account([incident(100, 160, components=("Pages",))])
    assert [course.name for course in made.components] == ["Mail", "Chat", "Pages"]


def test_what_is_open_stands_first_then_what_had_most_trouble() -> None:
    quiet, short = account(), account([incident(100, 110)])
    long, still = account([incident(100, 400)]), account([incident(999)])
    made = digest([quiet, short, long, still], SINCE, UNTIL, "UTC")
    assert made.accounts == (still, long, short, quiet)
    assert not made.empty


# --- whatever comes ----------------------------------------------------------------------------------------------

spots = st.integers(-200, 1200)
incidents = st.builds(
    lambda number, begin, lasts, impact, components: incident(
        begin, begin + lasts if lasts is not None else None, impact, id=f"i{number}", components=components
    ),
    st.integers(0, 10**9),
    spots,
    st.none() | st.integers(0, 600),
    st.none() | st.sampled_from(Impact),
    st.sampled_from([(), ("Mail",), ("Mail", "Chat"), ("Other",)]),
)
edges = st.lists(st.builds(sight, spots, st.sampled_from(Belief)), max_size=6)
several = st.lists(incidents, max_size=8, unique_by=lambda each: each.id)


@given(several, edges, edges, spots)
def test_shares_make_the_window_and_well_is_only_what_was_believed(
    some: list[Incident], page: list[Sighting], feed: list[Sighting], asked: int
) -> None:
    now = {"acme/page": sight(0, asked_at=at(asked)), FEED.id: sight(0, source=FEED.id, asked_at=at(asked))}
    made = account(some, {"acme/page": page, FEED.id: feed}, now)
    first = min((edge.since for edge in (*page, *feed) if edge.since and edge.belief is Belief.OK), default=None)
    for course in (made.whole, *made.components):
        assert course.shares.whole == UNTIL - SINCE
        assert (course.stretches[0][0], course.stretches[-1][1]) == (SINCE, UNTIL)
        for begin, end, condition in course.stretches:
            if condition is Condition.WELL:
                assert first is not None
                assert begin >= first
                assert asked >= 985 or end <= at(asked)
    assert all(SINCE <= gap.since < gap.until <= UNTIL for gap in made.gaps)


@given(several, edges, st.randoms())
def test_the_order_of_incidents_does_not_matter(
    some: list[Incident], page: list[Sighting], dice: random.Random
) -> None:
    shuffled = list(some)
    dice.shuffle(shuffled)
    assert account(shuffled, {"acme/page": page}) == account(some, {"acme/page": page})


@given(several, st.integers(1, 999))
def test_two_windows_that_meet_share_out_the_same_time(some: list[Incident], cut: int) -> None:
    """Clipping loses and invents nothing. (Ended or not, an incident was on for the same time.)"""
    known = {"acme/page": [sight(-9000)]}
    whole = account(some, known).whole.shares
    halves = [account(some, known, ASKED, *window).whole.shares for window in ((SINCE, at(cut)), (at(cut), UNTIL))]
    assert sum((half.trouble for half in halves), timedelta(0)) == whole.trouble
    assert sum((half.well for half in halves), timedelta(0)) == whole.well


def test_a_digest_is_a_value() -> None:
    made = digest([account([incident(100, 160)])], SINCE, UNTIL, "Europe/Berlin")
    assert made == Digest(SINCE, UNTIL, "Europe/Berlin", made.accounts)
    assert hash(made) == hash(digest([account([incident(100, 160)])], SINCE, UNTIL, "Europe/Berlin"))


@given(several, edges)
def test_a_digest_comes_back_from_its_document(some: list[Incident], page: list[Sighting]) -> None:
    made = digest([account(some, {"acme/page": page})], SINCE, UNTIL, "Europe/Berlin")
    assert digest_of(json.loads(json.dumps(digest_json(made)))) == made
