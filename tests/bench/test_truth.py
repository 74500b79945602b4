from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.model import Notice, Status
from tests.bench.truth import Labels, Messages, Place, Row, Score, main, measure, score, table, told_again
from tests.core.recorded import RECORDINGS
from tests.store.build import incident, report, update

TRUE = {"p|1": "A", "p|2": "A", "x|3": "A", "p|4": "B", "x|5": "B"}


def here(**incidents: str) -> list[tuple[str, Place]]:
    """`i="u:p|1,x|3 v:p|2"`: an incident `i` with the updates u and v."""
    return [
        (name, Place(each, entry.partition(":")[0]))
        for each, entries in incidents.items()
        for entry in entries.split()
        for name in entry.partition(":")[2].split(",")
    ]


PERFECT = here(i="u:p|1 v:p|2 w:x|3", k="a:p|4 b:x|5")
RIGHT = Score(1.0, 0, 1.0, 1.0, 1.0, 0, 0, 0, 1.0, None)


def test_a_perfect_timeline() -> None:
    assert score(Labels(TRUE), PERFECT) == RIGHT


def test_names_of_incidents_do_not_matter_and_unlabelled_reports_do_not_count() -> None:
    assert score(Labels(TRUE), [("p|9", Place("i", "u")), *reversed(PERFECT)]) == RIGHT


def test_all_in_one_incident() -> None:
    found = score(Labels(TRUE), here(i="u:p|1 v:p|2 w:x|3 a:p|4 b:x|5"))
    assert found.precision == pytest.approx((3 * 3 / 5 + 2 * 2 / 5) / 5)
    assert (found.recall, found.merged, found.split) == (1.0, 1, 0)


def test_each_report_by_itself() -> None:
    found = score(Labels(TRUE), here(a="u:p|1", b="u:p|2", c="u:x|3", d="u:p|4", e="u:x|5"))
    assert found.recall == pytest.approx((3 * 1 / 3 + 2 * 1 / 2) / 5)
    assert (found.precision, found.merged, found.split) == (1.0, 0, 2)
    assert found.f1 == pytest.approx(2 * found.recall / (1 + found.recall))


def test_three_true_incidents_in_one_are_three_pairs() -> None:
    found = score(Labels({"p|1": "A", "p|2": "B", "p|3": "C"}), here(i="u:p|1 v:p|2 w:p|3"))
    assert found.merged == 3
    assert found.precision == pytest.approx(1 / 3)


def test_a_pair_that_must_stay_apart() -> None:
    labels = Labels(TRUE, apart=[("B", "A"), ("A", "C")])
    assert score(labels, here(i="u:p|1 v:p|4")).apart == 1
    assert score(labels, PERFECT).apart == 0


def test_what_is_missing_lowers_the_coverage_alone() -> None:
    found = score(Labels(TRUE), here(i="u:p|1 v:p|2", k="a:p|4 b:x|5"))
    assert (found.coverage, found.precision, found.recall) == (0.8, 1.0, 1.0)


def test_a_second_standing_is_a_duplicate_and_the_first_counts() -> None:
    found = score(Labels(TRUE), [*PERFECT, ("p|4", Place("i", "u"))])
    assert found == replace(RIGHT, duplicates=1)


def test_statements_of_one_source_in_one_update_are_not_distinct() -> None:
    assert score(Labels(TRUE), here(i="u:p|1,p|2 w:x|3", k="a:p|4 b:x|5")).distinct == pytest.approx(3 / 5)
    assert score(Labels(TRUE), here(i="u:p|1,x|3 w:p|2", k="a:p|4 b:x|5")).distinct == 1.0


def test_the_same_statement_of_two_sources() -> None:
    labels = Labels(TRUE, same_update=[("p|1", "x|3"), ("p|4", "x|5"), ("p|1", "x|missing")])
    assert score(labels, here(i="u:p|1,x|3", k="a:p|4 b:x|5")).same_update == 0.5
    assert score(Labels(TRUE, same_update=[("p|1", "x|missing")]), PERFECT).same_update is None


def test_nothing_at_all() -> None:
    assert score(Labels({}), []).coverage == 1.0
    assert score(Labels(TRUE), []) == Score(0.0, 0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0, None)


# --- what it costs to tell it ------------------------------------------------------------------------------------

ONE, OTHER = update(report("1")), update(report("2"))


def notice(*updates: object) -> Notice:
    return Notice(incident(), updates)  # type: ignore[arg-type]


def test_two_statements_are_told_once_each() -> None:
    assert told_again([notice(ONE), notice(OTHER)]) == (0, 0)


def test_the_same_statement_twice_is_told_twice_whatever_its_update_is_called() -> None:
    assert told_again([notice(ONE), notice(OTHER, replace(ONE, id="anew"))]) == (0, 1)


def test_a_statement_that_has_come_to_state_the_end_is_told_again_for_a_reason() -> None:
    assert told_again([notice(ONE), notice(replace(ONE, status=Status.RESOLVED))]) == (1, 0)


def test_our_own_observation_told_twice_counts() -> None:
    assert told_again([notice(update(name="down")), notice(update(name="down"))]) == (0, 1)


# --- as a program ------------------------------------------------------------------------------------------------


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """The evening of MO1221364 with labels that call one post of it another incident's."""
    path = tmp_path / "evening.jsonl.xz"
    path.write_bytes(RECORDINGS["microsoft-365-2026-01-22"].read_bytes())
    reports = {"microsoft-365/graph|MO1221364#1": "MO1221364", "microsoft-365/x|2014422060364726272": "another"}
    (tmp_path / "evening.labels.json").write_text(json.dumps({"reports": reports, "apart": [["another", "MO1221364"]]}))
    return path


async def test_a_recording_is_measured(labelled: Path) -> None:
    row = await measure(labelled)
    assert (row.name, row.score.coverage, row.score.precision, row.score.apart) == ("evening", 1.0, 0.5, 1)
    told = row.messages
    assert (told.new, told.twice, told.untold) == (1, 0, 0)
    assert told.new + told.reply <= told.updates + told.turned
    assert told.updates > 14, "every report, and what the program itself observed"


def test_the_worst_stands_first() -> None:
    cost = Messages(1, 2, 3, 4, 0, 0, 0)
    rows = [Row("well", RIGHT, cost, 1), Row("joined", replace(RIGHT, f1=0.9), cost, 1)]
    rows += [Row("lost", replace(RIGHT, coverage=0.9), cost, 1)]
    head, *lines = table(rows).splitlines()
    assert [line.split()[0] for line in lines] == ["lost", "joined", "well"]
    assert head.split()[:2] == ["recording", "coverage"]
    assert len({len(line) for line in lines}) == 1


def test_it_prints_a_table(labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(labelled)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == ["evening", "1.0000", "0", "0.5000"]
    assert main([]) == 2
