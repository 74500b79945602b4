"""run, demo, replay: what they print where, and how they end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.place import RECORDING, ROOT, Place, process, refused


def test_replay_prints_the_timeline_as_json_and_leaves_nothing_behind(here: Place) -> None:
    said = here.say("replay", "--json", RECORDING)
    (incident,) = json.loads(said.out)["incidents"]
    assert (said.code, said.err) == (0, "")
    assert incident["references"] == ["MO1221364"]
    assert incident["provider"] == {"id": "microsoft-365", "name": "Microsoft 365"}
    assert list(here.folder.iterdir()) == []


def test_replay_to_a_destination_delivers(here: Place) -> None:
    said = here.say("replay", "--to", "console", RECORDING)
    assert said.code == 0
    assert said.out.count("[MO1221364]") > 10


def test_json_stands_alone_on_standard_output_even_where_the_console_is_told(here: Place) -> None:
    said = here.say("replay", "--json", "--to", "console", RECORDING)
    assert json.loads(said.out)["incidents"]
    assert said.err.count("[MO1221364]") > 10


BAD_RECORDINGS = {
    "is not there": None,
    "is empty": "",
    "is no recording": "hello\n",
    "has another header": '{"recording": "statusbot/9"}\n',
    "is cut short": '{"recording": "statusbot/1", "title": "t", "providers": []}\n{"at": "2026-01-22T19:3',
    "has a capture of nobody": '{"recording": "statusbot/1", "title": "t", "providers": []}\n'
    '{"at": "2026-01-22T19:37:12Z", "source": "a/b", "url": "", "status": 200, "headers": {}, "body": ""}\n',
}


@pytest.mark.parametrize("what", BAD_RECORDINGS)
def test_a_recording_that_is_none_is_refused_by_its_name(here: Place, what: str) -> None:
    text = BAD_RECORDINGS[what]
    if text is not None:
        here.write("bad.jsonl", text)
    assert "bad.jsonl" in refused(here.say("replay", "bad.jsonl"))


def test_the_demo_tells_the_evening(here: Place) -> None:
    said = here.say("demo", "--seconds", "0")
    story = (
        "We're investigating a potential issue impacting multiple Microsoft 365",  # the first post on X
        "The status page does not answer (429 Too Many Requests)",
        "A portion of dependent service infrastructure in the North America region",  # the page's other words
        "The status page answers again, after 40 min.",
        "We've restored access to the affected services",
        "What a reader of the status page alone would have known",
        "19:37 UTC  X tells of it",
        "20:20 UTC  the page's first word, 43 min after X",
        "the page could not be read for 7 h 12 min",
    )
    places = [said.out.find(words) for words in story]
    assert said.code == 0
    assert -1 not in places
    assert places == sorted(places)
    assert max(map(len, said.out.splitlines())) <= 80
    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize("words", [("demo", "--seconds", "0"), ("replay", "--json", RECORDING), ("--help",)])
def test_a_reader_that_goes_away_ends_the_program_quietly(here: Place, words: tuple[str, ...]) -> None:
    program = process(here.folder, *words)
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    err = program.stderr.read()
    assert program.wait(60) == 1
    assert b"Traceback" not in err
    assert b"Exception" not in err
    assert err.count(b"nobody reads standard output") <= 1  # not once for every card of the demo
    program.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_is_full_is_told_in_the_systems_words(here: Place) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "bot", "status"]
        done = subprocess.run(
            command, cwd=here.folder, env={"PYTHONPATH": str(ROOT)}, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode != 0
    assert "statusbot: the system refused: No space left on device" in done.stderr.decode().splitlines()


def test_a_place_to_listen_that_is_taken_is_one_line_and_no_run(here: Place) -> None:
    here.write("statusbot.toml", "watch = []\nsubscription = []")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        line = refused(here.say("run", env={"STATUSBOT_LISTEN": place}))
    assert f"STATUSBOT_LISTEN: {place} cannot be listened on (Address already in use); name another" in line
