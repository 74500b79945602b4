"""Places for the commands: an empty folder, and one with the evening of 22 January 2026."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.place import RECORDING, Place, process


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="session")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose database holds the evening of 22 January 2026."""
    folder = tmp_path_factory.mktemp("played")
    program = process(folder, "replay", "--json", "--database", "sqlite:///statusbot.db", RECORDING)
    out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, b"")
    assert len(json.loads(out)["incidents"]) == 1
    return folder


@pytest.fixture
def played(evening: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(evening, monkeypatch, capsys)
