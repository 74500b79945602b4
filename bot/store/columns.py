"""How our values stand in columns: instants as microseconds, enums as their words, collections as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator

from bot.model import Related, Relation

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970 in UTC: exact, and it compares and sorts as a number.

    Raises ValueError (within SQLAlchemy's StatementError) for a naive one.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To the column."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value.isoformat()}")
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """From the column, in UTC."""
        return None if value is None else EPOCH + value * MICROSECOND


class Word(TypeDecorator[StrEnum]):
    """A member of one of our enums, as its string."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """To the column. Raises ValueError for a word that the enum lacks."""
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """From the column."""
        return None if value is None else self.kind(value)


class Strings(TypeDecorator[tuple[str, ...]]):
    """A row of strings as a JSON array, in its order."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        """To the column."""
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        """From the column."""
        return None if value is None else tuple(orjson.loads(value))


class Document(TypeDecorator[Mapping[str, Any]]):
    """A mapping (dataclasses among its values, too) as a JSON object."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:
        """To the column."""
        return None if value is None else orjson.dumps(dict(value), option=orjson.OPT_SORT_KEYS).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Mapping[str, Any] | None:
        """From the column."""
        return None if value is None else dict(orjson.loads(value))


class Relations(TypeDecorator[tuple[Related, ...]]):
    """The incidents beside one, as a JSON array."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[Related, ...] | None, dialect: Dialect) -> str | None:
        """To the column."""
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Related, ...] | None:
        """From the column."""
        return None if value is None else tuple(map(_related, orjson.loads(value)))


def _related(row: Mapping[str, Any]) -> Related:
    times = {name: datetime.fromisoformat(row[name]) for name in ("at", "begun")}
    return Related(row["id"], Relation(row["relation"]), row["title"], tuple(row["references"]), **times)
