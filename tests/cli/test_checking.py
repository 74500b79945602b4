"""doctor and test: what they print, and how they end."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from aiohttp import web

from tests.cli.place import Place, Said, refused
from tests.support.server import Server, serve

SECRET = "very-secret-part"
PAGE = """
[[provider]]
id = "acme"
name = "Acme"
  [[provider.source]]
  name = "page"
  kind = "statuspage"
  url = "{url}"
  [[provider.source]]
  name = "x"
  kind = "x"
  account = "acme"
[[subscription]]
to = "teams:ops"
[[subscription]]
to = "console"
"""
WELL = {
    "page": {"id": "p", "name": "Acme", "url": "", "updated_at": "2026-01-22T19:00:00Z"},
    "status": {"indicator": "none", "description": "All Systems Operational"},
    "components": [],
    "incidents": [],
    "scheduled_maintenances": [],
}


@contextmanager
def served(status: int = 200, body: object = WELL) -> Iterator[Server]:
    """A server on a thread of its own, since a command has an event loop of its own."""
    loop, up, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: list[Server] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=json.dumps(body), content_type="application/json")

    async def live() -> None:
        async with serve(answer) as server:
            found.append(server)
            up.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    try:
        assert up.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


def lines(said: Said) -> Mapping[str, tuple[str, str]]:
    """By what was checked: the level and the words."""
    parts = [line.split(maxsplit=2) for line in said.out.splitlines()]
    return {what.rstrip(":"): (level, words) for level, what, words in parts}


def test_doctor_checks_everything_a_line_each_and_asks_each_source_once(here: Place) -> None:
    with served() as server:
        here.write("statusbot.toml", PAGE.format(url=server.url))
        env = {"TEAMS_WEBHOOK_OPS": f"{server.url}/{SECRET}"}
        said = here.say("doctor", env=env)
        asked = [request.path for request in server.requests]
    found = lines(said)
    assert (said.code, said.err) == (0, "")
    assert [
        found[what][0] for what in ("configuration", "database", "teams:ops", "console", "acme/page", "acme/x")
    ] == [*("ok", "warning", "ok", "ok", "ok", "warning")]
    assert "X_BEARER_TOKEN not set" in found["acme/x"][1]
    assert "there is no statusbot.db yet" in found["database"][1]
    assert asked
    assert not any(SECRET in path for path in asked), "nothing is sent"
    assert SECRET not in said.out
    assert not (here.folder / "statusbot.db").exists()


def test_doctor_fails_where_something_does_with_the_mend(here: Place) -> None:
    with served(status=404) as server:
        here.write("statusbot.toml", PAGE.format(url=server.url))
        here.write("statusbot.db", "no database " * 100)
        said = here.say("doctor", env={"TEAMS_WEBHOOK_OPS": server.url})
    found = lines(said)
    assert said.code == 1
    assert found["acme/page"][0] == "failure"
    assert "404" in found["acme/page"][1]
    assert found["database"][0] == "failure"
    assert "name another file" in found["database"][1]


def test_doctor_tells_what_stands_wrong_and_how_it_stands_with_the_database(here: Place) -> None:
    here.write("statusbot.toml", "watch = []")
    assert here.say("db", "upgrade").code == 0
    with sqlite3.connect(here.folder / "statusbot.db") as database:
        row = ("disk", "the disk is\nnearly full", 1_769_110_632_000_000, "", False, 0)
        database.execute("INSERT INTO notices (key, words, since, ending, told, tries) VALUES (?, ?, ?, ?, ?, ?)", row)
        rests = [("slack:C1", 4_102_444_800_000_000, None), ("slack", 1_769_110_632_000_000, None)]
        database.executemany("INSERT INTO rests (name, until, limited) VALUES (?, ?, ?)", rests)
    database.close()
    found = lines(here.say("doctor"))
    assert found["slack:C1"][0] == "warning"
    assert "nothing is sent there before 1 January 2100 00:00 UTC" in found["slack:C1"][1]
    assert "slack" not in found  # which is over
    assert found["database"] == ("ok", "up to date, and can be written")
    assert found["trouble"] == ("warning", "since 2026-01-22 19:37 UTC: the disk is nearly full")


def test_a_wrong_configuration_is_doctor_s_one_line(here: Place) -> None:
    here.write("statusbot.toml", "wacth = []")
    assert '"wacth"' in refused(here.say("doctor"))


def test_test_sends_one_labelled_message_and_says_what_came_of_it(here: Place) -> None:
    said = here.say("test", "console")
    assert said.code == 0
    assert "Test message" in said.out
    assert "statusbot can reach console. Nothing is wrong" in said.out
    assert said.out.splitlines()[-1] == "console has it (message printed)"
    with served(202, {}) as server:
        said = here.say("test", "teams:ops", env={"TEAMS_WEBHOOK_OPS": f"{server.url}/{SECRET}"})
        (request,) = server.requests
    assert (said.code, said.out) == (0, "teams:ops accepted it; whether it is shown, nobody is told: look there\n")
    assert request.path == f"/{SECRET}"


@pytest.mark.parametrize(("status", "words"), [(404, "nothing was told"), (500, "it may have arrived"), (429, "429")])
def test_a_test_that_fails_says_how_and_ends_with_1(here: Place, status: int, words: str) -> None:
    with served(status, {}) as server:
        said = here.say("test", "webhook:ops", env={"WEBHOOK_OPS": f"{server.url}/{SECRET}"})
    (line,) = said.err.splitlines()
    assert (said.code, said.out) == (1, "")
    assert line.startswith("statusbot: webhook:ops: ")
    assert words in line
    assert SECRET not in line


@pytest.mark.parametrize(("to", "names"), [("teams:ops", "TEAMS_WEBHOOK_OPS"), ("teem:ops", '"teem"')])
def test_a_destination_that_cannot_be_is_refused(here: Place, to: str, names: str) -> None:
    assert names in refused(here.say("test", to))
