"""Discord by a bot: an embed that is edited, its updates in a thread; discord.py keeps the rate limits and the token.

Only the REST half of discord.py is used: `HTTPClient` needs no gateway, no cache and no intents.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
from yarl import URL

from bot.core.digest import Digest
from bot.core.document import phrase
from bot.core.text import clip
from bot.errors import Doubtful, Permanent, SendError, Temporary, Unsendable
from bot.markup import digest_embed, embed
from bot.model import Act, Delivery, Destination, Message, Notice, Picture, Receipt
from bot.ports import Tools
from bot.post import TIMEOUT, UNSENT, seconds
from bot.reach import Proxy

if TYPE_CHECKING:
    from discord.http import HTTPClient

TOKEN = "DISCORD_BOT_TOKEN"  # noqa: S105  # a variable's name
ADDRESS = "DISCORD_API_URL"
HOME = "https://discord.com/api/v10"
MESSAGES = "/channels/{channel_id}/messages"
ONE = "/channels/{channel_id}/messages/{message_id}"
THREAD = "/channels/{channel_id}/messages/{message_id}/threads"
EPOCH_MS = 1_420_070_400_000  #: where Discord's ids begin to count (its documentation, "Snowflakes")
PAGE = 100  #: messages asked for at once, the most that Discord gives
PAGES = 5  #: read back at the most
EARLIER = timedelta(minutes=1)  #: clocks differ
NAME = 100  #: characters of a thread's name
ARCHIVE = 10_080  #: minutes of silence until a thread is put away: a week, the longest
HAS_THREAD = 160_004  #: Discord's error for a message that has one already
#: What Discord's error codes mean for whoever has to mend it; its own words are not repeated.
CODES: Mapping[int, str] = {
    10003: "unknown channel",
    10008: "the message is gone",
    50001: "the bot cannot see the channel",
    50013: "the bot may not write there",
    50035: "a malformed message",
    50083: "the thread is archived",
}


CLOSED = (401, 403, 404)  #: answers about the channel or the token, not about the message
GONE = (10008, 50083)  #: the codes of those that are about a message or its thread all the same


class Discord:
    """`discord:<channel id>`. Receipts: `message` is the message's id; `thread` stands in a reply's, the thread's id.

    timeout: seconds for one request, discord.py's own repetitions of 500, 502 and 504 included.
    """

    def __init__(self, tools: Tools, *, timeout: float = TIMEOUT) -> None:
        self._tools = tools
        self._timeout = timeout
        self._http: HTTPClient | None = None
        self._login = asyncio.Lock()
        self._threads: set[str] = set()  #: those that are known to exist

    def render(self, notice: Notice) -> Message:
        """A message with one embed, its footer the delivery's key; buttons where a front end listens for them."""
        return embed.message(notice, buttons="discord" in self._tools.answered)

    def render_digest(self, digest: Digest, key: str) -> Message:
        """A message with one embed and its picture, its footer the delivery's key."""
        return digest_embed.message(digest, key)

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        """Create, edit or reply. Raises as ports.Notifier says."""
        message = embed.with_key(message, delivery.key)
        if delivery.act is Act.EDIT:
            return await self._edit(destination.name, message, root(delivery))
        if delivery.act is Act.REPLY:
            thread = await self._thread(destination.name, message, root(delivery))
            return Receipt(await self._create(thread, message, delivery), thread)
        return Receipt(await self._create(destination.name, message, delivery))

    async def find(self, destination: Destination, delivery: Delivery) -> Receipt | None:
        """The newest messages, back to just before the delivery was made: is one of them it? Raises as `send` does.

        None also where the bot may not read, or the thread is not there: the nonce still guards against a second copy.
        """
        thread = root(delivery).message if delivery.act is Act.REPLY else ""
        try:
            async for message in self._history(thread or destination.name, delivery):
                if bears(message, delivery.key):
                    return Receipt(str(message["id"]), thread)
        except Permanent:
            return None
        return None

    async def close(self) -> None:
        """Close discord.py's connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _create(self, channel: str, message: Message, delivery: Delivery) -> str:
        """The new message's id; twice the same delivery within some minutes is one message.

        A picture is no reason not to tell: where Discord refuses it (the bot may lack Attach Files), it is left out.
        """
        body = {**message.body, "nonce": nonce(delivery.key), "enforce_nonce": True}
        refused = ""
        if message.picture is not None:
            try:
                return named(await self._ask("POST", MESSAGES, ids(channel), form=fields(body, message.picture)))
            except (Permanent, Unsendable) as error:
                refused = str(error)
        return named(await self._ask("POST", MESSAGES, ids(channel), json=unpictured(body, refused)))

    async def _edit(self, channel: str, message: Message, told: Receipt) -> Receipt:
        await self._ask("PATCH", ONE, ids(channel, told.message), json=dict(message.body), repeatable=True)
        return told

    async def _thread(self, channel: str, message: Message, told: Receipt) -> str:
        """The thread under the incident's message, which has that message's id; made where it is not known to exist."""
        if told.message not in self._threads:
            body = {"name": thread_name(message), "auto_archive_duration": ARCHIVE}
            await self._ask("POST", THREAD, ids(channel, told.message), json=body, repeatable=True, fine=HAS_THREAD)
            self._threads.add(told.message)
        return told.message

    async def _history(self, channel: str, delivery: Delivery) -> AsyncIterator[Mapping[str, Any]]:
        """Messages, newest first."""
        oldest = since(delivery)
        params = {"limit": str(PAGE)}
        for _ in range(PAGES):
            page = await self._ask("GET", MESSAGES, ids(channel), params=params, repeatable=True)
            messages = [one for one in page if is_message(one)] if isinstance(page, list) else []
            for message in messages:
                yield message
            if len(messages) < PAGE or int(messages[-1]["id"]) < oldest:
                return
            params["before"] = str(messages[-1]["id"])

    async def _ask(
        self, method: str, path: str, where: Mapping[str, str], *, repeatable: bool = False, fine: int = 0, **more: Any
    ) -> Any:
        """One request through discord.py; an answer with the error code `fine` is no error.

        The error is raised outside of `except`, so that nothing of the library's (with the token) hangs on it.
        """
        http = await self._ready()
        failure: SendError | None
        try:
            async with asyncio.timeout(self._timeout):
                return await http.request(route(method, path, where), allow_redirects=False, **more)
        except Exception as error:  # noqa: BLE001  # also what discord.py stumbles on in an answer that is not Discord's
            failure = None if fine and getattr(error, "code", 0) == fine else judge(error, repeatable)
        if failure is not None:
            raise failure
        return None

    async def _ready(self) -> HTTPClient:
        """discord.py, logged in once: the first request proves the token, and nothing has been sent before."""
        async with self._login:
            if self._http is None:
                self._http = await self._log_in()
            return self._http

    async def _log_in(self) -> HTTPClient:
        token = self._tools.env.get(TOKEN, "")
        if not token:
            raise Permanent(f"{TOKEN} is not set")
        http = client(self._tools.env)
        failure: SendError | None = None
        try:
            async with asyncio.timeout(self._timeout):
                await http.static_login(token)
        except Exception as error:  # noqa: BLE001  # as in _ask
            failure = judge(error, repeatable=True)
        if failure is None:
            return http
        await http.close()
        raise failure


def named(said: object) -> str:
    """The id of the message that an answer holds. Raises Doubtful where it holds none."""
    if isinstance(said, dict) and str(said.get("id", "")).isdigit():
        return str(said["id"])
    raise Doubtful("accepted, but the answer names no message")


def unpictured(body: Mapping[str, object], refused: str) -> dict[str, object]:
    """The same message without its picture, and why; as it is where none was refused."""
    if not refused:
        return dict(body)
    embeds = orjson.loads(orjson.dumps(body["embeds"]))
    for one in embeds:
        one.pop("image", None)
        one["description"] = f"{one['description']}\n\n-# No picture: {refused}"
    return {name: part for name, part in body.items() if name != "attachments"} | {"embeds": embeds}


def fields(body: Mapping[str, object], picture: Picture) -> list[dict[str, object]]:
    """A message with a file, as discord.py's HTTPClient takes it."""
    file: dict[str, object] = {
        "name": "files[0]",
        "value": picture.png,
        "filename": picture.name,
        "content_type": "image/png",
    }
    return [{"name": "payload_json", "value": orjson.dumps(body).decode()}, file]


def client(env: Mapping[str, str]) -> HTTPClient:
    """discord.py's REST client for the configured address; it is moved by its class (FACTS.md, "Discord").

    It never waits by itself: a wait that we cut off would shut its global limit for good, and the ledger keeps time.
    """
    from discord.http import HTTPClient, Route  # noqa: PLC0415  # 0.2 s and 40 MB, only where Discord is told

    Route.BASE = env.get(ADDRESS, HOME).rstrip("/")
    proxy = Proxy(env.get("HTTPS_PROXY"), env.get("NO_PROXY", "")).of(URL(Route.BASE))
    http = HTTPClient(asyncio.get_running_loop(), proxy=str(proxy) if proxy else None)
    http.max_ratelimit_timeout = 0.001
    return http


def route(method: str, path: str, where: Mapping[str, str]) -> Any:
    """discord.py's own route; it keeps limits by the path's pattern and the channel."""
    from discord.http import Route  # noqa: PLC0415  # as in client()

    return Route(method, path, **where)


def judge(error: Exception, repeatable: bool) -> SendError:
    """What is to be done after discord.py raised; `repeatable`: doing it again does no harm."""
    from discord import HTTPException, LoginFailure, RateLimited  # noqa: PLC0415  # as in client()

    if isinstance(error, RateLimited):
        return Temporary("429 Too Many Requests", delay=seconds(error.retry_after))
    if isinstance(error, LoginFailure):
        return Permanent(f"{TOKEN} is not accepted")
    if isinstance(error, HTTPException):
        headers = error.response.headers
        wide = "X-RateLimit-Global" in headers
        return refusal(error.status, error.code, seconds(headers.get("Retry-After")), repeatable, wide=wide)
    if isinstance(error, UNSENT):
        return Temporary("could not connect")
    if isinstance(error, aiohttp.InvalidURL):
        return Permanent(f"{ADDRESS} is no address")
    return lost(error, repeatable)


def refusal(status: int, code: int, delay: timedelta | None, repeatable: bool, *, wide: bool = False) -> SendError:
    """What an answer with an error means."""
    words = f"{phrase(status)}: {CODES[code]}" if code in CODES else phrase(status)
    if status in (408, 429):
        return Temporary(words, delay=delay, wide=wide)
    if status >= 500:
        return Temporary(words) if repeatable else Doubtful(words)
    closed = status in CLOSED or 300 <= status < 400
    return Permanent(words) if closed and code not in GONE else Unsendable(words)


def lost(error: Exception, repeatable: bool) -> SendError:
    """What it means that no answer came, or one that is not Discord's."""
    if isinstance(error, TimeoutError):
        words = "no answer in time"
    elif isinstance(error, (aiohttp.ClientError, OSError)):
        words = "the connection broke off"
    else:
        words = "an answer that is not Discord's"
    return Temporary(words) if repeatable else Doubtful(words)


def root(delivery: Delivery) -> Receipt:
    """The incident's message, which is edited or replied to. Raises Permanent where there is none."""
    if delivery.root is None or not delivery.root.message:
        raise Unsendable("there is no message to edit or to reply to")
    return delivery.root


def ids(channel: str, message: str = "") -> dict[str, str]:
    """What a route's pattern is filled with."""
    return {"channel_id": number(channel)} | ({"message_id": number(message)} if message else {})


def number(words: str) -> str:
    """A channel's or message's id. Raises Permanent for anything else: it would become part of a path."""
    if not (words.isascii() and words.isdigit()):
        raise Permanent("a Discord channel is named by its id, a number")
    return words


def nonce(key: str) -> str:
    """The same 25 characters for the same delivery."""
    return sha256(key.encode("utf-8", "replace")).hexdigest()[:25]


def thread_name(message: Message) -> str:
    """The headline, never empty."""
    return clip(message.text.split("\n")[0].strip(), NAME) or "Updates"


def since(delivery: Delivery) -> int:
    """The id that a message of just before the delivery's making would have; 0 where that time is not known."""
    if delivery.created_at is None:
        return 0
    return max(0, int((delivery.created_at - EARLIER).timestamp() * 1000) - EPOCH_MS) << 22


def is_message(one: object) -> bool:
    """Whether a member of an answer is a message at all."""
    return isinstance(one, dict) and str(one.get("id", "")).isdigit()


def bears(message: Mapping[str, Any], key: str) -> bool:
    """Whether the footer of one of the message's embeds is the key's."""
    embeds = message.get("embeds")
    feet = [one.get("footer") for one in embeds if isinstance(one, dict)] if isinstance(embeds, list) else []
    return any(isinstance(foot, dict) and foot.get("text") == embed.footer(key) for foot in feet)
