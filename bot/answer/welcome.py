"""What a destination is told at once: what is open when it subscribes, and what began while it was muted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.core.match import Vocabulary
from bot.core.route import as_it_stands, welcome
from bot.model import Destination, Incident, Mute, Provider, Subscription
from bot.ports import Ledger

MANY = 10  #: incidents of which it is told at once; the status says what else is open


def greet(ledger: Ledger, subscription: Subscription, providers: Sequence[Provider], at: datetime) -> list[Incident]:
    """Queue for a new subscriber what is open now; those incidents that it will be told of."""
    return _catch_up(ledger, subscription.to, _wanted(subscription, providers), at)


def going_on(ledger: Ledger, subscription: Subscription, providers: Sequence[Provider], at: datetime) -> list[Incident]:
    """What is open now at its providers, whether or not its filter lets it through and whether or not it was told."""
    wanted = _wanted(subscription, providers)
    return [found for each in wanted for found in welcome(ledger.timeline(provider=each.id, open_only=True), at)]


def _wanted(subscription: Subscription, providers: Sequence[Provider]) -> list[Provider]:
    return [entry for entry in providers if not subscription.providers or entry.id in subscription.providers]


def hear_again(ledger: Ledger, mute: Mute, providers: Sequence[Provider], at: datetime) -> list[Incident]:
    """Queue what began while a destination was muted and is still open, once the mute is taken away."""
    return _catch_up(ledger, mute.to, [entry for entry in providers if mute.incident or entry.id == mute.provider], at)


def lapse(ledger: Ledger, providers: Sequence[Provider], at: datetime) -> list[Incident]:
    """Take away the mutes whose time is over, and queue what began meanwhile."""
    return [incident for mute in ledger.lapse(at) for incident in hear_again(ledger, mute, providers, at)]


def _catch_up(ledger: Ledger, to: Destination, providers: Sequence[Provider], at: datetime) -> list[Incident]:
    told: list[Incident] = []
    for provider in providers:
        vocabulary = Vocabulary(provider.components, provider.regions)
        for incident in welcome(ledger.timeline(provider=provider.id, open_only=True), at):
            if len(told) < MANY and ledger.route(as_it_stands(incident, vocabulary), at, to):
                told.append(incident)
    return told
