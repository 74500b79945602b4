from __future__ import annotations

import asyncio
import json
import lzma
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.core.shape import Page, timeline_json
from bot.errors import UsageError
from bot.model import Capture, Incident
from bot.recording import read_captures
from bot.replay import replay
from bot.store import SqlStore, open_store
from tests.core.build import T0
from tests.core.recorded import RECORDINGS, facts

HEADER: dict[str, Any] = {
    "recording": "statusbot/1",
    "title": "t",
    "providers": [
        {
            "id": "acme",
            "name": "Acme",
            "sources": [{"name": "page", "kind": "statuspage", "url": "https://status.acme.example"}],
        }
    ],
    "subscriptions": [],
}
CAPTURE = {"at": "2026-01-22T19:37:12Z", "source": "acme/page", "url": "https://a/", "status": 503, "body": ""}
INCIDENT = {
    "id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact", "shortlink",
    "started_at", "page_id", "incident_updates", "components", "provider", "references", "sources", "impact_known",
}  # fmt: skip
UPDATE = {
    "id", "status", "body", "incident_id", "created_at", "updated_at", "display_at", "affected_components", "reports",
    "deliver_notifications", "custom_tweet", "tweet_id",
}  # fmt: skip
COMPONENT = {
    "id", "name", "status", "created_at", "updated_at", "position", "description", "showcase", "start_date",
    "group_id", "page_id", "group", "only_show_if_degraded",
}  # fmt: skip
REPORT = {"source", "native_id", "url", "at", "first_seen_at"}
STATUSES = set(
    "investigating identified monitoring resolved postmortem scheduled in_progress verifying completed".split()
)
IMPACTS = set("none minor major critical maintenance".split())
NATIVE_IDS = {
    "statuspage": re.compile(r"[a-z0-9]{12}"),
    "x": re.compile(r"\d{15,20}"),
    "feed": re.compile(r"tag:www\.githubstatus\.com,2005:Incident/\d+#\d+"),
    "m365-public": re.compile(r"[0-9a-f-]{36}"),
    "msgraph": re.compile(r"MO1221364#\d"),
}


@pytest.fixture
async def store() -> AsyncIterator[SqlStore]:
    store = open_store("sqlite://")
    await store.upgrade()
    yield store
    await store.close()


@cache
def document(*names: str) -> dict[str, Any]:
    """The timeline of recordings as JSON."""
    return asyncio.run(replayed(*names))


async def replayed(*names: str, times: int = 1) -> dict[str, Any]:
    store = open_store("sqlite://")
    await store.upgrade()
    for _ in range(times):
        incidents, directory = await replay([RECORDINGS[name] for name in names], store, {})
    await store.close()
    found: dict[str, Any] = json.loads(json.dumps(timeline_json(incidents, directory.providers, Page(T0))))
    return found


def written(folder: Path, *lines: object) -> Path:
    path = folder / "r.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


# --- CONTRACT.md's shape -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_every_incident_has_the_contracts_members(name: str) -> None:
    incidents = document(name)["incidents"]
    assert incidents
    for incident in incidents:
        assert incident.keys() >= INCIDENT
        assert all(component.keys() == COMPONENT for component in incident["components"])
        assert incident["provider"].keys() == {"id", "name"}
        assert incident["status"] in STATUSES
        assert incident["impact"] in IMPACTS
        assert incident["impact_known"] or incident["impact"] == "none"
        assert (incident["resolved_at"] is not None) is (incident["status"] in ("resolved", "postmortem", "completed"))
        told = {report["source"] for update in incident["incident_updates"] for report in update["reports"]}
        assert set(incident["sources"]) == told


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_every_update_has_them_too_newest_first(name: str) -> None:
    for incident in document(name)["incidents"]:
        updates = incident["incident_updates"]
        times = [datetime.fromisoformat(update["created_at"]) for update in updates]
        assert times == sorted(times, reverse=True)
        for update in updates:
            assert update.keys() >= UPDATE
            assert update["incident_id"] == incident["id"]
            assert update["status"] in STATUSES
            assert all(report.keys() == REPORT for report in update["reports"])


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_native_ids_are_the_sources_own(name: str) -> None:
    with lzma.open(RECORDINGS[name]) as lines:
        (provider,) = json.loads(next(iter(lines)))["providers"]
    kinds = {f"{provider['id']}/{source['name']}": source["kind"] for source in provider["sources"]}
    spoken = set()
    for incident in document(name)["incidents"]:
        for report in (report for update in incident["incident_updates"] for report in update["reports"]):
            spoken.add(report["source"])
            assert NATIVE_IDS[kinds[report["source"]]].fullmatch(report["native_id"]), report
    assert spoken == set(kinds), "every source of the recording stands on the timeline"


def test_the_evening_of_mo1221364_is_one_incident() -> None:
    (incident,) = document("microsoft-365-2026-01-22")["incidents"]
    assert incident["references"] == ["MO1221364"]
    assert incident["provider"] == {"id": "microsoft-365", "name": "Microsoft 365"}
    reports = [report for update in incident["incident_updates"] for report in update["reports"]]
    assert len(reports) == 14
    assert incident["started_at"].startswith("2026-01-22T19:37")
    assert any(not update["reports"] for update in incident["incident_updates"]), "what the program itself observed"


# --- the same pipeline -------------------------------------------------------------------------------------------


async def test_a_second_replay_into_the_same_database_changes_nothing() -> None:
    assert await replayed("digitalocean-2022-01", times=2) == await replayed("digitalocean-2022-01")


def test_recordings_of_several_providers_make_one_timeline() -> None:
    both = document("digitalocean-2022-01", "microsoft-365-2026-01-22")
    assert {incident["provider"]["id"] for incident in both["incidents"]} == {"digitalocean", "microsoft-365"}
    starts = [incident["started_at"] for incident in both["incidents"]]
    assert starts == sorted(starts, reverse=True)


async def test_recordings_of_one_provider_are_played_together_in_the_order_of_time(
    store: SqlStore, tmp_path: Path
) -> None:
    seen: list[str] = []

    async def note(capture: Capture) -> None:
        seen.append(f"{capture.source} {capture.at:%H:%M}")

    (acme,) = HEADER["providers"]
    paths = []
    for name, minutes in (("page", (0, 2, 4)), ("feed", (1, 3))):
        source = {"name": name, "kind": "feed", "url": "https://status.acme.example/feed"}
        header = {**HEADER, "providers": [{**acme, "sources": [source]}]}
        ats = [(T0 + timedelta(minutes=minute)).isoformat() for minute in minutes]
        (tmp_path / name).mkdir()
        lines = [{**CAPTURE, "source": f"acme/{name}", "at": at} for at in ats]
        paths.append(written(tmp_path / name, header, *lines))
    _, directory = await replay(paths, store, {}, after=note)
    assert [place.partition(" ")[0] for place in seen] == ["acme/page", "acme/feed"] * 2 + ["acme/page"]
    assert set(directory.labels) == {"acme/page", "acme/feed"}


async def test_each_capture_is_awaited_in_its_order(store: SqlStore) -> None:
    seen: list[Capture] = []

    async def note(capture: Capture) -> None:
        seen.append(capture)

    path = RECORDINGS["digitalocean-2022-01"]
    await replay([path], store, {}, after=note)
    assert seen == list(read_captures(path))


async def test_the_database_keeps_what_was_replayed(tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path / 'a.db'}", RECORDINGS["digitalocean-2022-01"]
    store = open_store(url)
    await store.upgrade()
    incidents, _ = await replay([path], store, {})
    await store.close()
    again = open_store(url)
    kept: list[Incident] = await again.read(lambda ledger: ledger.timeline())
    await again.close()
    assert facts(kept) == facts(incidents)


# --- bad recordings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "line 1: broken JSON"),
        (["{"], "line 1: broken JSON"),
        ([CAPTURE], "line 1: no header"),
        ([HEADER, "{"], "line 2: broken JSON"),
        ([HEADER, {**CAPTURE, "source": "acme/x"}], "names no source 'acme/x'"),
        ([HEADER, {**CAPTURE, "at": "2026-01-22T19:37:12"}], "line 2: no capture (`at` without a time zone)"),
        ([HEADER, {**CAPTURE, "error": "tired"}], "unknown error 'tired'"),
        ([{**HEADER, "providers": [{"id": "a", "sources": [{"name": "p", "kind": "nope"}]}]}], "nope"),
        ([{**HEADER, "providers": [{"id": "a", "sources": []}]}], "sources"),
        ([{**HEADER, "providers": 7}], "providers"),
        ([{**HEADER, "subscriptions": [{"to": "pigeon:1"}]}], "pigeon"),
    ],
)
async def test_a_recording_that_is_none_is_refused_in_one_line(
    store: SqlStore, tmp_path: Path, lines: list[object], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        await replay([written(tmp_path, *lines)], store, {})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_recording_without_captures_is_an_empty_timeline(store: SqlStore, tmp_path: Path) -> None:
    incidents, directory = await replay([written(tmp_path, HEADER)], store, {})
    assert (incidents, directory.providers) == ([], {"acme": "Acme"})


async def test_a_source_that_never_answers_is_no_incident(store: SqlStore, tmp_path: Path) -> None:
    lines = [{**CAPTURE, "at": (T0 + timedelta(minutes=n)).isoformat()} for n in range(5)]
    incidents, _ = await replay([written(tmp_path, HEADER, *lines)], store, {})
    assert incidents == []


# --- as a command ------------------------------------------------------------------------------------------------


def statusbot(*words: str) -> subprocess.CompletedProcess[str]:
    """`statusbot replay …` as a person runs it."""
    command = [sys.executable, "-m", "bot", "replay", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_prints_json_and_nothing_else() -> None:
    done = statusbot(str(RECORDINGS["digitalocean-2022-01"]), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["incidents"]) == 6


def test_the_command_refuses_a_cut_off_recording_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.xz"
    path.write_bytes(RECORDINGS["github-2023-06"].read_bytes()[:-900])
    done = statusbot(str(path), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr
