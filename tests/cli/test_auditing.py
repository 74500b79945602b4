"""audit: what it finds, and its exit code."""

from __future__ import annotations

from tests.cli.place import RECORDING, Place, refused


def test_audit_of_the_evening_misses_nothing_and_leaves_nothing_behind(here: Place) -> None:
    said = here.say("audit", RECORDING)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("nothing untold: 14 reports, 1 incident, 1 end, told by ")
    assert list(here.folder.iterdir()) == []


def test_audit_with_labels_that_know_better_fails(here: Place) -> None:
    here.write("labels.json", '{"reports": {"microsoft-365/x|1": "MO1221364"}}')
    said = here.say("audit", RECORDING, "--labels", "labels.json")
    assert said.code == 1
    assert said.out.startswith("report: microsoft-365/x|1\n    it is labelled, but stands on no timeline\n1 untold")
    here.write("labels.json", "[]")
    assert "--labels labels.json: no labels" in refused(here.say("audit", RECORDING, "--labels", "labels.json"))
    assert "--labels none.json: cannot be read" in refused(here.say("audit", RECORDING, "--labels", "none.json"))
