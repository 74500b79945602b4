"""The providers known by name: the data of providers.toml, and what finds an entry in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from bot import collectors
from bot.errors import UsageError
from bot.model import Provider, Source

ALIKE = 70  #: of 100: how much a word must look like a name to be shown for it
SHOWN = 3  #: entries named in an error


@cache
def catalogue() -> Mapping[str, Provider]:
    """Every entry by its id, in the order of the data. Their sources are not trusted: they stand in public."""
    data = tomllib.loads(files(__name__).joinpath("providers.toml").read_text(encoding="utf-8"))
    return MappingProxyType({entry["id"]: _provider(entry) for entry in data["provider"]})


def _provider(entry: Mapping[str, Any]) -> Provider:
    return Provider(
        id=entry["id"],
        name=entry["name"],
        sources=tuple(_source(entry["id"], source) for source in entry["source"]),
        aliases=tuple(entry.get("aliases", ())),
        components=_names(entry.get("components", {})),
        regions=_names(entry.get("regions", {})),
    )


def _source(provider: str, entry: Mapping[str, Any]) -> Source:
    private = collectors.REGISTRY[entry["kind"]].private
    return Source(id=f"{provider}/{entry['name']}", provider=provider, private=private, **entry)


def _names(table: Mapping[str, list[str]]) -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(words) for name, words in table.items()}


# --- looking for one ---------------------------------------------------------------------------------------------


def find(words: str) -> list[Provider]:
    """The entries that words may mean, best first: by id, name, alias, or with a typing error. No words: all."""
    wanted = _folded(words)
    scored = [(_score(wanted, provider), provider) for provider in catalogue().values()]
    return [provider for score, provider in sorted(scored, key=lambda pair: -pair[0]) if score >= ALIKE]


def _score(wanted: str, provider: Provider) -> float:
    """0 to 100: how well words fit an entry; the beginning of a word of a name is worth more than a likeness."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415  # needed only when somebody searches

    if not wanted:
        return 100.0
    names = [_folded(name) for name in (provider.id, provider.name, *provider.aliases)]
    if wanted in names:
        return 100.0
    if any(f" {wanted}" in f" {name}" for name in names):
        return 95.0
    parts = {part for name in names for part in (name, *name.split())}
    return max(94 * OSA.normalized_similarity(wanted, part) for part in parts)


def _folded(words: str) -> str:
    return " ".join(re.findall(r"\w+", words.casefold()))


def provider_for(word: str) -> Provider:
    """What one word of `watch` means: a catalogue id, or the address of any status page. Raises UsageError.

    The operator wrote the address, so it may be a private one.
    """
    if word in catalogue():
        return catalogue()[word]
    if "://" in word:
        return _at(word)
    raise UsageError(_unknown(word))


def _unknown(word: str) -> str:
    found = [f'"{provider.id}"' for provider in find(word)[:SHOWN]]
    shown = word if word.isprintable() and len(word) <= 40 else "this"
    mend = f"did you mean {' or '.join(found)}?" if found else "write its status page's address instead"
    return f'"{shown}" is no provider of the catalogue; {mend}'


def _at(address: str) -> Provider:
    """The page at an address: the catalogue's entry that has it, else a provider named after the host."""
    place = _place(address)
    for provider in catalogue().values():
        if any(source.url and _place(source.url) == place for source in provider.sources):
            return provider
    slug = re.sub(r"[^a-z0-9]+", "-", place).strip("-")
    page = Source(id=f"{slug}/page", provider=slug, name="page", kind="statuspage", url=address.strip(), trusted=True)
    return Provider(slug, place, (page,))


def _place(address: str) -> str:
    """Host, port and path of an http or https address, in small letters. Raises UsageError, without the address."""
    try:
        parts = urlsplit(address.strip())
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        raise UsageError(_NO_ADDRESS) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", address.strip()):
        raise UsageError(_NO_ADDRESS)
    return f"{parts.hostname}{port}{parts.path.rstrip('/').lower()}"


_NO_ADDRESS = "no http or https address; write it whole, such as https://status.example.com"
