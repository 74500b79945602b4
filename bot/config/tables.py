"""One table of the configuration; every mistake in it is one line that names the place and the mend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bot.config.parse import nearest, parse_named, quoted
from bot.errors import UsageError

T = TypeVar("T")

_WORDS: Mapping[type, str] = {
    str: 'a text in quotes, such as "…"',
    bool: "true or false, without quotes",
    int: "a whole number, without quotes",
    list: 'a list of texts, such as ["…"]',
    dict: 'a table, such as {critical = "<!here>"}',
}


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the configuration or of a recording's header; every error names where it stands and the key."""

    values: Mapping[str, object]
    where: str
    own: bool = True  #: written by the operator: unknown keys are mistakes, addresses are trusted

    def error(self, key: str, why: str) -> UsageError:
        """What to raise for a key."""
        return UsageError(f"{self.where}, {key}: {why}")

    def only(self, *keys: str) -> None:
        """Refuse keys other than these. A recording's may come from a later version: they are passed over."""
        for key in self.values if self.own else ():
            if key not in keys:
                raise UsageError(f"{self.where}: unknown setting {quoted(key)}{nearest(key, keys)}")

    def get(self, key: str, kind: type[T], default: T | None) -> T:
        """A value of one type. No default: it must be there. Raises UsageError."""
        value = self.values.get(key, default)
        if value is None:
            raise self.error(key, f"is missing; write {_WORDS[kind]}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(key, f"write {_WORDS[kind]}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self.get(key, str, default).strip()
        if not value:
            raise self.error(key, "is empty")
        return value

    def parsed(self, key: str, parse: Callable[[str], T], default: T) -> T:
        """A text in a form of its own; the default where the key is absent."""
        return self.required(key, parse) if key in self.values else default

    def required(self, key: str, parse: Callable[[str], T]) -> T:
        """A text in a form of its own that must be there."""
        return parse_named(f"{self.where}, {key}", parse, self.text(key))

    def names(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts, without repeats."""
        entries = self.get(key, list, list(default))
        if not all(isinstance(entry, str) and entry.strip() for entry in entries):
            raise self.error(key, f"write {_WORDS[list]}")
        return tuple(dict.fromkeys(entry.strip() for entry in entries))

    def tables(self, key: str) -> list[Table]:
        """A list of tables, each named by its place."""
        entries = self.get(key, list, []) if isinstance(self.values.get(key, []), list) else [None]
        if not all(isinstance(entry, dict) for entry in entries):
            raise self.error(key, f"write each one under a line [[{key}]]")
        return [Table(entry, f"{self.where}, {key} {n}", self.own) for n, entry in enumerate(entries, 1)]
