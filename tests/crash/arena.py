"""The platforms behind their faults, and the lives of the program: each starts, works, and is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from tests.collectors.x.fake import TOKEN as X_TOKEN
from tests.collectors.x.fake import FakeX
from tests.crash import ledger
from tests.crash.chaos import Chaos, Death, How
from tests.e2e.world import Program, start
from tests.support import discord, faults, hook, slack, teams
from tests.support.faults import Dialect, Fate, Fault, Faulty
from tests.support.server import Handler, Server, serve
from tests.support.statuspage import StatusPage

LIFE = web.RequestKey("life", int)
FAULT = web.RequestKey("fault", Fault)
PATIENCE = 5  #: times as long as a start takes, after which a life ends that never did what it should die of
NONCES = timedelta(seconds=30)  #: how long Discord knows a nonce here: longer than one request, shorter than an outage

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

[[subscription]]
to = "webhook:own"
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message at a platform that keeps no copy from coming twice."""

    key: str
    life: int
    fault: Fault


@dataclass
class Life:
    """One process from its start to its end. `written`: the keys that the ledger called sent when it died."""

    number: int
    program: Program
    death: Death
    start: float = 1.0  #: seconds that a start takes on this machine
    requests: int = 0
    working: asyncio.Event = field(default_factory=asyncio.Event)
    killed: bool = False
    written: frozenset[str] = frozenset()

    def kill(self) -> None:
        """Now."""
        if self.program.process.returncode is None and not self.killed:
            self.killed = True
            self.program.process.kill()

    async def run_out(self) -> None:
        """Wait for its death, or bring it about."""
        patience, after = PATIENCE * self.start, self.death.after
        if self.death.how is How.WORKING:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.working.wait(), patience)
        lasting = {How.REQUEST: patience, How.STARTING: after * self.start}.get(self.death.how, after)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self.program.gone), lasting)
        self.kill()
        await self.program.finish()


@dataclass
class Arena:
    """The world in which the program lives and dies; `arrivals` by platform, in order."""

    folder: Path
    chaos: Chaos
    database: str
    page: StatusPage = field(default_factory=lambda: StatusPage("Microsoft 365"))
    x: FakeX = field(default_factory=FakeX)
    slack: slack.Workspace = field(default_factory=lambda: slack.Workspace(clock=slack.ticking()))
    discord: discord.Fake = field(
        default_factory=lambda: discord.Fake(now=lambda: datetime.now(UTC), memory=NONCES)  # noqa: TID251
    )
    teams: teams.Flow = field(default_factory=teams.Flow)
    hook: hook.Hook = field(default_factory=hook.Hook)
    arrivals: dict[str, list[Arrival]] = field(default_factory=lambda: {"teams:ops": [], "webhook:own": []})
    lives: list[Life] = field(default_factory=list)
    servers: dict[str, Server] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    starting: float = 1.0  #: seconds from a start to the first question to a source

    @property
    def kills(self) -> int:
        """How many lives were ended by force."""
        return sum(life.killed for life in self.lives)

    async def born(self, death: Death) -> Life:
        """A new process of `statusbot run`."""
        life = Life(len(self.lives), await self.start(len(self.lives), "run"), death, self.starting)
        self.lives.append(life)
        return life

    async def live(self, death: Death) -> None:
        """A life from its start to its end by force; one that ended by itself says why, and is a failure."""
        life = await self.born(death)
        await life.run_out()
        assert life.killed, f"life {life.number} ended by itself: {life.program.tale[-3000:]}"
        life.written = await ledger.sent_after_death(self.database)

    async def start(self, life: int, *words: str) -> Program:
        """`statusbot` with these words; its platforms' addresses tell the life."""
        return await start(self.folder, self.env(life), *words)

    async def printed(self, *words: str) -> str:
        """What a command prints."""
        program = await self.start(len(self.lives), *words)
        assert await program.finish() == 0, program.tale
        return program.out

    def env(self, life: int) -> dict[str, str]:
        """The program's whole environment."""
        url = {name: f"{server.url}/{life}" for name, server in self.servers.items()}
        return {
            "HOME": str(self.folder),
            "STATUSBOT_LISTEN": "",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "STATUSBOT_DATABASE": self.database,
            "X_API_URL": self.servers["x"].url,
            "X_BEARER_TOKEN": X_TOKEN,
            "SLACK_API_URL": f"{url['slack']}/api/",
            "SLACK_BOT_TOKEN": slack.TOKEN,
            "DISCORD_API_URL": f"{url['discord']}/api/v10",
            "DISCORD_BOT_TOKEN": discord.TOKEN,
            "TEAMS_WEBHOOK_OPS": f"{url['teams']}{teams.PATH}?{teams.SECRET}",
            "WEBHOOK_OWN": f"{url['hook']}{hook.PATH}",
            "WEBHOOK_SECRET_OWN": hook.SECRET,
        }

    def behind(self, name: str, inner: Handler, dialect: Dialect) -> Faulty:
        """A platform's fake behind its faults."""

        def plan(request: web.Request) -> Fate:
            life = self.lives[request[LIFE]]
            life.requests += 1
            life.working.set()
            fate = self.chaos.fate(name, life.death, life.requests)
            request[FAULT] = fate.fault
            return fate

        return Faulty(inner, dialect, plan, lambda request: self.lives[request[LIFE]].kill(), self.over)

    def noting(self, destination: str, header: str, inner: Handler) -> Handler:
        """The handler of a platform at which every arrival counts."""

        async def note(request: web.Request) -> web.StreamResponse:
            done = await inner(request)
            assert 200 <= done.status < 300
            self.arrivals[destination].append(Arrival(request.headers[header], request[LIFE], request[FAULT]))
            return done

        return note


def life_of(request: web.Request) -> web.Request:
    """The request without the life that its path begins with; `LIFE` is its number."""
    life, _, path = request.raw_path.removeprefix("/").partition("/")
    made = request.clone(rel_url=f"/{path}")
    made[LIFE] = int(life)
    return made


@asynccontextmanager
async def arena(folder: Path, chaos: Chaos, database: Callable[[Path], str]) -> AsyncIterator[Arena]:
    """The platforms on loopback until the block ends, and no program behind it."""
    made = Arena(folder, chaos, database(folder))
    handlers: dict[str, Faulty] = {
        "slack": made.behind("slack", made.slack.handle, faults.SLACK),
        "discord": made.behind("discord", made.discord, faults.DISCORD),
        "teams": made.behind("teams", made.noting("teams:ops", "Idempotency-Key", made.teams), faults.PLAIN),
        "hook": made.behind("hook", made.noting("webhook:own", "webhook-id", made.hook), faults.PLAIN),
    }
    async with AsyncExitStack() as stack:
        made.servers["page"] = await stack.enter_async_context(serve(made.page))
        made.servers["x"] = await stack.enter_async_context(serve(made.x))
        for name, handler in handlers.items():
            made.servers[name] = await stack.enter_async_context(serve(handler, life_of))
        (folder / "statusbot.toml").write_text(CONFIGURATION.format(page=made.servers["page"].url))
        try:
            yield made
        finally:
            made.over.set()
            for life in made.lives:
                await life.program.kill()
