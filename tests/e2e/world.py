"""Five platforms on loopback, and `statusbot` as a real process that knows no others."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.collectors.x.fake import TOKEN as X_TOKEN
from tests.collectors.x.fake import FakeX, post
from tests.support import discord, slack, teams
from tests.support.discord_gateway import Chat
from tests.support.faults import PLAIN, Fate, Fault, Faulty
from tests.support.server import Handler, Server, serve
from tests.support.slack_app import FakeSlack
from tests.support.statuspage import StatusPage, stamp

BOUND = 30.0  #: seconds after which something that should have happened counts as never happening
LEAVING = 10.0  #: seconds within which the program is gone after SIGTERM (CONTRACT.md)

CONFIGURATION = """
[[provider]]
id = "microsoft-365"
name = "Microsoft 365"

  [[provider.source]]
  name = "page"
  kind = "statuspage"
  url = "{page}"
  interval = "1s"

  [[provider.source]]
  name = "x"
  kind = "x"
  account = "MSFT365Status"
  interval = "1s"

[[subscription]]
to = "slack:C1"

[[subscription]]
to = "discord:42"

[[subscription]]
to = "teams:ops"
"""


@dataclass
class World:
    """The platforms, and the folder in which the program runs."""

    folder: Path
    page: StatusPage = field(default_factory=lambda: StatusPage("Microsoft 365"))
    x: FakeX = field(default_factory=FakeX)
    slack: slack.Workspace = field(default_factory=lambda: slack.Workspace(clock=slack.ticking()))
    chat: FakeSlack = field(init=False)  #: the same workspace as an app knows it
    discord: Chat = field(default_factory=lambda: Chat(now=lambda: datetime.now(UTC)))  # noqa: TID251
    teams: teams.Flow = field(default_factory=teams.Flow)
    env: dict[str, str] = field(default_factory=dict)
    running: list[Program] = field(default_factory=list)
    faults: dict[str, Fault] = field(default_factory=dict)  #: of what is sent, by platform, while they stand here
    wait: int = 1  #: seconds that a 429 asks for
    late: float = 0.0  #: seconds before a slow answer
    struck: list[str] = field(default_factory=list)  #: the platforms at which one came about
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.chat = FakeSlack(space=self.slack)

    def noting(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
        """The handler; each request it has acted on wakes who waits in `until`."""

        async def noted(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            finally:
                self._heard.set()

        return noted

    def fate(self, platform: str, request: web.Request) -> Fate:
        """What happens to a request to a platform."""
        fault = self.faults.get(platform, Fault.NONE) if request.method == "POST" else Fault.NONE
        if fault is not Fault.NONE:
            self.struck.append(platform)
        return Fate(fault, self.wait, self.late)

    async def until(self, happened: Callable[[], object], what: str, bound: float = BOUND) -> None:
        """Wait until the platforms have seen something happen, as long as the program is there to do it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + bound
        while not happened():
            self._heard.clear()
            fault = [program.tale for program in self.running if program.process.returncode is not None]
            if fault or loop.time() > end:
                tales = "\n".join(program.tale for program in self.running)
                raise AssertionError(f"never happened: {what}\n{tales}\n{json.dumps(self.places(), indent=1)}")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), 0.5)  # a program that is gone is heard no more

    async def settled(self) -> None:
        """Wait until both sources have been asked twice more: then what they said the first time has been taken in."""
        page, x = self.page.polls, len(self.x.polls)
        await self.until(lambda: self.page.polls >= page + 2 and len(self.x.polls) >= x + 2, "two polls more")

    async def settled_page(self) -> None:
        """The same for the page alone, where X is refused."""
        polls = self.page.polls
        await self.until(lambda: self.page.polls >= polls + 2, "two polls more of the page")

    def tell_x(self, text: str, link: str = "") -> None:
        """A post on X, now, with a link as X shortens it."""
        urls = [{"url": "https://t.co/a1", "expanded_url": link, "start": 0, "end": 0}] if link else []
        words = f"{text} https://t.co/a1" if link else text
        self.x.posts.append(post(1_000 + len(self.x.posts), stamp(), text=words, entities={"urls": urls}))

    def places(self) -> dict[str, list[Any]]:
        """What stands where now."""
        return {
            "Slack's channel": [one for one in self.slack.messages if not one.get("thread_ts")],
            "its threads": [one for one in self.slack.messages if one.get("thread_ts")],
            "Discord's channel": self.discord.channels["42"],
            "its threads too": [one for name, some in self.discord.channels.items() if name != "42" for one in some],
            "Teams": self.teams.cards,
        }

    def shown(self, words: str) -> list[int]:
        """How many messages show the words now, in each of `places`."""
        return [sum(words in json.dumps(message) for message in place) for place in self.places().values()]

    async def start(self, *words: str) -> Program:
        """`statusbot` with these words."""
        program = await start(self.folder, self.env, *words)
        self.running.append(program)
        return program

    @asynccontextmanager
    async def run(self, ending: signal.Signals = signal.SIGTERM) -> AsyncIterator[Program]:
        """`statusbot run` for the block, and its end: by SIGTERM or SIGINT with exit code 0, in time; or by SIGKILL."""
        program = await self.start("run")
        yield program
        code = await program.end(ending)
        self.running.remove(program)
        assert code == (0 if ending is not signal.SIGKILL else -signal.SIGKILL), program.tale
        assert "Traceback" not in program.tale

    async def printed(self, *words: str) -> str:
        """What `statusbot` prints."""
        program = await self.start(*words)
        self.running.remove(program)
        assert await program.finish() == 0, program.tale
        return program.out

    async def said(self, *words: str) -> Any:
        """What `statusbot` prints as JSON."""
        return json.loads(await self.printed(*words))


async def start(folder: Path, env: Mapping[str, str], *words: str) -> Program:
    """`statusbot` with these words, in that folder, and with no other environment."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        cwd=folder,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return Program(process)


class Program:
    """A process, and what it has said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out, self.err = "", ""
        self.gone = asyncio.create_task(self._listen())

    @property
    def tale(self) -> str:
        """What it said to people."""
        return f"{self.out}\n{self.err}"

    async def end(self, how: signal.Signals) -> int:
        """Its exit code after a signal."""
        self.process.send_signal(how)
        async with asyncio.timeout(LEAVING):
            return await self.finish()

    async def finish(self) -> int:
        """Its exit code."""
        await self.gone
        return await self.process.wait()

    async def kill(self) -> None:
        """Make sure that nothing stays behind."""
        if self.process.returncode is None:
            self.process.kill()
        await self.finish()

    async def _listen(self) -> None:
        async def read(name: str, stream: asyncio.StreamReader) -> None:
            while line := await stream.readline():
                setattr(self, name, getattr(self, name) + line.decode())

        assert self.process.stdout is not None
        assert self.process.stderr is not None
        await asyncio.gather(read("out", self.process.stdout), read("err", self.process.stderr))


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """The platforms on loopback until the block ends, and no program behind it."""
    made = World(folder)
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(serve(made.noting(made.page)))
        x = await stack.enter_async_context(serve(made.noting(made.x)))

        def behind(name: str, inner: Handler) -> AbstractAsyncContextManager[Server]:
            faulty = Faulty(inner, PLAIN, partial(made.fate, name), lambda _: None, made.over)
            return serve(made.noting(faulty))

        space = await stack.enter_async_context(behind("slack", made.chat.handle))
        guild = await stack.enter_async_context(behind("discord", made.discord))
        flow = await stack.enter_async_context(behind("teams", made.teams))
        made.discord.server = guild
        made.slack.url = f"{space.url}/api/"
        made.chat.url = space.url
        (folder / "statusbot.toml").write_text(CONFIGURATION.format(page=page.url))
        made.env = {
            "HOME": str(folder),
            "STATUSBOT_LISTEN": "",  # several run at once
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "X_API_URL": x.url,
            "X_BEARER_TOKEN": X_TOKEN,
            "SLACK_API_URL": f"{space.url}/api/",
            "SLACK_BOT_TOKEN": slack.TOKEN,
            "DISCORD_API_URL": f"{guild.url}/api/v10",
            "DISCORD_BOT_TOKEN": discord.TOKEN,
            "TEAMS_WEBHOOK_OPS": f"{flow.url}{teams.PATH}?{teams.SECRET}",
        }
        try:
            yield made
        finally:
            made.slack.over.set()
            made.over.set()
            for program in made.running:
                await program.kill()
