"""merge and split."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.place import RECORDING, Place, refused


def test_a_split_lasts_and_is_undone_by_a_merge(here: Place, evening: Path) -> None:
    shutil.copy(evening / "statusbot.db", here.folder)
    (whole,) = json.loads(here.say("timeline", "--json").out)["incidents"]
    told = whole["incident_updates"][0]["reports"][0]
    report = f"{told['source']}|{told['native_id']}"
    apart = here.say("split", "MO1221364", report)
    assert (apart.code, apart.err) == (0, "")
    name = apart.out.split()[2]
    found = json.loads(here.say("timeline", "--json").out)["incidents"]
    assert sorted(entry["id"] for entry in found) == sorted([name, whole["id"]])
    assert here.say("replay", "--database", "sqlite:///statusbot.db", RECORDING).code == 0
    assert len(json.loads(here.say("timeline", "--json").out)["incidents"]) == 2
    one = here.say("merge", whole["id"], name)
    assert (one.code, one.err) == (0, "")
    assert one.out.startswith(f"now one: {whole['id']} ")
    (again,) = json.loads(here.say("timeline", "--json").out)["incidents"]
    assert len(again["incident_updates"]) == len(whole["incident_updates"])


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["merge", "MO1221364", "MO9"], "there is no incident 'MO9'"),
        (["merge", "MO1221364", "MO1221364"], "one incident already"),
        (["merge", "MO1221364"], "B"),
        (["split", "MO9", "microsoft-365/x|1"], "there is no incident 'MO9'"),
        (["split", "MO1221364", "microsoft-365/x|1"], "no report 'microsoft-365/x|1'"),
    ],
)
def test_a_correction_that_cannot_be_is_one_line(played: Place, words: list[str], names: str) -> None:
    assert names in refused(played.say(*words))
