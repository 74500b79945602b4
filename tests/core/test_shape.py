from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.core.shape import Page, component_id, incident_json, iso, timeline_json
from bot.model import Impact, Incident, Report, Status, Update

AT = datetime(2026, 1, 22, 19, 37, 12, 345678, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def report(native_id: str, at: datetime, **more: Any) -> Report:
    given = {
        "source": "microsoft-365/x",
        "provider": "microsoft-365",
        "dated": True,
        "first_seen_at": at + MINUTE,
        "seen_at": at + MINUTE,
        "text": "words",
        "url": "https://x.example/1",
    }
    return Report(native_id=native_id, at=at, **{**given, **more})


def update(number: int, status: Status | None = None, *reports: Report, **more: Any) -> Update:
    return Update(f"u{number}", AT + number * MINUTE, f"words {number}", status, reports=reports, **more)


def incident(*updates: Update, **more: Any) -> Incident:
    given: dict[str, Any] = {
        "id": "i1",
        "provider": "microsoft-365",
        "title": "Users can't sign in",
        "status": Status.IDENTIFIED,
        "started_at": AT - MINUTE,
        "updated_at": AT + 9 * MINUTE,
        "impact": Impact.MAJOR,
        "references": ("MO1221364",),
        "components": ("Exchange Online", "Microsoft Teams"),
        "sources": ("microsoft-365/x", "microsoft-365/page"),
        "url": "https://status.example/i1",
        "updates": updates,
    }
    return Incident(**{**given, **more})


def shaped(given: Incident) -> dict[str, Any]:
    """The incident as a reader of the JSON gets it."""
    document: dict[str, Any] = json.loads(json.dumps(incident_json(given, "Microsoft 365")))
    return document


def test_an_incident_has_statuspages_members_and_ours() -> None:
    first = update(0, Status.INVESTIGATING, report("1", AT))
    given = shaped(incident(first, update(1, Status.MONITORING)))
    updates = given.pop("incident_updates")
    assert given == {
        "id": "i1",
        "name": "Users can't sign in",
        "status": "identified",
        "created_at": "2026-01-22T19:37:12.345Z",
        "updated_at": "2026-01-22T19:46:12.345Z",
        "started_at": "2026-01-22T19:36:12.345Z",
        "monitoring_at": "2026-01-22T19:38:12.345Z",
        "resolved_at": None,
        "impact": "major",
        "impact_known": True,
        "shortlink": "https://status.example/i1",
        "page_id": "microsoft-365",
        "components": [
            {"id": component_id("microsoft-365", name), "name": name, "status": "partial_outage", "position": place}
            | {"created_at": "2026-01-22T19:36:12.345Z", "updated_at": "2026-01-22T19:46:12.345Z"}
            | {"description": None, "showcase": False, "start_date": None, "only_show_if_degraded": False}
            | {"group": False, "group_id": None, "page_id": "microsoft-365"}
            for place, name in enumerate(["Exchange Online", "Microsoft Teams"], 1)
        ],
        "reminder_intervals": None,
        "provider": {"id": "microsoft-365", "name": "Microsoft 365"},
        "references": ["MO1221364"],
        "sources": ["microsoft-365/x", "microsoft-365/page"],
        "related": [],
    }
    assert [one["id"] for one in updates] == ["u1", "u0"]
    assert updates[1] == {
        "id": "u0",
        "status": "investigating",
        "body": "words 0",
        "incident_id": "i1",
        "created_at": "2026-01-22T19:37:12.345Z",
        "updated_at": "2026-01-22T19:37:12.345Z",
        "display_at": "2026-01-22T19:37:12.345Z",
        "affected_components": [],
        "deliver_notifications": True,
        "dated": True,
        "custom_tweet": None,
        "tweet_id": None,
        "reports": [
            {
                "source": "microsoft-365/x",
                "native_id": "1",
                "url": "https://x.example/1",
                "at": "2026-01-22T19:37:12.345Z",
                "first_seen_at": "2026-01-22T19:38:12.345Z",
            }
        ],
    }


def test_an_update_without_a_status_carries_the_one_in_force() -> None:
    given = shaped(incident(update(0), update(1, Status.MONITORING), update(2), update(3, Status.RESOLVED), update(4)))
    statuses = [one["status"] for one in given["incident_updates"]]
    assert statuses[::-1] == ["investigating", "monitoring", "monitoring", "resolved", "resolved"]


def test_a_status_that_was_stated_later_than_its_words_is_in_force_from_then_on() -> None:
    late = replace(update(0, Status.RESOLVED), stated_at=AT + 2 * MINUTE)
    given = shaped(incident(late, update(1), update(2), update(3)))
    told = given["incident_updates"][::-1]
    assert [one["status"] for one in told] == ["resolved", "investigating", "resolved", "resolved"]
    assert (told[0]["created_at"], told[0]["updated_at"]) == ("2026-01-22T19:37:12.345Z", "2026-01-22T19:39:12.345Z")


def test_an_update_that_the_first_sight_dates_says_so() -> None:
    undated, dated = replace(report("1", AT), dated=False), report("2", AT)
    told = shaped(incident(update(0, None, undated), update(1, None, dated, undated)))["incident_updates"]
    assert [one["dated"] for one in told] == [True, False]


def test_a_maintenance_begins_as_scheduled_and_has_its_window() -> None:
    given = shaped(
        incident(update(0), status=Status.SCHEDULED, maintenance=True, starts=AT, ends=AT + MINUTE, impact=None)
    )
    assert given["incident_updates"][0]["status"] == "scheduled"
    assert given["scheduled_for"] == "2026-01-22T19:37:12.345Z"
    assert given["scheduled_until"] == "2026-01-22T19:38:12.345Z"
    assert {one["status"] for one in given["components"]} == {"unknown"}


def test_an_incident_has_no_window() -> None:
    assert "scheduled_for" not in shaped(incident(starts=AT))


def test_reports_keep_the_order_in_which_they_are_given() -> None:
    late, early = report("late", AT + MINUTE), report("early", AT)
    told = shaped(incident(update(0, None, late, early)))["incident_updates"][0]["reports"]
    assert [one["native_id"] for one in told] == ["late", "early"]


def test_what_the_program_observed_rests_on_no_report() -> None:
    assert shaped(incident(update(0, observed="down|a|b")))["incident_updates"][0]["reports"] == []


def test_an_edited_update_is_newer_than_its_date() -> None:
    edited = report("1", AT, revision=1, seen_at=AT + 30 * MINUTE)
    given = shaped(incident(update(0, None, edited, revision=1)))["incident_updates"][0]
    assert (given["created_at"], given["updated_at"]) == ("2026-01-22T19:37:12.345Z", "2026-01-22T20:07:12.345Z")


@pytest.mark.parametrize("impact", [None, Impact.NONE])
def test_an_impact_that_nobody_stated_is_told_apart_from_none(impact: Impact | None) -> None:
    given = shaped(incident(impact=impact))
    assert given["impact"] == "none"
    assert given["impact_known"] is (impact is not None)


@pytest.mark.parametrize(
    ("status", "impact", "maintenance", "word"),
    [
        (Status.INVESTIGATING, Impact.MINOR, False, "degraded_performance"),
        (Status.INVESTIGATING, Impact.CRITICAL, False, "major_outage"),
        (Status.IN_PROGRESS, Impact.MAINTENANCE, True, "under_maintenance"),
        (Status.INVESTIGATING, None, False, "unknown"),
        (Status.INVESTIGATING, Impact.NONE, False, "unknown"),
        (Status.RESOLVED, Impact.CRITICAL, False, "unknown"),
    ],
)
def test_a_component_is_never_green(status: Status, impact: Impact | None, maintenance: bool, word: str) -> None:
    given = shaped(incident(status=status, impact=impact, maintenance=maintenance))
    assert {one["status"] for one in given["components"]} == {word}


def test_no_name_is_empty() -> None:
    assert shaped(incident(update(0), title=""))["name"] == "words 0"
    assert shaped(incident(title=""))["name"] == "Trouble reported"
    assert incident_json(incident(), "")["provider"] == {"id": "microsoft-365", "name": "microsoft-365"}


def test_an_incident_without_updates_was_created_when_it_started() -> None:
    assert shaped(incident())["created_at"] == "2026-01-22T19:36:12.345Z"


def test_components_are_told_apart_by_their_ids() -> None:
    assert component_id("a", "C") != component_id("a", "C++") != component_id("b", "C++")
    assert len(component_id("a", "C")) == 12


def test_a_timeline_is_the_page_and_its_incidents_in_order() -> None:
    second = replace(incident(), id="i2", provider="github")
    given = timeline_json([incident(), second], {"github": "GitHub"}, Page(AT, url="http://127.0.0.1:8080"))
    assert given["page"] == {
        "id": "statusbot",
        "name": "statusbot",
        "url": "http://127.0.0.1:8080",
        "time_zone": "Etc/UTC",
        "updated_at": "2026-01-22T19:37:12.345Z",
    }
    assert given["incidents"] == [incident_json(incident(), ""), incident_json(second, "GitHub")]


def test_times_are_utc_in_milliseconds() -> None:
    assert iso(datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))) == "2026-07-01T10:00:00.000Z"
    assert iso(None) is None
