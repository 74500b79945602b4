from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.normalise import digest, normalise, words_digest
from bot.model import Impact, Item, Known, Report, Status
from tests.core.build import FEED, PAGE, T0, X, at, remembered


def entry(minutes: float | None, text: str, thread: str = "t") -> Item:
    """One update of a feed's entry, which has an id for the whole incident only."""
    return Item(text, thread=thread, at=None if minutes is None else at(minutes))


def read(*items: Item, known: Iterable[Known] = (), seen: datetime = T0) -> list[Report]:
    return normalise(FEED, items, known, seen)


def ledger(*readings: Sequence[Item]) -> dict[str, Known]:
    """What the ledger remembers after it has read these versions of a document, one after the other."""
    memory: dict[str, Known] = {}
    for items in readings:
        memory.update((report.native_id, remembered(report)) for report in read(*items, known=memory.values()))
    return memory


def numbers(memory: Iterable[Known], *items: Item) -> list[str]:
    """The native id that each of these items has by now."""
    forgetful = [replace(known, digest="another") for known in memory]
    named = {report.text: report.native_id for report in read(*items, known=forgetful)}
    return [named[item.text] for item in items]


# --- numbering ---------------------------------------------------------------------------------------------------

ONE, TWO, THREE = entry(0, "we look"), entry(10, "we found it"), entry(20, "it is over")


def test_updates_without_ids_are_counted_from_one_oldest_first() -> None:
    assert [report.native_id for report in read(ONE, TWO, THREE)] == ["t#1", "t#2", "t#3"]


def test_each_thread_counts_for_itself() -> None:
    found = read(ONE, entry(5, "elsewhere", "other"), TWO)
    assert {report.native_id for report in found} == {"t#1", "t#2", "other#1"}


def test_unchanged_items_give_nothing() -> None:
    known = ledger([ONE, TWO]).values()
    assert read(ONE, TWO, known=known, seen=at(60)) == []


def test_a_later_update_gets_the_next_number_alone() -> None:
    assert [report.native_id for report in read(ONE, TWO, THREE, known=ledger([ONE, TWO]).values())] == ["t#3"]


def test_an_edit_in_place_keeps_its_number() -> None:
    edited = replace(TWO, text="we found the cause")
    (report,) = read(ONE, edited, known=ledger([ONE, TWO]).values())
    assert (report.native_id, report.text) == ("t#2", "we found the cause")


def test_a_corrected_time_keeps_its_number() -> None:
    (report,) = read(ONE, replace(TWO, at=at(12)), known=ledger([ONE, TWO]).values())
    assert (report.native_id, report.at) == ("t#2", at(12))


def test_two_updates_in_one_minute_are_two_and_keep_their_own_order() -> None:
    twins = entry(0, "first words"), entry(0, "second words")
    found = read(*twins)
    assert [(report.native_id, report.position) for report in found] == [("t#1", 0), ("t#2", 1)]
    assert numbers(ledger(twins).values(), *twins) == ["t#1", "t#2"]


def test_of_two_updates_in_one_minute_the_edited_one_is_known_by_the_other() -> None:
    twins = entry(0, "first words"), entry(0, "second words")
    edited = replace(twins[0], text="other words")
    assert numbers(ledger(twins).values(), edited, twins[1]) == ["t#1", "t#2"]


def test_the_number_of_a_deleted_update_is_never_used_again() -> None:
    memory = ledger([ONE, TWO, THREE], [ONE, THREE])
    assert numbers(memory.values(), ONE, THREE, entry(30, "once more")) == ["t#1", "t#3", "t#4"]


def test_the_number_of_a_deleted_last_update_is_never_used_again() -> None:
    memory = ledger([ONE, TWO, THREE], [ONE, TWO])
    assert numbers(memory.values(), ONE, TWO, entry(30, "once more")) == ["t#1", "t#2", "t#4"]


def test_an_update_put_in_between_later_gets_a_number_of_its_own() -> None:
    assert numbers(ledger([ONE, THREE]).values(), ONE, TWO, THREE) == ["t#1", "t#3", "t#2"]


def test_updates_without_dates_are_known_by_their_words() -> None:
    first, second = entry(None, "we look"), entry(None, "it is over")
    memory = ledger([first])
    assert numbers(memory.values(), first, second) == ["t#1", "t#2"]
    assert read(first, known=memory.values(), seen=at(90)) == []


def test_native_ids_and_numbers_do_not_meet_in_one_thread() -> None:
    own = Item("ours", thread="t", native_id="abc", at=at(5))
    found = read(ONE, own, TWO)
    assert [report.native_id for report in found] == ["t#1", "abc", "t#2"]
    assert read(own, known=ledger([ONE, own, TWO]).values()) == []


def test_a_native_id_that_ends_like_a_number_is_no_number() -> None:
    known = ledger([Item("ours", thread="t", native_id="abc#7", at=at(5))]).values()
    assert read(ONE, known=known)[0].native_id == "t#1"


VERSIONS = st.lists(
    st.lists(st.tuples(st.integers(1, 4) | st.none(), st.sampled_from("abcd")), unique=True, max_size=6),
    min_size=1,
    max_size=5,
)


@given(VERSIONS)
def test_however_a_document_is_edited_no_number_is_given_twice(versions: list[list[tuple[int | None, str]]]) -> None:
    memory: dict[str, Known] = {}
    highest = 0
    for version in versions:
        items = [entry(minutes, words) for minutes, words in version]
        fresh = read(*items, known=memory.values())
        assert len({report.native_id for report in fresh}) == len(fresh)
        for report in fresh:
            number = int(report.native_id.removeprefix("t#"))
            assert report.native_id in memory or number > highest
        memory.update((report.native_id, remembered(report)) for report in fresh)
        highest = max([highest, *(int(name.removeprefix("t#")) for name in memory)])
        assert read(*items, known=memory.values()) == []


# --- what counts as a change -------------------------------------------------------------------------------------


def post(text: str = "We look into it.", **facts: Any) -> Report:
    (report,) = normalise(X, [replace(Item(text, native_id="1", at=at(0)), **facts)], [], at(1))
    return report


@pytest.mark.parametrize("other", ["We  look into it.", "We look\ninto it. ", "\tWe look into\u00a0it."])
def test_white_space_is_no_change(other: str) -> None:
    assert digest(post(other)) == digest(post())
    assert words_digest(other) == words_digest("We look into it.")


@pytest.mark.parametrize("other", ["We look into it", "we look into it.", "We look into them."])
def test_a_letter_is_a_change(other: str) -> None:
    assert digest(post(other)) != digest(post())
    assert words_digest(other) != words_digest("We look into it.")


@pytest.mark.parametrize(
    "facts",
    [
        {"status": Status.RESOLVED},
        {"impact": Impact.MAJOR},
        {"title": "Mail"},
        {"components": ("Mail",)},
        {"regions": ("EU",)},
        {"starts": at(5)},
        {"ends": at(5)},
        {"at": at(-5)},
        {"references": ("MO1221364",)},
    ],
)
def test_another_fact_is_a_change(facts: dict[str, Any]) -> None:
    assert digest(post(**facts)) != digest(post())


@pytest.mark.parametrize("facts", [{"url": "https://x.com/i/status/1?utm_source=a"}, {"components": ()}])
def test_what_is_not_said_is_no_change(facts: dict[str, Any]) -> None:
    assert digest(post(**facts)) == digest(post())


def test_the_order_of_components_is_no_change() -> None:
    assert digest(post(components=("A", "B"))) == digest(post(components=("B", "A")))


def test_a_status_or_impact_that_is_no_longer_repeated_is_no_change() -> None:
    stated = Item("We look into it.", thread="t", at=at(0), status=Status.IDENTIFIED, impact=Impact.MAJOR)
    known = [remembered(report) for report in read(stated)]
    assert read(replace(stated, status=None, impact=None), known=known, seen=at(60)) == []
    [turned] = read(replace(stated, status=Status.RESOLVED, impact=None), known=known, seen=at(60))
    assert (turned.status, turned.impact) == (Status.RESOLVED, Impact.MAJOR)


def test_another_time_of_reading_is_no_change() -> None:
    known = [remembered(post())]
    assert normalise(X, [Item("We look into it.", native_id="1", at=at(0))], known, at(600)) == []


# --- times -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stated", [None, at(16), at(60 * 24 * 365), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)], ids=str
)
def test_where_no_date_can_be_believed_the_first_sight_stands_in(stated: datetime | None) -> None:
    (report,) = normalise(PAGE, [Item("words", native_id="1", at=stated)], [], at(0))
    assert (report.at, report.dated) == (at(0), False)


@pytest.mark.parametrize("stated", [datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)], ids=str)
def test_an_empty_date_is_no_date(stated: datetime) -> None:
    (report,) = normalise(PAGE, [Item("words", native_id="1", at=stated)], [], at(0))
    assert (report.at, report.dated) == (at(0), False)


def test_an_early_date_far_east_is_no_fault() -> None:
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9)))
    (report,) = normalise(PAGE, [Item("words", native_id="1", at=early)], [], at(0))
    assert (report.at, report.dated) == (at(0), False)


@pytest.mark.parametrize(("days", "dated"), [(364, False), (366.5, False), (731, False), (360, True), (1, True)])
def test_a_year_may_be_a_typing_error_but_in_history(days: float, dated: bool) -> None:
    item = Item("words", native_id="1", at=at(0) - timedelta(days=days))
    (report,) = normalise(PAGE, [item], [], at(0), read_at=at(-1))
    assert (report.at, report.dated) == (item.at if dated else at(0), dated)
    for read_at in (None, item.at):
        (report,) = normalise(PAGE, [item], [], at(0), read_at=read_at)
        assert report.dated


def test_what_was_believed_is_believed_a_year_later() -> None:
    (first,) = normalise(PAGE, [Item("words", native_id="1", at=at(0))], [], at(0))
    (later,) = normalise(
        PAGE, [Item("others", native_id="1", at=at(0))], [remembered(first)], at(365 * 24 * 60), read_at=at(1)
    )
    assert (later.at, later.dated) == (at(0), True)


def test_a_year_that_was_believed_can_be_mended_but_not_mistyped() -> None:
    wrong, right = at(0) - timedelta(days=365), at(-5)
    (first,) = normalise(PAGE, [Item("words", native_id="1", at=wrong)], [], at(0))
    assert first.at == wrong, "what is read for the first time may be history"
    (mended,) = normalise(PAGE, [Item("words", native_id="1", at=right)], [remembered(first)], at(9), read_at=at(1))
    assert (mended.at, mended.dated) == (right, True)
    (again,) = normalise(PAGE, [Item("word", native_id="1", at=wrong)], [remembered(mended)], at(19), read_at=at(9))
    assert not again.dated


def test_a_clock_that_is_a_little_fast_is_believed() -> None:
    (report,) = normalise(PAGE, [Item("words", native_id="1", at=at(14))], [], at(0))
    assert (report.at, report.dated) == (at(14), True)


def test_the_first_sight_that_stood_in_stands_when_the_words_change() -> None:
    (first,) = normalise(PAGE, [Item("words", native_id="1")], [], at(0))
    (later,) = normalise(PAGE, [Item("other words", native_id="1")], [remembered(first)], at(30))
    assert (later.at, later.first_seen_at, later.seen_at) == (at(0), at(0), at(30))


def test_times_are_utc_whatever_the_source_writes() -> None:
    pacific = timezone(timedelta(hours=-7))
    (report,) = normalise(PAGE, [Item("words", native_id="1", at=T0.astimezone(pacific))], [], T0)
    assert report.at == T0
    assert report.at.utcoffset() == timedelta(0)


# --- keys --------------------------------------------------------------------------------------------------------


def keys(text: str, **facts: Any) -> frozenset[str]:
    return post(text, **facts).keys


def test_a_post_bears_the_ids_that_it_names_typing_errors_mended() -> None:
    assert keys("See M0244568 in the admin center") == {"id:MO244568"}


def test_a_knowledge_base_article_is_no_incident() -> None:
    assert keys("Install KB5034441, see MC123456") == frozenset()


def test_a_threads_own_name_counts_before_the_ids_in_its_words() -> None:
    assert keys("see also MO402741", references=("TM402718",)) == {"id:TM402718"}


def test_the_words_of_a_thread_do_not_bind_it_to_a_neighbour() -> None:
    assert keys("see also MO402741", thread="abc") == frozenset()


def test_links_are_keys_and_a_front_page_is_none() -> None:
    assert keys("words", links=("https://stspg.io/abc", "https://status.acme.example/")) == {"url:stspg.io/abc"}


def test_a_thread_is_known_by_the_id_in_its_title_or_by_the_only_one_in_its_words() -> None:
    assert keys("See also EX123456.", thread="1", title="Mail flow [MO1221364]") == {"id:MO1221364"}
    assert keys("Details under MO1221364, if accessible.", thread="1", title="Mail flow") == {"id:MO1221364"}
    assert keys("MO1221364 goes on under EX123456.", thread="1", title="Mail flow") == frozenset()


def test_what_is_forgotten_but_for_having_been_seen_says_nothing_more() -> None:
    memory = [replace(known, forgotten=True) for known in ledger([ONE]).values()]
    edited, newer = entry(0, "we look again"), entry(500, "it is back")
    assert read(ONE, known=memory) == []
    (report,) = read(edited, newer, known=memory)
    assert (report.native_id, report.text) == ("t#2", "it is back"), "a number is not used again"
