"""`statusbot run`: collects, tells three platforms, is stopped in every way, and goes on where it was."""

from __future__ import annotations

import signal

import pytest

from tests.e2e.world import World
from tests.support.slack import HANGING
from tests.support.statuspage import Fault, limited, reset

EVERYWHERE = [1, 0, 1, 0, 1]  #: World.shown: one message in each channel, no reply yet
NOWHERE = [0, 0, 0, 0, 0]


async def states(given: World) -> set[str]:
    """Those of all deliveries: `sent` alone where nothing is owed, given up or in doubt."""
    return {one["state"] for one in (await given.said("deliveries", "--json"))["deliveries"]}


def replies(given: World, words: str) -> int:
    """How many replies show the words; as many in Slack as on Discord, or else -1."""
    _, slack, _, discord, _ = given.shown(words)
    return slack if slack == discord else -1


async def test_a_new_incident_reaches_all_three_and_its_updates_follow(given: World) -> None:
    async with given.run():
        await given.settled()
        incident = given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        polls = given.page.polls
        await given.until(lambda: given.shown("unable to sign in") == EVERYWHERE, "the opening in each channel")
        assert given.page.polls <= polls + 2  # the poll that brought it, and at the most one more while it was told
        given.page.add(incident, "identified", "A bad certificate is the cause.")
        await given.until(lambda: given.shown("bad certificate") == [1, 1, 1, 1, 1], "the update, replies and edits")
        given.page.add(incident, "resolved", "Everybody can sign in again.")
        await given.until(lambda: given.shown("sign in again") == [1, 1, 1, 1, 1], "the end")
        await given.settled()
    assert len(given.slack.messages) == 3
    assert sum(map(len, given.discord.channels.values())) == 3
    assert len(given.teams.cards) == 3
    assert await states(given) == {"sent"}


async def test_what_x_told_first_the_page_adopts(given: World) -> None:
    async with given.run(signal.SIGINT):
        given.tell_x("We're investigating an issue with mail:", "https://stspg.io/inc1")
        await given.until(lambda: given.shown("an issue with mail") == EVERYWHERE, "the post in each channel")
        given.page.begin("Mail is delayed", "Mail may arrive late.")
        await given.until(lambda: given.shown("Mail may arrive late") == [1, 1, 1, 1, 1], "the page's words everywhere")
    (root,) = (one for one in given.slack.messages if not one.get("thread_ts"))
    assert "Mail is delayed" in root["text"]
    assert len(given.discord.channels["42"]) == 1
    (incident,) = (await given.said("timeline", "--json"))["incidents"]
    assert sorted(incident["sources"]) == ["microsoft-365/page", "microsoft-365/x"]
    assert await states(given) == {"sent"}


async def dies_and_returns(given: World, fault: Fault, time: int) -> None:
    """The page fails, is asked some more, and recovers, for the n-th time."""
    given.page.fault = fault
    await given.until(lambda: replies(given, "The status page does not answer") == time, "that it does not answer")
    await given.settled()
    given.page.fault = None
    await given.until(lambda: replies(given, "answers again") == time, "that it answers again")


async def test_a_page_that_dies_in_the_middle_is_told_once_and_its_return_once(given: World) -> None:
    async with given.run():
        given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await given.until(lambda: given.shown("unable to sign in") == EVERYWHERE, "the opening in each channel")
        await dies_and_returns(given, limited, 1)
        await dies_and_returns(given, reset, 2)
        await given.settled()
    assert len([one for one in given.slack.messages if one.get("thread_ts")]) == 4
    assert len(given.teams.cards) == 5
    assert await states(given) == {"sent"}


async def test_while_the_page_is_down_nothing_is_called_well(given: World) -> None:
    given.page.fault = limited
    async with given.run():
        await given.settled()
        line = await given.printed("status")
    assert "page: unreadable" in line
    assert "429" in line


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
async def test_a_program_that_ends_and_starts_again_repeats_nothing_and_misses_nothing(
    given: World, ending: signal.Signals
) -> None:
    async with given.run(ending):
        given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await given.until(lambda: given.shown("unable to sign in") == EVERYWHERE, "the opening in each channel")
        while await states(given) != {"sent"}:
            pass  # the platforms have it, and the program may not have written that down yet
    given.page.add(given.page.incidents[0], "identified", "A bad certificate is the cause.")
    given.page.begin("Mail is delayed", "Mail may arrive late.")
    async with given.run():
        await given.until(lambda: given.shown("bad certificate") == [1, 1, 1, 1, 1], "the update of meanwhile")
        await given.until(lambda: given.shown("Mail may arrive late") == EVERYWHERE, "the incident of meanwhile")
        await given.settled()
    assert len(given.slack.messages) == len(given.teams.cards) == 3
    assert sum(map(len, given.discord.channels.values())) == 3
    assert await states(given) == {"sent"}


async def test_a_message_in_flight_when_the_program_is_killed_is_found_again_and_not_repeated(given: World) -> None:
    async with given.run(signal.SIGKILL):
        given.slack.troubles["chat.postMessage"] = [HANGING]
        given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await given.until(lambda: given.shown("unable to sign in") == EVERYWHERE, "the opening in each channel")
    async with given.run():
        await given.until(lambda: given.slack.called("conversations.history"), "the question whether it arrived")
        given.page.add(given.page.incidents[0], "identified", "A bad certificate is the cause.")
        await given.until(lambda: given.shown("bad certificate")[:2] == [1, 1], "the update, a reply and an edit")
    assert len(given.slack.messages) == 2  # Teams cannot be asked: what was in flight there may stand twice


async def test_a_second_run_on_the_same_database_is_refused(given: World) -> None:
    async with given.run():
        await given.settled()
        second = await given.start("run")
        assert await second.finish() == 2
        given.running.remove(second)
    assert second.out == ""
    (line,) = second.err.splitlines()
    assert "statusbot.db: another `statusbot run` uses it" in line
