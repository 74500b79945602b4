"""What comes by HTTP: Slack's signature of the last five minutes and never a second time, or 401 and a count."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from tests.frontends.slack.bench import Bench
from tests.support.slack_app import signature

SIGNED, STAMPED = "X-Slack-Signature", "X-Slack-Request-Timestamp"


def command(app: Bench) -> str:
    return urlencode(app.ann.command("subscribe acme"))


async def refused(app: Bench, body: str, **headers: str) -> None:
    """The request is turned away, and has left nothing but a count."""
    before = app.app.refused
    answer = await app.ann.sends(body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status == 401
    assert await answer.read() == b""
    await app.idle()
    assert app.app.refused == before + 1
    assert app.slack.space.calls == []
    assert app.slack.answers == []
    assert await app.subscriptions() == []


@pytest.mark.parametrize("wrong", ["v0=" + "0" * 64, "", "v0=", "é" * 67, "v1=abc", "x" * 8000])
async def test_a_wrong_signature_is_turned_away(by_http: Bench, wrong: str) -> None:
    await refused(by_http, command(by_http), X_Slack_Signature=wrong)


async def test_another_secret_signs_in_vain(by_http: Bench) -> None:
    body = command(by_http)
    await refused(by_http, body, X_Slack_Signature=signature(body, by_http.ann.stamp, "another secret"))


async def test_what_was_changed_on_the_way_is_turned_away(by_http: Bench) -> None:
    signed = signature(command(by_http), by_http.ann.stamp)
    await refused(by_http, command(by_http) + "&text=unsubscribe", X_Slack_Signature=signed)


@pytest.mark.parametrize("seconds", [-301, 301, -86_400])
async def test_an_old_timestamp_and_one_of_the_future_are_turned_away(by_http: Bench, seconds: int) -> None:
    by_http.ann.stamp = str(int(by_http.clock.now().timestamp()) + seconds)
    await refused(by_http, command(by_http))


@pytest.mark.parametrize("seconds", [-299, 299])
async def test_within_five_minutes_it_is_believed(by_http: Bench, seconds: int) -> None:
    by_http.ann.stamp = str(int(by_http.clock.now().timestamp()) + seconds)
    assert (await by_http.ann.sends(command(by_http))).status == 200
    await by_http.slack.until(lambda: by_http.slack.answers, "the answer")
    assert by_http.app.refused == 0


@pytest.mark.parametrize("junk", ["", "yesterday", "1e9", "9" * 400, "9" * 5000, "-", "nan", "0x1"])
async def test_a_junk_timestamp_is_turned_away(by_http: Bench, junk: str) -> None:
    by_http.ann.stamp = junk
    await refused(by_http, command(by_http))


async def test_what_is_not_signed_at_all_is_turned_away_whatever_it_calls_itself(by_http: Bench) -> None:
    assert by_http.ann.session is not None
    unsigned = ["ssl_check=1&token=x", json.dumps({"type": "url_verification", "challenge": "c"}), "", "\x00"]
    for body in unsigned:
        async with by_http.ann.session.post(by_http.ann.at, data=body) as answer:
            assert answer.status == 401
    assert by_http.app.refused == len(unsigned)


async def test_bytes_that_are_no_text_are_turned_away(by_http: Bench) -> None:
    assert by_http.ann.session is not None
    headers = {STAMPED: by_http.ann.stamp, SIGNED: "v0=" + "0" * 64}
    async with by_http.ann.session.post(by_http.ann.at, data=b"\xff\xfe", headers=headers) as answer:
        assert answer.status == 401


async def test_a_request_that_is_sent_again_is_turned_away(by_http: Bench) -> None:
    body = command(by_http)
    assert (await by_http.ann.sends(body)).status == 200
    await by_http.slack.until(lambda: by_http.slack.answers, "the answer")
    assert (await by_http.ann.sends(body)).status == 401
    await by_http.idle()
    assert by_http.app.refused == 1
    assert len(by_http.slack.answers) == 1


async def test_what_would_no_longer_be_believed_is_forgotten(by_http: Bench) -> None:
    assert by_http.app._door is not None
    for _ in range(3):
        await by_http.ann.asks("help")
        by_http.clock.forward(seconds=601)
        by_http.ann.stamp = str(int(by_http.clock.now().timestamp()))
    assert len(by_http.app._door._taken) == 1


async def test_somebody_who_types_the_same_twice_in_a_second_gets_suggestions_twice(by_http: Bench) -> None:
    await by_http.ann.types("subscribe")
    await by_http.slack.until(lambda: by_http.slack.views, "the dialog")
    for _ in range(2):
        found = await by_http.ann.searches(by_http.slack.views[0], {}, "statusbot:providers", "acm")
        assert found == ["acme"]


@pytest.mark.parametrize("kind", ["xml", "octet-stream", "x-www-form-urlencoded2"])
async def test_another_type_of_content_than_slacks_is_turned_away(by_http: Bench, kind: str) -> None:
    assert (await by_http.ann.sends(command(by_http), kind)).status == 415
    await by_http.idle()
    assert by_http.slack.answers == []


async def test_slack_may_verify_the_address(by_http: Bench) -> None:
    answer = await by_http.ann.sends(json.dumps({"type": "url_verification", "challenge": "c-1"}), "json")
    assert (answer.status, await answer.json()) == (200, {"challenge": "c-1"})


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("[1]", "json"),
        ("{broken", "json"),
        ("null", "json"),
        ("payload=[]", "x-www-form-urlencoded"),
        ("payload={broken", "x-www-form-urlencoded"),
        ("", "x-www-form-urlencoded"),
        ("command=%2Fsomething&text=x", "x-www-form-urlencoded"),
        ('{"team": 5, "event": [], "view": "x", "user": null}', "json"),
        ('payload={"type":"block_actions","actions":[],"team":{"id":"T1"}}', "x-www-form-urlencoded"),
        ('payload={"type":"block_actions","actions":[5],"team":{"id":"T1"}}', "x-www-form-urlencoded"),
    ],
)
async def test_signed_nonsense_is_answered_and_breaks_nothing(by_http: Bench, body: str, kind: str) -> None:
    answer = await by_http.ann.sends(body, kind)
    assert answer.status in (200, 400, 404, 500)
    assert "What you can ask" in str((await by_http.ann.asks("help")).body)


async def test_by_socket_alone_there_is_no_door(by_socket: Bench) -> None:
    assert by_socket.app.routes() == []
    assert by_socket.app.refused == 0
