"""A channel that subscribes by chat, hears of an incident, mutes it and leaves: `statusbot run` as a real process."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp

from bot.clock import SystemClock
from tests.e2e.world import World
from tests.support.slack_app import APP_TOKEN, SECRET, Person, chosen, picked, texts


def told(given: World, channel: str, words: str) -> list[Any]:
    """The messages in a channel that show the words now."""
    return [one for one in given.slack.messages if one["channel"] == channel and words in texts(one["blocks"])]


async def someone(given: World) -> Person:
    """Somebody in C2, which nobody has subscribed."""
    given.slack.channels["C2"] = "C2"
    given.chat.about["C2"] = {"is_member": False, "is_private": False}
    await given.chat.until(lambda: given.chat.links, "the socket")
    return Person(given.chat, channel="C2")


async def test_a_channel_subscribes_hears_mutes_and_leaves(given: World) -> None:
    given.env["SLACK_APP_TOKEN"] = APP_TOKEN
    async with given.run():
        ann = await someone(given)
        await given.settled()
        before = given.page.begin("Mail is delayed", "Mail may arrive late.")
        await given.until(lambda: told(given, "C1", "Mail may arrive late."), "the opening where the file says so")
        answer = await ann.asks("subscribe microsoft-365 --mode thread")
        assert "Mail is delayed" in texts(answer.body["blocks"])
        await given.until(lambda: told(given, "C2", "Mail may arrive late."), "what is open, told to the new one")
        assert given.chat.about["C2"]["is_member"]
        given.page.add(before, "identified", "A queue is full.")
        await given.until(lambda: len(told(given, "C2", "A queue is full.")) == 2, "the thread and the message")
        [root] = [one for one in told(given, "C2", "A queue is full.") if not one.get("thread_ts")]
        buttons = {each["text"]["text"]: each for each in root["blocks"][-1]["elements"]}
        mute = buttons["Mute this incident"]
        await ann.presses(mute["action_id"], mute["value"])
        await given.until(lambda: len(given.chat.answers) == 2, "the muting")
        assert "Muted here: Mail is delayed" in texts(given.chat.answers[1].body["blocks"])
        given.page.add(before, "monitoring", "The queue is empty again.")
        await given.until(lambda: len(told(given, "C1", "The queue is empty again.")) == 2, "the update elsewhere")
        await given.until(lambda: told(given, "C2", "The queue is empty again."), "the standing message, kept current")
        await given.settled()
        assert len([one for one in told(given, "C2", "The queue is empty again.") if one.get("thread_ts")]) == 0
        assert "Told no more here" in texts((await ann.asks("unsubscribe")).body["blocks"])
        given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await given.until(lambda: told(given, "C1", "unable to sign in"), "the next incident elsewhere")
        await given.settled()
    assert told(given, "C2", "unable to sign in") == []


async def test_what_comes_by_http_is_answered_where_it_is_signed(given: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    given.env |= {"SLACK_SIGNING_SECRET": SECRET, "STATUSBOT_LISTEN": f"127.0.0.1:{port}"}
    async with given.run(), aiohttp.ClientSession() as session:
        await given.settled()
        stamp = str(int(SystemClock().now().timestamp()))
        ann = Person(given.chat, at=f"http://127.0.0.1:{port}/slack/events", session=session, stamp=stamp)
        await ann.types("subscriptions")
        await given.chat.until(lambda: given.chat.answers, "the answer")
        refused = await ann.sends("command=%2Fstatusbot", headers={"X-Slack-Signature": "v0=forged"})
        assert refused.status == 401
    assert "statusbot.toml" in texts(given.chat.answers[0].body["blocks"])
    assert len(given.chat.answers) == 1


async def test_a_signing_secret_without_a_server_is_said(given: World) -> None:
    given.env |= {"SLACK_SIGNING_SECRET": SECRET, "STATUSBOT_LISTEN": ""}
    async with given.run() as program:
        await given.settled()
    assert "SLACK_SIGNING_SECRET is set, but STATUSBOT_LISTEN is not" in program.err
    assert SECRET not in program.tale


async def test_the_dialog_and_the_home_tab_of_a_running_program(given: World) -> None:
    given.env["SLACK_APP_TOKEN"] = APP_TOKEN
    async with given.run():
        ann = await someone(given)
        await ann.types("subscribe")
        await given.chat.until(lambda: given.chat.views, "the dialog")
        [view] = given.chat.views
        assert await ann.searches(view, {}, "statusbot:providers", "365") == ["microsoft-365"]
        chosen_now = {"providers": chosen("microsoft-365"), "impact": picked("none"), "mode": picked("edit")}
        await ann.submits(view, chosen_now)
        await given.chat.until(lambda: given.chat.answers, "the answer")
        await ann.looks_home()
        await given.chat.until(lambda: given.chat.homes, "the Home tab")
    shown = texts(given.chat.homes[0]["blocks"])
    assert "C2" in shown
    assert "from statusbot.toml" in shown
    listed = await given.printed("subscriptions")
    assert "slack:C2 <- microsoft-365 (edit; no maintenances) [command]" in listed


async def test_tokens_that_are_wrong_stop_nothing_else(given: World) -> None:
    given.env["SLACK_APP_TOKEN"] = "xapp-another"
    async with given.run() as program:
        await given.settled()
        given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await given.until(lambda: given.shown("unable to sign in") == [1, 0, 1, 0, 1], "the opening in each channel")
    assert program.err.count("SLACK_APP_TOKEN is not valid") == 1
    assert "xapp-another" not in program.tale


async def test_an_app_token_without_a_bot_token_is_said(given: World) -> None:
    given.env |= {"SLACK_APP_TOKEN": APP_TOKEN}
    del given.env["SLACK_BOT_TOKEN"]
    text = (given.folder / "statusbot.toml").read_text()
    (given.folder / "statusbot.toml").write_text(text.replace('to = "slack:C1"', 'to = "console"'))
    async with given.run() as program:
        await given.settled()
    assert "SLACK_APP_TOKEN is set, but SLACK_BOT_TOKEN is not" in program.err
