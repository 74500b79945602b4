"""Notices to render: an ordinary outage, and what is made to break a message."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import aiohttp
from hypothesis import strategies as st

from bot.errors import SendError
from bot.model import (
    Act,
    Belief,
    Delivery,
    Destination,
    Impact,
    Incident,
    Notice,
    Receipt,
    Report,
    Sighting,
    Status,
    Update,
)
from bot.ports import Fetcher, Tools
from tests.support.clock import StillClock

Found = TypeVar("Found")

AT = datetime(2026, 1, 22, 19, 37, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY = "i1/u1/0/discord:1122334455/create"

BREAKING = {
    "long": "All work and no play makes Jack a dull boy. " * 455,
    "one long word": "x" * 20_000,
    "mentions": "@everyone @here <@1> <@&2> <#3> <!here> " * 200,
    "markdown": "**bold** _it_ ~~no~~ `code` [a](https://evil.example) > # - 1. |spoiler| \\ ```" * 200,
    "html": "<script>alert(1)</script><img src=x>&amp;&lt;" * 400,
    "dates": "{{DATE(2026-01-22T19:37:12Z, SHORT)}} {{TIME(now)}} <t:1:R> <!date^1^{date}|x> " * 200,
    "right to left": "\u202eشبكة معطلة\u2066 ‮" * 900,
    "emoji": "🔥👩‍👩‍👧‍👦" * 2500,
    "control": "\x00\x1b[31m\ud800\u200b\r\n\t" * 2000,
    "lines": "\n\n- a\n# b\n> c" * 1500,
    "addresses": "https://example.org/@a?b=&c " * 900,
    "empty": "",
    "blank": " \n\t ",
}


def report(text: str, at: datetime = AT, source: str = "microsoft-365/x") -> Report:
    """A statement on X."""
    return Report(source, "1", "microsoft-365", at, True, at, at, text, url="https://x.example/1")


def update(number: int, text: str = "We're looking into it.", status: Status | None = Status.IDENTIFIED) -> Update:
    """The n-th update, a minute after the one before."""
    at = AT + number * MINUTE
    return Update(f"u{number}", at, text, status, reports=(report(text, at),), url="https://x.example/1")


def notice(*updates: Update, act: Act = Act.CREATE, **more: Any) -> Notice:
    """A notice of the Microsoft 365 outage; `more` replaces parts of the incident or of the notice."""
    told = updates or (update(0),)
    incident: dict[str, Any] = {
        "id": "i1",
        "provider": "microsoft-365",
        "title": "Users can't sign in",
        "status": Status.IDENTIFIED,
        "started_at": AT,
        "updated_at": told[-1].at,
        "impact": Impact.MAJOR,
        "references": ("MO1221364",),
        "components": ("Exchange Online", "Microsoft Teams"),
        "regions": ("North America",),
        "url": "https://status.example.com/i1",
        "updates": told,
    }
    whole: dict[str, Any] = {
        "key": KEY,
        "provider_name": "Microsoft 365",
        "source_names": {"microsoft-365/x": "X", "microsoft-365/page": "the status page"},
        "sightings": (Sighting("microsoft-365/page", Belief.UNREADABLE, AT, "429 Too Many Requests"),),
    }
    for name, value in more.items():
        (incident if name in Incident.__slots__ else whole)[name] = value
    return Notice(incident=Incident(**incident), updates=told, act=act, **whole)


def breaking() -> Mapping[str, Notice]:
    """Everything at once, by what is wrong with it."""
    made = {name: everywhere(words) for name, words in BREAKING.items()}
    made["60 updates"] = notice(*(update(n, f"{n} " + BREAKING["long"]) for n in range(60)), catch_up=True)
    made["60 short updates"] = notice(*(update(n, f"words {n}") for n in range(60)), catch_up=True)
    made["400 components"] = notice(components=tuple(f"Component number {n}" for n in range(400)))
    full = everywhere("_ " * 9000)
    silent = tuple(Sighting(f"a/{n}", Belief.UNREADABLE, AT, "no_answer " * 99) for n in range(40))
    made["everything full"] = replace(full, sightings=silent, catch_up=True, late=99 * MINUTE, mention="<@&7> " * 900)
    made["no updates"] = replace(notice(), updates=(), test=True)
    made["bad links"] = notice(url="javascript:alert(1)")
    made["40 doubts"] = notice(sightings=tuple(Sighting(f"a/{n}", Belief.SILENT, AT) for n in range(40)))
    return made


def everywhere(words: str) -> Notice:
    """A notice in which every foreign text is `words`."""
    return notice(
        update(0, words),
        update(1, words, None),
        title=words,
        references=(words,),
        components=(words,) * 5,
        regions=(words,) * 5,
        url=words,
        key=f"key {words}",
        provider_name=words,
        source_names={"microsoft-365/x": words, "microsoft-365/page": words},
        sightings=(Sighting("microsoft-365/page", Belief.UNREADABLE, AT, words),),
    )


def notices() -> st.SearchStrategy[Notice]:
    """Any text in any place, told in any way."""
    words = st.text(max_size=60).flatmap(lambda part: st.sampled_from([1, 3, 400]).map(lambda n: part * n))
    return st.builds(lambda text, act: replace(everywhere(text), act=act), words, st.sampled_from(Act))


def schema(name: str) -> Any:
    """A platform's own schema."""
    return json.loads((Path(__file__).parent / "schemas" / f"{name}.json").read_text(encoding="utf-8"))


def tools(session: Callable[[], aiohttp.ClientSession] | None = None, **env: str) -> Tools:
    """What an adapter is made with; only what it uses is there."""
    return Tools(StillClock(AT), cast("Fetcher", None), session or aiohttp.ClientSession, env)


def delivery(kind: str, name: str, act: Act = Act.POST, root: str = "", **more: Any) -> Delivery:
    """One delivery owed to a destination."""
    told = Receipt(root) if root else None
    return Delivery(1, KEY, Destination(kind, name), "i1", "u1", act, root=told, created_at=AT, **more)


async def outcome(doing: Awaitable[Found]) -> Found | SendError:
    """What was returned, or the error that was raised."""
    try:
        return await doing
    except SendError as error:
        return error


def whole_text(error: object) -> str:
    """All that a log could show of an error and of what hangs on it."""
    words = ""
    while isinstance(error, BaseException):
        words += f"{error} {error!r} {error.args}"
        error = error.__cause__ or error.__context__
    return words
