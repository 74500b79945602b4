"""Many values in one parameter and many rows in one value: one by one, they cost SQLite more than the work itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Dialect, Select, Text, bindparam, column, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

ARRAYS = "postgresql"  #: the dialect that has them


class Values(TypeDecorator[Collection[Any]]):
    """Values of one type as one parameter: an array where the database has such, else JSON."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[TypeEngine[Any]]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The database's own type."""
        return dialect.type_descriptor(ARRAY(self.kind) if dialect.name == ARRAYS else Text())

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        """To the parameter; None is no values."""
        values = list(value or ())
        return values if dialect.name == ARRAYS else orjson.dumps(values).decode()


class Listed(FunctionElement[Any]):
    """The values of such a parameter as rows of a table whose one column is `value`."""

    inherit_cache = True


@compiles(Listed)
def _from_json(element: Listed, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(Listed, ARRAYS)
def _from_array(element: Listed, compiler: SQLCompiler, **options: Any) -> str:
    return f"unnest({compiler.process(element.clauses, **options)}) AS value"


def one_of(wanted: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column's value is among those of the parameter `name`."""
    kind = BigInteger if isinstance(wanted.type, BigInteger) else Text
    values = Listed(bindparam(name, type_=Values(kind)))
    return wanted.in_(select(column("value", wanted.type)).select_from(values))


def packed(query: Select[Any]) -> Select[Any]:
    """A query's rows, each as a JSON array, in one JSON array: its one value is one step for SQLite.

    (Python's sqlite3 gives the interpreter's lock away at each step, and with another thread at work has to wait for it
    each time.)
    """
    rows = query.subquery()
    return select(func.json_group_array(func.json_array(*rows.c)))
