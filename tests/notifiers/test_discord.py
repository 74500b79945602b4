"""The real discord.py against a Discord on loopback."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from aiohttp import web

from bot.errors import Doubtful, Permanent, SendError, Temporary, Unsendable
from bot.model import Act, Delivery, Destination, Receipt
from bot.notifiers.discord import Discord, bears, nonce, since
from tests.notifiers.notices import KEY, MINUTE, delivery, notice, outcome, schema, tools, whole_text
from tests.support.discord import TOKEN, Fake, answer, error
from tests.support.server import serve

OPS = Destination("discord", "42")
SCHEMA = schema("discord")
CREATE = delivery("discord", "42", Act.CREATE)
EDIT = delivery("discord", "42", Act.EDIT, root="1000")
REPLY = delivery("discord", "42", Act.REPLY, root="1000")


@asynccontextmanager
async def discord(fake: Fake, timeout: float = 5, **env: str) -> AsyncIterator[Discord]:  # noqa: ASYNC109
    """A notifier that is logged in to the fake when it first sends."""
    async with serve(fake) as server:
        fake.server = server
        given = {"DISCORD_BOT_TOKEN": TOKEN, "DISCORD_API_URL": f"{server.url}/api/v10", **env}
        notifier = Discord(tools(None, **given), timeout=timeout)
        try:
            yield notifier
        finally:
            await notifier.close()


async def send(notifier: Discord, owed: Delivery = CREATE) -> Receipt | SendError:
    """What came of it; no secret in any text."""
    came = await outcome(notifier.send(OPS, notifier.render(notice(act=owed.act)), owed))
    assert TOKEN not in whole_text(came)
    return came


async def test_a_create_is_an_embed_with_a_stable_nonce() -> None:
    fake = Fake()
    async with discord(fake) as notifier:
        came = await send(notifier)
        (request,) = fake.asked("POST", "/messages")
        body = await request.json()
    assert came == Receipt(fake.channels["42"][0]["id"])
    jsonschema.Draft202012Validator({**SCHEMA, "$ref": "#/$defs/MessageCreateRequest"}).validate(body)
    assert (body["nonce"], body["enforce_nonce"]) == (nonce(KEY), True)
    assert body["embeds"][0]["footer"] == {"text": KEY}
    assert body["allowed_mentions"] == {"parse": [], "roles": [], "users": []}


async def test_sent_twice_it_stands_there_once() -> None:
    fake = Fake()
    async with discord(fake) as notifier:
        assert await send(notifier) == await send(notifier)
        assert len(fake.asked("GET", "/users/@me")) == 1
    assert len(fake.channels["42"]) == 1


async def test_an_edit_changes_the_incidents_message() -> None:
    fake = Fake()
    async with discord(fake) as notifier:
        assert await send(notifier, EDIT) == Receipt("1000")
        (request,) = fake.asked("PATCH", "/channels/42/messages/1000")
        body = await request.json()
    jsonschema.Draft202012Validator({**SCHEMA, "$ref": "#/$defs/MessageEditRequestPartial"}).validate(body)


async def test_replies_go_into_one_thread_that_is_made_once() -> None:
    fake = Fake()
    async with discord(fake) as notifier:
        first = await send(notifier, REPLY)
        second = await send(notifier, REPLY._replace(key="another"))
        (made,) = fake.asked("POST", "/threads")
        body = await made.json()
    assert body == {"name": "Microsoft 365: Users can't sign in [MO1221364]", "auto_archive_duration": 10080}
    jsonschema.Draft202012Validator({**SCHEMA, "$ref": "#/$defs/CreateTextThreadWithMessageRequest"}).validate(body)
    assert [Receipt(one["id"], "1000") for one in fake.channels["1000"]] == [first, second]
    assert fake.channels["42"] == []


async def test_a_thread_that_exists_already_is_used() -> None:
    fake = Fake(channels={"42": [], "1000": []})
    async with discord(fake) as notifier:
        assert isinstance(await send(notifier, REPLY), Receipt)
    assert len(fake.channels["1000"]) == 1


@pytest.mark.parametrize("owed", [EDIT._replace(root=None), REPLY._replace(root=Receipt())])
async def test_without_a_message_there_is_nothing_to_edit_or_reply_to(owed: Delivery) -> None:
    fake = Fake()
    async with discord(fake) as notifier:
        assert type(await send(notifier, owed)) is Unsendable
    assert fake.server.requests == []


@pytest.mark.parametrize(
    ("status", "code", "creating", "editing"),
    [
        (400, 50035, Unsendable, Unsendable),
        (401, 0, Permanent, Permanent),
        (403, 50013, Permanent, Permanent),
        (404, 10003, Permanent, Permanent),
        (307, 0, Permanent, Permanent),
        (503, 0, Doubtful, Temporary),
    ],
)
async def test_each_answer_says_what_to_do(
    status: int, code: int, creating: type[SendError], editing: type[SendError]
) -> None:
    def refuse(request: web.Request) -> web.Response | None:
        return None if "@me" in request.path else error(status, code, {"Location": "/api/v10/users/@me"})

    fake = Fake(trouble=refuse)
    async with discord(fake) as notifier:
        assert type(await send(notifier)) is creating
        assert type(await send(notifier, EDIT)) is editing
        assert len(fake.asked("POST", "/messages")) == 1
        assert len(fake.asked("PATCH", "/1000")) == 1


@pytest.mark.parametrize("headers", [{"Via": "1.1 google"}, {"Via": "", "Retry-After": "7.5"}])
async def test_a_limit_is_not_waited_out_but_handed_on(headers: dict[str, str]) -> None:
    def limit(request: web.Request) -> web.Response | None:
        return None if "@me" in request.path else error(429, 0, headers)

    fake = Fake(trouble=limit)
    async with discord(fake) as notifier:
        came = await send(notifier)
        assert len(fake.asked("POST", "/messages")) == 1
    assert isinstance(came, Temporary)
    assert came.delay == timedelta(seconds=7.5)


async def test_an_exhausted_bucket_delays_no_confirmed_message_and_no_other_channel() -> None:
    """discord.py would sleep `Reset-After` inside the call, after success; cut off there it would look like doubt."""
    fake = Fake(channels={"42": [], "43": []})

    def spent(_: web.Request) -> web.Response:
        headers = {
            "X-Ratelimit-Limit": "1",
            "X-Ratelimit-Remaining": "0",
            "X-Ratelimit-Reset-After": "60",
            "X-Ratelimit-Bucket": "b",
        }
        return answer({"id": "5"}, headers=headers)

    fake.after = spent
    async with discord(fake) as notifier:
        message = notifier.render(notice())
        assert await send(notifier) == Receipt("5")
        assert await notifier.send(Destination("discord", "43"), message, CREATE) == Receipt("5")


async def test_a_passing_fault_is_repeated_by_discord_py_and_told_once() -> None:
    faults = [error(502)]
    fake = Fake()
    fake.after = lambda request: faults.pop() if faults and request.method == "POST" else None
    async with discord(fake) as notifier:
        assert isinstance(await send(notifier), Receipt)
        assert len(fake.asked("POST", "/messages")) == 2
    assert len(fake.channels["42"]) == 1


@pytest.mark.parametrize(("owed", "error_"), [(CREATE, Doubtful), (EDIT, Temporary)])
async def test_a_connection_cut_after_acting_is_doubt_and_for_an_edit_none(
    owed: Delivery, error_: type[SendError]
) -> None:
    def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    fake = Fake(after=cut)
    async with discord(fake) as notifier:
        assert type(await send(notifier, owed)) is error_
        assert len(fake.server.requests) == 2


async def test_an_answer_that_never_comes_is_doubt_and_the_message_is_found() -> None:
    class Slow(Fake):
        async def __call__(self, request: web.Request) -> web.StreamResponse:
            done = await super().__call__(request)
            if request.method == "POST":
                await asyncio.sleep(60)
            return done

    fake = Slow()
    async with discord(fake, timeout=1) as notifier:
        assert type(await send(notifier)) is Doubtful
        assert await notifier.find(OPS, CREATE) == Receipt(fake.channels["42"][0]["id"])
    assert len(fake.channels["42"]) == 1


async def test_an_answer_that_is_not_discords_confirms_nothing() -> None:
    answers = [
        web.Response(text="<html>", content_type="text/html"),
        web.Response(body=b"{", headers={"Content-Type": "application/json"}),
        answer([]),
        answer({"id": None}),
    ]
    fake = Fake()
    fake.after = lambda _: answers.pop()
    async with discord(fake) as notifier:
        while answers:
            assert type(await send(notifier)) is Doubtful


async def test_doubt_about_a_thread_is_none_about_the_reply() -> None:
    def fail(request: web.Request) -> web.Response | None:
        return error(503) if request.path.endswith("/threads") else None

    fake = Fake(trouble=fail)
    async with discord(fake) as notifier:
        assert type(await send(notifier, REPLY)) is Temporary
        assert fake.asked("POST", "/messages") == []


async def test_a_closed_port_has_received_nothing() -> None:
    async with discord(Fake(), DISCORD_API_URL="http://127.0.0.1:1/api") as notifier:
        assert type(await send(notifier)) is Temporary


@pytest.mark.parametrize(("status", "error_"), [(401, Permanent), (403, Permanent), (503, Temporary), (429, Temporary)])
async def test_a_login_that_fails_has_told_nothing(status: int, error_: type[SendError]) -> None:
    troubles = [status]
    fake = Fake(trouble=lambda _: error(troubles.pop()) if troubles else None)
    left_open: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: left_open.append(context))
    async with discord(fake) as notifier:
        assert type(await send(notifier)) is error_
        assert fake.asked("POST", "/messages") == []
        assert isinstance(await send(notifier), Receipt)
    gc.collect()
    assert left_open == []


async def test_a_missing_token_is_named() -> None:
    with pytest.raises(Permanent, match="DISCORD_BOT_TOKEN is not set"):
        await Discord(tools()).send(OPS, Discord(tools()).render(notice()), CREATE)


async def test_a_channel_is_a_number() -> None:
    async with discord(Fake()) as notifier:
        with pytest.raises(Permanent, match="a number"):
            await notifier.send(Destination("discord", "../users"), notifier.render(notice()), CREATE)


def foot(key: str) -> dict[str, Any]:
    return {"embeds": [{"footer": {"text": key}}]}


async def test_a_message_is_found_by_its_footer_among_many() -> None:
    fake = Fake()
    wanted = fake.add("42", foot(KEY), MINUTE)
    for second in range(150):
        fake.add("42", foot(f"other {second}"), 2 * MINUTE + timedelta(seconds=second))
    async with discord(fake) as notifier:
        assert await notifier.find(OPS, CREATE) == Receipt(wanted["id"])
        assert len(fake.asked("GET", "/messages")) == 2


async def test_reading_back_ends_where_the_delivery_was_made() -> None:
    fake = Fake()
    for second in range(150):
        fake.add("42", foot(f"other {second}"), -10 * MINUTE + timedelta(seconds=second))
    async with discord(fake) as notifier:
        assert await notifier.find(OPS, CREATE) is None
        assert len(fake.asked("GET", "/messages")) == 1


async def test_reading_back_is_bounded() -> None:
    fake = Fake()
    for second in range(700):
        fake.add("42", foot(f"other {second}"), MINUTE + timedelta(seconds=second))
    async with discord(fake) as notifier:
        assert await notifier.find(OPS, CREATE) is None
        assert len(fake.asked("GET", "/messages")) == 5


async def test_a_reply_is_looked_for_in_its_thread() -> None:
    fake = Fake(channels={"42": [], "1000": []})
    there = fake.add("1000", foot(KEY), MINUTE)
    async with discord(fake) as notifier:
        assert await notifier.find(OPS, REPLY) == Receipt(there["id"], "1000")


async def test_a_thread_that_is_not_there_holds_no_reply() -> None:
    async with discord(Fake()) as notifier:
        assert await notifier.find(OPS, REPLY) is None


async def test_who_cannot_ask_now_does_not_say_no() -> None:
    fake = Fake(trouble=lambda request: error(503) if request.method == "GET" and "@me" not in request.path else None)
    async with discord(fake) as notifier:
        assert type(await outcome(notifier.find(OPS, CREATE))) is Temporary


def test_only_the_keys_own_footer_counts() -> None:
    assert bears(foot(KEY), KEY)
    for message in (foot("other"), {}, {"embeds": None}, {"embeds": ["x"]}, {"embeds": [{"footer": "x"}]}):
        assert not bears(message, KEY)


def test_a_nonce_is_short_stable_and_the_keys_own() -> None:
    assert nonce(KEY) == nonce(KEY) != nonce(KEY + "1")
    assert len(nonce(KEY)) == 25


def test_without_a_date_all_of_it_is_read() -> None:
    assert since(CREATE._replace(created_at=None)) == 0


def test_rendering_imports_no_discord_py() -> None:
    code = (
        "import sys; from tests.notifiers.notices import notice, tools; from bot.notifiers.discord import Discord;"
        "Discord(tools()).render(notice()); assert 'discord' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("answered", "there"), [(frozenset({"discord"}), True), (frozenset({"slack"}), False)])
def test_buttons_only_where_a_front_end_listens(answered: frozenset[str], there: bool) -> None:
    notifier = Discord(replace(tools(None), answered=answered))
    assert ("components" in notifier.render(notice()).body) is there
