"""Notices as tests need them: the incident of 22 January 2026, and text made to break what renders it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from bot.model import Act, Belief, Impact, Incident, Notice, Report, Sighting, Status, Update

START = datetime(2026, 1, 22, 19, 37, 12, tzinfo=UTC)
NAMES = {"microsoft-365/x": "X", "microsoft-365/page": "the status page"}
WORDS = (
    "We're investigating a potential issue impacting multiple Microsoft 365 services, including Outlook and "
    "Microsoft Defender.\nMore details under MO1221364 in the admin center, if accessible: https://status.cloud.microsoft/."
)
#: Each tries to be more than words.
HOSTILE = (
    "word " * 4000,
    "x" * 20_000,
    "&<>" * 7000,
    '"\\' * 10_000,
    "<!here> <!channel> <@U123> <#C123> <!subteam^S1> @here @everyone :fire:",
    "*bold* _it_ ~no~ `code` > quote <https://evil.example|status.example.com> [a](https://evil.example)",
    "<b>HTML</b> &amp; <script>alert(1)</script>",
    "\u202eright to left\u202c שלום עולם مرحبا",
    "👩‍👩‍👧‍👦🔥" * 3000,
    "https://status.example.com/" + "a" * 5000,
    " ".join(f"https://a.example/{n}" for n in range(900)),
    "",
    " \n\t ",
    "\x00\x1b[31m\x9b\ud800",
)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def update(number: int = 0, text: str = WORDS, **parts: Any) -> Update:
    """An update that X told `number` minutes after the start."""
    when = at(number)
    report = Report("microsoft-365/x", f"n{number}", "microsoft-365", when, True, when, when, text)
    made = Update(
        f"u{number}", when, text, Status.INVESTIGATING, reports=(report,), url=f"https://x.com/i/status/{number}"
    )
    return replace(made, **parts)


INCIDENT = Incident(
    *("i1", "microsoft-365", "Users can't sign in", Status.INVESTIGATING, START, START),
    impact=Impact.MAJOR,
    references=("MO1221364",),
    components=("Exchange Online", "Microsoft Teams"),
    url="https://status.cloud.microsoft/",
)
DOWN = Sighting("microsoft-365/page", Belief.UNREADABLE, at(5), "429 Too Many Requests")


def notice(*updates: Update, act: Act = Act.CREATE, incident: Incident = INCIDENT, **parts: Any) -> Notice:
    """A notice of `updates` (else of one), which are the incident's where that has none of its own."""
    told = updates or (update(),)
    whole = replace(incident, updates=incident.updates or told)
    made = Notice(whole, told, act, "key-1", provider_name="Microsoft 365", source_names=NAMES)
    return replace(made, **parts)


def hostile(words: str, act: Act, count: int = 1) -> Notice:
    """A notice in which everything that comes from outside is `words`."""
    names = {"microsoft-365/x": words, "microsoft-365/page": words}
    incident = replace(
        INCIDENT, title=words, references=(words,) * 8, components=(words,) * 400, regions=(words,) * 400
    )
    updates = tuple(update(number, words, url=words) for number in range(count))
    sightings = tuple(replace(DOWN, reason=words) for _ in range(30))
    told = replace(incident, url=words, updates=updates)
    return Notice(told, updates, act, words, sightings, words, source_names=names, catch_up=count > 1)


notices = st.builds(hostile, st.text(), st.sampled_from(Act), st.integers(1, 3))
