"""What a notice says on every platform."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.summary import Tone, card, duration, entry, listing, title_of
from bot.core.vanish import Absence, look
from bot.model import Act, Belief, Impact, Incident, Notice, Report, Sighting, Status, Update

START = datetime(2026, 1, 22, 19, 37, tzinfo=UTC)
NAMES = {"m/x": "X", "m/page": "the status page"}


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def report(source: str, minutes: int, *, dated: bool = True) -> Report:
    when = at(minutes)
    return Report(source, f"n{minutes}", "m", when, dated, when, when, "words")


def update(number: int, *reports: Report, text: str = "", observed: str = "") -> Update:
    words = text or f"words {number}"
    said_by = () if observed else reports or (report("m/x", number),)
    return Update(f"u{number}", at(number), words, Status.INVESTIGATING, reports=said_by, observed=observed)


INCIDENT = Incident("i", "m", "Cannot sign in", Status.IDENTIFIED, START, START, Impact.MAJOR, references=("MO1",))
DOWN = Sighting("m/page", Belief.UNREADABLE, at(3), "429 Too Many Requests")


def notice(*updates: Update, act: Act = Act.POST, incident: Incident = INCIDENT, **parts: Any) -> Notice:
    told = replace(incident, updates=incident.updates or updates)
    return replace(Notice(told, updates, act, provider_name="Microsoft 365", source_names=NAMES), **parts)


def test_the_headline_names_provider_title_and_references() -> None:
    assert card(notice()).headline == "Microsoft 365: Cannot sign in [MO1]"


def test_a_provider_without_a_name_is_called_by_its_id() -> None:
    assert card(notice(provider_name="")).headline == "m: Cannot sign in [MO1]"


def test_a_long_headline_loses_words_of_its_title_and_keeps_its_references() -> None:
    shown = card(notice(incident=replace(INCIDENT, title="word " * 100))).headline_within(60)
    assert len(shown) <= 60
    assert shown.startswith("Microsoft 365: word word")
    assert shown.endswith("… [MO1]")


@given(st.text(), st.text(), st.lists(st.text(), max_size=12), st.integers(1, 300))
def test_a_headline_fits_whatever_it_is_made_of(provider: str, title: str, references: list[str], limit: int) -> None:
    incident = replace(INCIDENT, title=title, references=tuple(references))
    assert len(card(notice(incident=incident, provider_name=provider)).headline_within(limit)) <= limit


@pytest.mark.parametrize(
    ("status", "impact", "maintenance", "tone", "words"),
    [
        (Status.IDENTIFIED, Impact.CRITICAL, False, Tone.CRITICAL, "critical impact"),
        (Status.IDENTIFIED, Impact.NONE, False, Tone.UNSTATED, "no impact"),
        (Status.IDENTIFIED, None, False, Tone.UNSTATED, "impact not stated"),
        (Status.IDENTIFIED, Impact.MAINTENANCE, False, Tone.MAINTENANCE, "maintenance"),
        (Status.SCHEDULED, None, True, Tone.MAINTENANCE, "maintenance"),
        (Status.RESOLVED, Impact.CRITICAL, False, Tone.OVER, "critical impact"),
        (Status.COMPLETED, None, True, Tone.OVER, "maintenance"),
    ],
)
def test_tone_and_impact(status: Status, impact: Impact | None, maintenance: bool, tone: Tone, words: str) -> None:
    shown = card(notice(incident=replace(INCIDENT, status=status, impact=impact, maintenance=maintenance)))
    assert (shown.tone, shown.impact) == (tone, words)


@pytest.mark.parametrize(
    ("title", "words", "shown"),
    [
        (" Named ", "words", "Named"),
        ("", "\nFirst line\nsecond", "First line"),
        (" ", "  ", "Trouble reported"),
    ],
)
def test_a_title_is_never_empty(title: str, words: str, shown: str) -> None:
    assert title_of(replace(INCIDENT, title=title, updates=(update(1, text=words),))) == shown


def test_a_reply_tells_its_own_updates() -> None:
    incident = replace(INCIDENT, updates=(update(1), update(2), update(3)))
    assert [entry.text for entry in card(notice(update(2), act=Act.REPLY, incident=incident)).entries] == ["words 2"]


def test_a_late_update_never_rewinds_the_message_that_is_kept_current() -> None:
    incident = replace(INCIDENT, updates=(update(1), update(2), update(3)))
    assert [entry.text for entry in card(notice(update(2), act=Act.EDIT, incident=incident)).entries] == ["words 3"]


def test_an_opening_that_comes_late_tells_its_own_words_and_the_newest() -> None:
    incident = replace(INCIDENT, updates=(update(1), update(2), update(3)))
    shown = card(notice(update(1), act=Act.CREATE, incident=incident))
    assert [entry.text for entry in shown.entries] == ["words 1", "words 3"]
    assert shown.latest is not None
    assert shown.latest.text == "words 3"


def test_a_catch_up_tells_all_that_it_stands_for() -> None:
    shown = card(notice(update(1), update(3), act=Act.CREATE, catch_up=True))
    assert [entry.text for entry in shown.entries] == ["words 1", "words 3"]
    assert shown.label == "Catch-up: 2 updates"


def test_updates_that_were_said_together_are_no_catch_up() -> None:
    shown = card(notice(update(1), update(2), act=Act.CREATE, catch_up=True))
    assert len(shown.entries) == 2
    assert shown.label == ""


def test_an_observation_stands_below_the_last_words_of_the_provider() -> None:
    down = update(4, text="The page does not answer.", observed="down|m/page|x")
    incident = replace(INCIDENT, updates=(update(1), update(2), down))
    shown = card(notice(down, act=Act.EDIT, incident=incident, sightings=(DOWN,)))
    assert [entry.text for entry in shown.entries] == ["words 2", "The page does not answer."]
    assert shown.entries[1].said == ("observed by statusbot · ", at(4))
    assert shown.doubts == (), "the observation says it already"


def test_an_update_without_words_does_not_hide_the_last_words() -> None:
    silent = replace(update(2), text="")
    shown = card(notice(silent, act=Act.EDIT, incident=replace(INCIDENT, updates=(update(1), silent))))
    assert [entry.text for entry in shown.entries] == ["words 1"]


def test_a_status_that_came_later_than_the_words_is_dated_by_itself() -> None:
    ended = replace(update(0, report("m/x", 0)), status=Status.RESOLVED, stated_at=at(90))
    assert card(notice(ended)).entries[0].said == ("X", " · ", at(0), "; resolved since ", at(90))
    at_once = replace(ended, stated_at=at(0) + timedelta(seconds=40))
    assert card(notice(at_once)).entries[0].said == ("X", " · ", at(0))


def test_how_far_apart_is_not_said_where_a_first_sight_stands_in() -> None:
    told = update(0, report("m/x", 0), report("m/page", 40, dated=False))
    assert card(notice(told)).entries[0].said == ("X", " · ", at(0), "; also the status page")


def test_who_said_it_names_each_source_once_and_how_far_apart() -> None:
    told = update(0, report("m/x", 0), report("m/page", 4), report("m/page", 9), report("m/x", 2), report("m/g", -90))
    assert card(notice(told)).entries[0].said == (
        *("X", " · ", at(0), "; also the status page, 4 min later", "; also m/g, 1 h 30 min earlier"),
    )


def test_a_time_that_the_source_did_not_give_is_called_so() -> None:
    assert card(notice(update(0, report("m/x", 0, dated=False)))).entries[0].said[-1] == " (when first seen)"


def test_a_source_that_cannot_be_believed_is_doubted() -> None:
    sightings = (
        DOWN,
        Sighting("m/x", Belief.STALE, at(1)),
        Sighting("m/g", Belief.SILENT, at(2)),
        Sighting("m/ok", Belief.OK, at(2)),
        Sighting("m/ours", Belief.UNREADABLE, at(2), "401", ours=True),
    )
    assert card(notice(update(1), sightings=sightings)).doubts == (
        ("The status page has given no readable answer since ", at(3), " (429 Too Many Requests)"),
        ("X has said nothing new since ", at(1)),
        ("M/g has been empty since ", at(2)),
    )


def test_only_what_began_since_the_update_before_is_freshly_doubtful() -> None:
    incident = replace(INCIDENT, updates=(update(1), update(2), update(5)))
    old = Sighting("m/x", Belief.STALE, at(1))
    shown = card(notice(update(5), act=Act.REPLY, incident=incident, sightings=(DOWN, old)))
    assert [line[0] for line in shown.fresh] == ["The status page has given no readable answer since "]
    assert len(shown.doubts) == 2
    first = card(notice(update(1), act=Act.REPLY, incident=incident, sightings=(DOWN, old)))
    assert first.fresh == first.doubts


@pytest.mark.parametrize(("days", "written"), [(0, "19:38 UTC"), (3, "22 January, 19:38 UTC")])
def test_since_when_an_entry_is_missing_is_told_in_the_reader_s_own_zone(days: int, written: str) -> None:
    now = at(65) + timedelta(days=days)
    listed = replace(report("m/page", 0), thread="7")
    open_now = replace(INCIDENT, updates=(Update("u", at(0), "It began.", reports=(listed,)),))
    for told, threads, words, said_by in (
        (
            False,
            frozenset(),
            "No longer listed by the status page; nobody has said that it is over.",
            ("since ", at(1)),
        ),
        (True, {"7"}, "Listed again by the status page, where it was missing.", (now, ", missing since ", at(1))),
    ):
        before = {"7": Absence(at(1), told=told)}
        _, [(_, seen)] = look(before, [open_now], "m/page", "the status page", threads, now)
        assert written in seen.text
        shown = entry(Update("o", now, seen.text, observed=seen.key), NAMES)
        assert (shown.text, "".join(map(str, shown.said))) == (
            words,
            "observed by statusbot · " + "".join(map(str, said_by)),
        )


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, ""),
        ({"test": True, "catch_up": True}, "Test message"),
        ({"late": timedelta(minutes=4)}, ""),
        ({"late": timedelta(minutes=12)}, "Told 12 min late"),
        ({"late": timedelta(minutes=72), "catch_up": True}, "Catch-up: 1 update · Told 1 h 12 min late"),
    ],
)
def test_the_label(parts: dict[str, Any], words: str) -> None:
    assert card(notice(update(1), **parts)).label == words


def test_since_until_and_the_window_of_a_maintenance() -> None:
    over = replace(INCIDENT, status=Status.RESOLVED, resolved_at=at(65))
    assert card(notice(incident=over)).since == ("since ", START, " until ", at(65), " (1 h 5 min)")
    planned = replace(INCIDENT, maintenance=True, starts=at(0), ends=at(60))
    assert card(notice(incident=planned)).since == ("from ", at(0), " to ", at(60))
    assert card(notice(incident=replace(planned, ends=None))).since == ("from ", at(0))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 min"), (59, "1 min"), (3600, "1 h"), (5400, "1 h 30 min"), (86400, "1 d"), (273600, "3 d 4 h")],
)
def test_duration(seconds: int, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


def test_a_long_list_is_counted_not_shown() -> None:
    assert listing([str(n) for n in range(400)]) == "0, 1, 2, 3, 4 and 395 more"


def test_an_earlier_update_told_late_is_not_marked_as_the_end() -> None:
    first, last = update(1), replace(update(2), status=Status.RESOLVED)
    over = replace(INCIDENT, status=Status.RESOLVED, updates=(first, last))
    assert card(notice(first, act=Act.REPLY, incident=over)).tone is Tone.MAJOR
    assert card(notice(last, act=Act.REPLY, incident=over)).tone is Tone.OVER
