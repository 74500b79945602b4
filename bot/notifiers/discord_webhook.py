"""A Discord webhook: the bot's embed without a bot, as messages of their own or one that is edited."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from yarl import URL

from bot.core.digest import Digest
from bot.errors import Doubtful, Unsendable
from bot.markup import digest_embed, embed
from bot.markup.form import form
from bot.model import Act, Delivery, Destination, Message, Notice, Receipt
from bot.ports import Tools
from bot.post import TIMEOUT, Answer, address, check, post, rest, seconds

ADDRESS = "DISCORD_WEBHOOK_"


class DiscordWebhook:
    """`discord-webhook:<name>`; nonces are not for webhooks and the channel cannot be read, so doubt stays doubt.

    timeout: seconds for one try.
    """

    def __init__(self, tools: Tools, *, timeout: float = TIMEOUT) -> None:
        self._tools = tools
        self._timeout = timeout

    def render(self, notice: Notice) -> Message:
        """A message with one embed."""
        return embed.message(notice)

    def render_digest(self, digest: Digest, key: str) -> Message:
        """A message with one embed and its picture."""
        return digest_embed.message(digest, key)

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        """Post with `wait`, so that Discord names the message, or edit that one. Raises as ports.Notifier says."""
        edits = delivery.act is Act.EDIT
        url = address(self._tools.env, ADDRESS, destination.name)
        kind, body = form(embed.with_key(message, delivery.key))
        answer = await post(
            self._tools.session(),
            edit_url(url, delivery) if edits else url.update_query(wait="true"),
            body,
            headers={"Content-Type": kind},
            method="PATCH" if edits else "POST",
            repeatable=edits,
            timeout=self._timeout,
        )
        said = document(answer)
        check(answer, repeatable=edits, delay=seconds(said.get("retry_after")))
        return Receipt(message_id(said, delivery), rest=rest(answer))

    async def close(self) -> None:
        """Nothing of its own to give back."""


def edit_url(url: URL, delivery: Delivery) -> URL:
    """Where the incident's message is edited; the address's own query (`thread_id`) goes along."""
    if delivery.root is None or not delivery.root.message:
        raise Unsendable("there is no message to edit")
    return (url / "messages" / delivery.root.message).with_query(url.query)


def document(answer: Answer) -> Mapping[str, object]:
    """The answer's JSON object; empty where it is something else."""
    try:
        said = orjson.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def message_id(said: Mapping[str, object], delivery: Delivery) -> str:
    """The id of the message that was sent or edited. Raises Doubtful: this was not Discord speaking."""
    if isinstance(number := said.get("id"), str) and number.isdigit():
        return number
    if delivery.act is Act.EDIT and delivery.root:
        return delivery.root.message
    raise Doubtful("accepted, but the answer names no message")
