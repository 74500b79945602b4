"""Each way of writing a date that was seen, and each that must not be believed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.dates import parse_feed_date, parse_iso

AT = datetime(2026, 1, 22, 19, 37, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-22T19:37:12Z",
        "2026-01-22t19:37:12z",
        "2026-01-22T19:37:12",
        " 2026-01-22 19:37:12 UTC ",
        "2026-01-22T11:37:12-08:00",
        "2026-01-22T11:37:12-0800",
        "2026-01-23T01:07:12+05:30",
        "2026-01-22T20:37:12+01",
    ],
)
def test_iso(text: str) -> None:
    assert parse_iso(text) == AT
    assert parse_feed_date(text) == AT


@pytest.mark.parametrize("fraction", [".5", ".500", ",5", ".5000000000"])
def test_iso_with_fractions(fraction: str) -> None:
    assert parse_iso(f"2026-01-22T19:37:12{fraction}Z") == AT.replace(microsecond=500_000)


def test_iso_with_a_date_only() -> None:
    assert parse_iso("2026-01-22") == datetime(2026, 1, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "junk",
    [
        None,
        0,
        1_769_110_632,
        "",
        "soon",
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00+05:00",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-22T25:00:00Z",
        "2026-01-22T19:37:12+99:00",
        "2026-01-22T19:37:12 XYZ",
        "20260122",
        "２０２６-01-22",
    ],
)
def test_junk_is_no_date(junk: object) -> None:
    assert parse_iso(junk) is None
    assert parse_feed_date(junk) is None


@pytest.mark.parametrize(
    "text",
    [
        "Thu, 22 Jan 2026 19:37:12 GMT",
        "Thu, 22 Jan 2026 19:37:12 Z",
        "Thu, 22 Jan 2026 19:37:12Z",
        "Thu, 22 Jan 2026 19:37:12 +0000",
        "Thu, 22 Jan 2026 19:37:12 +0000 (UTC)",
        "Thu, 22 Jan 2026 19:37:12",
        "22 January 2026 19:37:12 UTC",
        "Thursday, 22-Jan-26 19:37:12 UTC",
        "Thu, 22 Jan 2026 11:37:12 PST",
        "Thu, 22 Jan 2026 12:37:12 PDT",
        "Thu, 22 Jan 2026 14:37:12 EST",
        "Thu, 22 Jan 2026 15:37:12 EDT",
        "Thu, 22 Jan 2026 13:37:12 CST",
        "Thu, 22 Jan 2026 14:37:12 CDT",
        "Thu, 22 Jan 2026 12:37:12 MST",
        "Thu, 22 Jan 2026 13:37:12 MDT",
        "Thu, 22 Jan 2026 20:37:12 CET",
        "Thu, 22 Jan 2026 21:37:12 CEST",
        "Thu, 22 Jan 2026 20:37:12 BST",
        "Fri, 23 Jan 2026 01:07:12 IST",
        "Fri, 23 Jan 2026 4:37:12 JST",
        "Thu, 22 Jan 2026 16:37:12 -03",
        "Thu, 22 Jan 2026 20:37:12 GMT+1",
        "Thu, 22 Jan 2026 19:37:12 UTC+00:00",
    ],
)
def test_rfc_822(text: str) -> None:
    assert parse_feed_date(text) == AT


def test_rfc_822_without_seconds_and_with_a_leap_second() -> None:
    assert parse_feed_date("22 Jan 2026 19:37 UTC") == AT.replace(second=0)
    assert parse_feed_date("22 Jan 2026 19:37:60 UTC") == AT.replace(second=59)


@pytest.mark.parametrize(
    "text",
    [
        "Thu, 22 Jan 2026 19:37:12 QQQ",
        "Thu, 22 Foo 2026 19:37:12 GMT",
        "Thu, 42 Jan 2026 19:37:12 GMT",
        "Thu, 22 Jan 2026 99:37:12 GMT",
        "Thu, 22 Jan 0001 19:37:12 GMT",
        "22 Jan 2026",
    ],
)
def test_a_feed_date_that_cannot_be_believed(text: str) -> None:
    assert parse_feed_date(text) is None


@given(st.text(max_size=60) | st.text(alphabet="0123456789-:TZ+ JanGMT,.", max_size=40))
def test_no_text_is_an_error(text: str) -> None:
    for at in (parse_iso(text), parse_feed_date(text)):
        assert at is None or at.tzinfo is UTC


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001 (Hypothesis wants naive bounds)
def test_what_is_written_is_read(when: datetime) -> None:
    at = when.replace(tzinfo=UTC)
    assert parse_iso(at.isoformat()) == at
    assert parse_feed_date(at.strftime("%a, %d %b %Y %H:%M:%S GMT")) == at.replace(microsecond=0)
