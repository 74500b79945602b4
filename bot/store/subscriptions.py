"""The ledger's part that keeps who wants what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from sqlalchemy import delete, insert, select, update

from bot.model import Destination, Subscription
from bot.store.part import Part, Row
from bot.store.schema import subscription_facets as facets
from bot.store.schema import subscriptions as table


class Subscriptions(Part):
    """ports.Ledger's part about subscriptions."""

    def subscriptions(self) -> list[Subscription]:
        """All of them, oldest first."""
        return [subscription_of(row) for row in self._rows(select(table).order_by(table.c.id))]

    def subscribe(self, subscription: Subscription) -> Subscription:
        """Add it, or replace the one with the same destination, providers and origin; its id filled in."""
        for other in self._of(subscription.to, subscription.origin):
            if _named(other.providers) == _named(subscription.providers):
                return self._replace(other.id, subscription)
        return self._add(subscription)

    def unsubscribe(self, to: Destination, providers: Collection[str]) -> list[Subscription]:
        """Take providers (all, where none is named) off a destination's subscriptions made by command; what went.

        A subscription to every provider stays unless all are taken off: it cannot say "all but one".
        """
        unwanted = _named(providers)
        gone = []
        for subscription in self._of(to, "command"):
            taken = tuple(name for name in subscription.providers if name.casefold() in unwanted)
            if taken or not unwanted:
                self._reduce(subscription, taken or subscription.providers)
                gone.append(replace(subscription, providers=taken or subscription.providers))
        return gone

    def adopt_file(self, subscriptions: Sequence[Subscription]) -> list[Subscription]:
        """Make the subscriptions of origin `file` be exactly these; those that stay as they are keep their ids.

        The new ones.
        """
        wanted: defaultdict[str, list[Subscription]] = defaultdict(list)  # by destination, to be quick with many
        for subscription in subscriptions:
            wanted[str(subscription.to)].append(replace(subscription, origin="file", id=0))
        for standing in self._of(None, "file"):
            if (same := replace(standing, id=0)) in wanted[str(standing.to)]:
                wanted[str(standing.to)].remove(same)
            else:
                self._drop(standing.id)
        return [self._add(subscription) for some in wanted.values() for subscription in some]

    def _of(self, to: Destination | None, origin: str) -> list[Subscription]:
        """The subscriptions of an origin, of one destination or of all."""
        query = select(table).where(table.c.origin == origin).order_by(table.c.id)
        if to is not None:
            query = query.where(table.c.destination == str(to))
        return [subscription_of(row) for row in self._rows(query)]

    def _add(self, subscription: Subscription) -> Subscription:
        adding = insert(table).values(subscription_row(subscription)).returning(table.c.id)
        return self._name(replace(subscription, id=self._db.execute(adding).scalar_one()))

    def _replace(self, old: int, subscription: Subscription) -> Subscription:
        self._db.execute(update(table).where(table.c.id == old).values(subscription_row(subscription)))
        self._db.execute(delete(facets).where(facets.c.subscription_id == old))
        return self._name(replace(subscription, id=old))

    def _name(self, subscription: Subscription) -> Subscription:
        """Write what it names, to be found by; itself."""
        self._upsert(facets, facet_rows(subscription))
        return subscription

    def _reduce(self, subscription: Subscription, taken: Collection[str]) -> None:
        """Take providers off; a subscription that would be left with none goes."""
        left = tuple(name for name in subscription.providers if name not in taken)
        if left:
            self._replace(subscription.id, replace(subscription, providers=left))
        else:
            self._drop(subscription.id)

    def _drop(self, subscription: int) -> None:
        self._db.execute(delete(table).where(table.c.id == subscription))


def destination_of(text: str) -> Destination:
    """`slack:C0123456789` as a destination."""
    kind, _, name = text.partition(":")
    return Destination(kind, name)


def subscription_row(subscription: Subscription) -> Row:
    """A subscription's own row, without its id."""
    return {
        "kind": subscription.to.kind,
        "destination": str(subscription.to),
        "providers": subscription.providers,
        "components": subscription.components,
        "regions": subscription.regions,
        "every_provider": not subscription.providers,
        "every_component": not subscription.components,
        "every_region": not subscription.regions,
        "min_impact": subscription.min_impact,
        "min_rank": subscription.min_impact.rank,
        "mode": subscription.mode,
        "maintenance": subscription.maintenance,
        "mention": subscription.mention,
        "fallback": str(subscription.fallback) if subscription.fallback else None,
        "origin": subscription.origin,
    }


def facet_rows(subscription: Subscription) -> list[Row]:
    """What it names, a row each, case-folded."""
    named = {
        "provider": subscription.providers,
        "component": subscription.components,
        "region": subscription.regions,
    }
    return [
        {"kind": kind, "value": value, "subscription_id": subscription.id}
        for kind, values in named.items()
        for value in sorted(_named(values))
    ]


def subscription_of(row: Row) -> Subscription:
    """A subscription from its row."""
    return Subscription(
        id=row["id"],
        to=destination_of(row["destination"]),
        providers=row["providers"],
        components=row["components"],
        regions=row["regions"],
        min_impact=row["min_impact"],
        mode=row["mode"],
        maintenance=row["maintenance"],
        mention=row["mention"],
        fallback=destination_of(row["fallback"]) if row["fallback"] else None,
        origin=row["origin"],
    )


def _named(values: Iterable[str]) -> frozenset[str]:
    """Names to compare by."""
    return frozenset(value.casefold() for value in values)
