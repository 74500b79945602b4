"""What people do in Slack, and what the app answers: the real Bolt and slack-sdk, by socket and by HTTP."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.answer.reply import Wish
from bot.frontends.slack import dialog
from bot.frontends.slack.answers import ELSEWHERE, LATE, UNSURE
from bot.frontends.slack.app import BUSY, SLOW
from bot.frontends.slack.rights import NOT_KNOWN, NOT_NAMED, NOT_TOLD
from bot.frontends.slack.workspace import Refused
from bot.model import Destination, Impact, Mode, Mute
from tests.frontends.slack.bench import MAIL, Bench, bench
from tests.support.slack import Trouble, error, said
from tests.support.slack_app import Answer, chosen, picked, texts

C1 = Destination("slack", "C1")
DIALOG = dialog.view(Wish(), dialog.Notes("C1"), str)


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


def words(answer: Answer) -> str:
    return texts(answer.body["blocks"])


# --- questions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("help", "What you can ask"),
        ("", "What you can ask"),
        ("subscriptions", "This channel has no subscription"),
        ("status acme", "Acme Cloud"),
        ("timeline", "Mail is down"),
        ("timeline AC1221", "Users cannot send mail."),
        ("why AC1221", "Why it stands so"),
        ("statsu", 'did you mean "status"'),
        ("mute nothing-like-it", "no incident that I know"),
        ("subscribe amce", 'did you mean "acme"'),
        ("subscribe acme --min terrible", "is no impact"),
        ("\u202e" * 300 + "<!channel> &amp; `*_~" * 100, "I do not know"),
    ],
)
async def test_a_question_is_answered_privately(by_socket: Bench, typed: str, expected: str) -> None:
    await by_socket.knows(MAIL)
    answer = await by_socket.ann.asks(typed)
    assert expected in words(answer)
    assert answer.private
    assert "mrkdwn" not in str(answer.body["blocks"])
    assert await by_socket.subscriptions() == []


async def test_unsubscribe_ends_it_for_everyone_to_see(by_socket: Bench) -> None:
    await by_socket.ann.asks("subscribe acme")
    answer = await by_socket.ann.asks("unsubscribe acme")
    assert "Told no more here: Acme Cloud" in words(answer)
    assert not answer.private
    assert await by_socket.subscriptions() == []


async def test_buttons_tell_the_timeline_mute_and_unmute(app: Bench) -> None:
    await app.knows(MAIL)
    await app.ann.presses("statusbot:timeline", MAIL.id)
    await app.slack.until(lambda: len(app.slack.answers) == 1, "the timeline")
    assert "Users cannot send mail." in words(app.slack.answers[0])
    assert app.slack.answers[0].body["replace_original"] is False
    await app.ann.presses("statusbot:mute", MAIL.id)
    await app.slack.until(lambda: len(app.slack.answers) == 2, "the muting")
    muted = app.slack.answers[1]
    assert not muted.private
    [unmute] = muted.body["blocks"][-1]["elements"]
    assert await mutes(app) == [Mute(C1, MAIL.id)]
    await app.ann.presses(unmute["action_id"], unmute["value"])
    await app.slack.until(lambda: len(app.slack.answers) == 3, "the unmuting")
    assert "Told again here" in words(app.slack.answers[2])
    assert await mutes(app) == []


async def mutes(app: Bench) -> list[Mute]:
    return [replace(mute, until=None) for mute in await app.store.read(lambda ledger: ledger.mutes(C1))]


@pytest.mark.parametrize("action", ["statusbot:open", "statusbot:nonsense:0", "another", "statusbot:pick"])
async def test_what_is_pressed_and_means_nothing_is_only_acknowledged(app: Bench, action: str) -> None:
    await app.ann.presses(action, "x")
    await app.idle()
    assert app.slack.answers == []


async def test_the_home_tab_lists_the_subscriptions_and_the_providers(app: Bench) -> None:
    await app.ann.asks("subscribe acme")
    await app.knows(MAIL)
    await app.ann.looks_home()
    await app.slack.until(lambda: app.slack.homes, "the Home tab")
    [home] = app.slack.homes
    assert (home["user"], home["type"]) == ("U1", "home")
    shown = texts(home["blocks"])
    assert "Mail is down" in shown
    assert "Acme Cloud one message per incident, updates in its thread" in " ".join(shown.split())
    assert " C1" in shown, "the channel, which Slack shows by its name"


# --- whom, and where ---------------------------------------------------------------------------------------------

CHANGES = ["subscribe acme", "unsubscribe", "mute acme", "unmute acme", "subscribe"]


@pytest.mark.parametrize("typed", CHANGES)
async def test_who_is_not_named_is_refused_privately_and_changes_nothing(typed: str) -> None:
    async with bench("socket", ["U9", "S1"]) as app:
        app.slack.groups["S1"] = ["U5"]
        answer = await app.ann.asks(typed)
        assert words(answer) == NOT_NAMED
        assert answer.private
        assert await app.subscriptions() == []
        assert app.slack.views == []
        assert not app.slack.about["C1"]["is_member"]
        assert "no subscription" in words(await app.ann.asks("subscriptions"))


async def test_the_dialog_of_who_is_not_named_subscribes_nothing() -> None:
    async with bench("socket", ["U9"]) as app:
        await app.ann.submits(DIALOG, {"providers": chosen("acme")})
        await app.slack.until(lambda: app.slack.ephemerals, "the refusal")
        assert texts(app.slack.ephemerals[0]["blocks"]) == NOT_NAMED
        assert await app.subscriptions() == []


async def test_who_is_named_or_in_a_named_group_may_and_the_group_is_not_asked_each_time() -> None:
    async with bench("socket", ["U9", "S1"]) as app:
        app.slack.groups["S1"] = ["U1"]
        await app.ann.asks("subscribe acme")
        await app.ann.asks("subscribe other")
        assert len(await app.subscriptions()) == 2
        assert len(app.slack.space.called("usergroups.users.list")) == 1
        app.clock.forward(minutes=6)
        app.slack.groups["S1"] = []
        assert words(await app.ann.asks("unsubscribe acme")) == NOT_NAMED


GROUPS = "usergroups.users.list"


@pytest.mark.parametrize(
    ("trouble", "expected", "logged"),
    [
        (error("internal_error"), NOT_KNOWN, "Slack: internal_error"),
        (said("<html>", 502), NOT_KNOWN, "Slack's API does not answer"),
        (
            error("missing_scope"),
            NOT_TOLD,
            "the app lacks the scope usergroups:read; grant it, and install the app again",
        ),
        (error("something_new"), NOT_TOLD, "Slack: something_new"),
        (error("no_such_subteam"), NOT_NAMED, "there is no such user group, or it is disabled"),
    ],
)
async def test_a_group_that_slack_does_not_tell_of_gives_nobody_a_right_and_is_logged_once(
    caplog: pytest.LogCaptureFixture, trouble: Trouble, expected: str, logged: str
) -> None:
    async with bench("socket", ["S1"], troubles={GROUPS: [trouble] * 2}) as app:
        for typed in ("subscribe acme", "mute acme"):
            answer = await app.ann.asks(typed)
            assert (words(answer), answer.private) == (expected, True)
        assert await app.subscriptions() == []
    lines = [one.getMessage() for one in caplog.records if one.name == "statusbot.slack"]
    assert lines == [f"[slack] may_subscribe: who is in S1 cannot be told: {logged}"]


async def test_one_group_that_is_gone_takes_no_right_from_another() -> None:
    async with bench("socket", ["S1", "S2"], troubles={GROUPS: [error("no_such_subteam")]}) as app:
        app.slack.groups["S2"] = ["U1"]
        await app.ann.asks("subscribe acme")
        assert len(await app.subscriptions()) == 1


async def refusals(app: Bench) -> int:
    """How deep the kept refusal's traceback is, once it was raised again."""
    with pytest.raises(Refused) as caught:
        await app.app._workspace._listed("S1")
    return len(traceback.extract_tb(caught.value.__traceback__))


async def test_slacks_wait_is_obeyed_and_who_was_in_a_group_meanwhile_is_believed() -> None:
    async with bench("socket", ["S1"]) as app:
        app.slack.groups["S1"] = ["U1"]
        await app.ann.asks("subscribe acme")
        app.clock.forward(minutes=6)
        app.slack.space.troubles[GROUPS] = [error("ratelimited", 429, **{"Retry-After": "30"})]
        await app.ann.asks("subscribe other")
        await app.ann.asks("mute other")
        assert len(await app.subscriptions()) == 2
        assert len(app.slack.space.called(GROUPS)) == 2
        depths = [await refusals(app) for _ in range(3)]
        assert depths[0] == depths[2]  # what is kept does not grow with each who asks
        app.clock.forward(seconds=31)
        app.slack.groups["S1"] = []
        app.slack.space.troubles.clear()
        assert words(await app.ann.asks("unsubscribe acme")) == NOT_NAMED


@pytest.mark.parametrize(
    ("about", "channel", "name", "expected"),
    [
        (None, "C7", "privategroup", "/invite @statusbot"),
        ({"is_member": False, "is_private": True}, "C7", "secret", "/invite @statusbot"),
        ({"is_member": False, "is_archived": True}, "C7", "old", "archived"),
        (None, "D7", "directmessage", "Only channels"),
        (None, "C7", "mpdm-ann--ben-1", "Only channels"),
    ],
)
@pytest.mark.parametrize("typed", ["subscribe acme", "subscribe"])
async def test_a_channel_that_cannot_be_told_is_promised_nothing(
    by_socket: Bench, typed: str, about: dict[str, bool] | None, channel: str, name: str, expected: str
) -> None:
    if about is not None:
        by_socket.slack.about[channel] = about
    ben = replace(by_socket.ann, channel=channel, channel_name=name)
    answer = await ben.asks(typed)
    assert expected in words(answer)
    assert answer.private
    assert await by_socket.subscriptions() == []
    assert by_socket.slack.views == []


async def test_in_a_private_channel_that_it_is_in_nothing_is_joined(by_socket: Bench) -> None:
    by_socket.slack.about["C1"] = {"is_member": True, "is_private": True}
    await by_socket.ann.asks("subscribe acme")
    assert len(await by_socket.subscriptions()) == 1
    assert by_socket.slack.space.called("conversations.join") == []


async def test_a_join_that_fails_is_said_and_the_subscription_stays(by_socket: Bench) -> None:
    by_socket.slack.space.troubles["conversations.join"] = [error("missing_scope")]
    answer = await by_socket.ann.asks("subscribe acme")
    assert "Joining this channel failed" in words(answer)
    assert len(await by_socket.subscriptions()) == 1


async def test_nonsense_joins_no_channel(by_socket: Bench) -> None:
    await by_socket.ann.asks("subscribe nobody-knows-it")
    assert by_socket.slack.space.called("conversations.join") == []


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_another_workspace_is_refused_and_touches_nothing(way: str) -> None:
    async with bench(way) as app:
        await app.knows(MAIL)
        stranger = replace(app.ann, team="T2")
        for number, act in enumerate([stranger.types("subscribe acme"), stranger.presses("statusbot:mute", MAIL.id)]):
            await act
            await app.slack.until(lambda: len(app.slack.answers) > number, "the refusal")  # noqa: B023
            assert words(app.slack.answers[number]) == ELSEWHERE
        await stranger.looks_home()
        await stranger.submits(DIALOG, {"providers": chosen("acme")})
        assert await stranger.searches({}, {}, "statusbot:providers", "") == []
        await app.idle()
        assert not await app.subscriptions()
        assert not await mutes(app)
        assert not app.slack.homes
        asked = {name for name, _ in app.slack.space.calls}
        assert asked <= {"auth.test", "apps.connections.open", "chat.postEphemeral"}


async def test_a_guest_of_a_shared_channel_is_of_another_workspace(by_socket: Bench) -> None:
    await by_socket.ann.presses("statusbot:mute", MAIL.id, user={"id": "U8", "team_id": "T2"})
    await by_socket.slack.until(lambda: by_socket.slack.answers, "the refusal")
    assert words(by_socket.slack.answers[0]) == ELSEWHERE


# --- in time -----------------------------------------------------------------------------------------------------


async def test_a_slow_database_delays_the_answer_but_not_the_acknowledgement(app: Bench) -> None:
    await app.knows(MAIL)
    app.held.gate.clear()
    await app.ann.types("timeline")  # raises where it is not acknowledged within 3 s
    await app.ann.presses("statusbot:mute", MAIL.id)
    await app.ann.submits(DIALOG, {"providers": chosen("acme")})
    await app.ann.looks_home()
    assert not app.slack.answers
    assert not app.slack.homes
    app.held.gate.set()
    await app.idle()
    assert len(app.slack.answers) == 2
    assert len(app.slack.ephemerals) == len(app.slack.homes) == len(await app.subscriptions()) == 1


async def test_a_database_that_does_not_answer_at_all_is_said_to_be_slow() -> None:
    async with bench("socket", patience=0.1) as app:
        app.held.gate.clear()
        answer = await app.ann.asks("timeline")
        assert words(answer) == SLOW


async def test_the_dialog_opens_while_the_database_hangs(app: Bench) -> None:
    app.held.gate.clear()
    await app.ann.types("subscribe")
    await app.slack.until(lambda: app.slack.views, "the dialog")


async def test_a_dialog_that_slack_no_longer_waits_for_is_said_in_words(by_socket: Bench) -> None:
    await by_socket.ann.types("subscribe", trigger="old")
    await by_socket.slack.until(lambda: by_socket.slack.answers, "the reason")
    assert words(by_socket.slack.answers[0]) == LATE


async def test_an_address_that_takes_no_more_answers_is_not_the_end(by_socket: Bench) -> None:
    by_socket.slack.spent = True
    await by_socket.ann.types("help")
    await by_socket.slack.until(lambda: by_socket.slack.ephemerals, "the answer by another way")
    [answer] = by_socket.slack.ephemerals
    assert (answer["channel"], answer["user"]) == ("C1", "U1")
    assert "What you can ask" in texts(answer["blocks"])


async def test_while_slack_does_not_say_whose_token_it_is_nothing_is_done(by_socket: Bench) -> None:
    by_socket.slack.space.troubles["auth.test"] = [error("internal_error")]
    assert words(await by_socket.ann.asks("subscribe acme")) == UNSURE
    assert await by_socket.subscriptions() == []
    assert "told about" in words(await by_socket.ann.asks("subscribe acme"))


async def test_more_than_can_be_answered_is_said_at_once() -> None:
    async with bench("socket", abreast=2) as app:
        app.held.gate.clear()
        assert [await app.ann.types("timeline") for _ in range(3)] == [{}, {}, {"text": BUSY}]
        await app.ann.presses("statusbot:mute", MAIL.id)
        app.held.gate.set()
        await app.idle()
        assert len(app.slack.answers) == 2


async def test_closing_ends_what_is_under_way(by_socket: Bench) -> None:
    by_socket.held.gate.clear()
    await by_socket.ann.types("timeline")
    async with asyncio.timeout(timedelta(seconds=5).total_seconds()):
        await by_socket.app.close()
    assert by_socket.slack.answers == []
