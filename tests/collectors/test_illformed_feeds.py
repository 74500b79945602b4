"""Over 600 feeds, good and bad, that feed libraries test themselves with: each has a clear outcome."""

from __future__ import annotations

import tarfile
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from bot.collectors.feed import Feed
from bot.errors import Unreadable
from bot.model import Item
from tests.collectors.pairs import capture, source, tools

ARCHIVE = Path(__file__).parent / "illformed_feeds.tar.xz"  # see illformed_feeds.ORIGIN.md


@cache
def outcomes() -> dict[str, tuple[Item, ...] | str]:
    """By file: its items, or the reason why it cannot be read. Anything else that is raised fails every test here."""
    with tarfile.open(ARCHIVE) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name.partition("/")[2]: outcome(file.read()) for name, file in files.items() if file}


def outcome(body: bytes) -> tuple[Item, ...] | str:
    try:
        return tuple(Feed(tools()).parse(source("feed"), capture(body, "http://example.org/feed")))
    except Unreadable as error:
        return error.reason


def test_every_file_has_one_of_six_outcomes() -> None:
    found = Counter(
        result if isinstance(result, str) else "items" if result else "empty" for result in outcomes().values()
    )
    assert found == {
        "items": 211,
        "empty": 307,
        "JSON that is no feed": 76,
        "not a feed": 13,
        "HTML where a feed should be": 12,
        "broken XML": 5,
    }


def test_every_item_has_words_and_a_thread_and_no_other_address_than_one_of_the_web() -> None:
    items = [item for result in outcomes().values() if not isinstance(result, str) for item in result]
    assert all(item.text and item.thread for item in items)
    assert all(item.url.startswith(("http://", "https://")) for item in items if item.url)
    assert all(item.at is None or 2000 <= item.at.year < 2100 for item in items)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("feedparser/illformed/aaa_illformed.xml", "broken XML"),  # `</rss` is all that stands in it
        ("gofeed/parser/rss/rss_channel_language.xml", "broken XML"),  # `<language>en-us</langauge>`, no item
        ("gofeed/parser/json/version_json_11.json", "JSON that is no feed"),  # the version is "1.1"
        ("node-feedparser/feeds/compressed.xml", "not a feed"),  # gzip
        ("node-feedparser/feeds/notafeed.html", "HTML where a feed should be"),
        ("rss-parser/input/unrecognized.rss", "HTML where a feed should be"),  # "Document Moved"
        ("simplepie/data/feed-utf16le.xml", "not a feed"),  # UTF-16 that says so nowhere
        ("v2/reader/xml/testdata/iso88591_utf8_mismatch.xml", "not a feed"),  # a <note>
        ("yarr/parser/fixtures/feed/bom.xml", "broken XML"),  # a byte-order mark in the middle
        ("yarr/parser/fixtures/json/basic.jsonc", "not a feed"),  # begins with a comment
    ],
)
def test_what_is_said_of_the_unreadable(file: str, reason: str) -> None:
    assert outcomes()[file] == reason


@pytest.mark.parametrize(
    "file",
    [
        "feedparser/encoding/bozo_bogus_encoding.xml",  # <rss> with nothing in it
        "rss-parser/input/missing-fields.atom",  # one entry, without title or text
        "simplepie/data/feed-with-whitespace-before-xml-declaration.xml",
    ],
)
def test_what_is_readable_and_says_nothing(file: str) -> None:
    assert outcomes()[file] == ()


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (
            "feedjira/sample_feeds/InvalidDateFormat.xml",  # dc:date counts where it is a date, else pubDate
            {
                ("Item 0 with an invalid date", "http://example.com/item0", "2017-10-16T15:10:00+00:00"),
                ("Item 1 with all valid dates", "http://example.com/item1", "2017-10-17T22:17:00+00:00"),
            },
        ),
        ("v2/reader/encoding/testdata/utf8.xml", {("Café", "", "")}),
    ],
)
def test_what_the_readable_say(file: str, said: set[tuple[str, str, str]]) -> None:
    items = outcomes()[file]
    assert not isinstance(items, str)
    assert said <= {(item.title, item.url, item.at.isoformat() if item.at else "") for item in items}
