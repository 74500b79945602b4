"""What every test runs under: with `--no-skips` a test that is skipped fails the run."""

from __future__ import annotations

import pytest

skipped: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --no-skips."""
    parser.addoption("--no-skips", action="store_true", help="fail where any test was skipped")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what was skipped."""
    if report.skipped and not hasattr(report, "wasxfail"):
        skipped.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which none may be skipped and some were."""
    if skipped and session.config.getoption("--no-skips"):
        print(f"\nskipped, which --no-skips forbids: {', '.join(skipped)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
