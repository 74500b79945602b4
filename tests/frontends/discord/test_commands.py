"""Each command, button and menu, typed and pressed by people on a Discord on loopback; the real discord.py between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.answer.reply import Asker, Button, Choice, Form, Reply, Verb, Wish
from bot.frontends.discord.asking import MAY, NO_CHANNEL, WRONG_KIND
from bot.model import Destination, Impact, Mode
from tests.frontends.desk import Script
from tests.frontends.discord.conversation import listening, valid
from tests.support.discord_gateway import CHANNELS, DEADLINE, MANAGE_CHANNELS, MINE, ROLE, Asked, member

HERE = Destination("discord", "42")
ADA = Asker(HERE, "5")
EVERYTHING = {"status", "timeline", "subscribe", "unsubscribe", "subscriptions", "mute", "unmute", "why"}
PARTS = [Choice("Exchange Online", "Exchange Online"), Choice("Teams", "Microsoft Teams")]


DIRECT = {
    **dict.fromkeys(("guild_id", "guild", "member")),
    "context": 1,
    "user": member(0)["user"],
    "channel": {"id": "9", "type": 1},
}


def checked(asked: Asked) -> Asked:
    """Every word of an answer held against Discord's schema; it mentions nobody."""
    assert asked.first is not None
    valid(
        "CreateMessageInteractionCallbackRequest"
        if asked.first["type"] in (4, 5)
        else "UpdateMessageInteractionCallbackRequest",
        asked.first,
    )
    for body in asked.edits:
        valid("IncomingWebhookUpdateRequestPartial", body)
    for body in asked.follow_ups:
        valid("IncomingWebhookRequestPartial", body)
    for body in asked.said:
        assert body["allowed_mentions"] == {"parse": []}
    return asked


async def test_discord_is_told_commands_that_it_takes() -> None:
    async with listening() as scene:
        await scene.chat.listening()
        (told,) = scene.chat.commands
    valid("Commands", told)
    assert {one["name"] for one in told} == EVERYTHING
    guarded = {one["name"] for one in told if one["default_member_permissions"] == MANAGE_CHANNELS}
    assert guarded == {"subscribe", "unsubscribe", "mute", "unmute"}
    assert {one["name"] for one in told if one["contexts"] == [0, 1]} == {"status", "timeline", "why"}


@pytest.mark.parametrize(
    ("command", "options", "asked"),
    [
        ("status", {}, ("status", ADA, "")),
        ("status", {"provider": "github"}, ("status", ADA, "github")),
        ("timeline", {"incident": "MO1221364"}, ("timeline", ADA, "MO1221364")),
        ("why", {"incident": "i1"}, ("why", ADA, "i1")),
        ("subscriptions", {}, ("subscriptions", ADA)),
        ("unsubscribe", {}, ("unsubscribe", ADA, ())),
        ("unsubscribe", {"provider": "github"}, ("unsubscribe", ADA, ("github",))),
        ("mute", {"what": "i1", "length": "2h"}, ("mute", ADA, "i1", "2h")),
        ("unmute", {"what": "github"}, ("unmute", ADA, "github")),
    ],
)
async def test_a_command_is_handed_on_and_its_answer_shown(command: str, options: Any, asked: tuple[Any, ...]) -> None:
    async with listening() as scene:
        said = checked(await scene.chat.types(command, **options))
    assert scene.desk.asked == [asked]
    assert said.private
    assert said.shown["embeds"][0]["description"] == "All is well."


async def test_an_answer_for_everyone_is_shown_to_everyone() -> None:
    async with listening(desk=Script(Reply(("Done.",), private=False))) as scene:
        assert not checked(await scene.chat.types("unsubscribe")).private


async def test_subscribing_in_one_line() -> None:
    async with listening() as scene:
        options = {"provider": "microsoft-365", "component": "Teams", "impact": "minor", "mode": "edit"}
        more = {"mention": ROLE, "mention_from": "major", "maintenance": False}
        checked(await scene.chat.types("subscribe", **options, **more))
    wish = Wish(
        ("microsoft-365",), ("Teams",), (), Impact.MINOR, Mode.EDIT, maintenance=False, mention={"major": "<@&77>"}
    )
    assert scene.desk.asked == [("subscribe", ADA, wish)]


async def test_subscribing_from_menus() -> None:
    async with listening(desk=Script(Reply(("Subscribed.",), private=False), parts=PARTS)) as scene:
        first = checked(await scene.chat.types("subscribe", impact="major", mention=ROLE))
        providers = first.shown["components"][0]["components"][0]
        assert first.private
        assert [one["value"] for one in providers["options"]] == ["microsoft-365"]
        second = checked(await scene.chat.presses(providers["custom_id"], "microsoft-365"))
        parts = second.shown["components"][0]["components"][0]
        assert second.first is not None
        assert (second.first["type"], parts["max_values"]) == (7, 2)
        third = checked(await scene.chat.presses(parts["custom_id"], "Exchange Online", "Teams"))
    wish = Wish(
        ("microsoft-365",), ("Exchange Online", "Teams"), min_impact=Impact.MAJOR, mention={"critical": "<@&77>"}
    )
    assert scene.desk.asked == [("subscribe", ADA, wish)]
    assert third.deleted
    assert third.follow_ups[0]["embeds"][0]["description"] == "Subscribed."
    assert not third.follow_ups[0].get("flags")


async def test_everything_of_a_provider_is_one_press() -> None:
    async with listening(desk=Script(parts=PARTS)) as scene:
        asked = await scene.chat.types("subscribe", provider="microsoft-365")
        everything = asked.shown["components"][1]["components"][0]
        assert everything["label"] == "Everything"
        checked(await scene.chat.presses(everything["custom_id"]))
    assert scene.desk.asked == [("subscribe", ADA, Wish(("microsoft-365",)))]


@pytest.mark.parametrize(
    ("who", "why_not"),
    [
        ({"member": member(0)}, MAY),
        (DIRECT, NO_CHANNEL),
        ({"channel": {**CHANNELS[1], "guild_id": "10"}}, WRONG_KIND),
    ],
)
async def test_who_may_not_subscribe_is_asked_nothing_and_told_why(who: dict[str, Any], why_not: str) -> None:
    async with listening(desk=Script(parts=PARTS)) as scene:
        checked(await scene.chat.types("subscribe", who=who))
    ((_, asker, wish),) = scene.desk.asked
    assert (asker.may, asker.why_not, wish) == (False, why_not, Wish())


async def test_where_the_bot_cannot_post_nothing_is_subscribed_and_it_says_what_it_needs() -> None:
    async with listening() as scene:
        mute = {"app_permissions": str(MINE & ~(1 << 11) & ~(1 << 38))}
        said = checked(await scene.chat.types("subscribe", who=mute, provider="microsoft-365"))
    assert scene.desk.asked == []
    assert "Send Messages, Send Messages in Threads" in said.text


async def test_also_at_the_end_of_a_picker() -> None:
    async with listening() as scene:
        said = checked(await scene.chat.presses("sb:all:acme|none||||", who={"app_permissions": "0"}))
    assert scene.desk.asked == []
    assert "View Channel" in said.text


async def test_in_a_server_of_which_the_bot_is_no_member() -> None:
    async with listening() as scene:
        stranger = {"guild_id": "11", "guild": {"id": "11", "locale": "en-US", "features": []}}
        said = checked(await scene.chat.types("subscribe", who=stranger, provider="microsoft-365"))
    assert scene.desk.asked == []
    assert "I am no member of this server" in said.text


@pytest.mark.parametrize(
    ("mentionable", "permissions", "asked"), [(False, MINE, 0), (False, MINE | 1 << 17, 1), (True, MINE, 1)]
)
async def test_a_role_that_the_bot_may_not_call_is_refused(mentionable: bool, permissions: int, asked: int) -> None:
    async with listening() as scene:
        role = {**ROLE, "mentionable": mentionable}
        who = {"app_permissions": str(permissions)}
        await scene.chat.types("subscribe", who=who, provider="microsoft-365", mention=role)
    assert len(scene.desk.asked) == asked


async def test_in_a_thread_its_channel_is_meant() -> None:
    told = {"archived": False, "auto_archive_duration": 1440, "archive_timestamp": "2026-01-22T19:37:12+00:00"}
    thread = {"id": "700", "type": 11, "name": "an incident", "parent_id": "42", "owner_id": "1", "guild_id": "10"}
    counts = {"message_count": 1, "member_count": 1, "thread_metadata": {**told, "locked": False}}
    async with listening() as scene:
        await scene.chat.types("mute", who={"channel": {**thread, **counts}, "channel_id": "700"}, what="i1")
    assert scene.desk.asked == [("mute", ADA, "i1", "")]


async def test_suggestions() -> None:
    async with listening(desk=Script(parts=PARTS)) as scene:
        assert await scene.chat.suggested("status", "provider", provider="micro") == [
            ("Microsoft 365", "microsoft-365")
        ]
        assert await scene.chat.suggested("subscribe", "component", component="team") == [("Microsoft Teams", "Teams")]
        found = await scene.chat.suggested("mute", "what", what="")
    assert [value for _, value in found] == ["i1", "microsoft-365"]


async def test_suggestions_within_limits_for_any_name() -> None:
    names = [Choice(f"{n}-" + "x" * n, "\n" if n == 1 else "🔥" * n) for n in range(120)]
    async with listening(desk=Script(names=names)) as scene:
        await scene.chat.suggested("status", "provider", provider="")
        (asked,) = scene.chat.asked_of.values()
    valid("ApplicationCommandAutocompleteCallbackRequest", asked.first)


async def test_a_slow_answer_is_promised_in_time_and_comes() -> None:
    async with listening() as scene:
        scene.desk.open.clear()
        asked = await scene.chat.sends("status")
        await scene.chat.until(lambda: asked.first, "no word in time")
        assert asked.first is not None
        assert (asked.first["type"], asked.said) == (5, [])
        assert asked.after < DEADLINE
        scene.desk.open.set()
        checked(await scene.chat.answered(asked))
        assert asked.private
        assert asked.edits[0]["embeds"][0]["description"] == "All is well."


async def test_slow_suggestions_are_none_in_time() -> None:
    async with listening() as scene:
        scene.desk.open.clear()
        assert await scene.chat.suggested("timeline", "incident", incident="x") == []
        (asked,) = scene.chat.asked_of.values()
        assert asked.after < DEADLINE


async def test_a_fault_of_our_own_is_told_and_the_next_question_answered(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as scene:
        scene.desk.fault = ValueError("a bug")
        assert "Something went wrong on my side" in checked(await scene.chat.types("status")).text
        scene.desk.fault = None
        assert "All is well." in (await scene.chat.types("status")).text
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == [
        "a question from Discord could not be answered"
    ]


@pytest.mark.parametrize(("command", "options"), [("explode", {}), ("why", {})])
async def test_a_command_of_another_version_says_so(
    command: str, options: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening() as scene:
        assert "another version of me" in checked(await scene.chat.types(command, **options)).text
    assert caplog.records == []


async def test_a_fault_before_any_answer_is_told_as_well(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as scene:
        said = checked(await scene.chat.types("subscribe", provider="x", impact="dreadful"))  # no choice of Discord's
        assert "Something went wrong on my side" in said.text
    assert "could not be answered" in caplog.text


async def test_a_button_is_understood_without_any_memory_of_its_message() -> None:
    reply = Reply(("Muted.",), private=False, buttons=(Button(Verb.UNMUTE, "i1", "Unmute"),))
    async with listening(desk=Script(reply)) as scene:
        asked = checked(await scene.chat.presses("sb:mute:i1"))
    assert scene.desk.asked == [("press", ADA, Verb.MUTE, "i1")]
    assert asked.shown["components"][0]["components"][0]["custom_id"] == "sb:unmute:i1"


@pytest.mark.parametrize(
    "custom_id",
    [
        "sb:explode:i1",
        "other",
        "sb:all:x|y",
        "sb:components:a|none||||||",
        "sb:all:a|none|||r|minor",
        "sb:all:a|none|||7|x",
    ],
)
async def test_a_button_of_another_version_says_so(custom_id: str) -> None:
    async with listening() as scene:
        asked = checked(await scene.chat.presses(custom_id, "x"))
    assert "another version of me" in asked.text
    assert asked.first is not None
    assert asked.first["type"] == 4  # a message of its own: an incident's message is never written over
    assert asked.private
    assert scene.desk.asked == []


async def test_a_wish_for_a_dialog_is_the_picker() -> None:
    async with listening(desk=Script(Form(Wish()))) as scene:
        asked = checked(await scene.chat.presses("sb:subscribe:"))
    assert "Which provider?" in asked.text


async def test_an_answer_that_discord_refuses_is_one_line_without_the_token(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as scene:
        asked = await scene.chat.sends("status")
        asked.at -= 60  # as if it had come a minute ago
        await scene.chat.until(lambda: caplog.records, "nothing was said of it")
        assert [one.getMessage() for one in caplog.records] == ["an answer did not reach Discord: too late for it"]
        assert asked.token not in caplog.text
        assert not asyncio.all_tasks().isdisjoint({scene.task})
