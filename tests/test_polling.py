"""What the operator reads in the log when a source's state changes."""

from __future__ import annotations

import pytest

from bot.answer import SourceLine, source_words
from bot.core.document import body_of, moved_to
from bot.core.health import NETWORK
from bot.errors import Unreadable
from bot.model import Belief, Capture, Sighting
from bot.polling import came_to, edge
from bot.reading import Reading
from tests.core.build import PAGE, at

WELL = Sighting(PAGE.id, Belief.OK, at(0), read_at=at(0))
MOVED = "https://status.new.example/"


def gone(reason: str, *, ours: bool = False) -> Sighting:
    return Sighting(PAGE.id, Belief.UNREADABLE, at(1), reason, ours, read_at=at(0))


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (WELL, gone("503"), "acme/page cannot be read: 503"),
        (gone("503"), WELL, "acme/page can be read again"),
        (gone("503"), gone("504"), ""),
        (WELL, WELL, ""),
        (WELL, gone("no token", ours=True), ""),
        (gone("no token", ours=True), WELL, ""),
        (WELL, gone(NETWORK, ours=True), ""),
        (gone(NETWORK, ours=True), WELL, ""),
    ],
)
def test_an_edge_is_one_line_and_what_goes_on_or_is_ours_is_none(before: Sighting, after: Sighting, line: str) -> None:
    assert edge(PAGE.id, before, after) == line


def test_sources_says_what_to_do_about_a_page_that_has_moved() -> None:
    words = source_words(SourceLine(PAGE.id, "statuspage", gone("redirected to status.new.example")), at(9))
    assert "(redirected to status.new.example); if it has moved, name its new address in statusbot.toml" in words
    assert "new address" not in source_words(SourceLine(PAGE.id, "statuspage", gone("503")), at(9))


def answered(status: int, location: str = "") -> Capture:
    return Capture(at(0), PAGE.id, PAGE.url, status, {"location": location} if location else {})


def test_the_new_address_is_told_without_what_may_be_secret_in_it() -> None:
    there = answered(301, "https://status.new.example:8443/api/v2/summary.json?token=secret")
    assert moved_to(there) == "https://status.new.example:8443/api/v2/summary.json"
    with pytest.raises(Unreadable, match=r"^redirected to status\.new\.example$"):
        body_of(there)


@pytest.mark.parametrize("capture", [answered(301), answered(200, MOVED), answered(304), answered(302, "nowhere")])
def test_what_leads_nowhere_has_not_moved(capture: Capture) -> None:
    assert moved_to(capture) == ""


def test_what_a_poll_came_to_is_counted_by_its_best_document() -> None:
    read, failed = Reading(answered(200)), Reading(answered(503), failure=Unreadable("503"))
    unchanged = Reading(answered(304), unchanged=True)
    assert [came_to([failed]), came_to([failed, read]), came_to([unchanged]), came_to([unchanged, read])] == [
        "failed",
        "read",
        "unchanged",
        "read",
    ]
