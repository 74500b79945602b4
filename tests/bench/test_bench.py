"""The benchmark runs: a smoke test with a few feeds, which measures nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.collectors.feed import Feed
from bot.model import Capture, Source
from bot.store import open_store
from tests.bench import poll, subjects
from tests.bench.feeds import body, latest
from tests.bench.subjects import Job, Result
from tests.collectors.pairs import tools

ENTRIES = 4
FEEDS = 3


def statements(number: int, version: int) -> list[str]:
    source = Source("p/feed", "p", "feed", "feed")
    capture = Capture(latest(version, ENTRIES), source.id, "http://p/feed", 200, {}, body(number, version, ENTRIES))
    return [f"{item.thread}: {item.text}" for item in Feed(tools()).parse(source, capture)]


@pytest.mark.parametrize("number", [0, 1])
def test_each_version_of_a_feed_has_one_statement_that_is_new(number: int) -> None:
    assert len(set(statements(number, 1)) - set(statements(number, 0))) == 1


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with poll.server(ENTRIES) as url:
        yield url


async def test_statusbot_polls_every_feed_in_every_case(base: str, tmp_path: Path) -> None:
    known = []
    for case in poll.CASES:
        job = Job("statusbot", case, base, str(tmp_path), FEEDS, ENTRIES, rounds=1)
        assert (await subjects.statusbot(job)).cpu > 0
        store = open_store(f"sqlite:///{tmp_path / 'statusbot.sqlite'}")
        known.append(len(await store.read(lambda ledger: ledger.timeline())))
        await store.close()
    assert known == [FEEDS * ENTRIES] * 3 + [FEEDS * (ENTRIES + 2)], "a new entry in each of the last case's two rounds"


@pytest.mark.parametrize("subject", ["aiohttp", "feedparser, no sanitiser"])
def test_others_are_measured_in_processes_of_their_own(base: str, tmp_path: Path, subject: str) -> None:
    result = poll.run(Job(subject, "200", base, str(tmp_path), FEEDS, ENTRIES, rounds=1))
    assert result.cpu > 0
    assert result.peak > result.growth >= 0


CHEAP = Result(0.001, 0.0, 100 * poll.MEGABYTE, 0)
DEAR = Result(0.003, 0.003, 200 * poll.MEGABYTE, 0)


def results(ours: Result) -> poll.Results:
    others = {(subject, case): CHEAP for subject in poll.SUBJECTS for case in poll.CASES}
    return others | {("statusbot", case): ours for case in poll.CASES}


def test_an_aim_is_missed_by_what_costs_more() -> None:
    assert all(met for _, met in poll.aims(results(CHEAP)))
    assert not any(met for _, met in poll.aims(results(DEAR)))
    assert [met for _, met in poll.aims(results(replace(CHEAP, peak=DEAR.peak)))].count(False) == 1


def test_the_table_has_a_line_for_each_subject_in_each_case() -> None:
    lines = list(poll.table(results(DEAR)))
    assert len(lines) == 1 + len(poll.SUBJECTS) * len(poll.CASES)
    assert lines[-1].split() == ["one", "new", "entry", "statusbot", "3.000", "3.000", "3.00", "3.00", "200", "0"]
