"""The benchmark runs: a smoke test with a few feeds, which measures nothing."""

from __future__ import annotations

import pytest

from bot.collectors.feed import Feed
from bot.model import Capture, Source
from tests.bench import poll
from tests.bench.feeds import body, latest
from tests.bench.subjects import Result
from tests.collectors.pairs import tools

ENTRIES = 4


def statements(number: int, version: int) -> list[str]:
    capture = Capture(latest(version, ENTRIES), "p/feed", "http://p/feed", 200, {}, body(number, version, ENTRIES))
    return [
        f"{item.thread}: {item.text}" for item in Feed(tools()).parse(Source("p/feed", "p", "feed", "feed"), capture)
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_each_version_of_a_feed_has_one_statement_that_is_new(number: int) -> None:
    assert len(set(statements(number, 1)) - set(statements(number, 0))) == 1


def test_every_subject_is_measured_in_every_case_and_the_aims_are_judged(capsys: pytest.CaptureFixture[str]) -> None:
    code = poll.main(["--feeds", "3", "--entries", str(ENTRIES), "--rounds", "1"])
    printed = capsys.readouterr().out
    for case in poll.CASES.values():
        assert printed.count(f"\n{case} ") >= len(poll.FETCHERS)
    assert code == int("MISSED" in printed)


def test_an_aim_is_missed_by_what_costs_more() -> None:
    cheap, dear = Result(0.001, 0.0, 100 * poll.MEGABYTE, 0), Result(0.003, 0.003, 200 * poll.MEGABYTE, 0)
    others = {(subject, case): cheap for subject in ("aiohttp", "feedparser, no sanitiser") for case in poll.CASES}
    assert all(met for _, met in poll.aims({**others, **{("statusbot", case): cheap for case in poll.CASES}}))
    assert not any(met for _, met in poll.aims({**others, **{("statusbot", case): dear for case in poll.CASES}}))
