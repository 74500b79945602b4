from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.window import Window, window
from bot.errors import UsageError

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 25, 8, 20, tzinfo=UTC)  # a Wednesday, 09:20 in Berlin, 03:20 in New York
HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def local(made: Window, zone: ZoneInfo = BERLIN) -> str:
    return f"{made.since.astimezone(zone):%a %d %H:%M} - {made.until.astimezone(zone):%a %d %H:%M}"


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("24h", "now", "Tue 24 09:20 - Wed 25 09:20"),
        ("7d", "now", "Wed 18 09:20 - Wed 25 09:20"),
        ("90m", "now", "Wed 25 07:50 - Wed 25 09:20"),
        ("yesterday", "now", "Tue 24 00:00 - Wed 25 09:20"),
        ("Yesterday", "today", "Tue 24 00:00 - Wed 25 00:00"),
        ("today", "now", "Wed 25 00:00 - Wed 25 09:20"),
        ("monday", "now", "Mon 23 00:00 - Wed 25 09:20"),
        ("wed", "now", "Wed 25 00:00 - Wed 25 09:20"),
        ("thursday", "now", "Thu 19 00:00 - Wed 25 09:20"),
        ("monday", "monday", "Mon 16 00:00 - Mon 23 00:00"),
        ("08:30", "now", "Wed 25 08:30 - Wed 25 09:20"),
        ("18:00", "now", "Tue 24 18:00 - Wed 25 09:20"),
        ("6:05:30", "now", "Wed 25 06:05 - Wed 25 09:20"),
        ("18:00", "9:00", "Tue 24 18:00 - Wed 25 09:00"),
        ("2026-11-20", "now", "Fri 20 00:00 - Wed 25 09:20"),
        ("2026-11-20 14:30", "2026-11-21", "Fri 20 14:30 - Sat 21 00:00"),
        ("2026-11-20T14:30:00", "2026-11-21", "Fri 20 14:30 - Sat 21 00:00"),
        ("2026-11-20T14:30Z", "2026-11-21", "Fri 20 15:30 - Sat 21 00:00"),
        ("2026-11-20T14:30-05:00", "2026-11-21", "Fri 20 20:30 - Sat 21 00:00"),
        ("24h", "2026-11-21", "Fri 20 00:00 - Sat 21 00:00"),  # back from `until`
        ("48h", "24h", "Mon 23 09:20 - Tue 24 09:20"),  # both back from now
    ],
)
def test_moments_in_words(since: str, until: str, expected: str) -> None:
    assert local(window(since, until, BERLIN, NOW)) == expected


def test_days_are_those_of_the_zone() -> None:
    assert window("yesterday", "today", NEW_YORK, NOW).since == utc("2026-11-24T05:00")
    late = utc("2026-11-25T03:00")  # Tuesday still in New York
    assert window("yesterday", "today", NEW_YORK, late).since == utc("2026-11-23T05:00")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, "2026-03-29", 23),
        (BERLIN, "2026-10-25", 25),
        (NEW_YORK, "2026-03-08", 23),
        (NEW_YORK, "2026-11-01", 25),
        (BERLIN, "2026-11-01", 24),
    ],
)
def test_days_on_which_clocks_change_are_longer_or_shorter(zone: ZoneInfo, day: str, hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=zone) + timedelta(days=1)
    made = window("yesterday", "today", zone, noon.astimezone(UTC))
    assert made.length == hours * HOUR


def test_a_time_that_the_clock_skips_or_shows_twice_is_some_moment_of_that_day() -> None:
    skipped = window("2026-03-29 02:30", "2026-03-29 12:00", BERLIN, NOW)
    twice = window("2026-10-25 02:30", "2026-10-25 12:00", BERLIN, NOW)
    assert skipped.since == utc("2026-03-29T01:30")
    assert twice.since == utc("2026-10-25T00:30")  # the first of the two, so that the window misses nothing


def test_24h_over_a_change_of_clocks_are_24_hours() -> None:
    made = window("24h", "now", BERLIN, utc("2026-10-25T11:00"))
    assert made.length == 24 * HOUR


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("soon", "now", '--since: "soon" is no moment; write a duration'),
        ("2026-02-30", "now", "--since"),
        ("25:00", "now", "--since"),
        ("24 hours", "now", "--since"),
        ("", "now", "--since"),
        ("99999999999d", "now", "--since"),
        ("100000000d", "now", "--since"),
        ("24h", "someday", "--until"),
        ("24h", "2027-01-01", "lies ahead"),
        ("now", "now", "is not before the end"),
        ("0s", "now", "is not before the end"),
        ("today", "yesterday", "is not before the end"),
        ("12h", "24h", "is not before the end"),
        ("2026-11-20T14:30+99:99", "now", "--since"),
    ],
)
def test_what_is_no_window_is_said_with_the_mend(since: str, until: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        window(since, until, BERLIN, NOW)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_duration_is_the_same_window_for_half_its_length() -> None:
    made = window("24h", "now", BERLIN, NOW)
    assert (made.name, made.again) == (window("24h", "now", BERLIN, NOW + HOUR).name, 12 * HOUR)
    assert window("25h", "now", BERLIN, NOW).name != made.name


def test_a_window_that_stands_in_the_calendar_is_the_same_for_ever() -> None:
    made = window("yesterday", "today", BERLIN, NOW)
    assert made.again is None
    assert made.name == window("2026-11-24", "2026-11-25", BERLIN, NOW + 99 * HOUR).name
    assert made.name != window("yesterday", "today", BERLIN, NOW + 24 * HOUR).name
    assert made.name != window("yesterday", "today", NEW_YORK, NOW).name


def test_a_beginning_in_the_calendar_moves_with_its_end_but_for_half_a_day_at_most() -> None:
    week, day = window("monday", "now", BERLIN, NOW), window("today", "now", BERLIN, NOW)
    assert week.again == 12 * HOUR  # so that every morning gets the week so far
    assert day.again == day.length / 2
    assert week.name == window("2026-11-23", "now", BERLIN, NOW + HOUR).name
    assert week.name != window("monday", "now", BERLIN, NOW + 168 * HOUR).name


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_words_make_a_window_or_one_line(since: str, until: str) -> None:
    try:
        made = window(since, until, BERLIN, NOW)
    except UsageError:
        return
    assert made.since < made.until <= NOW


@given(
    st.integers(0, 10 * 365 * 24 * 60),
    st.sampled_from(["yesterday", "monday", "sun", "08:30", "23:59", "1h"]),
    st.sampled_from([BERLIN, NEW_YORK]),
)
def test_at_any_hour_the_window_ends_now_and_is_no_longer_than_it_can_be(
    minutes: int, words: str, zone: ZoneInfo
) -> None:
    made = window(words, "now", zone, NOW + timedelta(minutes=minutes))
    assert timedelta(0) < made.length <= timedelta(days=7, hours=1)
