from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import aiohttp
import jsonschema
import orjson
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings

from bot.errors import Doubtful, Permanent, SendError, Temporary, Unsendable
from bot.model import Act, Destination, Impact, Message, Notice, Receipt, Status
from bot.notifiers.teams import Teams
from tests.notifiers.notices import KEY, breaking, delivery, notice, notices, outcome, schema, tools, update, whole_text
from tests.support.server import serve

SCHEMA = schema("adaptive-card")
BREAKING = breaking()
OPS = Destination("teams", "ops-eu")
DELIVERY = delivery("teams", "ops-eu")


def card_of(given_: Notice) -> dict[str, Any]:
    body = json.loads(orjson.dumps(Teams(tools()).render(given_).body))
    (attachment,) = body["attachments"]
    assert body["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    return cast("dict[str, Any]", attachment["content"])


def texts(card: object) -> list[str]:
    """Every text of a card, in its order."""
    if isinstance(card, list):
        return [text for part in card for text in texts(part)]
    if not isinstance(card, dict):
        return []
    own = [card[name] for name in ("text", "title", "value") if isinstance(card.get(name), str)]
    return own + [text for part in card.values() for text in texts(part)]


def hold(given_: Notice) -> dict[str, Any]:
    """The card obeys Microsoft's schema and is small."""
    card = card_of(given_)
    assert card.pop("msteams") == {"width": "Full"}  # Teams' own addition, which the schema does not know
    jsonschema.Draft6Validator(SCHEMA).validate(card)
    assert len(orjson.dumps(Teams(tools()).render(given_).body)) < 20_000
    assert all(text.strip() for text in texts(card["body"]))
    return card


@pytest.mark.parametrize("name", BREAKING)
def test_any_input_fits(name: str) -> None:
    hold(BREAKING[name])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(notices())
def test_any_text_fits(given_: Notice) -> None:
    hold(given_)


def test_a_card_says_who_what_how_bad_and_how_sure() -> None:
    told = texts(hold(notice())["body"])
    when = "{{DATE(2026-01-22T19:37:12Z, SHORT)}} {{TIME(2026-01-22T19:37:12Z)}}"
    assert told == [
        "🟠 Microsoft 365: Identified",
        "We're looking into it.",
        f"X · {when}",
        "Microsoft 365: Users can't sign in \\[MO1221364\\]",
        "State",
        "Identified",
        "Impact",
        "major impact",
        "Components",
        "Exchange Online, Microsoft Teams",
        "Regions",
        "North America",
        "Time",
        f"Since {when}",
        f"⚠️ The status page has given no readable answer since {when} (429 Too Many Requests)",
        f"id {KEY}",
    ]


def test_a_card_is_coloured_by_what_it_tells_and_opens_the_page() -> None:
    assert hold(notice())["body"][0]["style"] == "attention"
    assert hold(notice(impact=Impact.MINOR))["body"][0]["style"] == "warning"
    assert hold(notice(status=Status.RESOLVED))["body"][0]["style"] == "good"
    assert hold(notice(impact=Impact.NONE))["body"][0]["style"] == "default"
    assert hold(notice())["actions"][0]["url"] == "https://status.example.com/i1"


def test_an_impossible_link_is_left_out() -> None:
    assert "actions" not in hold(notice(replace(update(0), url=""), url="javascript:alert(1)"))


def test_a_catch_up_tells_the_words_of_each_update_and_says_what_it_is() -> None:
    told = "\n".join(
        texts(hold(notice(*(update(n, f"number {n}. " + "word " * 900) for n in range(9)), catch_up=True)))
    )
    assert all(f"number {n}." in told for n in range(9))
    assert told.startswith("Catch-up: 9 updates")


def test_updates_that_are_left_out_are_counted() -> None:
    assert "45 earlier updates left out" in texts(hold(BREAKING["60 updates"]))


def test_foreign_date_functions_are_not_run() -> None:
    told = texts(hold(notice(update(0, "{{DATE(2026-01-22T19:37:12Z, SHORT)}}"))))
    assert not any(text.startswith("{{DATE") for text in told)


async def send(status: int) -> Receipt | SendError:
    """What came of one message that is answered with `status`."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": str(request.url), "Retry-After": "7"})

    async with serve(answer) as server, aiohttp.ClientSession() as session:
        teams = Teams(tools(lambda: session, TEAMS_WEBHOOK_OPS_EU=f"{server.url}/flow?sig=s%2Fecret"))
        came = await outcome(teams.send(OPS, teams.render(notice()), DELIVERY))
    (request,) = server.requests
    assert request.raw_path == "/flow?sig=s%2Fecret"
    assert request.headers["Idempotency-Key"] == KEY
    assert (await request.json())["type"] == "message"
    assert "ecret" not in whole_text(came)
    return came


@pytest.mark.parametrize("status", [200, 202])
async def test_queued_is_all_that_teams_ever_says(status: int) -> None:
    assert await send(status) == Receipt()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Unsendable),
        (401, Permanent),
        (403, Permanent),
        (404, Permanent),
        (410, Permanent),
        (413, Unsendable),
        (302, Permanent),
        (429, Temporary),
        (500, Doubtful),
        (503, Doubtful),
    ],
)
async def test_each_answer_says_what_to_do(status: int, error: type[SendError]) -> None:
    came = await send(status)
    assert type(came) is error
    assert not isinstance(came, Temporary) or came.delay == timedelta(seconds=7)


async def test_a_missing_address_is_named() -> None:
    with pytest.raises(Permanent, match="TEAMS_WEBHOOK_OPS_EU is not set"):
        await Teams(tools()).send(OPS, Message({}), delivery("teams", "ops-eu", Act.POST))
