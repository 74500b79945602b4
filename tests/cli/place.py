"""A folder in which commands are given, and what they came to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from bot.cli import main

ROOT = Path(__file__).parents[2]
RECORDING = str(files("bot.demo") / "microsoft-365-2026-01-22.jsonl.xz")
SECRET = "https://hooks.example.com/very-secret-part"


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Place:
    """A folder of its own, in which commands are given with an environment of their own, in this process."""

    folder: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def say(self, *words: str, env: Mapping[str, str] | None = None) -> Said:
        self.capture.readouterr()
        with self.patch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr("os.environ", {"HOME": str(self.folder), "COLUMNS": "80", **(env or {})})
            patch.setattr(sys, "argv", ["statusbot", *words])
            with pytest.raises(SystemExit) as end:
                main()
        out, err = self.capture.readouterr()
        assert isinstance(end.value.code, int)
        assert "Traceback" not in err
        return Said(end.value.code, out, err)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)


def process(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """The program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        env={"HOME": str(folder), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def refused(said: Said) -> str:
    """The one line of a command that was refused, with nothing else said anywhere."""
    assert (said.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    assert line.startswith("statusbot: ")
    return line
