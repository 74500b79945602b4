"""Every secret is set, everything goes wrong, every library talks: no secret stands in anything that is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.world import Program, start
from tests.support.rogue import DATABASE, PATHS, PROXY, SECRETS, TURNS, Rogue, forms, leaks
from tests.support.server import serve
from tests.support.statuspage import StatusPage

KINDS = (
    "slack:C1",
    "discord:42",
    "teams:ops",
    "slack-webhook:ops",
    "discord-webhook:ops",
    "webhook:own",
    "apprise:ops",
)
USED = ("SLACK_BOT_TOKEN", "DISCORD_BOT_TOKEN", "X_BEARER_TOKEN", "MSGRAPH_CLIENT_SECRET")  #: seen on the wire

CONFIGURATION = """
[[provider]]
id = "acme"
name = "Acme Cloud"
source = [
  {{name = "page", kind = "statuspage", url = "{page}", interval = "1s"}},
  {{name = "rogue", kind = "statuspage", url = "{rogue}/page", interval = "1s"}},
  {{name = "far", kind = "statuspage", url = "https://status.acme.example", interval = "1s"}},
  {{name = "x", kind = "x", account = "acmestatus", interval = "1s"}},
  {{name = "graph", kind = "msgraph", interval = "1s"}},
]
"""

#: Debug lines of every library, as somebody who hunts a fault would switch them on.
TALKATIVE = """
import logging

for name in "aiohttp alembic apprise asyncio discord requests slack_sdk sqlalchemy psycopg tweepy urllib3".split():
    logging.getLogger(name).setLevel(logging.DEBUG)
"""


@dataclass
class Given:
    """The folder of the program, its environment, and who answers."""

    folder: Path
    env: dict[str, str]
    page: StatusPage
    rogue: Rogue

    async def run(self, *words: str) -> Program:
        return await start(self.folder, self.env, *words)


@pytest.fixture
async def given(tmp_path: Path) -> AsyncIterator[Given]:
    page, rogue = StatusPage("Acme Cloud"), Rogue()
    async with serve(page) as good, serve(rogue) as bad:
        subscriptions = [f'[[subscription]]\nto = "{kind}"\nmode = "post"\n' for kind in KINDS]
        text = CONFIGURATION.format(page=good.url, rogue=bad.url) + "\n".join(subscriptions)
        (tmp_path / "statusbot.toml").write_text(text)
        (tmp_path / "sitecustomize.py").write_text(TALKATIVE)
        env = {
            **SECRETS,
            **{name: f"{bad.url}/{name}{path}" for name, path in PATHS.items()},
            "APPRISE_URL_OPS": f"json{bad.url.removeprefix('http')}/APPRISE_URL_OPS{PATHS['APPRISE_URL_OPS']}",
            "HOME": str(tmp_path),
            "STATUSBOT_LISTEN": free_place(),
            "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}",
            "NO_PROXY": "127.0.0.1",
            "HTTPS_PROXY": f"http://bot:{quote(PROXY, safe='')}@{bad.url.removeprefix('http://')}",
            "SLACK_API_URL": f"{bad.url}/slack/api/",
            "DISCORD_API_URL": f"{bad.url}/discord/api/v10",
            "X_API_URL": f"{bad.url}/x",
            "MSGRAPH_TENANT_ID": "tenant",
            "MSGRAPH_CLIENT_ID": "client",
            "MSGRAPH_URL": f"{bad.url}/graph",
            "MSLOGIN_URL": f"{bad.url}/login",
        }
        yield Given(tmp_path, env, page, rogue)


def free_place() -> str:
    """An address on which nobody listens; the default one may be another program's."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        return f"127.0.0.1:{place.getsockname()[1]}"


async def until(happened: object, program: Program) -> None:
    assert callable(happened)
    async with asyncio.timeout(90):
        while not happened():
            assert program.process.returncode is None, program.tale
            await asyncio.sleep(0.05)


@pytest.mark.timeout(400)  # on a busy machine; by itself less than half a minute
async def test_nothing_that_is_left_behind_holds_a_secret(given: Given) -> None:
    for number in range(TURNS):
        given.page.begin(f"Trouble {number}", f"Something fails, {number}.")
    program = await given.run("-v", "run", "--record", "trouble.jsonl")
    try:
        await until(lambda: all(given.rogue.asked[name] >= TURNS for name in ("slack", *PATHS)), program)
        await until(lambda: all(given.rogue.asked[name] >= 2 for name in ("discord", "x", "login", "api")), program)
        for path in given.folder.glob("statusbot.db*"):
            shutil.copy(path, given.folder / f"during-{path.name}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            program.process.terminate()
        code = await program.finish()
    assert code == 0, program.tale
    left = {path.name: path.read_bytes().decode(errors="replace") for path in given.folder.glob("*statusbot.db*")}
    left |= {"the recording": (given.folder / "trouble.jsonl").read_text(), "standard output": program.out}
    left |= {"standard error": program.err}
    left |= await said(given)
    assert {name: leaks(text) for name, text in left.items() if leaks(text)} == {}
    assert not [secret for name, secret in SECRETS.items() if name in USED and not used(secret, given.rogue.heard)]


def used(secret: str, heard: str) -> bool:
    return any(form in heard for form in forms(secret))


async def said(given: Given) -> dict[str, str]:
    """What the commands that only ask print of it all."""
    page = json.loads((await printed(given, "timeline", "--json"))[0])
    incident = page["incidents"][0]["id"]
    asked = (
        *("status --json", "sources", "deliveries --json", "deliveries --failed"),
        *(f"why {incident}", f"why {incident} teams:ops"),
    )
    told = await asyncio.gather(*(printed(given, *words.split()) for words in asked))
    words = {name: "\n".join(both) for name, both in zip(asked, told, strict=True)}
    return {**words, "timeline --json": json.dumps(page)}


async def printed(given: Given, *words: str) -> tuple[str, str]:
    program = await given.run("-v", *words)
    assert await program.finish() == 0, program.tale
    return program.out, program.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TEAMS_WEBHOOK_OPS", "S3cretTeams"),
        ("WEBHOOK_OWN", "http://[S3cretHost/hook"),
        ("SLACK_BOT_TOKEN", "xoxb S3cretSlack"),
        ("STATUSBOT_DATABASE", f"postgresql://bot:{quote(DATABASE)}@127.0.0.1:1/none"),
        ("STATUSBOT_DATABASE", f"mysql://bot:{quote(DATABASE)}@127.0.0.1:1/none"),
        ("STATUSBOT_DATABASE", f"postgresql://bot:{quote(DATABASE)}@127.0.0.1:S3cret/none"),
        ("HTTPS_PROXY", "http://bot:S3cretProxy@[/"),
    ],
)
async def test_a_wrong_setting_is_named_and_its_secret_is_not_repeated(given: Given, name: str, value: str) -> None:
    given.env[name] = value
    program = await given.run("-v", "run")
    async with asyncio.timeout(30):
        assert await program.finish() in (1, 2), program.tale
    assert leaks(program.tale) == []
    assert "Traceback" not in program.tale
