"""How far a source can be believed, and what its silence or its return is worth telling (rules of truth 2 to 4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.incident import Observation
from bot.core.summary import duration
from bot.errors import Unreadable
from bot.model import SHORT, Belief, Incident, Sighting, Source

CONFIRM = 2  #: failures in a row before a source that could be read is called unreadable: one may be a hiccup
TOGETHER = timedelta(minutes=5)  #: failures that begin within this of each other begin together
MOST = 0.7  #: of the sources asked since then: so many failing are too many for a fault of theirs
FEWEST = 3  #: sources of two providers at least, below which nothing can be told from their failing together
NETWORK = "our own network, it seems"  #: the reason of a source that fails with most others
FLAPS = 3  #: failures and returns of a source, after which it comes and goes
FLAPS_WITHIN = timedelta(hours=2)
STEADY = timedelta(minutes=30)  #: after so long in one state it no longer does
EDGES = ("down", "up", "flaps", "steady")
STANDSTILL = timedelta(minutes=30)  #: a source that says nothing new for so long, while another speaks, is stale


def sight(
    before: Sighting, at: datetime, failure: Unreadable | None, *, changed: bool, empty: bool = False
) -> Sighting:
    """The sighting after one poll.

    failure: why nothing could be read; None: it could. changed: what it says is new. empty: it was readable and
    said nothing, where it always says something.
    """
    if failure is not None:
        return _failed(before, at, failure)
    belief = Belief.SILENT if empty else Belief.OK
    if before.belief is belief and not changed and not before.failures and before.changed_at is not None:
        return ticked(before, at, before.next_at)
    return replace(
        before,
        belief=belief,
        since=before.since if before.belief is belief else at,
        reason="readable, but empty where it never is" if empty else "",
        ours=False,
        failures=0,
        failing_since=None,
        read_at=at,
        asked_at=at,
        changed_at=at if changed or before.changed_at is None else before.changed_at,
    )


def ticked(seen: Sighting, at: datetime | None, next_at: datetime | None) -> Sighting:
    """A source that stays as it is, read and asked `at`. (Each poll makes one; `replace` takes three times as long.)"""
    return Sighting(
        seen.source,
        seen.belief,
        seen.since,
        seen.reason,
        seen.ours,
        seen.failures,
        seen.failing_since,
        at,
        at,
        seen.changed_at,
        next_at,
    )


def _failed(before: Sighting, at: datetime, failure: Unreadable) -> Sighting:
    # Our network is back, this source is not: it may have gone meanwhile, and that wants a confirmation of its own.
    anew = before.reason == NETWORK and failure.reason != NETWORK
    since = at if anew else before.failing_since or at
    count = 1 if anew else before.failures + 1
    confirmed = count >= CONFIRM or before.read_at is None or before.belief is Belief.UNREADABLE
    already = before.belief is Belief.UNREADABLE and not anew
    return replace(
        before,
        belief=Belief.UNREADABLE if confirmed else before.belief,
        since=(before.since if already else since) if confirmed else before.since,
        reason=failure.reason if confirmed else before.reason,
        ours=failure.ours or anew if confirmed else before.ours,
        failures=count,
        failing_since=since,
        asked_at=at,
    )


def unasked(before: Sighting, planned: datetime | None, at: datetime) -> datetime | None:
    """Since when a source was not asked although it ought to have been (we were not there); None where it was."""
    if before.asked_at is None or planned is None or at - max(planned, before.asked_at) < SHORT:
        return None
    return before.asked_at


def edges(before: Sighting, after: Sighting, absent: datetime | None, at: datetime) -> tuple[Sighting, ...]:
    """What a poll adds to the history of what was believed; `absent`: since when nobody asked before it."""
    if absent is not None:
        return Sighting(after.source, Belief.UNKNOWN, absent), replace(after, since=at)
    same = (before.belief, before.since) == (after.belief, after.since)
    return () if same or after.since is None else (after,)


def fail_together(sightings: Iterable[Sighting], since: datetime) -> bool:
    """Whether most sources of unrelated providers fail since about `since`: the fault is ours then (rule of truth 3).

    Only sources asked since then count, so that it shows however the polls are spread; with one provider it never does.
    Who refuses (429, 503) was reached: while anything can be read, that is no fault of our network.
    """
    seen = list(sightings)
    well = sum(read_since(one, since) for one in seen)
    failing = [one for one in seen if _fails_since(one, since) and not (well and refused(one.reason))]
    providers = {one.source.partition("/")[0] for one in failing}
    return len(providers) > 1 and len(failing) >= FEWEST and len(failing) >= MOST * (len(failing) + well)


def read_since(seen: Sighting, since: datetime) -> bool:
    """Whether a source could be read after that time."""
    return seen.failing_since is None and seen.asked_at is not None and seen.asked_at > since


def refused(reason: str) -> bool:
    """Whether a failure is the other side's own answer (`429 Too Many Requests`), which reached us."""
    return reason[:3].isdigit() and reason[0] in "45"


def _fails_since(seen: Sighting, since: datetime) -> bool:
    if seen.failing_since is None:
        return False
    return seen.reason == NETWORK or (not seen.ours and abs(seen.failing_since - since) <= TOGETHER)


def down(sighting: Sighting) -> bool:
    """Whether a source cannot be read, and the fault is not in our own settings."""
    return sighting.belief is Belief.UNREADABLE and not sighting.ours and sighting.since is not None


def went_down(sighting: Sighting, label: str, following: Iterable[str]) -> Observation:
    """That a source has stopped answering: `The status page has not answered since 19:41 UTC (429 …); following X.`"""
    assert sighting.since is not None
    others = " and ".join(following)
    return Observation(
        key=f"down|{sighting.source}|{sighting.since.isoformat()}",
        at=sighting.since,
        text=f"{_capital(label)} has not answered since {sighting.since:%H:%M} UTC ({sighting.reason})"
        + (f"; following {others}." if others else "; nothing else of this provider can be read either."),
    )


def came_back(before: Sighting, at: datetime, label: str) -> Observation:
    """That it answers again: `The status page answers again, after 39 min.`"""
    assert before.since is not None
    return Observation(
        key=f"up|{before.source}|{before.since.isoformat()}",
        at=at,
        text=f"{_capital(label)} answers again, after {duration(at - before.since)}.",
    )


def damped(incident: Incident, gone: Observation, label: str) -> Observation | None:
    """What is told of a failure: itself; of a source that comes and goes that it does; then nothing until it is steady.

    incident: on whose timeline it would stand. gone: a `down|…`; `at`: when the source began to fail.
    """
    told = _observed(incident, _source_of(gone))
    if told and told[-1][0] == "flaps":
        return None
    lately = [at for edge, at in told if edge == "up" and at > gone.at - FLAPS_WITHIN]
    if len(lately) < FLAPS:
        return gone
    since = min(at for edge, at in told if edge == "down" and at > gone.at - FLAPS_WITHIN)
    text = f"{_capital(label)} has answered only now and then since {since:%H:%M} UTC; more of it once it is steady."
    return Observation(gone.key.replace("down|", "flaps|", 1), gone.at, text)


def steady(incident: Incident, sighting: Sighting, label: str) -> Observation | None:
    """That a source that came and went has been read, or not, for STEADY; None where it never did, or still does."""
    told = _observed(incident, sighting.source)
    if not told or told[-1][0] != "flaps" or sighting.since is None:
        return None
    state = "has not answered" if down(sighting) else "has answered steadily"
    return Observation(
        key=f"{'down' if down(sighting) else 'steady'}|{sighting.source}|{sighting.since.isoformat()}",
        at=sighting.since + STEADY,
        text=f"{_capital(label)} {state} since {sighting.since:%H:%M} UTC.",
    )


def settles(before: Sighting, after: Sighting, at: datetime) -> bool:
    """Whether this poll is the first at which a source has been as it is for STEADY."""
    if after.since is None or not (after.belief is Belief.OK or down(after)):
        return False
    return at - after.since >= STEADY and (before.asked_at is None or before.asked_at - after.since < STEADY)


def _source_of(seen: Observation) -> str:
    return seen.key.split("|")[1]


def _observed(incident: Incident, source: str) -> list[tuple[str, datetime]]:
    """What the timeline tells of a source's failures and returns, oldest first."""
    keys = [(update.observed.split("|"), update.at) for update in incident.updates if update.observed]
    edges = [(key[0], at) for key, at in keys if key[1] == source and key[0] in EDGES]
    return sorted(edges, key=lambda edge: edge[1])


def bearer(incidents: Sequence[Incident], key: str = "") -> Incident | None:
    """The incident on whose timeline an observation belongs.

    For a return the one that tells the failure (`key`); else the open one that spoke last, maintenances aside.
    """
    for incident in incidents:
        if key and any(update.observed == key for update in incident.updates):
            return incident
    if key:
        return None
    active = [incident for incident in incidents if incident.open and not incident.maintenance]
    return max(active, key=lambda incident: (incident.updated_at, incident.id), default=None)


def believed(sighting: Sighting, others: Collection[Sighting], incidents: Sequence[Incident]) -> Sighting:
    """The sighting as a reader should take it now: `stale` where it stands still while another source speaks."""
    if sighting.belief is not Belief.OK:
        return sighting
    for incident in incidents:
        if not incident.open or incident.maintenance:
            continue
        spoken = [
            report.at for update in incident.updates for report in update.reports if _other(report.source, others)
        ]
        own = [report.at for u in incident.updates for report in u.reports if report.source == sighting.source]
        if spoken and max(spoken) - max(own, default=incident.started_at) >= STANDSTILL:
            since = max(own, default=sighting.changed_at or incident.started_at)
            return replace(sighting, belief=Belief.STALE, since=since, reason="stands still while others speak")
    return sighting


def _other(source: str, others: Collection[Sighting]) -> bool:
    return any(other.source == source for other in others)


def interval(
    source: Source, sighting: Sighting, *, troubled: bool, retry_at: datetime | None, at: datetime
) -> timedelta:
    """How long to wait before the next poll, jitter aside.

    Quicker (half the interval) while its provider has an open incident or another source of it cannot be read, and
    to confirm a first failure; slower on failures of its own that go on (doubling, up to 15 minutes or the interval,
    whichever is longer); never before the source's own `Retry-After`.
    """
    usual = source.interval
    wait = usual
    if sighting.reason == NETWORK:
        wait = usual  # whoever is asked first finds out that it is back
    elif sighting.failures == 1 and not sighting.ours:
        wait = min(usual, max(timedelta(seconds=5), usual / 4))
    elif sighting.failures > 1:
        wait = min(usual * 2 ** min(sighting.failures - 2, 10), max(usual, timedelta(minutes=15)))
        wait = min(wait, usual * 2) if troubled else wait
    elif troubled:
        wait = usual / 2
    if retry_at is not None and retry_at - at > wait:
        wait = retry_at - at
    return wait


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]
