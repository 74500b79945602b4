"""Signed JSON to an address of the operator's own, by the convention of Standard Webhooks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from urllib.parse import quote

from bot.core.digest import Digest
from bot.core.digest_shape import digest_json
from bot.core.digest_words import outline
from bot.core.shape import incident_json, iso
from bot.core.summary import card
from bot.model import Act, Delivery, Destination, Message, Notice, Receipt
from bot.ports import Tools
from bot.post import TIMEOUT, address, check, post, variable

ADDRESS = "WEBHOOK_"
SECRET = "WEBHOOK_SECRET_"  # noqa: S105  # a variable's name
TAKEN = Receipt()  #: all that is known of what was accepted


class Webhook:
    """`webhook:<name>`; what it answers is not read, so after doubt it cannot be asked: the key in `webhook-id` stays.

    timeout: seconds for one try.
    """

    def __init__(self, tools: Tools, *, timeout: float = TIMEOUT) -> None:
        self._tools = tools
        self._timeout = timeout

    def render(self, notice: Notice) -> Message:
        """The body, the same at every try; `timestamp` is when the newest update was made."""
        shaped = incident_json(notice.incident, notice.provider_name)
        at = notice.updates[-1].at if notice.updates else notice.incident.updated_at
        body: dict[str, object] = {
            "type": kind(notice),
            "timestamp": iso(at),
            "data": {"incident": shaped, "update": newest(notice, shaped)},
        }
        if notice.test:
            body["test"] = True
        if notice.own:
            body["operator"] = True
        if notice.moved:
            body["moved_from"] = notice.moved
        return Message(body, card(notice).headline, raw=encoded(body))

    def render_digest(self, digest: Digest, key: str) -> Message:
        """The document of `digest --format json`."""
        body: dict[str, object] = {
            "type": "digest",
            "timestamp": iso(digest.until),
            "data": {"digest": digest_json(digest)},
        }
        return Message(body, outline(digest).text)

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        """One POST. Raises Temporary, Permanent or Doubtful."""
        env = self._tools.env
        url = address(env, ADDRESS, destination.name)
        body = message.raw or encoded(message.body)
        headers = signed(
            identity(delivery.key),
            int(self._tools.clock.now().timestamp()),
            body,
            env.get(variable(SECRET, destination.name), ""),
        )
        check(await post(self._tools.session(), url, body, headers=headers, timeout=self._timeout))
        return TAKEN

    async def close(self) -> None:
        """Nothing of its own to give back."""


def encoded(body: Mapping[str, object]) -> bytes:
    """As JSON in ASCII: nothing that came in makes it fail."""
    return json.dumps(body).encode()


def kind(notice: Notice) -> str:
    """`incident.resolved` once it is over, `incident.created` for its first update, else `incident.updated`."""
    if notice.incident.status.closed:
        return "incident.resolved"
    first = [update.id for update in notice.incident.updates[:1]]
    begins = notice.act is Act.CREATE or [update.id for update in notice.updates[:1]] == first
    return "incident.created" if begins else "incident.updated"


def newest(notice: Notice, shaped: Mapping[str, object]) -> object:
    """The newest update of the notice as it stands in the shaped incident; None where there is none."""
    if not notice.updates:
        return None
    rows = shaped["incident_updates"]
    assert isinstance(rows, list)
    return next((row for row in rows if row["id"] == notice.updates[-1].id), None)


def signed(key: str, at: int, body: bytes, secret: str) -> dict[str, str]:
    """The headers of Standard Webhooks 1.0.0; `at` in seconds since 1970, no signature without a secret."""
    headers = {"webhook-id": key, "webhook-timestamp": str(at), "Idempotency-Key": key}
    if secret:
        mac = hmac.new(secret_bytes(secret), f"{key}.{at}.".encode() + body, hashlib.sha256)
        headers["webhook-signature"] = f"v1,{base64.b64encode(mac.digest()).decode()}"
    return headers


def secret_bytes(secret: str) -> bytes:
    """`whsec_<base64>` as the convention writes it; any other words are the secret themselves."""
    try:
        if secret.startswith("whsec_"):
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        pass
    return secret.encode()


def identity(key: str) -> str:
    """The delivery's key as a header carries it: what is not printable ASCII is percent-encoded."""
    return key if key.isascii() and key.isprintable() else quote(key, safe="/:|,")
