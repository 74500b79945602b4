from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.answer import SourceLine, incident_words, status_json
from bot.core.lag import Record, firsts, records, words
from bot.model import Belief, Directory, Incident, Provider, Sighting, Status
from tests.core.build import FEED, PAGE, X, at, only, said, timeline

SHORT = ("https://stspg.io/abc",)
NAMES = {PAGE.id: "the status page", X.id: "X", FEED.id: "the feed"}


def incident(page: float, *posts: float) -> Incident:
    """Of which the page told at this minute, and X at those."""
    reports = [said(X, m, f"Words of minute {m}", f"x{m}", links=SHORT) for m in posts]
    told = said(PAGE, page, "Slow mail", "p", thread="1", status=Status.INVESTIGATING, links=SHORT)
    return only(timeline([told, *reports]))


def test_who_told_first_comes_first_and_the_others_follow() -> None:
    told = firsts(incident(43, 0, 50))
    assert [(entry.source, entry.at, entry.behind) for entry in told] == [
        (X.id, at(0), timedelta(0)),
        (PAGE.id, at(43), timedelta(minutes=43)),
    ]


def test_it_is_said_in_words() -> None:
    assert words(incident(43, 0), NAMES) == "X told first; the status page 43 min later"
    assert words(incident(0, 0.5), NAMES) == "The status page told first; X within the minute"
    assert words(incident(0), NAMES) == ""


def test_a_source_without_a_believable_date_is_not_measured() -> None:
    undated = replace(said(X, 0, "Words", "x", links=SHORT), dated=False)
    told = said(PAGE, 9, "Slow mail", "p", thread="1", links=SHORT)
    assert [entry.source for entry in firsts(only(timeline([told, undated])))] == [PAGE.id]
    assert words(only(timeline(undated)), NAMES) == ""


def test_the_record_is_the_median_over_incidents_that_several_told() -> None:
    found = records([incident(43, 0), incident(10, 0), incident(0, 20), incident(7)])
    assert found[PAGE.id] == Record(3, 1, timedelta(minutes=10))
    assert found[X.id] == Record(3, 2, timedelta(0))
    assert records([incident(7)]) == {}


def test_the_timeline_says_it() -> None:
    assert "  X told first; the status page 43 min later" in incident_words(incident(43, 0), Directory(labels=NAMES))


def test_the_status_for_a_program_has_it() -> None:
    seen = Sighting(PAGE.id, Belief.UNREADABLE, at(3), "503")
    lines = [SourceLine(PAGE.id, "statuspage", seen), SourceLine(X.id, "x", Sighting(X.id), "not asked: no token")]
    found = incident(43, 0)
    told: dict[str, Any] = status_json(Provider("acme", "Acme"), [found], lines, [found])
    page, account = told["sources"]
    assert page["lag"] == {"incidents": 1, "first": 0, "median_minutes": 43.0}
    assert (page["belief"], page["since"], page["reason"]) == ("unreadable", "2026-01-22T19:03:00.000Z", "503")
    assert (account["reason"], account["ours"], account["lag"]["first"]) == ("not asked: no token", True, 1)
    (entry,) = told["open_incidents"]
    assert [first["minutes_behind"] for first in entry["told_first"]] == [0.0, 43.0]
    assert status_json(Provider("acme", "Acme"), [], lines, [])["open_incidents"] == []
