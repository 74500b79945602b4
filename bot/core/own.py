"""Our own trouble in words, and the notices that tell of it; also the message of `statusbot test`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.core.document import REDIRECTED
from bot.core.health import CONFIRM, NETWORK
from bot.core.summary import duration
from bot.model import Act, Belief, Destination, Incident, Notice, Sighting, Status, Trouble, Update

NAME = "statusbot"


def of_source(sighting: Sighting, moved: str = "", warning: str = "") -> Mapping[str, str]:
    """What is wrong on our side of one source: key -> words, empty where it is well; nothing while nothing is known.

    moved: the address to which its page redirects. warning: its kind's own, of what it has spent.
    """
    if sighting.reason == NETWORK:
        return {}  # what was wrong may be so still
    source = sighting.source
    lost = sighting.belief is Belief.UNREADABLE and sighting.failures >= CONFIRM
    gone = lost and bool(moved) and sighting.reason.startswith(REDIRECTED)
    refused = lost and sighting.ours
    return {
        f"moved|{source}": f"{source} moved to {moved} : name the new address in statusbot.toml" if gone else "",
        f"refused|{source}": f"{source} cannot be read (our settings): {sighting.reason}" if refused else "",
        f"spending|{source}": f"{source}: {warning}" if warning else "",
    }


def of_network(offline: datetime | None) -> Mapping[str, str]:
    """Whether most sources fail together since `offline` (rule of truth 3)."""
    words = f"most sources fail since {offline:%H:%M} UTC: {NETWORK}; no page is accused" if offline else ""
    return {"network": words}


def ended(trouble: Trouble, at: datetime) -> str:
    """The words of an end: `over after 12 min: …`."""
    return f"over after {duration(at - trouble.since)}: {trouble.words}"


def notice(trouble: Trouble) -> Notice:
    """What the operator is told: that it began, or that it is over (with what it was, where nobody was told)."""
    words = trouble.ending if trouble.until else trouble.words
    if trouble.until and not trouble.told and trouble.words not in words:
        words = f"{trouble.words}\n{words}"
    return _alone(trouble.name, words, trouble.since, trouble.until, own=True)


def trial(to: Destination, at: datetime) -> Notice:
    """The message of `statusbot test`."""
    words = f"statusbot can reach {to}. Nothing is wrong, and nothing follows."
    return _alone(f"test|{to}|{at.isoformat()}", words, at, at, test=True)


def _alone(
    key: str, words: str, since: datetime, until: datetime | None, *, own: bool = False, test: bool = False
) -> Notice:
    """A notice of no provider's incident, in the shape in which every platform can render it."""
    at = until or since
    update = Update(key, at, words, observed=key)
    status = Status.RESOLVED if until else Status.INVESTIGATING
    title = "test message" if test else "trouble of its own"
    incident = Incident(key, NAME, title, status, since, at, resolved_at=until, updates=(update,))
    return Notice(incident, (update,), Act.POST, key, provider_name=NAME, own=own, test=test)
