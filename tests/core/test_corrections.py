"""An operator's corrections hold whatever arrives later and in whatever order, and the opposite undoes each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.corrections import anchor, merged, reports_of, split
from bot.core.join import MERGED, SET_APART, UNCORRECTED
from bot.core.link import link
from bot.model import NOTHING, Corrections, Incident, Report, Status
from tests.core.build import FEED, NAMES, PAGE, X, apply, said

MAIL = "Users may be unable to send mail through Exchange Online."
CALLS = "We're investigating an issue with calls in Microsoft Teams."


class Desk:
    """A timeline and an operator."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.corrections = UNCORRECTED

    def take(self, *fresh: Report, former: Mapping[str, str] = NOTHING) -> None:
        for change in link(list(self.incidents.values()), fresh, NAMES, self.corrections, former):
            apply(self.incidents, change)

    def merge(self, one: Report, other: Report) -> None:
        self.corrections = merged(self.corrections, self.of(one), self.of(other))
        self.take()

    def split(self, report: Report) -> None:
        around = [it for incident in self.incidents.values() for it in reports_of(incident).values()]
        self.corrections, former = split(self.corrections, self.of(report), report.id, NAMES, around)
        self.take(former=former)

    def of(self, report: Report) -> Incident:
        """The incident of a report."""
        return next(entry for entry in self.incidents.values() if report.id in reports_of(entry))

    def rule(self, report: Report) -> str:
        return self.of(report).joined[report.id]

    def together(self, *reports: Report) -> bool:
        return len({self.of(report).id for report in reports}) == 1

    def obeyed(self) -> bool:
        """Whether what was merged is one, and what was set apart is not."""
        home = {report: name for name, incident in self.incidents.items() for report in reports_of(incident)}
        merged = all(home[one] == home[other] for one, other in self.corrections.together)
        return merged and all(home[out] != home[other] for out, other in self.corrections.apart)

    def partition(self) -> set[frozenset[str]]:
        return {frozenset(reports_of(incident)) for incident in self.incidents.values()}


PAGE_1 = said(PAGE, 0, MAIL, "p1", thread="1", status=Status.INVESTIGATING, references=("MO1111111",))
PAGE_1B = said(PAGE, 30, "A fix for mail is under way.", "p1b", thread="1", status=Status.IDENTIFIED)
PAGE_2 = said(PAGE, 5, CALLS, "p2", thread="2", status=Status.INVESTIGATING, references=("MO2222222",))
PAGE_2B = said(PAGE, 40, "Calls in Teams are restored.", "p2b", thread="2", status=Status.RESOLVED)
FEED_1 = said(FEED, 1, MAIL, "f1", thread="urn:1", references=("MO1111111",))
NAMING = said(X, 8, "We're looking into mail flow, details under MO1111111.", "x1")
LOOSE = said(X, 9, "We're seeing improvement in calls in Microsoft Teams.", "x2")
LATER = said(X, 50, "Mail flow has recovered after our fix in Exchange Online.", "x3")
EVERY = [PAGE_1, PAGE_1B, PAGE_2, PAGE_2B, FEED_1, NAMING, LOOSE, LATER]
NAMED = {report.native_id: report for report in EVERY}


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.take(PAGE_1, PAGE_1B, PAGE_2, FEED_1, NAMING)
    return desk


def test_a_merge_makes_one_incident_and_says_so(desk: Desk) -> None:
    desk.merge(PAGE_1, PAGE_2)
    assert desk.together(PAGE_1, PAGE_2, FEED_1, NAMING)
    assert desk.rule(PAGE_2) == MERGED
    assert desk.rule(FEED_1) == "it names MO1111111", "what had joined the others is told still"
    desk.take(PAGE_2B)
    assert desk.together(PAGE_1, PAGE_2B)


def test_a_split_takes_one_report_out_and_says_so(desk: Desk) -> None:
    desk.split(NAMING)
    assert desk.partition() >= {frozenset({NAMING.id}), frozenset({PAGE_1.id, PAGE_1B.id, FEED_1.id})}
    assert desk.rule(NAMING) == SET_APART


def test_of_a_thread_one_statement_can_be_split_off_and_the_thread_goes_on_without_it(desk: Desk) -> None:
    desk.split(PAGE_1B)
    desk.take(said(PAGE, 60, "Mail is well again.", "p1c", thread="1", status=Status.RESOLVED))
    assert reports_of(desk.of(PAGE_1B)).keys() == {PAGE_1B.id}
    assert desk.of(PAGE_1).status is Status.RESOLVED


def test_a_split_undoes_a_merge_with_all_that_came_with_it(desk: Desk) -> None:
    before, names = desk.partition(), {report.id: desk.of(report).id for report in (PAGE_1, PAGE_2)}
    desk.merge(PAGE_2, PAGE_1)
    desk.split(FEED_1)
    assert desk.partition() == before
    assert not desk.corrections.together
    assert {report.id: desk.of(report).id for report in (PAGE_1, PAGE_2)} == names, "each has its own id again"


def test_what_had_joined_two_because_they_were_one_is_free_again_when_that_is_undone() -> None:
    desk = Desk()
    desk.take(LOOSE, PAGE_2B, LATER, PAGE_1B)
    before = desk.partition()
    desk.merge(LOOSE, PAGE_2B)
    assert desk.together(LATER, PAGE_2B), "else this test shows nothing"
    desk.split(LOOSE)
    assert desk.partition() == before


def test_a_split_undoes_a_merge_though_the_two_would_have_joined_if_they_were_alone() -> None:
    desk = Desk()
    desk.take(LOOSE, PAGE_1B, LATER, PAGE_2B)
    before = desk.partition()
    assert desk.together(LOOSE, PAGE_1B), "else this test shows nothing"
    desk.merge(LOOSE, LATER)
    desk.split(LOOSE)
    assert desk.partition() == before


def test_a_merge_undoes_a_split(desk: Desk) -> None:
    before = desk.partition()
    desk.split(NAMING)
    desk.merge(NAMING, PAGE_1)
    assert desk.partition() == before
    assert not desk.corrections.apart


def test_of_three_merged_the_middle_one_goes_and_the_others_stay_one(desk: Desk) -> None:
    third = said(PAGE, 7, "SharePoint sites fail to load.", "p3", thread="3")
    desk.take(third)
    desk.merge(PAGE_2, PAGE_1)
    desk.merge(PAGE_2, third)
    desk.split(NAMING)
    assert desk.together(PAGE_2, third)
    assert not desk.together(PAGE_1, third)
    assert desk.together(PAGE_1, NAMING)


def test_the_split_goes_before_a_tie_that_comes_later(desk: Desk) -> None:
    """Two events apart by an operator's word stay so though a statement names both."""
    desk.merge(PAGE_1, PAGE_2)
    desk.split(PAGE_2)
    desk.take(said(FEED, 60, "Both are over.", "f9", thread="urn:9", references=("MO1111111", "MO2222222")))
    assert not desk.together(PAGE_1, PAGE_2)


def test_posts_merged_by_an_operator_are_adopted_together() -> None:
    desk = Desk()
    one = said(X, 0, "We're investigating an issue with mail flow in Exchange Online.", "a")
    other = said(X, 2, "We're investigating reports about SharePoint sites in Europe.", "b")
    desk.take(one, other)
    assert not desk.together(one, other)
    desk.merge(one, other)
    page = said(PAGE, 6, "Users may be unable to use mail flow in Exchange Online.", "p", thread="7")
    desk.take(page)
    assert desk.together(one, other, page)


def test_what_goes_on_with_a_merged_incident_by_likeness_joins_it(desk: Desk) -> None:
    desk.merge(PAGE_1, PAGE_2)
    desk.take(LOOSE)
    assert desk.together(LOOSE, PAGE_1, PAGE_2)


def test_a_loose_post_set_apart_is_not_joined_by_likeness_again(desk: Desk) -> None:
    desk.take(LOOSE)
    assert desk.together(LOOSE, PAGE_2), "else this test shows nothing"
    desk.split(LOOSE)
    desk.take(PAGE_2B, LATER)
    assert reports_of(desk.of(LOOSE)).keys() == {LOOSE.id}


def test_what_is_likelier_beside_what_was_set_apart_stays_with_the_others_nevertheless() -> None:
    """Once the others are tied, a later post is a little more like the one that went than like them."""
    desk = Desk()
    desk.take(LOOSE, FEED_1, NAMING, LATER)
    assert desk.together(LOOSE, FEED_1, NAMING, LATER), "else this test shows nothing"
    desk.split(NAMING)
    assert desk.partition() == {frozenset({NAMING.id}), frozenset({LOOSE.id, FEED_1.id, LATER.id})}


def test_the_report_that_stands_for_an_incident_is_one_of_a_thread() -> None:
    assert anchor([LOOSE, NAMING, PAGE_1B, PAGE_1]) == PAGE_1.id
    assert anchor([LOOSE, NAMING]) == NAMING.id


# --- in any order ------------------------------------------------------------------------------------------------


@st.composite
def days(draw: st.DrawFn) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """What had been said when the operator looked, in any order, and what came later, in any order and batches."""
    shuffled = draw(st.permutations(list(NAMED)))
    known = draw(st.integers(2, len(EVERY)))
    later = list(shuffled[known:]) + draw(st.lists(st.sampled_from(list(NAMED)), max_size=3))
    cuts = sorted(draw(st.sets(st.integers(0, len(later)), max_size=4)))
    return shuffled[:known], [later[a:b] for a, b in zip([0, *cuts], [*cuts, len(later)], strict=True)]


def these(names: Sequence[str]) -> list[Report]:
    """The reports of these names."""
    return [NAMED[name] for name in names]


def settled(desk: Desk) -> set[frozenset[str]]:
    """What these corrections make of the same reports when all come at once."""
    other = Desk()
    other.corrections = desk.corrections
    every = [report for incident in desk.incidents.values() for report in reports_of(incident).values()]
    other.take(*every)
    return other.partition()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(days(), st.data())
def test_a_merge_lasts_and_its_split_leaves_both(
    day: tuple[Sequence[str], Sequence[Sequence[str]]], data: st.DataObject
) -> None:
    seen, batches = these(day[0]), [these(batch) for batch in day[1]]
    desk = Desk()
    desk.take(*seen)
    one, other = these([data.draw(st.sampled_from(day[0])) for _ in range(2)])
    if desk.together(one, other):
        return
    before = desk.partition()
    desk.merge(one, other)
    assert desk.together(one, other)
    undone = Desk()
    undone.incidents, undone.corrections = dict(desk.incidents), desk.corrections
    undone.split(one)
    assert undone.partition() == before
    assert undone.corrections.apart
    for batch in batches:
        desk.take(*batch)
        undone.take(*batch)
        assert desk.obeyed()
        assert undone.obeyed()
    assert desk.partition() == settled(desk)
    assert undone.partition() == settled(undone)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(days(), st.data())
def test_a_split_lasts_and_its_merge_brings_back(
    day: tuple[Sequence[str], Sequence[Sequence[str]]], data: st.DataObject
) -> None:
    seen, batches = these(day[0]), [these(batch) for batch in day[1]]
    desk = Desk()
    desk.take(*seen)
    out = NAMED[data.draw(st.sampled_from(day[0]))]
    rest = [report for report in seen if report.id != out.id and desk.together(out, report)]
    if not rest:
        return
    before = desk.partition()
    desk.split(out)
    stays = next(report for report in rest if report.id == next(iter(desk.corrections.apart))[1])
    assert not any(desk.together(out, report) for report in rest)
    only_went_out = desk.partition() == {part - {out.id} for part in before} | {frozenset({out.id})}
    back = Desk()
    back.incidents, back.corrections = dict(desk.incidents), desk.corrections
    back.merge(out, stays)
    assert back.together(out, stays)
    assert back.corrections.apart == frozenset()
    if only_went_out:
        assert back.partition() == before
    for batch in batches:
        desk.take(*batch)
        back.take(*batch)
        assert desk.obeyed()
        assert back.obeyed()
    assert desk.partition() == settled(desk)
    assert back.partition() == settled(back)


def test_without_corrections_nothing_is_corrected() -> None:
    assert Corrections() == UNCORRECTED
