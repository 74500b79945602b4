"""Slack's socket: held, watched by its pings, and replaced when it has died, silently or not.

Bolt's handler (slack-sdk's client) carries the messages. Whether the connection lives, and when there is to be another,
is judged here: left to itself the client tries one address, good for a single use, for ever, connects anew without a
pause as often as Slack asks it to, and is known to miss a silent death (python-slack-sdk#1110, #1701, #1922).
Where Slack asks to move, the old connection is heard until the new one has stood for a while: what somebody types
meanwhile may still come by the old one, and Slack shows an error where nobody acknowledges it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from bot.frontends.slack.request import word
from bot.frontends.slack.workspace import Refused, Workspace

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp
    from slack_sdk.socket_mode.aiohttp import SocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

log = logging.getLogger("statusbot.slack")

quiet = logging.getLogger("statusbot.slack.library")  #: whose lines may hold addresses that are secrets, and bodies
quiet.setLevel(logging.CRITICAL + 1)

REMEMBERED = 2_000  #: names of requests, of which each has up to two
DEAF = "it no longer answers"
MENDS = {
    "invalid_auth": "SLACK_APP_TOKEN is not valid",
    "not_allowed_token_type": "SLACK_APP_TOKEN is no app-level token (xapp-…)",
    "missing_scope": "SLACK_APP_TOKEN lacks the scope connections:write",
    "token_revoked": "SLACK_APP_TOKEN has been revoked",
}


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. A dead socket is noticed after four pings at the latest: within 60 s, and replaced at once."""

    ping: float = 8.0
    connect: float = 15.0  #: until a connection stands
    close: float = 2.0  #: for the farewell of an old one
    least: float = 1.0  #: before the first new try; doubled at each
    most: float = 60.0
    settled: float = 60.0  #: a connection that lived so long was a good one


class Socket:
    """One connection by Socket Mode at a time. connected: whether it stands now."""

    def __init__(self, app: AsyncApp, workspace: Workspace, token: str, pace: Pace) -> None:
        self._app = app
        self._workspace = workspace
        self._token = token
        self._pace = pace
        self._told = False  # that it is lost
        self._old: SocketModeClient | None = None  # a connection to move away from, which is still heard
        self._seen: dict[str, None] = {}  # names of the newest requests, oldest first
        self.connected = False

    async def hold(self) -> None:
        """Keep a connection until cancelled; trouble is said once, and its end once."""
        try:
            await self._hold()
        finally:
            await self._keep(None)

    async def _hold(self) -> None:
        failures = 0
        while True:
            began, delay = monotonic(), 0.0
            try:
                reason = await self._live()
            except TimeoutError:
                reason = "no connection came about"
            except Refused as refused:
                reason = MENDS.get(refused.word, str(refused))
                delay = refused.delay.total_seconds() if refused.delay else 0.0
            except Exception:
                log.exception("holding Slack's socket failed in our own code")
                reason = "a fault of ours"
            if reason:
                self._lost(reason)
            failures = 0 if monotonic() - began >= self._pace.settled else failures + 1
            await asyncio.sleep(max(delay, self._wait(failures)))

    async def _live(self) -> str:
        """One connection, from its address to its death; of what it died, empty where Slack asks to move.

        Raises Refused or TimeoutError where it never stands.
        """
        client = await self._client()
        moves = False
        try:
            ended: asyncio.Queue[str] = asyncio.Queue()
            client.on_close_listeners.append(_putting(ended, "Slack has closed it"))
            client.on_error_listeners.append(_putting(ended, DEAF))  # aiohttp's pings, or the network
            client.connect_to_new_endpoint = _putting(ended, "")  # type: ignore[method-assign]
            async with asyncio.timeout(self._pace.connect):
                client.wss_uri = await self._address()
                await client.connect()  # type: ignore[no-untyped-call]
            self._stands()
            reason = await self._death(client, ended)
            moves = not reason
            return reason
        finally:
            self.connected = False
            await (self._keep(client) if moves else self._drop(client))

    async def _client(self) -> SocketModeClient:
        """A client on the shared session, which knows the proxies, in place of a session of its own."""
        from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler  # noqa: PLC0415  # 0.1 s

        web = self._workspace.client()
        handler = AsyncSocketModeHandler(
            self._app,
            self._token,
            logger=quiet,
            web_client=web,
            proxy="-",  # any word, so that it takes none from the process's environment, NO_PROXY unheard
            ping_interval=self._pace.ping,
        )
        client = handler.client
        client.socket_mode_request_listeners[:] = [self._once(handler.handle)]
        own, client.aiohttp_client_session = client.aiohttp_client_session, self._workspace.session()
        await own.close()
        client.proxy = None
        client.auto_reconnect_enabled = client.default_auto_reconnect_enabled = False
        return client

    def _once(self, handle: Any) -> Any:
        """The handler for what has not come before: Slack repeats what it has seen no acknowledgement of."""

        async def listener(client: SocketModeClient, request: SocketModeRequest) -> None:
            if self._known(request):
                await client.send_socket_mode_response({"envelope_id": request.envelope_id})
            else:
                await handle(client, request)

        return listener

    def _known(self, request: SocketModeRequest) -> bool:
        """Whether it came before, by any of its names; from now on it did."""
        names = [request.envelope_id, word(request.payload, "event_id")]
        known = any(name in self._seen for name in names if name)
        self._seen |= dict.fromkeys(filter(None, names))
        while len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return known

    async def _address(self) -> str:
        """Where to connect, once. Raises Refused."""
        answer = await self._workspace.call(lambda client: client.apps_connections_open(app_token=self._token))
        return word(answer, "url")

    async def _death(self, client: SocketModeClient, ended: asyncio.Queue[str]) -> str:
        """Return when the connection has ended, or no longer answers pings; of what."""
        while True:
            with suppress(TimeoutError):
                return await asyncio.wait_for(ended.get(), self._pace.ping)
            await self._keep(None)
            listens = client.message_receiver is not None and not client.message_receiver.done()
            if not listens or not await client.is_connected():
                return DEAF

    async def _keep(self, client: SocketModeClient | None) -> None:
        """Go on hearing this one beside the next, and no other: Slack counts them."""
        old, self._old = self._old, client
        if old is not None:
            await self._drop(old)

    async def _drop(self, client: SocketModeClient) -> None:
        """End a client's tasks and its connection, but not the shared session."""
        client.closed = True
        tasks: list[asyncio.Future[Any] | None] = [
            client.message_processor,
            client.current_session_monitor,
            client.message_receiver,
        ]
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if client.current_session is not None:
            with suppress(Exception):
                async with asyncio.timeout(self._pace.close):
                    await client.current_session.close()

    def _stands(self) -> None:
        self.connected = True
        if self._told:
            log.info("Slack's socket stands again")
        self._told = False

    def _lost(self, reason: str) -> None:
        if not self._told:
            log.warning("Slack's socket is lost: %s; connecting anew", reason)
        self._told = True

    def _wait(self, failures: int) -> float:
        """Seconds until the next try: none after a good connection, then doubled each time, with jitter, in bounds."""
        if not failures:
            return 0.0
        longest: float = min(self._pace.most, self._pace.least * 2.0 ** min(failures - 1, 16))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, no secret


def _putting(queue: asyncio.Queue[str], words: str) -> Any:
    """A listener that puts words into a queue."""

    async def listener(*_: object, **__: object) -> None:
        queue.put_nowait(words)

    return listener
