"""Every value that crosses a seam of the corridor: frozen, slotted, and with nothing of any platform in it.

fetch -> Capture -> parse -> Item -> normalise -> Report -> link -> Change -> route -> Delivery -> render -> Message
"""

from __future__ import annotations

from bot.model.sources import (
    NOTHING,
    SHORT,
    Capture,
    Cursor,
    Directory,
    Item,
    Parts,
    Provider,
    Sighting,
    Source,
    Validators,
)
from bot.model.telling import (
    NOBODY,
    Aside,
    Delivery,
    Destination,
    Message,
    Mute,
    Notice,
    Outcome,
    Picture,
    Receipt,
    Rest,
    Routing,
    Subscription,
    Trouble,
    Verdict,
)
from bot.model.timeline import Change, Corrections, Incident, Known, Near, Related, Report, Update
from bot.model.words import CLOSED, Act, Belief, Impact, Mode, Relation, State, Status

__all__ = [
    "CLOSED",
    "NOBODY",
    "NOTHING",
    "SHORT",
    "Act",
    "Aside",
    "Belief",
    "Capture",
    "Change",
    "Corrections",
    "Cursor",
    "Delivery",
    "Destination",
    "Directory",
    "Impact",
    "Incident",
    "Item",
    "Known",
    "Message",
    "Mode",
    "Mute",
    "Near",
    "Notice",
    "Outcome",
    "Parts",
    "Picture",
    "Provider",
    "Receipt",
    "Related",
    "Relation",
    "Report",
    "Rest",
    "Routing",
    "Sighting",
    "Source",
    "State",
    "Status",
    "Subscription",
    "Trouble",
    "Update",
    "Validators",
    "Verdict",
]
