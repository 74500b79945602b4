"""Digests to render: an ordinary week, and what is made to break a message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.core.digest import Account, Condition, Course, Digest, Event, Gap, Lag
from bot.model import Belief, Impact, Status
from tests.core.build import at

SINCE, UNTIL = at(0), at(24 * 60)
HOUR = timedelta(hours=1)


def course(name: str, *trouble: tuple[float, float, Condition]) -> Course:
    """Well but for these stretches (from minute, to minute, what)."""
    made, last = [], SINCE
    for begin, end, condition in trouble:
        if at(begin) > last:
            made.append((last, at(begin), Condition.WELL))
        made.append((at(begin), at(end), condition))
        last = at(end)
    return Course(name, (*made, (last, UNTIL, Condition.WELL)) if last < UNTIL else tuple(made))


def event(name: str = "Users can't sign in", begin: float = 300, end: float | None = 400, **facts: object) -> Event:
    plain: dict[str, object] = {
        "impact": Impact.MAJOR,
        "references": ("MO1221364",),
        "components": ("Exchange Online", "Microsoft Teams"),
        "url": "https://status.example.com/1",
        "firsts": (("X (@acmestatus)", at(begin)), ("the status page", at(begin + 43))),
    }
    ended = at(end) if end is not None else None
    status = Status.RESOLVED if ended else Status.IDENTIFIED
    known: dict[str, object] = {"id": f"i{begin}", "title": name, "status": status}
    return Event(**(known | {"started_at": at(begin), "ended_at": ended} | plain | facts))  # type: ignore[arg-type]


def account(name: str = "Microsoft 365", components: Iterable[Course] = (), **facts: object) -> Account:
    whole = course(name, (300, 400, Condition.MAJOR), (600, 660, Condition.UNKNOWN), (1200, 1440, Condition.CRITICAL))
    plain: dict[str, object] = {
        "whole": whole,
        "components": tuple(components)
        or (
            course("Exchange Online", (300, 400, Condition.MAJOR), (600, 660, Condition.UNKNOWN)),
            course("Microsoft Teams", (305, 310, Condition.MINOR), (1200, 1440, Condition.CRITICAL)),
            course("SharePoint", (100, 160, Condition.MAINTENANCE), (600, 660, Condition.UNKNOWN)),
            course("To Do"),
        ),
        "incidents": (event(), event("Calls are dropped", 1200, None, impact=Impact.CRITICAL)),
        "maintenances": (event("New disks", 100, 160, impact=Impact.MAINTENANCE, starts=at(100), ends=at(160)),),
        "ahead": (event("New racks", 2000, None, impact=Impact.MAINTENANCE, starts=at(2000), ends=at(2060)),),
        "lags": (Lag("X (@acmestatus)", 2, 2, timedelta(0)), Lag("the status page", 2, 0, 43 * HOUR / 60)),
        "gaps": (Gap("the status page", Belief.UNREADABLE, at(600), at(660), "429 Too Many Requests"),),
    }
    return Account(name.casefold(), name, **(plain | facts))  # type: ignore[arg-type]


def ordinary() -> Digest:
    """One provider in trouble, one without, one that nobody watched."""
    quiet = Account("github", "GitHub", course("GitHub"))
    unseen = Account("acme", "Acme", Course("Acme", ((SINCE, UNTIL, Condition.UNKNOWN),)), watched=False)
    return Digest(SINCE, UNTIL, "Europe/Berlin", (account(), quiet, unseen))


def broken(words: str) -> Digest:
    """A digest in which every foreign word is this one."""
    bad = event(words, references=(words, words), components=(words, words), url=words)
    worse = event(words, 1200, None, firsts=((words, at(1)), (f"{words}.", at(9))), url=f"https://e.example/{words}")
    parts = (course(words, (1, 9, Condition.MINOR)), course(f"{words}!"))
    gaps = (Gap(words, Belief.UNREADABLE, at(600), at(660), words),)
    return Digest(SINCE, UNTIL, "UTC", (account(words, parts, incidents=(bad, worse), ahead=(bad,), gaps=gaps),))


def large() -> Digest:
    """Forty providers with forty components and forty incidents each."""
    parts = [course(f"A component with a long name, number {n}", (n, n + 30, Condition.MINOR)) for n in range(40)]
    events = tuple(
        event(f"Trouble of a length that is quite usual, number {n}", 30 * n, 30 * n + 60) for n in range(40)
    )
    return Digest(SINCE, UNTIL, "UTC", tuple(account(f"Provider {n}", parts, incidents=events) for n in range(40)))


def nothing() -> Digest:
    """A quiet day."""
    return Digest(SINCE, UNTIL, "UTC", (Account("github", "GitHub", course("GitHub")),))
