from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from bot.model import Related, Relation, Status
from bot.store.columns import Document, Instant, Relations, Strings, Word

DIALECT = sqlite.dialect()


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=5.5))])))
def test_an_instant_comes_back_to_the_microsecond_in_utc(moment: datetime) -> None:
    column = Instant()
    back = column.process_result_value(column.process_bind_param(moment, DIALECT), DIALECT)
    assert back == moment
    assert back is not None
    assert back.utcoffset() == timedelta(0)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_instants_sort_as_their_numbers(one: datetime, other: datetime) -> None:
    numbers = [Instant().process_bind_param(moment, DIALECT) or 0 for moment in (one, other)]
    assert (numbers[0] < numbers[1]) == (one < other)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        Instant().process_bind_param(datetime(2026, 1, 22), DIALECT)  # noqa: DTZ001


def test_a_word_that_the_enum_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="bogus"):
        Word(Status).process_bind_param("bogus", DIALECT)  # type: ignore[arg-type]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_strings_keep_their_order(values: list[str]) -> None:
    column = Strings()
    assert column.process_result_value(column.process_bind_param(tuple(values), DIALECT), DIALECT) == tuple(values)


def test_relations_come_back_whole() -> None:
    at = datetime(2026, 1, 22, 19, 0, 0, 5, tzinfo=UTC)
    related = (Related("i1", Relation.POSSIBLY, "Mail «slow»", ("MO1",), at, at - timedelta(hours=1)),)
    column = Relations()
    assert column.process_result_value(column.process_bind_param(related, DIALECT), DIALECT) == related
    assert column.process_result_value(column.process_bind_param((), DIALECT), DIALECT) == ()


def test_nothing_stays_nothing() -> None:
    for column in (Instant(), Word(Status), Strings(), Document(), Relations()):
        assert column.process_bind_param(None, DIALECT) is None
        assert column.process_result_value(None, DIALECT) is None
