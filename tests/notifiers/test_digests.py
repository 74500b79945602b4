"""Digests on every platform: within its limits whatever comes, and sent by the real libraries to loopback."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import aiohttp
import jsonschema
import orjson
import pytest
from aiohttp import web
from PIL import Image

from bot import notifiers
from bot.core.digest import Digest
from bot.core.digest_shape import digest_of
from bot.markup.blocks import LIMIT, size
from bot.markup.fit import units
from bot.model import Act, Delivery, Destination, Message, Receipt
from bot.notifiers.console import Console
from bot.notifiers.discord import Discord
from bot.notifiers.discord_webhook import DiscordWebhook
from bot.notifiers.slack import Slack
from bot.notifiers.slack_webhook import SlackWebhook
from bot.notifiers.teams import WHOLE, Teams
from bot.notifiers.webhook import Webhook
from bot.ports import Notifier, TellsDigests
from tests.markup.test_blocks import SCHEMA as SLACK_SCHEMA
from tests.notifiers.digests import broken, large, nothing, ordinary
from tests.notifiers.notices import BREAKING, KEY, outcome, schema, tools
from tests.support.discord import TOKEN as DISCORD_TOKEN
from tests.support.discord import Fake, encoded, told
from tests.support.discord import error as refusal
from tests.support.server import serve
from tests.support.slack import TOKEN as SLACK_TOKEN
from tests.support.slack import Trouble, error, workspace

GIVEN = {"ordinary": ordinary(), "large": large(), "nothing": nothing()} | {
    name: broken(words) for name, words in BREAKING.items()
}
every = pytest.mark.parametrize("digest", GIVEN.values(), ids=GIVEN.keys())
DISCORD, CARD = schema("discord"), schema("adaptive-card")


def owed(kind: str, name: str) -> Delivery:
    return Delivery(1, KEY, Destination(kind, name), "", "", Act.DIGEST)


def drawn(png: bytes) -> tuple[int, int]:
    """The size of what is really a PNG."""
    image = Image.open(BytesIO(png))
    image.load()
    assert image.format == "PNG"
    return image.size


@pytest.mark.parametrize("kind", notifiers.REGISTRY)
def test_every_kind_of_destination_takes_digests(kind: str) -> None:
    notifier: Notifier = notifiers.load(kind, tools())
    assert isinstance(notifier, TellsDigests)


# --- within the limits -------------------------------------------------------------------------------------------


@every
def test_slack_takes_the_blocks(digest: Digest) -> None:
    message = Slack(tools()).render_digest(digest, KEY)
    blocks: Any = message.body["blocks"]
    SLACK_SCHEMA.validate(blocks)
    assert size(blocks) <= LIMIT
    assert len(blocks) <= 48  # with room for the picture
    assert len(str(message.body["text"])) <= 4000
    assert message.picture is not None
    assert drawn(message.picture.png)[0] == 1520
    assert 0 < len(message.picture.alt) <= 1000


@every
def test_slacks_webhook_has_no_picture(digest: Digest) -> None:
    message = SlackWebhook(tools()).render_digest(digest, KEY)
    assert message.picture is None


async def test_slacks_webhook_bears_the_key_once() -> None:
    came: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        came.append(await request.read())
        return web.Response(text="ok")

    async with serve(answer) as server, aiohttp.ClientSession() as session:
        notifier = SlackWebhook(replace(tools(lambda: session), env={"SLACK_WEBHOOK_OPS": f"{server.url}/hook"}))
        message = notifier.render_digest(ordinary(), KEY)
        await notifier.send(Destination("slack-webhook", "ops"), message, owed("slack-webhook", "ops"))
    assert [body.count(KEY.encode()) for body in came] == [1]


@every
def test_discord_takes_the_embed(digest: Digest) -> None:
    message = Discord(tools()).render_digest(digest, KEY)
    body: Any = message.body
    (embed,) = body["embeds"]
    assert units(embed["title"]) <= 256
    assert units(embed["description"]) <= 4096
    assert units(embed["title"] + embed["description"] + embed["footer"]["text"]) <= 6000
    assert embed["image"] == {"url": "attachment://digest.png"}
    assert body["allowed_mentions"] == {"parse": [], "roles": [], "users": []}
    (attached,) = body["attachments"]
    assert units(attached["description"]) <= 1024


@every
def test_teams_takes_the_card(digest: Digest) -> None:
    body: Any = Teams(tools()).render_digest(digest, KEY).body
    assert len(orjson.dumps(body)) <= WHOLE
    card = body["attachments"][0]["content"]
    assert card.pop("msteams") == {"width": "Full"}
    jsonschema.Draft6Validator(CARD).validate(card)
    assert KEY in json.dumps(card)


def test_teams_shows_a_small_picture_where_it_fits() -> None:
    def pictures(digest: Digest) -> list[Any]:
        body: Any = Teams(tools()).render_digest(digest, KEY).body
        return [part for part in body["attachments"][0]["content"]["body"] if part["type"] == "Image"]

    (shown,) = pictures(ordinary())
    assert drawn(b64decode(shown["url"].removeprefix("data:image/png;base64,")))[0] == 760
    assert "Exchange Online" in shown["altText"]
    assert pictures(large()) == []


@every
def test_the_console_keeps_to_80_columns(digest: Digest) -> None:
    message = Console(tools()).render_digest(digest, KEY)
    lines: Any = message.body["lines"]
    assert lines
    assert all("\x1b" not in line for line, _ in lines)


def test_a_webhook_gets_the_whole_document() -> None:
    body: Any = json.loads(orjson.dumps(Webhook(tools()).render_digest(ordinary(), KEY).body))
    assert (body["type"], body["timestamp"]) == ("digest", "2026-01-23T19:00:00.000Z")
    assert digest_of(body["data"]["digest"]) == ordinary()


# --- Slack -------------------------------------------------------------------------------------------------------


async def slack(*troubles: tuple[str, Trouble], processing: int = 0) -> tuple[list[Any], dict[str, bytes], Message]:
    """The messages that stand in the channel after one digest, the files that were uploaded, and what was rendered."""
    async with workspace() as space, aiohttp.ClientSession() as session:
        for method, trouble in troubles:
            space.troubles.setdefault(method, []).append(trouble)
        space.processing = processing
        env = {"SLACK_BOT_TOKEN": SLACK_TOKEN, "SLACK_API_URL": space.url}
        notifier = Slack(replace(tools(lambda: session), env=env), processing=(0, 0, 0))
        message = notifier.render_digest(ordinary(), KEY)
        came = await outcome(notifier.send(Destination("slack", "C1"), message, owed("slack", "C1")))
        assert came == Receipt(space.messages[0]["ts"], space.messages[0]["ts"])
        assert await notifier.find(Destination("slack", "C1"), owed("slack", "C1")) == came
        return space.messages, space.files, message


def images(message: Any) -> list[Any]:
    return [block for block in message["blocks"] if block["type"] == "image"]


async def test_slack_shows_the_picture_within_the_message() -> None:
    (message,), files, rendered = await slack()
    assert rendered.picture is not None
    assert files == {"F1": rendered.picture.png}
    (shown,) = images(message)
    assert (shown["slack_file"], shown["alt_text"]) == ({"id": "F1"}, rendered.picture.alt)
    SLACK_SCHEMA.validate(message["blocks"])
    assert message["metadata"]["event_payload"]["key"] == KEY


async def test_slack_is_given_time_to_process_the_picture() -> None:
    (message,), _, _ = await slack(processing=2)
    assert len(images(message)) == 1


async def test_what_slack_never_shows_is_left_out_and_said() -> None:
    (message,), _, _ = await slack(processing=3)
    assert images(message) == []
    assert "No picture: Slack: invalid_blocks" in json.dumps(message["blocks"])


async def test_without_the_scope_there_is_no_picture_and_the_message_says_so() -> None:
    (message,), files, _ = await slack(("files.getUploadURLExternal", error("missing_scope")))
    assert (images(message), files) == ([], {})
    assert "No picture: the app lacks the scope files:write" in json.dumps(message["blocks"])


# --- Discord, Teams, webhooks ------------------------------------------------------------------------------------


async def test_discord_gets_the_picture_with_the_embed_and_once() -> None:
    fake = Fake()
    async with serve(fake) as server:
        fake.server = server
        env = {"DISCORD_BOT_TOKEN": DISCORD_TOKEN, "DISCORD_API_URL": f"{server.url}/api/v10"}
        notifier = Discord(replace(tools(), env=env))
        message, to = notifier.render_digest(ordinary(), KEY), Destination("discord", "42")
        try:
            first = await notifier.send(to, message, owed("discord", "42"))
            assert await notifier.send(to, message, owed("discord", "42")) == first  # the nonce is known again
            assert await notifier.find(to, owed("discord", "42")) == first
        finally:
            await notifier.close()
    (stands,) = fake.channels["42"]
    assert message.picture is not None
    assert stands["files"] == {"digest.png": encoded(message.picture.png)}
    assert stands["embeds"][0]["image"] == {"url": "attachment://digest.png"}


async def test_discord_is_told_without_the_picture_where_it_may_not_be_attached() -> None:
    fake = Fake(trouble=lambda request: refusal(403, 50013) if request.content_type.startswith("multipart/") else None)
    async with serve(fake) as server:
        fake.server = server
        env = {"DISCORD_BOT_TOKEN": DISCORD_TOKEN, "DISCORD_API_URL": f"{server.url}/api/v10"}
        notifier = Discord(replace(tools(), env=env))
        try:
            message, to = notifier.render_digest(ordinary(), KEY), Destination("discord", "42")
            first = await notifier.send(to, message, owed("discord", "42"))
            assert await notifier.find(to, owed("discord", "42")) == first
        finally:
            await notifier.close()
    (stands,) = fake.channels["42"]
    (embed,) = stands["embeds"]
    assert "image" not in embed
    assert embed["description"].endswith("-# No picture: 403 Forbidden: the bot may not write there")
    assert "attachments" not in stands
    jsonschema.Draft202012Validator({**DISCORD, "$ref": "#/$defs/MessageCreateRequest"}).validate(
        {name: part for name, part in stands.items() if name != "id"}
    )


async def test_discords_webhook_gets_it_too() -> None:
    came: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        came.append(await told(request))
        return web.json_response({"id": "777"})

    async with serve(answer) as server, aiohttp.ClientSession() as session:
        env = {"DISCORD_WEBHOOK_OPS": f"{server.url}/api/webhooks/1/token"}
        notifier = DiscordWebhook(replace(tools(lambda: session), env=env), timeout=5)
        message = notifier.render_digest(ordinary(), KEY)
        await notifier.send(Destination("discord-webhook", "ops"), message, owed("discord-webhook", "ops"))
    assert message.picture is not None
    assert came[0]["files"] == {"digest.png": encoded(message.picture.png)}
    assert came[0]["embeds"] == json.loads(orjson.dumps(message.body))["embeds"]


async def test_a_digests_webhook_is_signed_and_keyed() -> None:
    async with serve(lambda _: answered()) as server, aiohttp.ClientSession() as session:
        env = {"WEBHOOK_OPS": f"{server.url}/hook", "WEBHOOK_SECRET_OPS": "whsec_c2VjcmV0"}
        notifier = Webhook(replace(tools(lambda: session), env=env))
        await notifier.send(
            Destination("webhook", "ops"), notifier.render_digest(ordinary(), KEY), owed("webhook", "ops")
        )
        (request,) = server.requests
    assert request.headers["webhook-id"] == KEY
    assert request.headers["webhook-signature"].startswith("v1,")


async def answered() -> web.Response:
    return web.Response()


def test_the_length_of_a_digest_that_is_still_on_is_that_of_its_window() -> None:
    (_, going) = ordinary().accounts[0].incidents
    assert going.length(ordinary().until) == timedelta(hours=4)


@pytest.mark.parametrize("kind", ["teams", "discord"])
def test_a_links_words_hold_no_brackets_over_which_platforms_stumble(kind: str) -> None:
    notifier: Any = notifiers.load(kind, tools())
    said = orjson.dumps(notifier.render_digest(ordinary(), KEY).body).decode()
    assert "[Calls are dropped (MO1221364)](" in said
