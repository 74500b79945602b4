"""`statusbot demo`: the Microsoft 365 outage of 22 January 2026 in about a minute, through the ordinary corridor."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from importlib.resources import as_file, files
from itertools import pairwise

from bot.core.summary import duration
from bot.model import Capture, Destination, Incident, Mode, Report, State, Subscription
from bot.ports import Store
from bot.recording import read_captures
from bot.replay import replay

RECORDING = "microsoft-365-2026-01-22.jsonl.xz"
TITLE = "What a reader of the status page alone would have known, and when"
PAGE, ACCOUNT = "microsoft-365/page", "microsoft-365/x"
LONG = timedelta(minutes=45)  #: a longer silence in the recording is not waited for in proportion

OPENING = """\
On 22 January 2026 Microsoft 365 fails in North America (MO1221364). The status
page answers 429, the admin center is down, and X is the only voice left.

This is what a channel that subscribes to statusbot is told, replayed from a
recording. The words are those that the press quoted; their envelopes and the
minutes of each failure are rebuilt.
"""


async def play(store: Store, seconds: float) -> None:
    """Play the recording in about so many seconds and say at the end what the page alone would have told."""
    say(OPENING)
    with as_file(files(__package__) / RECORDING) as path:
        waits = iter(paces([capture.at for capture in read_captures(path)], seconds))

        async def pause(capture: Capture) -> None:
            if await store.read(lambda ledger: ledger.deliveries(states=(State.DEAD, State.HELD), limit=1)):
                raise BrokenPipeError  # whoever read standard output has gone
            await asyncio.sleep(next(waits))

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
    down, events = silences(incident)
    if page and account:
        lag = duration(page[0].at - account[0].at)
        events += [(account[0].at, "X tells of it; the page says nothing yet")]
        events += [(page[0].at, f"the page's first word, {lag} after X")]
    end = min((update.at for update in incident.updates if update.status and update.status.closed), default=None)
    if end is not None:
        events.append((end, "service is said to be back"))
    lines = [f"   {clock(at)}  {words}" for at, words in sorted(events)]
    whole = duration((end or incident.updated_at) - incident.started_at)
    return "\n".join(
        (
            f"{TITLE}\n{'─' * len(TITLE)}",
            *lines,
            "",
            f"   Of these {whole} the page could not be read for {duration(down)}.",
            f"   It spoke {len(page)} times, X {len(account)} times.",
        )
    )


def of(reports: Iterable[Report], source: str) -> list[Report]:
    """One source's reports, oldest first."""
    return sorted((report for report in reports if report.source == source), key=lambda report: report.at)


def silences(incident: Incident) -> tuple[timedelta, list[tuple[datetime, str]]]:
    """For how long in all the page could not be read, and what to say of each time."""
    returns = {u.observed.removeprefix("up|"): u.at for u in incident.updates if u.observed.startswith(f"up|{PAGE}|")}
    whole, events = timedelta(0), []
    for update in incident.updates:
        key = update.observed.removeprefix("down|")
        if update.observed.startswith(f"down|{PAGE}|") and key in returns:
            length = returns[key] - update.at
            reason = update.text[update.text.find("(") : update.text.find(")") + 1]
            whole += length
            events.append((update.at, f"the page fails for {duration(length)} {reason}"))
    return whole, events


def clock(at: datetime) -> str:
    """`22 Jan 19:37 UTC`."""
    return f"{at:%d %b %H:%M} UTC"


def say(words: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
