"""Which providers carry our own messages, which may not arrive while one of them is in trouble (rule of delivery 6)."""

from __future__ import annotations

from collections.abc import Mapping

#: a destination's kind -> the catalogue's ids of whoever carries its messages
CARRIERS: Mapping[str, tuple[str, ...]] = {
    "teams": ("microsoft-365",),
    "slack": ("slack",),
    "slack-webhook": ("slack",),
    "discord": ("discord",),
    "discord-webhook": ("discord",),
}
#: kinds whose yes means queued, never shown (FACTS.md, "Microsoft Teams")
QUEUED = frozenset({"teams"})


def carried_by(provider: str) -> tuple[str, ...]:
    """The kinds of destinations whose messages a provider carries."""
    return tuple(kind for kind, carriers in CARRIERS.items() if provider in carriers)
