"""What the program says on standard error: log lines, without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable

from bot.veil import Veil

FORM = "%(asctime)s %(levelname)s %(message)s"


class Veiled(logging.Formatter):
    """Log lines, their tracebacks included, behind a veil."""

    veil = Veil()

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        return self.veil.text(super().format(record))


def begin(*, verbose: bool) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Veiled(FORM))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("statusbot").setLevel(logging.DEBUG if verbose else logging.INFO)


def hide(secrets: Iterable[str]) -> None:
    """Let no log line show any of these from now on."""
    Veiled.veil = Veil(secrets)
