"""A clock that moves only when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class StillClock:
    """ports.Clock for tests."""

    def __init__(self, at: datetime = datetime(2026, 1, 22, 19, 0, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def forward(self, **parts: float) -> None:
        self.at += timedelta(**parts)
