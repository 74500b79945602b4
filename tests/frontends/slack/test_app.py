"""What people do in Slack, and what the app answers: the real Bolt and slack-sdk, by socket and by HTTP."""

from __future__ import annotations

import asyncio

import pytest

from bot.frontends.slack.app import SLOW
from bot.frontends.slack.rights import NOT_NAMED
from bot.model import Destination, Impact, Mode
from tests.frontends.slack.bench import MAIL, Bench, bench
from tests.support.slack_app import chosen, picked, texts

C1 = Destination("slack", "C1")


async def test_words_subscribe_the_channel_at_once_and_the_bot_joins(app: Bench) -> None:
    await app.knows(MAIL)
    answer = await app.ann.asks('subscribe acme "Mail" --min minor')
    assert "Acme Cloud" in texts(answer.body["blocks"])
    assert "Mail is down" in texts(answer.body["blocks"])
    assert not answer.private
    [made] = await app.subscriptions()
    assert (made.to, made.providers, made.components, made.min_impact) == (C1, ("acme",), ("Mail",), Impact.MINOR)
    assert app.slack.about["C1"]["is_member"]
    assert app.woken


async def test_the_dialog_subscribes_as_the_words_do(app: Bench) -> None:
    await app.ann.types("subscribe")
    await app.slack.until(lambda: app.slack.views, "the dialog")
    [view] = app.slack.views
    assert view["title"]["text"] == "Subscribe this channel"
    state = {
        "providers": chosen("acme"),
        "components:acme": chosen("Mail"),
        "impact": picked("major"),
        "mode": picked("edit"),
        "maintenance": chosen(),
        "call": picked("<!here>"),
        "people": {"any": {"selected_users": ["U7"]}},
        "call_from": picked("critical"),
    }
    await app.ann.chooses(view, {"providers": chosen("acme")}, "statusbot:providers")
    await app.slack.until(lambda: len(app.slack.views) == 2, "the dialog with Acme's components")
    assert "components:acme" in [block["block_id"] for block in app.slack.views[1]["blocks"]]
    assert await app.ann.searches(view, state, "statusbot:providers", "oth") == ["other"]
    assert await app.ann.searches(view, state, "statusbot:components", "") == ["Mail", "Chat"]
    await app.ann.submits(app.slack.views[1], state)
    await app.slack.until(lambda: app.slack.answers, "the answer")
    assert "Acme Cloud" in texts(app.slack.answers[0].body["blocks"])
    [made] = await app.subscriptions()
    assert (made.to, made.providers, made.components) == (C1, ("acme",), ("Mail",))
    assert (made.min_impact, made.mode, made.maintenance) == (Impact.MAJOR, Mode.EDIT, False)
    assert made.mention == {"critical": "<!here> <@U7>"}


async def test_a_dialog_without_a_provider_is_not_closed(app: Bench) -> None:
    await app.ann.types("subscribe")
    await app.slack.until(lambda: app.slack.views, "the dialog")
    answer = await app.ann.submits(app.slack.views[0], {})
    assert answer == {"response_action": "errors", "errors": {"providers": "Choose one at least."}}
    assert await app.subscriptions() == []
