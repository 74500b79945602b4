"""`statusbot run` on Discord: subscribed, muted and asked in a channel by people, told by the ordinary corridor."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.world import World
from tests.support.discord_gateway import CHANNELS, Asked, member

ALERTS = {"channel": {**CHANNELS[3], "guild_id": "10"}, "channel_id": "45"}
SUBSCRIBE = {"provider": "microsoft-365", "mode": "thread"}


def pressed(message: dict[str, Any], label: str) -> str:
    """The id of a message's button."""
    (found,) = (one for row in message["components"] for one in row["components"] if one["label"] == label)
    return str(found["custom_id"])


async def subscribed(given: World, **options: Any) -> Asked:
    """Channel 45 is told of Microsoft 365 from now on."""
    given.discord.channels.setdefault("45", [])
    asked = await given.discord.types("subscribe", who=ALERTS, **SUBSCRIBE, **options)
    if "Which components" in asked.text:
        everything = asked.shown["components"][1]["components"][0]["custom_id"]
        asked = await given.discord.presses(everything, who=ALERTS)
    return asked


def told(given: World, words: str, channel: str = "45") -> int:
    """How many messages of a channel show the words."""
    return sum(words in str(one["embeds"]) for one in given.discord.channels.get(channel, []))


async def test_subscribed_in_a_channel_told_muted_and_told_no_more(given: World) -> None:
    async with given.run():
        await given.settled()
        asked = await subscribed(given)
        assert "Microsoft 365" in asked.text
        assert not asked.follow_ups[-1].get("flags", 0) if asked.follow_ups else not asked.private
        incident = given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await given.until(lambda: told(given, "unable to sign in"), "the opening")
        (root,) = given.discord.channels["45"]
        given.page.add(incident, "identified", "A bad certificate is the cause.")
        await given.until(lambda: told(given, "bad certificate", root["id"]), "the update in the thread")

        timeline = await given.discord.presses(pressed(root, "Timeline"), who=ALERTS)
        assert "bad certificate" in timeline.text
        assert timeline.private
        muted = await given.discord.presses(pressed(root, "Mute this incident"), who=ALERTS)
        assert "Muted here" in muted.text
        assert not muted.private
        given.page.add(incident, "monitoring", "A fix is being rolled out.")
        await given.until(
            lambda: told(given, "being rolled out", given.discord.channels["42"][0]["id"]), "it elsewhere"
        )
        assert not told(given, "being rolled out", root["id"])
        given.page.add(incident, "resolved", "Everybody can sign in again.")
        await given.until(lambda: told(given, "sign in again"), "the end in the standing message")

        gone = await given.discord.types("unsubscribe", who=ALERTS, provider="microsoft-365")
        assert "Told no more here" in gone.text
        given.page.begin("Mail is delayed", "Mail may arrive late.")
        await given.until(lambda: told(given, "Mail may arrive late", "42"), "the next incident elsewhere")
        await given.settled()
    assert not told(given, "Mail may arrive late")


async def test_a_new_subscriber_is_told_once_what_is_open(given: World) -> None:
    given.page.begin("Sign-in fails", "Users may be unable to sign in.")
    async with given.run():
        await given.until(lambda: told(given, "unable to sign in", "42"), "the opening elsewhere")
        await subscribed(given)
        await given.until(lambda: told(given, "unable to sign in"), "what is open")
        await given.settled()
    assert told(given, "unable to sign in") == 1


async def test_a_role_is_called_from_the_impact_that_was_chosen_and_nobody_else(given: World) -> None:
    async with given.run():
        await given.settled()
        role = {"id": "77", "name": "on call", "mentionable": True}
        await subscribed(given, mention=role, mention_from="none")
        given.page.begin("Sign-in fails", "@everyone <@&78> may be unable to sign in.")
        await given.until(lambda: told(given, "unable to sign in"), "the opening")
    (root,) = given.discord.channels["45"]
    assert root["content"] == "<@&77>"
    assert root["allowed_mentions"] == {"parse": [], "roles": ["77"], "users": []}


async def test_buttons_work_after_a_restart(given: World) -> None:
    given.page.begin("Sign-in fails", "Users may be unable to sign in.")
    async with given.run():
        await given.until(lambda: told(given, "unable to sign in", "42"), "the opening")
    (root,) = given.discord.channels["42"]
    async with given.run():
        asked = await given.discord.presses(pressed(root, "Timeline"))
    assert "unable to sign in" in asked.text
    assert len(given.discord.commands) == 1


async def test_what_may_not_be_or_makes_no_sense_is_answered_well(given: World) -> None:
    async with given.run():
        ask = given.discord.types
        assert "Manage Channels" in (await ask("subscribe", who=ALERTS | {"member": member(0)}, **SUBSCRIBE)).text
        assert "Manage Channels" in (await ask("mute", who={"member": member(0)}, what="microsoft-365")).text
        assert "did you mean" in (await ask("subscribe", provider="micorsoft-365")).text
        assert "is not watched" in (await ask("status", provider="@everyone " * 600)).text
        assert "no incident that I know" in (await ask("timeline", incident="🔥" * 1500)).text
        assert "no length of time" in (await ask("mute", what="microsoft-365", length="a while")).text
        assert "statusbot.toml" in (await ask("unsubscribe")).text
        assert "statusbot.toml" in (await ask("subscriptions")).text
        direct: dict[str, Any] = {**dict.fromkeys(("guild_id", "guild", "member")), "channel": {"id": "9", "type": 1}}
        alone = direct | {"user": member(0)["user"], "context": 1}
        assert "not in a direct message" in (await ask("subscribe", who=alone, **SUBSCRIBE)).text
        assert "Microsoft 365" in (await ask("status", who=alone)).text


@pytest.mark.parametrize("closing", [4004, 4014])
async def test_without_its_gateway_everything_else_goes_on(given: World, closing: int) -> None:
    given.discord.closing = closing
    async with given.run() as program:
        await given.settled()
        given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await given.until(lambda: given.shown("unable to sign in") == [1, 0, 1, 0, 1], "the opening everywhere")
        await given.until(lambda: len(given.discord.identified) >= 2, "another try")
    assert program.err.count("Discord's commands cannot be heard") == 1
