"""The words of the field, as CONTRACT.md fixes them: what a status, an impact, a belief, a mode, an act can be."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Atlassian Statuspage's incident statuses, then its maintenance statuses."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"

    @property
    def closed(self) -> bool:
        """Whether the event is over."""
        return self in CLOSED


CLOSED = (Status.RESOLVED, Status.POSTMORTEM, Status.COMPLETED)


class Impact(StrEnum):
    """Atlassian Statuspage's impacts, least first; `maintenance` stands beside them and counts as none."""

    NONE = "none"
    MAINTENANCE = "maintenance"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (none, maintenance) to 3 (critical)."""
        return {"none": 0, "maintenance": 0, "minor": 1, "major": 2, "critical": 3}[self.value]


class Belief(StrEnum):
    """How far a source can be believed (DESIGN.md, rule of truth 2)."""

    OK = "ok"
    STALE = "stale"
    UNREADABLE = "unreadable"
    SILENT = "silent"
    UNKNOWN = "unknown"  #: not asked yet


class Mode(StrEnum):
    """How updates are told to a destination (CONTRACT.md, "Modes")."""

    THREAD = "thread"
    EDIT = "edit"
    POST = "post"


class Act(StrEnum):
    """What a delivery does at its destination."""

    CREATE = "create"  #: the incident's one message, in the modes `thread` and `edit`
    EDIT = "edit"  #: that message brought up to date
    REPLY = "reply"  #: an update under it
    POST = "post"  #: an update as a message of its own
    DIGEST = "digest"  #: a window of time summed up, of no incident


class State(StrEnum):
    """Where a delivery stands in the ledger."""

    PENDING = "pending"
    SENDING = "sending"
    DOUBTFUL = "doubtful"
    SENT = "sent"
    HELD = "held"
    DEAD = "dead"


class Relation(StrEnum):
    """What an incident is to another from which it is kept apart."""

    RECURRENCE = "recurrence_of"  #: it began after the other was over, and reads like it
    POSSIBLY = "possibly"  #: the two may be the same; it stands on both
