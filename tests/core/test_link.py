from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from bot.core.incident import Observation, compare, observe, short_hash
from bot.core.link import link
from bot.model import Change, Impact, Incident, Report, Status
from tests.core.build import FEED, NAMES, PAGE, X, apply, at, ids, only, said, texts, timeline

SHORT = ("https://stspg.io/abc",)
SLOW = "Our engineers are investigating slow mail of users in North America."
FOUND = "We have found the cause of slow mail and are working on a fix."
OVER = "This incident has been resolved."

page1 = said(PAGE, 0, SLOW, "p1", thread="1", title="Slow mail", status=Status.INVESTIGATING, links=SHORT)
page2 = said(PAGE, 20, FOUND, "p2", thread="1", title="Slow mail", status=Status.IDENTIFIED, links=SHORT)
page3 = said(PAGE, 60, OVER, "p3", thread="1", title="Slow mail", status=Status.RESOLVED, links=SHORT)
post1 = said(X, 2, SLOW, "x1", links=SHORT)


def changes(incidents: list[Incident], *fresh: Report) -> list[Change]:
    return link(incidents, fresh, NAMES)


# --- new, known, adopted -----------------------------------------------------------------------------------------


def test_a_first_report_opens_an_incident_and_is_its_news() -> None:
    (change,) = changes([], page1)
    assert change.before is None
    assert change.news == tuple(update.id for update in change.incident.updates)
    assert (change.incident.title, change.incident.status, change.incident.started_at) == (
        "Slow mail",
        Status.INVESTIGATING,
        at(0),
    )
    assert change.incident.sources == ("acme/page",)
    assert change.incident.joined == {"acme/page|p1": "the first that was heard of it"}


def test_nothing_fresh_changes_nothing() -> None:
    incidents = timeline(page1, post1)
    assert changes(incidents) == []
    assert changes(incidents, page1, post1) == []


def test_a_later_update_leaves_the_incident_its_id_and_is_the_only_news() -> None:
    incidents = timeline(page1)
    (change,) = changes(incidents, page2)
    assert change.before == incidents[0]
    assert change.incident.id == incidents[0].id
    assert [update.text for update in change.incident.updates if update.id in change.news] == [FOUND]
    assert change.revised == ()


def test_what_x_told_first_and_the_page_confirms_stays_one_incident() -> None:
    incidents = timeline(said(X, 0, "Mail is slow in North America", "x1", links=SHORT))
    (change,) = changes(incidents, replace(page1, at=at(9)))
    assert change.incident.id == incidents[0].id
    assert change.incident.title == "Slow mail"
    assert change.incident.started_at == at(0)
    assert change.absorbed == ()


def test_two_that_turn_out_to_be_one_go_on_as_the_elder_and_tell_nothing_again() -> None:
    first = said(X, 0, "We look into MO244568", "x1")
    second = said(PAGE, 9, "Sign-in fails", "p1", thread="1", links=SHORT)
    incidents = timeline(first, second)
    assert len(incidents) == 2
    bridge = said(PAGE, 30, "Sign-in still fails", "p2", thread="1", links=SHORT, references=("MO244568",))
    (change,) = changes(incidents, bridge)
    assert (change.incident.id, change.absorbed) == (incidents[0].id, (incidents[1].id,))
    assert len(change.news) == 1
    assert only(timeline(first, second, bridge)).references == ("MO244568",)


def test_an_incident_is_absorbed_once_and_no_two_have_one_id() -> None:
    """Reports that likeness places anew: whoever goes must not go twice, and what splits off gets a name of its own."""
    posts = [said(X, minutes, f"MO{244568 + minutes} has slow mail", f"x{minutes}") for minutes in range(4)]
    both = [said(PAGE, 9, "one", "p1", thread="1", references=("MO244568", "MO244569"))]
    incidents = timeline(*posts)
    found = changes(incidents, *both)
    gone = [name for change in found for name in change.absorbed]
    assert len(gone) == len(set(gone)) == 1
    assert len({change.incident.id for change in found} | {i.id for i in incidents} - set(gone)) == 3


def test_what_splits_off_with_the_first_report_gets_an_id_of_its_own() -> None:
    """The mistake that lost reports: an incident is named after its first report, which may leave it later."""
    first = said(X, 0, "We look into slow mail in North America.", "x1", links=("https://a.example/t",))
    others = [
        said(PAGE, n, f"Mail again {n}", f"p{n}", thread="1", links=("https://a.example/t",)) for n in (10, 11, 12)
    ]
    incidents = timeline([first, *others])
    whole = only(incidents)
    assert whole.id == short_hash("acme", first.id)
    rival = said(PAGE, 20, "Calls drop", "q1", thread="2", links=("https://a.example/t",))
    result: dict[str, Incident] = {whole.id: whole}
    for change in changes(incidents, rival):
        apply(result, change)
    kept = {report for incident in result.values() for report in incident.joined}
    assert kept == {report.id for report in [first, *others, rival]}, "no report is lost"


# --- one statement, two mouths (rule 7) --------------------------------------------------------------------------


def test_the_same_statement_from_two_mouths_is_one_update_with_two_reports() -> None:
    incident = only(timeline(page1, post1))
    (update,) = incident.updates
    assert ids(update) == ["acme/page|p1", "acme/x|x1"]
    assert (update.at, update.status) == (at(0), Status.INVESTIGATING)


def test_who_told_first_comes_first_whoever_was_read_first() -> None:
    early = replace(post1, at=at(-4))
    (update,) = only(timeline(page1, early)).updates
    assert ids(update) == ["acme/x|x1", "acme/page|p1"]
    assert update.at == at(-4)


def test_the_second_mouth_is_no_news() -> None:
    incidents = timeline(page1)
    (change,) = changes(incidents, post1)
    assert (change.news, change.revised) == ((), ())
    assert change.incident.updates[0].id == incidents[0].updates[0].id


def test_what_was_one_statement_until_one_source_edited_it_is_two_updates_and_none_is_lost() -> None:
    """The post was read first, so that the update bears its name; the page had said it a minute before."""
    post, page = said(X, 2, SLOW, "x", links=SHORT), said(PAGE, 1, SLOW, "1", thread="1", links=SHORT, seen=6)
    (one,) = timeline(post, page)
    edited = replace(page, text="Load balancers and databases fail in Toronto.", seen_at=at(30))
    (two,) = timeline(post, page, edited)
    assert [update.text for update in two.updates] == [edited.text, SLOW]
    assert len({update.id for update in two.updates}) == 2
    assert one.updates[0].id in {update.id for update in two.updates}
    (after,) = timeline(post, page, edited, said(PAGE, 40, "More.", "2", thread="1"))
    assert [update.id for update in after.updates[:2]] == [update.id for update in two.updates]


def test_the_words_are_the_fullest_that_anybody_said() -> None:
    cut = said(X, 2, SLOW[:50].rsplit(" ", 1)[0] + "…", "x1", links=SHORT)
    assert texts(only(timeline(cut, page1))) == [SLOW]


def test_one_source_that_repeats_itself_makes_two_updates() -> None:
    again = said(PAGE, 5, SLOW, "p9", thread="1", links=SHORT)
    assert [ids(update) for update in only(timeline(page1, again)).updates] == [["acme/page|p1"], ["acme/page|p9"]]


def test_of_two_repetitions_each_mouth_keeps_its_own() -> None:
    again, echo = said(PAGE, 5, SLOW, "p9", thread="1", links=SHORT), said(X, 6, SLOW, "x9", links=SHORT)
    updates = only(timeline([page1, post1, again, echo])).updates
    assert [sorted(ids(update)) for update in updates] == [
        ["acme/page|p1", "acme/x|x1"],
        ["acme/page|p9", "acme/x|x9"],
    ]


def test_contradicting_statements_are_two_updates() -> None:
    feed = said(FEED, 0, SLOW, "f1", thread="t", status=Status.MONITORING, links=SHORT)
    assert len(only(timeline(page1, feed)).updates) == 2


def test_page_and_feed_of_one_minute_are_one_update_though_one_was_edited() -> None:
    feed = said(FEED, 0, "Slow mail: we look.", "f1", thread="t", status=Status.INVESTIGATING, links=SHORT)
    assert len(only(timeline(page1, feed)).updates) == 1


def test_the_same_words_hours_apart_are_two_updates() -> None:
    late = said(X, 200, SLOW, "x1", links=SHORT)
    assert len(only(timeline(page1, late)).updates) == 2


# --- edits (rule 10) ---------------------------------------------------------------------------------------------


def edited(report: Report, seen: float, **facts: object) -> Report:
    return replace(report, seen_at=at(seen), **facts)  # type: ignore[arg-type]


def test_an_edit_is_a_revision_of_the_same_update() -> None:
    incidents = timeline(page1, page2)
    (change,) = changes(incidents, edited(page1, 30, text="Mail is slow everywhere."))
    assert change.news == ()
    assert change.revised == (incidents[0].updates[0].id,)
    assert [update.revision for update in change.incident.updates] == [1, 0]
    assert texts(change.incident) == ["Mail is slow everywhere.", FOUND]


def test_an_old_version_that_is_read_late_does_not_undo_the_edit() -> None:
    new = edited(page1, 30, text="Mail is slow everywhere.")
    assert texts(only(timeline(new, page1))) == ["Mail is slow everywhere."]


def test_a_fact_that_a_later_reading_no_longer_repeats_is_kept() -> None:
    mute = edited(page1, 30, status=None, impact=None, title="")
    assert only(timeline(replace(page1, impact=Impact.MAJOR), mute)).impact is Impact.MAJOR
    assert only(timeline(page1, mute)).status is Status.INVESTIGATING


def test_a_status_that_changed_without_a_word_is_a_revision() -> None:
    (change,) = changes(timeline(page1), edited(page1, 30, status=Status.RESOLVED))
    assert change.revised == (change.incident.updates[0].id,)
    assert not change.incident.open


# --- order and state (rules 8 and 9) -----------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations([page1, page2, page3, post1])))
def test_any_order_of_arrival_gives_the_same_timeline(order: tuple[Report, ...]) -> None:
    incident = only(timeline(*order))
    assert texts(incident) == [SLOW, FOUND, OVER]
    assert (incident.status, incident.resolved_at) == (Status.RESOLVED, at(60))
    assert ids(incident.updates[0]) == ["acme/page|p1", "acme/x|x1"]


def test_a_late_report_takes_its_place_and_does_not_reopen() -> None:
    incidents = timeline(page1, page3)
    (change,) = changes(incidents, page2)
    assert texts(change.incident) == [SLOW, FOUND, OVER]
    assert change.incident.status is Status.RESOLVED
    assert change.incident.updated_at == at(60)
    assert len(change.news) == 1


def test_equal_times_keep_the_sources_own_order() -> None:
    twins = [
        replace(said(PAGE, 5, text, name, thread="1"), position=n)
        for n, (text, name) in enumerate([("b", "z"), ("a", "y")])
    ]
    for order in permutations(twins):
        assert texts(only(timeline(*order))) == ["b", "a"]


def test_equal_times_of_two_sources_keep_one_order_whoever_was_seen_first() -> None:
    one = said(PAGE, 5, "Files cannot be opened at all.", "p1", thread="1", links=SHORT)
    two = said(X, 5, "Calls drop after a minute or two.", "x1", links=SHORT)
    early, late = replace(one, first_seen_at=at(6)), replace(two, first_seen_at=at(7))
    other, way = replace(one, first_seen_at=at(7)), replace(two, first_seen_at=at(6))
    assert texts(only(timeline(early, late))) == texts(only(timeline(way, other)))


def test_a_statement_reopens_what_a_statement_closed() -> None:
    again = said(PAGE, 90, "It is slow again.", "p4", thread="1", status=Status.INVESTIGATING)
    incident = only(timeline(page1, page3, again))
    assert incident.open
    assert incident.resolved_at is None


def test_a_postmortem_leaves_the_end_where_it_was() -> None:
    after = said(PAGE, 60 * 48, "What happened", "p4", thread="1", status=Status.POSTMORTEM)
    incident = only(timeline(page1, page3, after))
    assert (incident.status, incident.resolved_at) == (Status.POSTMORTEM, at(60))


def test_words_close_what_has_no_other_voice() -> None:
    posts = (
        said(X, 0, "We're investigating slow mail flow", "x1"),
        said(X, 60, "Slow mail flow has been resolved.", "x2"),
    )
    incident = only(timeline(*posts))
    assert (incident.status, incident.resolved_at) == (Status.RESOLVED, at(60))


def test_words_of_a_post_do_not_close_what_the_page_keeps_open() -> None:
    incident = only(timeline(page1, said(X, 30, "The issue has been resolved.", "x2", links=SHORT)))
    assert incident.status is Status.INVESTIGATING
    assert incident.open


def test_a_post_without_a_phase_changes_no_state() -> None:
    incident = only(timeline(page1, page2, said(X, 40, "Thank you for your patience.", "x2", links=SHORT)))
    assert incident.status is Status.IDENTIFIED


def test_an_undated_report_stands_where_it_was_first_seen_whichever_version_comes_first() -> None:
    first = replace(page1, at=at(10), dated=False, first_seen_at=at(10), seen_at=at(10))
    later = replace(first, at=at(30), first_seen_at=at(30), seen_at=at(30), text="other words")
    for order in permutations([first, later]):
        incident = only(timeline(*order))
        assert (incident.started_at, texts(incident)) == (at(10), ["other words"])


# --- what the incident is called, and how bad it is --------------------------------------------------------------


def test_the_impact_is_the_worst_of_what_each_source_said_last() -> None:
    reports = [
        replace(page1, impact=Impact.CRITICAL),
        replace(page2, impact=Impact.MINOR),
        said(FEED, 5, "Another account", "f1", thread="t", links=SHORT, impact=Impact.MAJOR),
    ]
    assert only(timeline(reports)).impact is Impact.MAJOR


def test_an_impact_that_nobody_stated_is_not_known() -> None:
    assert only(timeline(page1)).impact is None


def test_components_regions_and_references_come_from_words_where_the_source_lists_none() -> None:
    incident = only(timeline(said(X, 0, "EXO and Teams fail in EMEA, see M0244568", "x1")))
    assert incident.components == ("Exchange Online", "Microsoft Teams")
    assert incident.regions == ("Europe",)
    assert incident.references == ("MO244568",)


def test_where_the_source_lists_nothing_that_the_catalogue_knows_its_words_count_as_well() -> None:
    """Graph files an outage under "Microsoft 365 suite", and names the services in its words."""
    text = "Exchange Online and Teams are affected."
    suite = said(PAGE, 0, text, thread="1", components=("Microsoft 365 suite",))
    assert only(timeline(suite)).components == ("Microsoft 365 suite", "Exchange Online", "Microsoft Teams")
    mail = said(PAGE, 0, text, thread="1", components=("EXO",))
    assert only(timeline(mail)).components == ("Exchange Online",)


def test_a_maintenance_is_one_and_keeps_its_newest_window() -> None:
    facts = {"thread": "m", "maintenance": True, "status": Status.SCHEDULED}
    first = said(PAGE, 0, "Planned work", "m1", starts=at(600), ends=at(660), **facts)
    moved = said(PAGE, 30, "Moved", "m2", starts=at(700), ends=at(760), **facts)
    incident = only(timeline(first, moved))
    assert incident.maintenance
    assert (incident.status, incident.starts, incident.ends) == (Status.SCHEDULED, at(700), at(760))


# --- what the program saw itself (rule 4) ------------------------------------------------------------------------

DOWN = Observation("down|acme/page|x", at(5), "The status page has not answered since 19:05 UTC (429).")


def test_an_observation_is_an_update_without_reports() -> None:
    (incident,) = timeline(page1)
    change = observe(incident, [DOWN])
    assert change is not None
    assert texts(change.incident) == [SLOW, DOWN.text]
    update = change.incident.updates[1]
    assert (update.reports, update.observed, update.status) == ((), DOWN.key, None)
    assert change.news == (update.id,)


def test_an_observation_is_told_once() -> None:
    (incident,) = timeline(page1)
    change = observe(incident, [DOWN])
    assert change is not None
    assert observe(change.incident, [DOWN]) is None
    assert observe(change.incident, []) is None


def test_observations_stay_when_reports_come() -> None:
    (incident,) = timeline(page1)
    change = observe(incident, [DOWN])
    assert change is not None
    (later,) = changes([change.incident], page2)
    assert texts(later.incident) == [SLOW, DOWN.text, FOUND]
    assert len(later.news) == 1


def test_an_observation_never_comes_before_the_beginning_and_never_closes() -> None:
    (incident,) = timeline(page1)
    change = observe(incident, [replace(DOWN, at=at(-90))])
    assert change is not None
    assert change.incident.updates[-1].at == at(0)
    assert texts(change.incident)[0] == SLOW
    assert change.incident.status is Status.INVESTIGATING


def test_what_is_as_it_was_is_no_change() -> None:
    (incident,) = timeline(page1)
    assert compare(incident, incident, ()) is None


def test_an_end_without_a_word_is_dated_when_it_was_seen_and_outlasts_what_was_said_before() -> None:
    """Graph ends an issue by its status alone: its one post is older than the end, and than the posts on X."""
    graph = said(PAGE, 0, SLOW, "1#1", thread="1", status=Status.IDENTIFIED, links=SHORT)
    ended = replace(graph, status=Status.RESOLVED, seen_at=at(300))
    incident = only(timeline(graph, said(X, 30, "We're still investigating slow mail.", "x", links=SHORT), ended))
    assert (incident.status, incident.resolved_at) == (Status.RESOLVED, at(300))


def test_an_end_without_a_word_is_dated_as_its_source_says() -> None:
    graph = said(PAGE, 0, SLOW, "1#1", thread="1", status=Status.RESOLVED, stated_at=at(90), seen=300)
    assert only(timeline(graph)).resolved_at == at(90)
