"""Tables to providers, sources and subscriptions; those of a recording's header too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from bot import collectors, notifiers
from bot.config.parse import (
    parse_account,
    parse_address,
    parse_destination,
    parse_empty,
    parse_id,
    parse_impact,
    parse_interval,
    parse_kind,
    parse_mode,
    parse_named,
    quoted,
)
from bot.config.tables import Table
from bot.model import NOTHING, Impact, Mode, Provider, Source, Subscription


def providers_from(header: Mapping[str, object]) -> tuple[Provider, ...]:
    """The providers that a recording's header names; none of their addresses is trusted. Raises UsageError."""
    return read_providers(Table(header, "the recording's header", own=False).tables("providers"), "sources")


def read_providers(tables: Iterable[Table], sources: str) -> tuple[Provider, ...]:
    """The providers of tables whose `sources` key holds their sources. Raises UsageError."""
    found: dict[str, Provider] = {}
    for table in tables:
        table.only("id", "name", sources)
        provider = table.required("id", parse_id)
        if provider in found:
            raise table.error("id", f"{quoted(provider)} stands twice; give each provider an id of its own")
        found[provider] = _provider(table, provider, sources)
    return tuple(found.values())


def _provider(table: Table, provider: str, sources: str) -> Provider:
    found: dict[str, Source] = {}
    for entry in table.tables(sources):
        source = _source(entry, provider)
        if source.id in found:
            raise entry.error("name", f"{quoted(source.name)} stands twice; give each source a name of its own")
        found[source.id] = source
    if not found:
        raise table.error(sources, f"is missing; give {provider} one at least")
    return Provider(provider, table.text("name", provider), tuple(found.values()))


def _source(table: Table, provider: str) -> Source:
    table.only("name", "kind", "url", "account", "interval", "private", "empty", "budget")
    name, kind = table.required("name", parse_id), table.required("kind", parse_kind)
    known = collectors.REGISTRY[kind]
    # A kind with variables of its own has its address among them (MSGRAPH_URL); for it `url` only narrows it.
    needs_url = not known.by_account and not known.needs
    budget = table.get("budget", int, 0)
    if budget < 0:
        raise table.error("budget", "write 0 or more posts a month")
    return Source(
        id=f"{provider}/{name}",
        provider=provider,
        name=name,
        kind=kind,
        url=table.required("url", parse_address) if needs_url else table.parsed("url", parse_address, ""),
        account=table.required("account", parse_account) if known.by_account else "",
        interval=table.parsed("interval", parse_interval, timedelta(seconds=60)),
        private=table.get("private", bool, known.private),
        trusted=table.own,
        empty=table.parsed("empty", parse_empty, "health"),
        budget=budget,
    )


def subscriptions_from(header: Mapping[str, object]) -> tuple[Subscription, ...]:
    """The subscriptions that a recording's header names. Raises UsageError."""
    table = Table(header, "the recording's header", own=False)
    return tuple(read_subscription(entry) for entry in table.tables("subscriptions"))


def read_subscription(table: Table) -> Subscription:
    """The subscription of a table. Raises UsageError."""
    table.only(
        *("to", "providers", "components", "min_impact", "mode", "regions", "maintenance", "mention", "fallback")
    )
    to = table.required("to", parse_destination)
    mode = table.parsed("mode", parse_mode, Mode.THREAD)
    return Subscription(
        to=to,
        providers=table.names("providers"),
        components=table.names("components"),
        min_impact=table.parsed("min_impact", parse_impact, Impact.NONE),
        mode=mode if mode in notifiers.REGISTRY[to.kind].modes else Mode.POST,
        regions=table.names("regions"),
        maintenance=table.get("maintenance", bool, True),
        mention=_mention(table),
        fallback=table.parsed("fallback", parse_destination, None),
        origin="file",
    )


def _mention(table: Table) -> Mapping[str, str]:
    words = Table(table.get("mention", dict, dict(NOTHING)), f"{table.where}, mention", table.own)
    return {parse_named(words.where, parse_impact, key).value: words.text(key) for key in words.values}
