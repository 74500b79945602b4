from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings

from bot.errors import Doubtful, Permanent, SendError, Temporary, Unsendable
from bot.model import Act, Destination, Message, Notice, Receipt, Status
from bot.notifiers.webhook import Webhook, identity, signed
from tests.notifiers.notices import AT, KEY, breaking, delivery, notice, notices, outcome, tools, update, whole_text
from tests.support.server import serve

OWN = Destination("webhook", "own")
DELIVERY = delivery("webhook", "own")
BREAKING = breaking()


def render(given_: Notice) -> Message:
    return Webhook(tools()).render(given_)


def test_the_body_is_the_incident_in_statuspages_shape_and_the_newest_update() -> None:
    body = json.loads(json.dumps(render(notice(update(0), update(1, "Fixed."))).body))
    assert sorted(body) == ["data", "timestamp", "type"]
    assert body["timestamp"] == "2026-01-22T19:38:12.000Z"
    assert body["data"]["incident"]["name"] == "Users can't sign in"
    assert body["data"]["incident"]["provider"] == {"id": "microsoft-365", "name": "Microsoft 365"}
    assert body["data"]["update"] == body["data"]["incident"]["incident_updates"][0]
    assert body["data"]["update"]["body"] == "Fixed."


@pytest.mark.parametrize("name", BREAKING)
def test_any_input_is_json(name: str) -> None:
    json.loads(json.dumps(render(BREAKING[name]).body))


async def test_half_a_surrogate_pair_is_sent_and_not_stumbled_on() -> None:
    came, request = await send(200, notice(update(0, "a\ud800b")))
    assert came == Receipt()
    assert b"a\\ud800b" in await request.read()


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(notices())
def test_any_text_is_json(given_: Notice) -> None:
    json.loads(json.dumps(render(given_).body))


def test_a_type_says_where_the_incident_stands() -> None:
    first, second = update(0), update(1)
    both = notice(first, second, act=Act.POST)
    assert render(replace(both, updates=(first,))).body["type"] == "incident.created"
    assert render(replace(both, updates=(second,))).body["type"] == "incident.updated"
    assert render(both).body["type"] == "incident.created"
    assert render(notice(second, status=Status.RESOLVED, act=Act.POST)).body["type"] == "incident.resolved"


def test_a_test_is_marked_as_one() -> None:
    body = render(replace(notice(test=True), updates=())).body
    assert body["test"] is True
    assert isinstance(body["data"], dict)
    assert body["data"]["update"] is None


def test_the_body_is_the_same_at_every_try() -> None:
    assert render(notice()) == render(notice())


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """ORIGIN of the vector: the libraries of standard-webhooks (tests of `sign`)."""
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"


@pytest.mark.parametrize("secret", ["any words at all", "whsec_not base64!"])
def test_any_other_secret_is_taken_as_it_is(secret: str) -> None:
    mac = hmac.new(secret.encode(), b"k.1.{}", hashlib.sha256).digest()
    assert signed("k", 1, b"{}", secret)["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"


def test_without_a_secret_nothing_is_signed() -> None:
    assert "webhook-signature" not in signed("k", 1, b"{}", "")


def test_a_key_that_no_header_carries_is_encoded() -> None:
    assert identity(KEY) == KEY
    assert identity("ä\r\nb") == "%C3%A4%0D%0Ab"


async def send(status: int, given_: Notice | None = None) -> tuple[Receipt | SendError, web.Request]:
    """What came of one message that is answered with `status`, and the request."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": str(request.url)})

    async with serve(answer) as server, aiohttp.ClientSession() as session:
        env = {"WEBHOOK_OWN": f"{server.url}/s3cr3t", "WEBHOOK_SECRET_OWN": "hush-hush"}
        webhook = Webhook(tools(lambda: session, **env))
        came = await outcome(webhook.send(OWN, webhook.render(given_ or notice()), DELIVERY))
    (request,) = server.requests
    assert not {"s3cr3t", "hush-hush"} & set(whole_text(came).split())
    assert "s3cr3t" not in whole_text(came)
    return came, request


async def test_what_arrives_can_be_verified() -> None:
    came, request = await send(204)
    assert came == Receipt()
    stamp = str(int(AT.timestamp()))
    mac = hmac.new(b"hush-hush", f"{KEY}.{stamp}.".encode() + await request.read(), hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    assert request.headers["webhook-id"] == request.headers["Idempotency-Key"] == KEY
    assert request.headers["webhook-timestamp"] == stamp
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "error"), [(404, Permanent), (302, Permanent), (400, Unsendable), (429, Temporary), (502, Doubtful)]
)
async def test_each_answer_says_what_to_do(status: int, error: type[SendError]) -> None:
    came, _ = await send(status)
    assert type(came) is error


async def test_a_missing_address_is_named() -> None:
    with pytest.raises(Permanent, match="WEBHOOK_OWN is not set"):
        await Webhook(tools()).send(OWN, render(notice()), DELIVERY)


async def test_the_timestamp_of_a_try_is_its_own_and_the_bodys_is_not() -> None:
    given_ = tools()
    given_.clock.forward(hours=1)  # type: ignore[attr-defined]  # a StillClock
    assert Webhook(given_).render(notice()).body["timestamp"] == "2026-01-22T19:37:12.000Z"
    assert given_.clock.now() == AT + timedelta(hours=1)
