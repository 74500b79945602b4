"""The app with the real Bolt, desk and store, and a Slack on loopback around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar, cast

import aiohttp
from aiohttp import web

from bot.answer.desk import Desk
from bot.frontends.slack.app import SlackApp
from bot.frontends.slack.socket import Pace
from bot.model import Directory, Impact, Incident, Provider, Source, Subscription
from bot.notifiers import mode_for
from bot.ports import Fetcher, Ledger, Store, Tools
from bot.store import SqlStore, open_store
from tests.store.build import at, change, incident, report, update
from tests.support.clock import StillClock
from tests.support.slack import TOKEN, Trouble
from tests.support.slack_app import APP_TOKEN, SECRET, FakeSlack, Person, fake_slack

T = TypeVar("T")

ACME = Provider(
    "acme",
    "Acme Cloud",
    (Source("acme/page", "acme", "page", "statuspage"),),
    aliases=("acme inc",),
    components={"Mail": ("Outlook",), "Chat": ()},
)
OTHER = Provider(
    "other", "Other Things", (Source("other/page", "other", "page", "statuspage"),), components={"Disk": ()}
)
DIRECTORY = Directory({"acme": "Acme Cloud", "other": "Other Things"}, {"acme/page": "the status page"})
MAIL = incident(
    "3fa9c1d20b7e",
    update(report("1", text="Users cannot send mail.")),
    title="Mail is down",
    references=("AC1221",),
    components=("Mail",),
    impact=Impact.MAJOR,
)
PACE = Pace(close=0.1, least=0.01, most=0.05)  #: as it is, but that a lost connection is replaced at once


class Held:
    """A store whose transactions wait while `gate` is shut."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.gate = asyncio.Event()
        self.gate.set()

    async def write(self, work: Callable[[Ledger], T]) -> T:
        await self.gate.wait()
        return await self._store.write(work)

    async def read(self, work: Callable[[Ledger], T]) -> T:
        await self.gate.wait()
        return await self._store.read(work)

    async def upgrade(self) -> None:
        await self._store.upgrade()

    async def close(self) -> None:
        await self._store.close()


@dataclass
class Bench:
    """An app, who speaks to it, and what it has kept."""

    app: SlackApp
    slack: FakeSlack
    ann: Person
    store: SqlStore
    held: Held
    clock: StillClock
    woken: list[int] = field(default_factory=list)

    async def subscriptions(self) -> list[Subscription]:
        return await self.store.read(lambda ledger: ledger.subscriptions())

    async def knows(self, *incidents: Incident) -> None:
        await self.store.write(lambda ledger: ledger.save([change(entry) for entry in incidents]))

    async def idle(self) -> None:
        """Wait until nothing is being answered any more."""
        while self.app._working:
            await asyncio.wait(self.app._working, timeout=5)


@asynccontextmanager
async def bench(
    way: str = "socket",
    may_subscribe: Sequence[str] = (),
    *,
    patience: float = 5.0,
    abreast: int = 50,
    troubles: Mapping[str, list[Trouble]] | None = None,
    pace: Pace = PACE,
) -> AsyncIterator[Bench]:
    """The app until the block ends, reached by `socket` or by `http`."""
    async with fake_slack() as slack, aiohttp.ClientSession() as session:
        slack.space.troubles.update(troubles or {})
        store = open_store("sqlite://")
        await store.upgrade()
        held, clock, woken = Held(store), StillClock(at(5)), [0]
        desk = Desk(held, (ACME, OTHER), DIRECTORY, {}, clock, mode_for, lambda: woken.append(1))
        env = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": slack.space.url}
        env |= {"SLACK_APP_TOKEN": APP_TOKEN} if way == "socket" else {"SLACK_SIGNING_SECRET": SECRET}
        tools = Tools(clock, cast("Fetcher", None), lambda: session, env)
        app = SlackApp(desk, tools, may_subscribe, pace=pace, patience=patience, abreast=abreast)
        runner, at_url = await served(app)
        running = asyncio.create_task(app.run())
        ann = Person(slack, session=session, stamp=str(int(clock.now().timestamp())))
        if way == "http":
            ann.at = f"{at_url}/slack/events"
        else:
            await slack.until(lambda: slack.links, "the socket")
        try:
            yield Bench(app, slack, ann, store, held, clock, woken)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await app.close()
            await runner.cleanup()
            await store.close()


async def served(app: SlackApp) -> tuple[web.AppRunner, str]:
    """A bare HTTP server with the app's routes, and where it listens."""
    site = web.Application()
    site.add_routes(app.routes())
    runner = web.AppRunner(site, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"
