"""A window of time -> a summary -> the same outbox: what the ledger knows of a window, and for whom it is queued."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from bot.core.digest import Account, Digest, account_of, digest
from bot.core.digest_shape import digest_json
from bot.core.window import Window
from bot.model import Delivery, Destination, Directory, Provider, State
from bot.ports import Ledger

Find = Callable[[str], Provider]


def summary(
    ledger: Ledger, providers: Sequence[Provider], find: Find, directory: Directory, window: Window, zone: str
) -> Digest:
    """The digest of a window: of the watched providers, and of those of which the ledger knows something in it.

    find: a provider of which only the id is known. zone: in whose times it is told.
    """
    since, until = window.since, window.until
    incidents = ledger.timeline(since=since)
    beliefs = ledger.beliefs(since, until)
    sightings = ledger.sightings()
    watched = {provider.id: provider for provider in providers}
    spoken = [*(incident.provider for incident in incidents), *(source.partition("/")[0] for source in beliefs)]
    every = [watched.get(name) or find(name) for name in dict.fromkeys([*watched, *sorted(spoken)])]

    def account(provider: Provider) -> Account:
        own = {source: edges for source, edges in beliefs.items() if source.partition("/")[0] == provider.id}
        about = [incident for incident in incidents if incident.provider == provider.id]
        return account_of(provider, about, own, sightings, directory.labels, since, until)

    made = map(account, every)
    return digest([each for each in made if each.id in watched or each.watched or each.news], since, until, zone)


def queue(ledger: Ledger, made: Digest, window: Window, to: Iterable[Destination], at: datetime) -> list[Delivery]:
    """The deliveries that are to be sent now: queued, or left from an earlier try; those already told are left out."""
    document = digest_json(made)
    standing = [ledger.queue_digest(window.name, each, document, at, window.again) for each in dict.fromkeys(to)]
    return [delivery for delivery in standing if delivery.state is not State.SENT]
