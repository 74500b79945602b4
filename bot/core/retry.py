"""What a try's outcome means for its delivery: told, again later, looked for first, or given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.errors import Doubtful, SendError, Temporary, Unsendable
from bot.model import Act, Delivery, State

PATIENCE = timedelta(hours=24)  #: how long a delivery that is only put off is tried
LOOK = timedelta(seconds=1)  #: before a doubtful delivery is looked for


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state to write, and when to go on."""

    state: State
    due: datetime | None = None
    reason: str = ""


def verdict(delivery: Delivery, error: SendError, now: datetime, wait: timedelta) -> Verdict:
    """What to do after a try that was not confirmed; `wait` is the back-off where the platform names none."""
    reason = str(error)
    if isinstance(error, Doubtful):
        if delivery.act is Act.EDIT:  # saying it twice is saying it once
            return Verdict(State.PENDING, now + wait, reason)
        return Verdict(State.DOUBTFUL, now + LOOK, reason)
    if isinstance(error, Temporary):
        if delivery.created_at is not None and now - delivery.created_at > PATIENCE:
            return Verdict(State.DEAD, None, f"given up after {PATIENCE.total_seconds() / 3600:.0f} h: {reason}")
        return Verdict(State.PENDING, now + max(error.delay or timedelta(0), wait), reason)
    return Verdict(State.DEAD if isinstance(error, Unsendable) else State.HELD, None, reason)
