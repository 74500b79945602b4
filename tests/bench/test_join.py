"""The benchmark of joining runs: a smoke test over small histories, which measures nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.linking import join
from bot.model import Change, Report
from bot.ports import Ledger
from bot.store import open_store
from tests.bench import join as bench
from tests.bench.history import PROVIDER, UPDATES, WORDS, fill, templates
from tests.bench.join import History


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "db.sqlite"


async def test_a_history_has_as_many_updates_as_were_asked_for(file: Path) -> None:
    await fill(file, 200, 100)
    store = open_store(f"sqlite:///{file}")
    every = await store.read(lambda ledger: ledger.timeline(provider=PROVIDER))
    await store.close()
    assert sum(len(incident.updates) for incident in every) == 300
    assert len({incident.id for incident in every}) == 300 // UPDATES
    assert {len(update.reports) for incident in every for update in incident.updates} == {1, 2}


async def test_a_copy_reads_as_the_template_but_for_its_names_and_times(file: Path) -> None:
    await fill(file, UPDATES)
    store = open_store(f"sqlite:///{file}")
    (copy,) = await store.read(lambda ledger: ledger.timeline())
    await store.close()
    template = templates(1)[0].incident
    assert [update.text for update in copy.updates] == [update.text for update in template.updates]
    assert replace(copy.updates[0], at=template.updates[0].at, reports=()) == replace(template.updates[0], reports=())


async def joined(file: Path, report: Report) -> Change:
    store = open_store(f"sqlite:///{file}")

    def work(ledger: Ledger) -> list[Change]:
        return join(ledger, [report], WORDS, likeness=True)

    (change,) = await store.read(work)
    await store.close()
    return change


async def test_the_reports_that_are_measured_do_what_their_names_say(file: Path) -> None:
    await fill(file, 1000, 100)
    assert (await joined(file, bench.goes_on(1))).before is not None
    assert (await joined(file, bench.begins(1))).before is None
    assert (await joined(file, bench.opens(1))).before is None


async def test_every_kind_is_measured_in_every_history() -> None:
    results = {history: await bench.measure(history, 1) for history in (History(50), History(50, 50))}
    assert all(cost > 0 for costs in results.values() for cost in costs.values())
    lines = list(bench.table(results))
    assert len(lines) == 1 + len(results)
    assert len(lines[1].split()) == 1 + len(bench.KINDS) + 1


def test_an_aim_is_missed_by_what_costs_more_or_grows() -> None:
    cheap = {kind.__name__: 1.0 for kind in bench.KINDS}
    dear = {kind.__name__: 3.0 for kind in bench.KINDS}
    small, large, crowd = History(1000), History(10_000), History(1000, 1000)
    assert all(met for _, met in bench.aims({small: cheap, large: cheap, crowd: cheap}))
    assert [met for _, met in bench.aims({small: cheap, large: dear, crowd: cheap})] == [False, False, True, True]


def test_the_histories_grow_tenfold_and_end_crowded() -> None:
    assert list(bench.histories(10_000, 7)) == [History(1000), History(10_000), History(1000, 7), History(10_000, 7)]
