"""What is watched: the providers and subscriptions that settings and commands name, resolved and wired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeVar

from bot import collectors, notifiers
from bot.catalog import catalogue, provider_for
from bot.config import Settings, check_destination, nearest, parse_destination, parse_impact, parse_mode
from bot.core.match import Vocabulary
from bot.errors import UsageError
from bot.model import Directory, Mode, Provider, Source, Subscription
from bot.ports import Collector, Tools
from bot.reading import Watched

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Watching:
    """The watched providers, and the sources among theirs that cannot be asked, with the reason."""

    providers: tuple[Provider, ...]
    left_out: Mapping[str, str]


def watching(settings: Settings) -> Watching:
    """The providers that the settings name, resolved. Raises UsageError for an unknown one."""
    own = {provider.id: provider for provider in settings.providers}
    named = [_named(settings, word) for word in settings.watch if word not in own]
    every = {provider.id: provider for provider in [*named, *(known(provider) for provider in own.values())]}
    for entry in settings.subscriptions:
        for name in entry.providers:
            if name not in every:
                raise UsageError(f"{settings.path}: subscription to {entry.to} names {not_watched(name, every)}")
    left_out = {}
    for provider in every.values():
        for source in provider.sources:
            lacking = [name for name in collectors.REGISTRY[source.kind].needs if not settings.env.get(name)]
            if lacking:
                left_out[source.id] = f"not asked: {', '.join(lacking)} not set"
    return Watching(tuple(every.values()), left_out)


def _named(settings: Settings, word: str) -> Provider:
    try:
        return provider_for(word)
    except UsageError as error:
        raise UsageError(f"{settings.path}, watch: {error}") from error


def not_watched(name: str, every: Iterable[str]) -> str:
    """What to say of a provider that is named but not watched, with the mend."""
    words = list(every)
    if get_close_matches(name.lower(), words, n=1):
        return f'"{name}", which is not watched{nearest(name, words)}'
    watched = ", ".join(words) or "none"
    return f'"{name}", which is not watched; add it to `watch` in statusbot.toml (watched: {watched})'


def known(provider: Provider) -> Provider:
    """A provider of the configuration or of a recording, with what the catalogue knows of its names."""
    entry = catalogue().get(provider.id)
    if entry is None:
        return provider
    return replace(
        provider,
        name=entry.name if provider.name == provider.id else provider.name,
        aliases=provider.aliases or entry.aliases,
        components=provider.components or entry.components,
        regions=provider.regions or entry.regions,
    )


def directory_of(providers: Iterable[Provider]) -> Directory:
    """What readers call the providers and their sources."""
    every = list(providers)
    labels = {source.id: label_of(source) for provider in every for source in provider.sources}
    return Directory({provider.id: provider.name for provider in every}, labels)


def vocabulary_of(provider: str, providers: Iterable[Provider]) -> Vocabulary:
    """The names that a provider's components and regions go by; the catalogue's, where it is none of these."""
    found = next((each for each in providers if each.id == provider), None) or known(Provider(provider, provider))
    return Vocabulary(found.components, found.regions)


def label_of(source: Source) -> str:
    """What a reader calls a source: `the status page`, `X (@MSFT365Status)`."""
    label = collectors.REGISTRY[source.kind].label
    return f"{label} (@{source.account.lstrip('@')})" if source.account else label


def wire(providers: Iterable[Provider], tools: Tools, left_out: Mapping[str, str] | None = None) -> list[Watched]:
    """Every source that can be asked, with its collector and what is known of its family."""
    made: dict[str, Collector] = {}
    watched = []
    for provider in providers:
        asked = [source for source in provider.sources if source.id not in (left_out or {})]
        kinds = {source.id: collectors.REGISTRY[source.kind] for source in asked}
        for source in asked:
            if source.kind not in made:
                made[source.kind] = collectors.load(source.kind, tools)
            watched.append(
                Watched(
                    source=source,
                    collector=made[source.kind],
                    vocabulary=Vocabulary(provider.components, provider.regions),
                    siblings={sibling.id: label_of(sibling) for sibling in asked},
                    hosted=frozenset(name for name, kind in kinds.items() if kind.hosted),
                    likeness=any(not kind.threads for kind in kinds.values()),
                    lists_open=kinds[source.id].lists_open,
                )
            )
    return watched


def subscription_of(
    settings: Settings,
    watch: Watching,
    to: str,
    providers: Sequence[str],
    components: Sequence[str],
    regions: Sequence[str],
    min_impact: str,
    mode: str | None,
    maintenance: bool,
) -> Subscription:
    """A subscription as a command asks for it, its names made those of the catalogue. Raises UsageError."""
    destination = parse_destination(to)
    check_destination(destination, settings.env)
    watched = {provider.id: provider for provider in watch.providers}
    for name in providers:
        if name not in watched:
            raise UsageError(f"PROVIDER: {not_watched(name, watched)}")
    for option, names in (("--component", components), ("--region", regions)):
        if not all(name.strip() for name in names):
            raise UsageError(f"{option}: is empty; write a name, or leave it out for all")
    return Subscription(
        to=destination,
        providers=tuple(providers),
        components=components_named(components, [watched[name] for name in providers]),
        min_impact=_option("--min-impact", parse_impact, min_impact),
        mode=notifiers.mode_for(
            destination.kind, _option("--mode", parse_mode, mode) if mode is not None else Mode.THREAD
        ),
        regions=tuple(regions),
        maintenance=maintenance,
    )


def _option(name: str, parse: Callable[[str], T], words: str) -> T:
    try:
        return parse(words)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from error


def subscriptions_named(subscriptions: Iterable[Subscription], providers: Iterable[Provider]) -> list[Subscription]:
    """Subscriptions of a file with their components by the catalogue's names."""
    every = list(providers)
    return [
        replace(entry, components=components_named(entry.components, [p for p in every if _wants(entry, p)]))
        for entry in subscriptions
    ]


def _wants(subscription: Subscription, provider: Provider) -> bool:
    return not subscription.providers or provider.id in subscription.providers


def components_named(words: Sequence[str], providers: Iterable[Provider]) -> tuple[str, ...]:
    """Components by the catalogue's names for them: `Outlook` is Exchange Online."""
    vocabularies = [Vocabulary(provider.components) for provider in providers]
    return tuple(next((v.canonical(word) for v in vocabularies if v.canonical(word) != word), word) for word in words)
