"""Everything else that can be notified, through Apprise: e-mail, Telegram, ntfy, PagerDuty and a hundred others.

Apprise is synchronous and answers yes or no: a no (or none in time) is tried again, so that it is told at least once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread
from typing import Any

from bot.core.digest import Digest
from bot.core.summary import Card, Line, card
from bot.core.text import clip
from bot.errors import Permanent, Temporary
from bot.markup import PLAIN, clean
from bot.markup.digest_text import text
from bot.markup.fit import web_address
from bot.model import Delivery, Destination, Message, Notice, Receipt
from bot.ports import Tools
from bot.post import variable

ADDRESS = "APPRISE_URL_"
TIMEOUT = 45.0  #: seconds for one message; Apprise's own limits are 4 s to connect and 4 s between bytes
ABREAST = 16  #: messages under way at once, each on a thread
LONGEST = 3_000  #: characters of one update's words
TITLE = 200


class Apprise:
    """`apprise:<name>`. timeout: seconds for one try."""

    def __init__(self, tools: Tools, *, timeout: float = TIMEOUT) -> None:
        self._tools = tools
        self._timeout = timeout
        self._room = asyncio.Semaphore(ABREAST)
        for library in ("apprise", "urllib3"):  # what they say of an address may be the address
            logging.getLogger(library).setLevel(logging.CRITICAL + 1)
            logging.getLogger(library).addFilter(nothing)

    def render(self, notice: Notice) -> Message:
        """A title and plain words, which every service can show."""
        shown = card(notice)
        title = clip(clean(f"{shown.mark} {shown.headline_within(TITLE - 2)}"), TITLE)
        body = "\n".join(lines(shown))
        return Message({"title": title, "body": body}, f"{title}\n{body}")

    def render_digest(self, digest: Digest, key: str) -> Message:
        """The digest as plain words; its first line is the title."""
        words = text(digest)
        title, _, body = words.partition("\n")
        return Message({"title": clip(title, TITLE), "body": body.strip()}, words)

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        """Hand it over once. Raises Temporary for a no, Permanent for an address that is none."""
        service = self._service(destination)
        said: bool | None = None
        try:
            async with asyncio.timeout(self._timeout):
                said = await self._on_a_thread(service, message)
        except TimeoutError:
            said = None
        if said is None:
            raise Temporary("no answer in time")
        if not said:
            raise Temporary("the service did not take it; Apprise does not say why")
        return Receipt()

    async def close(self) -> None:
        """Nothing to give back: a thread that hangs ends with the process."""

    async def _on_a_thread(self, service: Any, message: Message) -> bool:
        """Apprise's answer, from a thread that holds up no exit; its room is free when it ends, not when we give up."""
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()

        def settle(said: bool) -> None:
            self._room.release()
            if not answer.done():
                answer.set_result(said)

        def work() -> None:
            said = tell(service, message, self._timeout)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, said)

        Thread(target=work, name="apprise", daemon=True).start()
        return await answer

    def _service(self, destination: Destination) -> Any:
        from apprise import Apprise as Service  # noqa: PLC0415  # 0.1 s, and an extra that not everybody has
        from apprise import AppriseAsset  # noqa: PLC0415

        name = variable(ADDRESS, destination.name)
        url = self._tools.env.get(name, "")
        if not url:
            raise Permanent(f"{name} is not set")
        asset = AppriseAsset(app_id="statusbot", app_desc="statusbot", async_mode=False, http_redirects=False)
        service = Service(asset=asset)
        if not service.add(url):
            raise Permanent(f"{name} is no address that Apprise knows")
        return service


def nothing(record: logging.LogRecord) -> bool:
    """Lets no line of a log pass."""
    return False


def tell(service: Any, message: Message, timeout: float) -> bool:
    """Apprise's yes or no, within so many seconds where it speaks HTTP; what it stumbles over is a no.

    The few services that speak otherwise (e-mail, MQTT, XMPP) have Apprise's own time-outs between bytes, and no more.
    """
    from bot.bounded import bounded  # noqa: PLC0415  # requests, which only Apprise needs

    try:
        with bounded(timeout):
            return bool(service.notify(title=message.body["title"], body=message.body["body"], body_format="text"))
    except Exception:  # noqa: BLE001  # a hundred services, each with its own; their words may hold the address
        return False


def lines(shown: Card) -> Iterator[str]:
    """The card in plain words, its times in UTC, and the key by which a reader knows a repetition."""
    if shown.label:
        yield clean(shown.label)
    yield line((f"{shown.state} · {shown.impact} · ", *shown.since))
    named = " · ".join(part for part in (shown.components, shown.regions) if part)
    if named:
        yield clip(clean(named), LONGEST)
    for entry in shown.entries:
        yield ""
        if entry.state:
            yield entry.state
        yield clip(clean(entry.text), LONGEST)
        yield line(entry.said)
    if shown.doubts:
        yield ""
    yield from (line(doubt) for doubt in shown.doubts)
    link = web_address(shown.link) or web_address(shown.latest.url if shown.latest else "")
    yield ""
    if link:
        yield link
    yield f"id {clip(clean(shown.key), TITLE)}"


def line(parts: Line) -> str:
    """Words and times on one line."""
    return clip(clean(PLAIN.line(parts)), LONGEST)
