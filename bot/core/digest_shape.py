"""A digest as JSON (`digest --format json`, and `data` of a webhook's `digest`), and back from it.

It is whole: what is kept in the ledger is this document, and every message is rendered from what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.core.digest import Account, Condition, Course, Digest, Event, Gap, Lag
from bot.core.shape import iso
from bot.model import Belief, Impact, Status

Json = Mapping[str, Any]


def digest_json(digest: Digest) -> dict[str, object]:
    """The document: times in UTC, lengths in seconds, shares of the window from 0 to 1."""
    return {
        "since": iso(digest.since),
        "until": iso(digest.until),
        "time_zone": digest.zone,
        "seconds": seconds(digest.until - digest.since),
        "empty": digest.empty,
        "providers": [account_json(account, digest.until) for account in digest.accounts],
    }


def account_json(account: Account, until: datetime) -> dict[str, object]:
    """One provider."""
    return {
        "id": account.id,
        "name": account.name,
        "watched": account.watched,
        "incidents": [event_json(event, until) for event in account.incidents],
        "maintenances": [event_json(event, until) for event in account.maintenances],
        "maintenances_ahead": [event_json(event, until) for event in account.ahead],
        "whole": course_json(account.whole),
        "components": [course_json(course) for course in account.components],
        "lag": [
            {
                "source": lag.source,
                "incidents": lag.incidents,
                "first": lag.first,
                "median_seconds": seconds(lag.median),
            }
            for lag in account.lags
        ],
        "unread": [gap_json(gap) for gap in account.gaps],
    }


def event_json(event: Event, until: datetime) -> dict[str, object]:
    """An incident or a maintenance, as it read at the window's end."""
    return {
        "id": event.id,
        "name": event.title,
        "references": list(event.references),
        "status": event.status.value,
        "open": event.open,
        "impact": (event.impact or Impact.NONE).value,
        "impact_known": event.impact is not None,
        "started_at": iso(event.started_at),
        "resolved_at": iso(event.ended_at),
        "vanished_at": iso(event.vanished_at),
        "seconds": seconds(event.length(until)),
        "scheduled_for": iso(event.starts),
        "scheduled_until": iso(event.ends),
        "components": list(event.components),
        "shortlink": event.url,
        "told_first": [{"source": source, "at": iso(at)} for source, at in event.firsts],
    }


def course_json(course: Course) -> dict[str, object]:
    """How one component fared: its shares, and the stretches that they are made of."""
    shares = course.shares
    parts = {
        "well": shares.well,
        "trouble": shares.trouble,
        "maintenance": shares.maintenance,
        "unknown": shares.unknown,
    }
    return {
        "name": course.name,
        "shares": {name: round(part / shares.whole, 6) for name, part in parts.items()},
        "seconds": {name: seconds(part) for name, part in parts.items()},
        "stretches": [
            {"since": iso(begin), "until": iso(end), "condition": condition.value}
            for begin, end, condition in course.stretches
        ],
    }


def gap_json(gap: Gap) -> dict[str, object]:
    """A stretch in which a source could not be believed."""
    return {
        "source": gap.source,
        "belief": gap.belief.value,
        "since": iso(gap.since),
        "until": iso(gap.until),
        "seconds": seconds(gap.until - gap.since),
        "reason": gap.reason,
        "began_or_ended_in_window": gap.edge,
    }


def seconds(length: timedelta) -> float:
    """A length as a number, whole where it is."""
    number = length.total_seconds()
    return int(number) if number.is_integer() else round(number, 3)


def digest_of(document: Json) -> Digest:
    """The digest that a document of `digest_json` tells, to the millisecond."""
    accounts = tuple(account_of(entry) for entry in document["providers"])
    return Digest(moment(document["since"]), moment(document["until"]), document["time_zone"], accounts)


def account_of(entry: Json) -> Account:
    """One provider."""
    return Account(
        id=entry["id"],
        name=entry["name"],
        whole=course_of(entry["whole"]),
        components=tuple(map(course_of, entry["components"])),
        incidents=tuple(map(event_of, entry["incidents"])),
        maintenances=tuple(map(event_of, entry["maintenances"])),
        ahead=tuple(map(event_of, entry["maintenances_ahead"])),
        lags=tuple(
            Lag(lag["source"], lag["incidents"], lag["first"], timedelta(seconds=lag["median_seconds"]))
            for lag in entry["lag"]
        ),
        gaps=tuple(map(gap_of, entry["unread"])),
        watched=entry["watched"],
    )


def event_of(entry: Json) -> Event:
    """An incident or a maintenance."""
    return Event(
        id=entry["id"],
        title=entry["name"],
        status=Status(entry["status"]),
        impact=Impact(entry["impact"]) if entry["impact_known"] else None,
        started_at=moment(entry["started_at"]),
        ended_at=maybe(entry["resolved_at"]),
        references=tuple(entry["references"]),
        components=tuple(entry["components"]),
        url=entry["shortlink"],
        firsts=tuple((told["source"], moment(told["at"])) for told in entry["told_first"]),
        starts=maybe(entry["scheduled_for"]),
        ends=maybe(entry["scheduled_until"]),
        vanished_at=maybe(entry["vanished_at"]),
    )


def course_of(entry: Json) -> Course:
    """How one component fared."""
    return Course(
        entry["name"],
        tuple(
            (moment(stretch["since"]), moment(stretch["until"]), Condition(stretch["condition"]))
            for stretch in entry["stretches"]
        ),
    )


def gap_of(entry: Json) -> Gap:
    """A stretch in which a source could not be believed."""
    return Gap(
        source=entry["source"],
        belief=Belief(entry["belief"]),
        since=moment(entry["since"]),
        until=moment(entry["until"]),
        reason=entry["reason"],
        edge=entry["began_or_ended_in_window"],
    )


def moment(text: str) -> datetime:
    """A time of the document. Raises ValueError for what is none."""
    return datetime.fromisoformat(text)


def maybe(text: str | None) -> datetime | None:
    """A time that may be missing."""
    return None if text is None else moment(text)
