"""Where an embedded database lies, and who else may run on it, however its address is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import alone_on
from bot.errors import UsageError
from bot.store.place import file_of


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:////var/lib/statusbot.db",
        "sqlite:////var/lib/statusbot.db?timeout=30",
        "sqlite+pysqlite:////var/lib/statusbot.db",
        "sqlite:///file:/var/lib/statusbot.db?mode=ro&uri=true",
    ],
)
def test_a_file_is_the_same_whatever_its_address_says_more(address: str) -> None:
    assert file_of(address) == Path("/var/lib/statusbot.db")


def test_a_relative_file_stays_one() -> None:
    assert file_of("sqlite:///statusbot.db") == Path("statusbot.db")


@pytest.mark.parametrize(
    "address",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:shared?mode=memory&uri=true",
        "postgresql://user:secret@host/statusbot.db",
        "nonsense",
        "mongodb://host/x",
    ],
)
def test_else_there_is_none(address: str) -> None:
    assert file_of(address) is None


def test_an_option_in_the_address_lets_no_second_run_in(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'statusbot.db'}"
    with (
        alone_on(address, wanted=True),
        pytest.raises(UsageError, match="another `statusbot run` uses it"),
        alone_on(f"{address}?timeout=30", wanted=True),
    ):
        pass
