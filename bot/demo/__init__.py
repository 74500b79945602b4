"""`statusbot demo`: the Microsoft 365 outage of 22 January 2026 in about a minute, through the ordinary corridor."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from importlib.resources import as_file, files
from itertools import pairwise

from bot.app import replay
from bot.core.summary import duration
from bot.model import Capture, Destination, Incident, Mode, Report, Subscription
from bot.ports import Store
from bot.recording import read_captures

RECORDING = "microsoft-365-2026-01-22.jsonl.xz"
PAGE, ACCOUNT = "microsoft-365/page", "microsoft-365/x"
LONG = timedelta(minutes=45)  #: a longer silence in the recording is not waited for in proportion

OPENING = """Microsoft 365 fails in North America on 22 January 2026 (MO1221364). The status page answers 429, the admin
center is down, X is the only voice. This is what a channel that subscribes to statusbot is told, replayed from
a recording: the words are those that the press quoted; envelopes and the minutes of failure are rebuilt.
"""


async def play(store: Store, seconds: float) -> None:
    """Play the recording in about so many seconds and say at the end what the page alone would have told."""
    say(OPENING)
    with as_file(files(__package__) / RECORDING) as path:
        captures = list(read_captures(path))
        waits = dict(zip(map(id, captures), paces([capture.at for capture in captures], seconds), strict=True))
        steps = iter(waits.values())

        async def pause(capture: Capture) -> None:
            await asyncio.sleep(next(steps))

        console = Subscription(Destination("console"), mode=Mode.POST)
        incidents, _ = await replay([path], store, {}, [console], pause)
    for incident in incidents:
        say(closing(incident))


def paces(times: Sequence[datetime], seconds: float) -> list[float]:
    """How long to wait after each capture: long silences shortened, `seconds` in all."""
    gaps = [min(later - earlier, LONG).total_seconds() ** 0.5 for earlier, later in pairwise(times)]
    whole = sum(gaps) or 1.0
    return [gap / whole * seconds for gap in gaps] + [0.0]


def closing(incident: Incident) -> str:
    """What a reader of the page alone would have known, and when, computed from the timeline."""
    reports = [report for update in incident.updates for report in update.reports]
    page, account = of(reports, PAGE), of(reports, ACCOUNT)
    lines = ["", "What a reader of the status page alone would have known", "-" * 55]
    if page and account:
        lag = page[0].at - account[0].at
        lines.append(f"{clock(account[0].at)}  X tells it first; the page shows the last known state, if it answers")
        lines.append(f"{clock(page[0].at)}  the page's first word, {duration(lag)} after X")
    down, spans = silences(incident)
    for since, until, why in spans:
        lines.append(f"{clock(since)}  no answer for {duration(until - since)} {why}")
    end = min((update.at for update in incident.updates if update.status and update.status.closed), default=None)
    lines.append("")
    lines.append(
        f"The page spoke {len(page)} times, X {len(account)} times; the page could not be read for {duration(down)} "
        f"of the {duration((end or incident.updated_at) - incident.started_at)} until service was said to be back."
    )
    return "\n".join(lines)


def of(reports: Iterable[Report], source: str) -> list[Report]:
    """One source's reports, oldest first."""
    return sorted((report for report in reports if report.source == source), key=lambda report: report.at)


def silences(incident: Incident) -> tuple[timedelta, list[tuple[datetime, datetime, str]]]:
    """For how long in all the page could not be read, and each time with its reason."""
    returns = {u.observed.removeprefix("up|"): u.at for u in incident.updates if u.observed.startswith(f"up|{PAGE}|")}
    spans = []
    for update in incident.updates:
        key = update.observed.removeprefix("down|")
        if update.observed.startswith(f"down|{PAGE}|") and key in returns:
            why = update.text[update.text.find("(") : update.text.find(")") + 1]
            spans.append((update.at, returns[key], why))
    return sum((until - since for since, until, _ in spans), timedelta(0)), spans


def clock(at: datetime) -> str:
    """`22 Jan 19:37 UTC`."""
    return f"{at:%d %b %H:%M} UTC"


def say(words: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
