"""A Slack incoming webhook: the app's blocks without an app, each update a message of its own."""

from __future__ import annotations

import re

import orjson

from bot.core.digest import Digest
from bot.errors import Doubtful, Permanent
from bot.markup import blocks, digest_blocks
from bot.model import Delivery, Destination, Message, Notice, Receipt
from bot.ports import Tools
from bot.post import TIMEOUT, Answer, address, check, post

ADDRESS = "SLACK_WEBHOOK_"


class SlackWebhook:
    """`slack-webhook:<name>`; it can neither be edited nor asked, so doubt stays doubt.

    timeout: seconds for one try.
    """

    def __init__(self, tools: Tools, *, timeout: float = TIMEOUT) -> None:
        self._tools = tools
        self._timeout = timeout

    def render(self, notice: Notice) -> Message:
        """The app's message."""
        return blocks.message(notice)

    def render_digest(self, digest: Digest, key: str) -> Message:
        """The app's message without its picture, for which a webhook has no place."""
        whole = digest_blocks.message(digest)
        return Message(whole.body, whole.text)

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        """Post it once, with the key by which a reader knows a repetition. Raises as ports.Notifier says."""
        url = address(self._tools.env, ADDRESS, destination.name)
        body = orjson.dumps(blocks.with_key(message, delivery.key).body)
        answer = await post(self._tools.session(), url, body, timeout=self._timeout)
        expect_accepted(answer)
        return Receipt()

    async def close(self) -> None:
        """Nothing of its own to give back."""


def expect_accepted(answer: Answer) -> None:
    """Slack accepts with the word `ok` and refuses with a word such as `no_service`.

    Servers that speak its language (Mattermost, Rocket.Chat) accept with words of their own, or with none; to take
    these for doubt would post the same again and again. Only a page for people was written by somebody else.
    """
    said = answer.body.decode("utf-8", "replace").strip()
    if 400 <= answer.status < 500 and answer.status not in (408, 429) and re.fullmatch(r"[a-z_]{1,60}", said):
        raise Permanent(f"Slack: {said}")
    check(answer)
    if said.startswith("<"):
        raise Doubtful("accepted, but with a web page instead of Slack's `ok`")
