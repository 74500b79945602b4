"""timeline, status, sources, why: what a folder's database answers."""

from __future__ import annotations

import json

import pytest

from tests.cli.place import Place, refused


@pytest.mark.parametrize("command", ["timeline", "status", "sources", "subscriptions", "deliveries"])
def test_asking_where_there_is_no_database_says_so_and_makes_none(here: Place, command: str) -> None:
    said = here.say(command)
    assert said.code == 0
    assert said.out.strip()
    assert "there is no database statusbot.db yet" in said.err
    assert list(here.folder.iterdir()) == []


def test_without_a_database_nothing_is_known_to_be_well(here: Place) -> None:
    assert here.say("status").out.startswith("Microsoft 365: unknown: not asked yet")


def test_what_was_read_long_ago_is_not_well_now(played: Place) -> None:
    said = played.say("status").out
    assert said.startswith("Microsoft 365: unknown: no source can be believed now")
    assert "page: stale since 2026-01-" in said
    assert "not asked since; `statusbot run` asks" in played.say("sources").out


def test_an_unknown_provider_is_refused_with_the_setting_that_names_it(here: Place) -> None:
    here.write("statusbot.toml", 'watch = ["xyzzy"]')
    assert 'statusbot.toml, watch: "xyzzy" is no provider' in refused(here.say("status"))


def test_the_status_as_json_has_each_source_with_its_belief_and_its_lag(played: Place) -> None:
    (provider,) = json.loads(played.say("status", "--json").out)["providers"]
    assert provider["id"] == "microsoft-365"
    assert {source["id"].partition("/")[2] for source in provider["sources"]} >= {"page", "x"}
    assert all({"belief", "since", "reason", "ours", "lag"} <= source.keys() for source in provider["sources"])


def test_the_timeline_of_a_folder(played: Place) -> None:
    said = played.say("timeline")
    assert (said.code, said.err) == (0, "")
    assert "MO1221364" in said.out
    assert "Identified · X (@MSFT365Status) · 2026-01-22 20:14 UTC" in said.out
    assert [line for line in said.out.splitlines() if len(line) > 80 and "://" not in line] == []
    assert len(json.loads(played.say("timeline", "--json").out)["incidents"]) == 1


@pytest.mark.parametrize("filters", [["--open"], ["--since", "24h"], ["--provider", "microsoft-365", "--open"]])
def test_the_timeline_is_filtered(played: Place, filters: list[str]) -> None:
    assert json.loads(played.say("timeline", "--json", *filters).out)["incidents"] == []
    assert played.say("timeline", *filters).out == "nothing stands there\n"


def test_a_provider_that_nobody_watches_is_refused_with_the_nearest(played: Place) -> None:
    line = refused(played.say("timeline", "--provider", "microsfot-365"))
    assert 'did you mean "microsoft-365"?' in line


def test_sources_tells_how_far_each_can_be_believed(played: Place) -> None:
    said = played.say("sources")
    assert (said.code, said.err) == (0, "")
    page, x, graph = said.out.splitlines()
    assert "last change" in page
    assert "not asked: X_BEARER_TOKEN not set" in x
    assert "not asked: MSGRAPH_TENANT_ID" in graph


def test_the_kinds_of_sources_are_listed(here: Place) -> None:
    said = here.say("sources", "--kinds")
    assert [line.split()[0] for line in said.out.splitlines()][:3] == ["statuspage", "feed", "x"]


def test_why_tells_the_evening_in_sentences(played: Place) -> None:
    said = played.say("why", "MO1221364")
    assert (said.code, said.err) == (0, "")
    flat = " ".join(said.out.split())
    assert "opened it: the first that was heard of it." in flat
    assert "joined because it names MO1221364." in flat
    assert "joined because microsoft-365/graph itself files it there." in flat
    assert flat.endswith("Who is told: Nobody is subscribed.")
    assert [line for line in said.out.splitlines() if len(line) > 80] == []
    assert played.say("why", "mo1221364", "console").out.endswith("console has no subscription.\n")


def test_why_of_what_is_not_known_is_refused(played: Place) -> None:
    assert 'INCIDENT: "MO1" is none that is known' in refused(played.say("why", "MO1"))
    assert '"pager" is no kind of destination' in refused(played.say("why", "MO1221364", "pager:1"))
