"""The errors that cross a seam; each carries the advice of what to do next.

StatusbotError
├── UsageError              the person asked or configured something that cannot be: one line, exit code 2
├── Lost                    another process has taken up what this one had in hand: drop it
├── Unreadable              a capture that says nothing believable (reason, ours)
└── SendError               a delivery that was not confirmed
    ├── Temporary           try again (after `delay`, where the platform named one)
    ├── Permanent           never again until somebody mends the destination
    │   └── Unsendable      only this message: others may go there
    └── Doubtful            it may have arrived: look before sending again
"""

from __future__ import annotations

from datetime import timedelta


class StatusbotError(Exception):
    """The root; its text is one line that may be shown to anybody: no secret ever stands in it."""


class UsageError(StatusbotError):
    """Wrong use or wrong configuration; the text names the setting and the mend."""


class Lost(StatusbotError):
    """What was in hand is another process's now; nothing of it was written."""


class Unreadable(StatusbotError):
    """A capture from which nothing can be believed.

    reason: what a reader may be shown, without the source's name: "429 Too Many Requests", "HTML where JSON should be".
    ours: the fault lies in our own settings (a token, a scope, a budget): the operator is told, no provider accused.
    """

    def __init__(self, reason: str, *, ours: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ours = ours


class SendError(StatusbotError):
    """A delivery that was not confirmed; the subclass says what to do."""


class Temporary(SendError):
    """Not accepted now. delay: what the platform asked us to wait; None lets the back-off decide.

    wide: the wait is for everything that the destination's account sends.
    """

    def __init__(self, reason: str, *, delay: timedelta | None = None, wide: bool = False) -> None:
        super().__init__(reason)
        self.delay = delay
        self.wide = wide


class Permanent(SendError):
    """Refused for good (unknown channel, token revoked, webhook gone): the destination is set aside."""


class Unsendable(Permanent):
    """This message will never be taken, whatever becomes of the destination (its shape, the one that it stands on)."""


class Doubtful(SendError):
    """The answer was lost after the request may have been acted upon."""
