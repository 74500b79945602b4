"""A subscription in a line."""

from __future__ import annotations

from bot.model import Subscription


def subscription_words(subscription: Subscription) -> str:
    """`slack:C01 <- microsoft-365 (thread, from minor impact; components Exchange Online)`."""
    facts = [subscription.mode.value]
    if subscription.min_impact.rank:
        facts.append(f"from {subscription.min_impact.value} impact")
    for name, values in (("components", subscription.components), ("regions", subscription.regions)):
        if values:
            facts.append(f"{name} {', '.join(values)}")
    if not subscription.maintenance:
        facts.append("no maintenances")
    source = "statusbot.toml" if subscription.origin == "file" else "command"
    providers = ", ".join(subscription.providers) or "every provider"
    return f"{subscription.to} <- {providers} ({'; '.join(facts)}) [{source}]"
