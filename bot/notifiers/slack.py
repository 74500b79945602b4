"""A Slack channel, through an app's bot token: one message per incident, edited, with its updates in the thread."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import aiohttp

from bot.core.digest import Digest
from bot.core.document import phrase
from bot.errors import Doubtful, Permanent, SendError, Temporary, Unsendable
from bot.markup import blocks, digest_blocks
from bot.model import Act, Delivery, Destination, Message, Notice, Picture, Receipt
from bot.ports import Tools
from bot.post import TIMEOUT, UNSENT, seconds

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError
    from slack_sdk.web.async_client import AsyncWebClient

TOKEN = "SLACK_BOT_TOKEN"  # noqa: S105  # the name of a setting
EVENT = "statusbot"  #: the type of the metadata by which our messages are found again
CLOCKS = timedelta(minutes=1)  #: how far Slack's clock may be behind ours
PROCESSING = (0.0, 1.0, 2.0, 4.0)  #: seconds to wait before each try to show a file just uploaded
PAGES = 10  #: of 100 messages, looked through at the most

#: Slack's own words for "not now", and for trouble of its own after which the message may stand or not.
LATER = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org"})
UNSURE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
#: Slack's words about one message; every other refusal is about the channel, the token or the app.
MESSAGE = frozenset(
    {
        "cant_update_message",
        "edit_window_closed",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "message_not_found",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "thread_not_found",
        "too_many_attachments",
    }
)
MENDS: Mapping[str, str] = {
    "not_in_channel": "invite the app to the channel",
    "channel_not_found": "no such channel, or a private one that the app is not in",
    "is_archived": "the channel is archived",
    "missing_scope": "the app lacks a scope",
    "invalid_auth": f"{TOKEN} is not valid",
    "not_authed": f"{TOKEN} is not set",
    "token_revoked": f"{TOKEN} has been revoked",
    "token_expired": f"{TOKEN} has expired",
    "account_inactive": f"{TOKEN} belongs to an account that is no longer active",
}

Call = Callable[["AsyncWebClient"], Awaitable[Any]]


class Slack:
    """`slack:<channel id>`. timeout: seconds for one call."""

    def __init__(self, tools: Tools, *, timeout: float = TIMEOUT, processing: Sequence[float] = PROCESSING) -> None:
        self._tools = tools
        self._timeout = timeout
        self._processing = processing

    def render(self, notice: Notice) -> Message:
        """Blocks and the text of the notification; buttons where the app can hear them."""
        return blocks.message(notice, buttons="slack" in self._tools.answered)

    def render_digest(self, digest: Digest, key: str) -> Message:
        """Blocks, the text of the notification, and a picture."""
        return digest_blocks.message(digest)

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        """Post, reply or edit once. An edit always carries blocks and text: text alone would take the blocks away."""
        edits = delivery.act is Act.EDIT
        channel, root = place(destination, delivery)
        content: dict[str, Any] = {"channel": channel, "text": message.body["text"], "blocks": message.body["blocks"]}
        if edits:
            answer = await self._ask(lambda client: client.chat_update(**content, ts=root), repeatable=True)
            return delivery.root or receipt(answer, channel)
        metadata = {"event_type": EVENT, "event_payload": {"key": delivery.key}}
        content |= {"thread_ts": root or None, "metadata": metadata, "unfurl_links": False, "unfurl_media": False}
        if message.picture is not None:
            return receipt(await self._post_pictured(content, message.picture), destination.name)
        return receipt(await self._post(content), destination.name)

    async def _post(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._ask(lambda client: client.chat_postMessage(**content))

    async def _post_pictured(self, content: dict[str, Any], picture: Picture) -> Mapping[str, Any]:
        """One message with the picture in it; without it, and saying so, where Slack does not take it.

        Slack refuses the block until it has processed the file, which takes it about a second
        (slackapi/python-slack-sdk#1521).
        """
        first, *rest = content["blocks"]
        file, trouble = await self._upload(picture)
        for wait in self._processing if file else ():
            await asyncio.sleep(wait)
            shown = {"type": "image", "slack_file": {"id": file}, "alt_text": picture.alt}
            try:
                return await self._post({**content, "blocks": [first, shown, *rest]})
            except Unfit as error:
                trouble = str(error)
        return await self._post({**content, "blocks": [first, *rest, blocks.plain(f"No picture: {trouble}")]})

    async def _upload(self, picture: Picture) -> tuple[str, str]:
        """The id of the file, which nobody sees yet; else why there is none."""
        try:
            answer = await self._ask(
                lambda client: client.files_upload_v2(
                    content=picture.png, filename=picture.name, title="Digest", alt_txt=picture.alt
                ),
                repeatable=True,
            )
        except SendError as error:
            lacking = "missing_scope" in str(error)
            return "", "the app lacks the scope files:write" if lacking else str(error)
        file = answer.get("file")
        found = file.get("id") if isinstance(file, dict) else None
        return (found, "") if isinstance(found, str) else ("", "Slack names no file")

    async def find(self, destination: Destination, delivery: Delivery) -> Receipt | None:
        """The message that bears the delivery's key; None where it is not there.

        Raises Temporary where Slack did not answer the question, Permanent where the app may not ask it.
        """
        if delivery.act is Act.EDIT:
            return None  # an edit is simply made again
        channel, root = place(destination, delivery)
        async for found in self._messages(channel, root, delivery):
            if key_of(found) == delivery.key:
                return receipt({"ts": found.get("ts"), "channel": channel}, destination.name)
        return None

    async def close(self) -> None:
        """Nothing of its own to give back."""

    async def _messages(self, channel: str, root: str, delivery: Delivery) -> AsyncIterator[Mapping[str, Any]]:
        """The messages of the channel, or of the root's thread, since just before the delivery was decided."""
        since = delivery.created_at - CLOCKS if delivery.created_at else None
        wanted: dict[str, Any] = {"channel": channel, "limit": 100, "include_all_metadata": True}
        if since is not None:
            wanted["oldest"] = f"{since.timestamp():.6f}"
        for _ in range(PAGES):
            answer = await self._ask(
                lambda client: (
                    client.conversations_replies(**wanted, ts=root) if root else client.conversations_history(**wanted)
                ),
                repeatable=True,
            )
            for message in answer.get("messages") or ():
                yield message
            wanted["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
            if not wanted["cursor"]:
                return

    async def _ask(self, call: Call, *, repeatable: bool = False) -> Mapping[str, Any]:
        """One call, made once. Raises Temporary, Permanent or Doubtful; never Doubtful for what is `repeatable`."""
        from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415  # 0.1 s that only sending needs

        failure: SendError
        try:
            async with asyncio.timeout(self._timeout):
                answer = await call(self._client())
                return answer.data if isinstance(answer.data, dict) else {}
        except SlackApiError as error:
            failure = refusal(error, repeatable=repeatable)
        except UNSENT:
            failure = Temporary("could not connect")
        except (aiohttp.ClientError, OSError, ValueError, AttributeError, SlackClientError) as error:
            # AttributeError is how slack-sdk takes an answer that is JSON but no object, or plain text
            failure = lost(error, repeatable=repeatable)
        raise failure  # outside of `except`: no library's words hang on it

    def _client(self) -> AsyncWebClient:
        """A client on the shared session, which knows the proxies. Raises Permanent without a token.

        Without `retry_handlers=[]` slack-sdk posts again after a dropped connection (FACTS.md, Slack).
        """
        from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415  # as above

        token = self._tools.env.get(TOKEN, "")
        if not token:
            raise Permanent(f"{TOKEN} is not set")
        session = cast("aiohttp.ClientSession", Straight(self._tools.session()))
        base_url = self._tools.env["SLACK_API_URL"]
        client = AsyncWebClient(token, base_url, session=session, retry_handlers=[])
        client.proxy = None  # which slack-sdk took from the process's environment, NO_PROXY unheard
        return client


class Unfit(Unsendable):
    """Slack does not take these blocks, or not yet."""


class Straight:
    """The shared session as slack-sdk uses it, which would follow a redirect and post a second time elsewhere."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    @property
    def closed(self) -> bool:
        """Whether it can no longer be used."""
        return self._session.closed

    def request(self, method: str, url: str, **parts: Any) -> Any:
        """One request, answered by whom it was sent to."""
        return self._session.request(method, url, allow_redirects=False, **parts)


def place(destination: Destination, delivery: Delivery) -> tuple[str, str]:
    """The channel, and the timestamp of the message to edit or to reply to (empty for one that stands alone)."""
    if delivery.act not in (Act.EDIT, Act.REPLY):
        return destination.name, ""
    if delivery.root is None or not delivery.root.message:
        raise Unsendable("there is no message to edit or to reply to")
    channel, _, stamp = delivery.root.message.rpartition(":")
    return channel or destination.name, stamp


def receipt(answer: Mapping[str, Any], asked: str) -> Receipt:
    """The message's timestamp, after its channel where Slack names another than we did. Raises Doubtful without one."""
    stamp, channel = answer.get("ts"), answer.get("channel")
    if not isinstance(stamp, str) or not stamp:
        raise Doubtful("accepted, but the answer names no message")
    elsewhere = isinstance(channel, str) and channel not in ("", asked)
    return Receipt(f"{channel}:{stamp}" if elsewhere else stamp, stamp)


def key_of(message: Mapping[str, Any]) -> object:
    """The delivery's key that a message of ours bears."""
    metadata = message.get("metadata") or {}
    return metadata.get("event_payload", {}).get("key") if metadata.get("event_type") == EVENT else None


def refusal(error: SlackApiError, *, repeatable: bool) -> SendError:
    """What Slack's answer asks us to do: by its own word for the error, else by the HTTP status."""
    status, word = verdict(error)
    reason = f"Slack: {word}" if word else f"{phrase(status)}, not in Slack's words"
    if word in LATER or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Temporary(reason, delay=seconds(error.response.headers.get("Retry-After")))
    if word in UNSURE or status >= 500 or (status == HTTPStatus.OK and not word):
        return Temporary(reason) if repeatable else Doubtful(reason)
    if word == "invalid_blocks":
        return Unfit(reason)
    reason = f"{reason}: {MENDS[word]}" if word in MENDS else reason
    return Unsendable(reason) if word in MESSAGE else Permanent(reason)


def verdict(error: SlackApiError) -> tuple[int, str]:
    """The HTTP status and Slack's word. The response is slack-sdk's, or aiohttp's where the JSON was broken."""
    status = getattr(error.response, "status_code", None) or getattr(error.response, "status", None) or 0
    data = getattr(error.response, "data", None)
    word = data.get("error") if isinstance(data, dict) else None
    return status, word if isinstance(word, str) and re.fullmatch(r"[a-z_]{1,60}", word) else ""


def lost(error: Exception, *, repeatable: bool) -> SendError:
    """No answer, or none that can be read."""
    if isinstance(error, aiohttp.InvalidURL):
        return Permanent("SLACK_API_URL is no address")
    if isinstance(error, TimeoutError):
        reason = "no answer in time"
    elif isinstance(error, (aiohttp.ClientError, OSError)):
        reason = "the connection broke off"
    else:
        reason = "an answer that is not in Slack's words"
    return Temporary(reason) if repeatable else Doubtful(reason)
