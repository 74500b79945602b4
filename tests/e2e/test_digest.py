"""`statusbot digest` as a real process beside five platforms on loopback, with `run` and without it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.e2e.world import Program, World
from tests.support.server import serve

RECORDING = Path(__file__).parents[1] / "data" / "recordings" / "github-2023-06.jsonl.xz"
WINDOW = ("--since", "2023-06-28", "--until", "2023-07-01", "--tz", "Europe/Berlin")
Answer = Callable[[], Awaitable[web.StreamResponse]]


async def fine() -> web.StreamResponse:
    return web.Response()


@asynccontextmanager
async def hook(given: World, *answers: Answer) -> AsyncIterator[list[dict[str, Any]]]:
    """`webhook:ops`: what came there; it answers each request in its turn, and is fine after that."""
    came: list[dict[str, Any]] = []
    turns = list(answers)

    async def answer(request: web.Request) -> web.StreamResponse:
        came.append({"key": request.headers["webhook-id"], **await request.json()})
        return await (turns.pop(0) if turns else fine)()

    async with serve(answer) as server:
        given.env["WEBHOOK_OPS"] = f"{server.url}/hook"
        yield came


@pytest.fixture
async def known(given: World) -> World:
    """A world whose database knows three days of GitHub's June 2023."""
    await given.printed("replay", str(RECORDING), "--database", "sqlite:///statusbot.db")
    return given


async def digest(given: World, *words: str) -> Program:
    """The command, ended."""
    program = await given.start("digest", *words)
    given.running.remove(program)
    await program.finish()
    assert "Traceback" not in program.tale
    return program


async def told(given: World, *words: str) -> None:
    """The command does it, and has nothing to say about it."""
    program = await digest(given, *words)
    assert (program.process.returncode, program.out, program.err) == (0, "", "")


async def test_printed_in_each_format(known: World) -> None:
    text = await known.printed("digest", *WINDOW)
    assert text.startswith("Digest: 4 incidents\nWed 28 Jun 2023 00:00 to Sat 01 Jul 2023 00:00 CEST (3 d)\n")
    assert max(map(len, text.splitlines())) <= 80
    assert "[Incident On 2023-06-29](<https://" in await known.printed("digest", *WINDOW, "--format", "markdown")
    assert "<h2>GitHub</h2>" in await known.printed("digest", *WINDOW, "--format", "html")
    document = await known.said("digest", *WINDOW, "--format", "json")
    assert document["time_zone"] == "Europe/Berlin"
    (github,) = [entry for entry in document["providers"] if entry["id"] == "github"]
    assert [event["impact"] for event in github["incidents"]] == ["minor", "minor", "minor", "critical"]
    assert sum(github["whole"]["seconds"].values()) == document["seconds"] == 3 * 86_400


async def test_every_platform_gets_it_once(known: World) -> None:
    to = ("--to", "slack:C1", "--to", "discord:42", "--to", "teams:ops", "--to", "webhook:ops")
    async with hook(known) as came:
        for _ in range(2):
            await told(known, *WINDOW, *to)
    (message,) = known.slack.messages
    assert [block["type"] for block in message["blocks"][:2]] == ["header", "image"]
    (embed,) = known.discord.channels["42"]
    assert (embed["embeds"][0]["title"], list(embed["files"])) == ("Digest: 4 incidents", ["digest.png"])
    (card,) = known.teams.cards
    assert card["body"][0]["text"] == "Digest: 4 incidents"
    (body,) = came
    assert (body["type"], body["data"]["digest"]["since"]) == ("digest", "2023-06-27T22:00:00.000Z")
    listed = await known.said("deliveries", "--json")
    assert [entry["act"] for entry in listed["deliveries"]] == ["digest"] * 4


async def test_two_at_once_send_one(known: World) -> None:
    async with hook(known) as came:
        programs = await asyncio.gather(*(digest(known, *WINDOW, "--to", "webhook:ops") for _ in range(3)))
    assert len(came) == 1
    assert [program.process.returncode for program in programs] == [0, 0, 0]


async def test_the_second_of_two_says_that_the_first_is_under_way(known: World) -> None:
    arrived, go = asyncio.Event(), asyncio.Event()

    async def slow() -> web.StreamResponse:
        arrived.set()
        await go.wait()
        return web.Response()

    async with hook(known, slow) as came:
        first = await known.start("digest", *WINDOW, "--to", "webhook:ops")
        await arrived.wait()
        second = await digest(known, "--since", "7d", "--to", "webhook:ops")
        go.set()
        assert await first.finish() == 0
        known.running.remove(first)
    assert (second.process.returncode, second.out) == (0, "")
    assert second.err == "statusbot: another digest is under way on this database; this one has sent nothing\n"
    assert len(came) == 1


async def test_one_that_was_refused_is_sent_again_under_the_same_key(known: World) -> None:
    async def refused() -> web.StreamResponse:
        return web.Response(status=403)

    async with hook(known, refused) as came:
        program = await digest(known, *WINDOW, "--to", "webhook:ops")
        assert (program.process.returncode, program.out) == (1, "")
        assert program.err.startswith("statusbot: webhook:ops: 403 Forbidden")
        assert len(program.err.splitlines()) == 1
        await told(known, *WINDOW, "--to", "webhook:ops")
        await told(known, *WINDOW, "--to", "webhook:ops")
    assert len(came) == 2
    assert came[0] == came[1]


async def test_settings_that_were_mended_are_seen_though_nothing_else_runs(known: World) -> None:
    async def refused() -> web.StreamResponse:
        return web.Response(status=403)

    async with hook(known, refused):
        assert (await digest(known, *WINDOW, "--to", "webhook:ops")).process.returncode == 1
        assert (await digest(known, "--since", "7d", "--to", "webhook:ops")).process.returncode == 1
    async with hook(known) as came:  # at another address
        await told(known, "--since", "8d", "--to", "webhook:ops")
    assert len(came) == 1


async def test_a_failure_that_passes_is_tried_again_at_once(known: World) -> None:
    async def busy() -> web.StreamResponse:
        return web.Response(status=429)

    async with hook(known, busy) as came:
        await told(known, *WINDOW, "--to", "webhook:ops")
    assert len(came) == 2


async def test_the_same_words_are_the_same_window_though_time_goes_by(known: World) -> None:
    async with hook(known) as came:
        await told(known, "--since", "24h", "--to", "webhook:ops")
        await told(known, "--since", "24h", "--to", "webhook:ops")
        await told(known, "--since", "25h", "--to", "webhook:ops")
    assert len(came) == 2


async def test_nothing_is_told_where_there_is_nothing_to_say(known: World) -> None:
    quiet = ("--since", "2023-05-01", "--until", "2023-05-02", "--quiet-when-empty")
    async with hook(known) as came:
        await told(known, *quiet, "--to", "webhook:ops")
        await told(known, *quiet)
    assert came == []


async def test_beside_a_running_run_it_is_told_once(given: World) -> None:
    async with hook(given) as came, given.run():
        given.page.begin("Trouble", "It is slow.")
        await given.until(lambda: given.slack.messages, "the incident in Slack")
        await told(given, "--since", "1h", "--to", "webhook:ops")
        await told(given, "--since", "1h", "--to", "webhook:ops")
        await given.settled()
    (body,) = came
    (account,) = body["data"]["digest"]["providers"]
    assert [event["name"] for event in account["incidents"]] == ["Trouble"]
    assert account["whole"]["seconds"]["unknown"] > 3000  # of the hour before it ran


async def test_without_a_database_it_says_so_and_makes_none(given: World) -> None:
    program = await digest(given, "--since", "24h", "--quiet-when-empty")
    assert (program.process.returncode, program.out) == (0, "")
    assert "there is no database" in program.err
    assert not (given.folder / "statusbot.db").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "soon"], '--since: "soon" is no moment'),
        (["--until", "2999-01-01"], "lies ahead"),
        (["--tz", "Europe/Berlni"], 'did you mean "Europe/Berlin"?'),
        (["--format", "pdf"], "write text, markdown, html, json"),
        (["--to", "console", "--format", "text"], "leave out --format"),
        (["--to", "telegram:ops"], "is no kind of destination"),
        (["--to", "webhook:ops"], "webhook:ops needs WEBHOOK_OPS; set it"),
    ],
)
async def test_misuse_is_one_line(given: World, words: list[str], said: str) -> None:
    program = await digest(given, *words)
    assert (program.process.returncode, program.out) == (2, "")
    assert said in program.err
    assert len(program.err.splitlines()) == 1


async def test_to_the_console_it_is_printed_once(known: World) -> None:
    first = await digest(known, *WINDOW, "--to", "console")
    assert first.out.startswith("Digest: 4 incidents\n")
    await told(known, *WINDOW, "--to", "console")


async def test_why_and_deliveries_know_what_a_digest_is(known: World) -> None:
    async with hook(known):
        await told(known, *WINDOW, "--to", "webhook:ops")
    assert "digest webhook:ops" in " ".join((await known.printed("deliveries")).split())
    (entry,) = json.loads(await known.printed("deliveries", "--json"))["deliveries"]
    assert entry["incident"] is None
