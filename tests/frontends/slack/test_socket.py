"""Slack's socket: a death, loud or silent, is noticed and mended, and said once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest

from bot.frontends.slack.socket import Pace
from tests.frontends.slack.bench import PACE, Bench, bench
from tests.support.slack import DROPPED, Trouble, error, said

HASTY = replace(PACE, ping=0.5, connect=2.0)  #: only where it matters: a busy machine's pauses look like a death


async def serves(app: Bench) -> None:
    """It can be asked, whatever has happened."""
    assert "What you can ask" in str((await app.ann.asks("help")).body)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("statusbot")]


async def again(app: Bench, count: int = 2) -> None:
    """The app has connected that often."""
    await app.slack.until(lambda: len(app.slack.links) >= count, "another socket")
    await app.slack.until(lambda: app.app.connected, "that it stands")


async def test_a_socket_that_dies_silently_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "statusbot")
    async with bench("socket", pace=HASTY) as app:
        await serves(app)
        app.slack.pongs = False
        await app.slack.until(lambda: len(app.slack.links) >= 2, "another socket")
        app.slack.pongs = True
        await app.slack.until(lambda: any("stands again" in line for line in lines(caplog)), "that it is said")
        await again(app)
        await serves(app)
    assert any("socket is lost: it no longer answers" in line for line in lines(caplog))


def test_a_silent_death_is_noticed_within_a_minute() -> None:
    """Four pings without an answer, the look that finds it, and the connection anew with its longest first wait."""
    pace = Pace()
    assert pace.ping * (4 + 1) + pace.close + pace.least < 60


async def test_a_socket_that_slack_closes_is_replaced_at_once(by_socket: Bench) -> None:
    await by_socket.slack.links[0].close()
    await again(by_socket)
    await serves(by_socket)


async def test_a_connection_that_breaks_is_replaced() -> None:
    async with bench("socket", pace=HASTY) as app:
        request = app.slack.links[0]._req
        assert request is not None
        assert request.transport is not None
        request.transport.abort()
        await again(app)
        await serves(app)


async def test_when_slack_asks_to_move_it_moves_without_a_word(
    by_socket: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "statusbot")
    await by_socket.slack.links[0].send_json({"type": "disconnect", "reason": "refresh_requested"})
    await again(by_socket)
    await serves(by_socket)
    assert lines(caplog) == []


async def test_what_is_typed_while_it_moves_is_heard_once(by_socket: Bench) -> None:
    by_socket.slack.space.troubles["apps.connections.open"] = [
        error("internal_error")
    ]  # so that the move takes two tries
    await by_socket.slack.links[0].send_json({"type": "disconnect", "reason": "refresh_requested"})
    await serves(by_socket)
    await again(by_socket)
    await serves(by_socket)
    await by_socket.idle()
    assert len(by_socket.slack.answers) == 2


async def test_what_slack_repeats_by_the_next_connection_is_answered_once(by_socket: Bench) -> None:
    body = by_socket.ann.command("help")
    sent = {"type": "slash_commands", "envelope_id": "e-1", "payload": body, "accepts_response_payload": True}
    await by_socket.slack.links[0].send_json(sent)
    await by_socket.slack.until(lambda: by_socket.slack.answers, "the answer")
    await by_socket.slack.links[0].close()
    await again(by_socket)
    waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    by_socket.slack._acks["e-1"] = waiting
    await by_socket.slack.links[1].send_json({**sent, "retry_attempt": 1})
    async with asyncio.timeout(3):
        assert await waiting == {}
    await by_socket.idle()
    assert len(by_socket.slack.answers) == 1


async def test_the_connection_from_which_it_moved_is_given_up_once_the_new_one_stands() -> None:
    async with bench("socket", pace=HASTY) as app:
        for count in (2, 3):
            await app.slack.links[-1].send_json({"type": "disconnect", "reason": "warning"})
            await again(app, count)
        await app.slack.until(lambda: [one.closed for one in app.slack.links] == [True, True, False], "only the newest")
        await serves(app)


async def test_no_connection_is_left_behind_at_the_end() -> None:
    async with bench("socket") as app:
        await app.slack.links[0].send_json({"type": "disconnect", "reason": "refresh_requested"})
        await again(app)
        slack = app.slack
    assert all(link.closed for link in slack.links)


async def test_when_slack_asks_to_move_again_and_again_the_moves_get_slower() -> None:
    async with bench("socket", pace=replace(PACE, least=0.2, most=30.0)) as app:
        for count in range(1, 4):
            await app.slack.until(lambda: len(app.slack.links) >= count, "the next socket")  # noqa: B023
            await app.slack.links[-1].send_json({"type": "disconnect", "reason": "too_many_websockets"})
        await asyncio.sleep(0.3)  # the third wait is 0.4 s at the least
        assert len(app.slack.links) == 3


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (error("invalid_auth"), "SLACK_APP_TOKEN is not valid"),
        (error("not_allowed_token_type"), "no app-level token"),
        (error("something_new"), "Slack: something_new"),
        (said("<html>", 502), "Slack's API does not answer"),
        (DROPPED, "Slack's API does not answer"),
    ],
)
async def test_what_keeps_it_from_connecting_is_said_once_and_its_end_once(
    caplog: pytest.LogCaptureFixture, trouble: Trouble, reason: str
) -> None:
    caplog.set_level(logging.INFO, "statusbot")
    async with bench("socket", troubles={"apps.connections.open": [trouble] * 3}) as app:
        await serves(app)
        told = lines(caplog)
        assert len(told) == 2
        assert told[0].startswith("Slack's socket is lost: ")
        assert reason in told[0]
        assert told[1] == "Slack's socket stands again"
        assert len(app.slack.space.called("apps.connections.open")) == 4


async def test_slacks_own_wait_is_obeyed() -> None:
    async with bench("socket") as app:
        app.slack.space.troubles["apps.connections.open"] = [error("ratelimited", 429, **{"Retry-After": "600"})]
        await app.slack.links[0].close()
        await app.slack.until(lambda: len(app.slack.space.called("apps.connections.open")) == 2, "the second try")
        await asyncio.sleep(PACE.most * 4)
        assert len(app.slack.space.called("apps.connections.open")) == 2


async def test_bolt_leaves_our_own_loggers_alone(by_socket: Bench) -> None:
    await serves(by_socket)
    for name in ("statusbot", "statusbot.slack"):
        assert logging.getLogger(name).getEffectiveLevel() < logging.CRITICAL
        assert logging.getLogger(name).handlers == []


async def test_no_secret_of_it_is_ever_logged(by_socket: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "statusbot")
    await by_socket.slack.links[0].close()
    await again(by_socket)
    by_socket.slack.space.troubles["apps.connections.open"] = [error("invalid_auth")]
    await by_socket.slack.links[-1].close()
    await again(by_socket, 3)
    await serves(by_socket)
    assert "very-secret" not in "\n".join(lines(caplog))
    assert "/answer/" not in "\n".join(lines(caplog))


async def test_an_address_that_cannot_be_reached_is_given_up_for_a_new_one() -> None:
    async with bench("socket", pace=HASTY) as app:
        good, app.slack.url = app.slack.url, "http://127.0.0.1:1"
        await app.slack.links[0].close()
        await app.slack.until(lambda: len(app.slack.space.called("apps.connections.open")) >= 3, "a third address")
        app.slack.url = good
        await again(app)
        await serves(app)
