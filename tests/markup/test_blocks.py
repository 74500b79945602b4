"""A notice as Slack's blocks: what a channel shows, within Slack's limits for any input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator

from bot.markup.blocks import message, size, with_key
from bot.model import Act, Message, Notice, Status
from tests.support.notices import DOWN, HOSTILE, INCIDENT, at, hostile, notice, notices, update

SCHEMA = Draft7Validator(json.loads((Path(__file__).parent / "data" / "slack-blocks.schema.json").read_text()))


def blocks(rendered: Message) -> list[dict[str, Any]]:
    made = rendered.body["blocks"]
    assert isinstance(made, list)
    return made


def walk(node: object) -> Iterator[dict[str, Any]]:
    """Every object within."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)


def shown(rendered: Message) -> list[str]:
    """What a reader sees, a string for each paragraph."""
    lines = []
    for block in blocks(rendered):
        parts = block.get("elements") or [block["text"]]
        for part in (
            parts if block["type"] == "rich_text" else [{"elements": parts}] if "elements" in block else [block]
        ):
            inner = part.get("elements") or [part["text"]]
            lines.append("".join(str(leaf.get("text") or leaf.get("fallback") or leaf.get("url")) for leaf in inner))
    return lines


def check(rendered: Message) -> None:
    """Everything that Slack asks of a message (FACTS.md, Slack; the schema is Slack's own)."""
    SCHEMA.validate(rendered.body["blocks"])
    assert size(blocks(rendered)) <= 12_000
    text = rendered.body["text"]
    assert isinstance(text, str)
    assert 0 < len(text) < 4_000
    for node in walk(rendered.body["blocks"]):
        assert node.get("text") != ""
        assert node.get("type") != "mrkdwn", "nothing foreign stands in mrkdwn"
    json.dumps(rendered.body, ensure_ascii=False).encode()


def test_the_message_of_an_incident() -> None:
    rendered = message(notice(update(0), sightings=(DOWN,)))
    check(rendered)
    assert shown(rendered) == [
        "🟠 Microsoft 365: Users can't sign in [MO1221364]",
        "Investigating · major impact · since 2026-01-22 19:37 UTC",
        "Exchange Online, Microsoft Teams",
        "We're investigating a potential issue impacting multiple Microsoft 365 services, including Outlook and "
        "Microsoft Defender.\nMore details under MO1221364 in the admin center, if accessible: "
        "https://status.cloud.microsoft/.",
        "X · 2026-01-22 19:37 UTC",
        "⚠ The status page has given no readable answer since 2026-01-22 19:42 UTC (429 Too Many Requests)",
        "Read on at status.cloud.microsoft",
    ]
    assert str(rendered.body["text"]).startswith(
        "🟠 Microsoft 365: Users can't sign in [MO1221364] · Investigating, major impact: We're investigating"
    )


def test_a_reply_is_its_own_state_and_words_and_what_is_newly_doubtful() -> None:
    first, second = update(1), update(9, "A fix is on its way.", status=Status.IDENTIFIED)
    incident = replace(INCIDENT, status=Status.IDENTIFIED, updates=(first, second))
    rendered = message(notice(second, act=Act.REPLY, incident=incident, sightings=(DOWN,)))
    check(rendered)
    assert shown(rendered) == [
        "🟠 Identified",
        "A fix is on its way.",
        "X · 2026-01-22 19:46 UTC",
        "⚠ The status page has given no readable answer since 2026-01-22 19:42 UTC (429 Too Many Requests)",
    ]
    assert rendered.text == "🟠 Identified: A fix is on its way."


def test_a_post_says_its_own_words_first() -> None:
    rendered = message(notice(update(0, "Sign-in fails."), act=Act.POST))
    check(rendered)
    assert shown(rendered) == [
        "🟠 Investigating",
        "Sign-in fails.",
        "X · 2026-01-22 19:37 UTC",
        "Microsoft 365: Users can't sign in [MO1221364]\nInvestigating · major impact · since 2026-01-22 19:37 UTC",
        "Exchange Online, Microsoft Teams",
        "Read on at x.com",
    ]


def test_times_are_left_to_the_readers_own_zone() -> None:
    dates = [node for node in walk(message(notice()).body["blocks"]) if node.get("type") == "date"]
    assert [(node["timestamp"], node["format"]) for node in dates] == [
        (1769110632, "{date_short_pretty} {time}"),
        (1769110632, "{date_short_pretty} {time}"),
    ]


def test_an_address_among_the_words_can_be_followed_and_shows_itself() -> None:
    rendered = message(notice(update(0, "See https://a.example/x_y, or (https://b.example/).")))
    links = [node for node in walk(rendered.body["blocks"]) if node.get("type") == "link" and "text" not in node]
    assert [link["url"] for link in links] == ["https://a.example/x_y", "https://b.example/"]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("@here", "<!here>"),
        ("<!here> @channel", "<!here> <!channel>"),
        ("<@U1> <!subteam^S1|@here>", "<@U1> <!subteam^S1|@here>"),
        ("ops@here.example", "ops@here.example"),
    ],
)
def test_a_call_is_sent_in_the_form_that_calls(typed: str, sent: str) -> None:
    rendered = message(notice(mention=typed)).body["blocks"]
    assert {"type": "section", "text": {"type": "mrkdwn", "text": sent}} in rendered  # type: ignore[operator]


@pytest.mark.parametrize("act", [Act.CREATE, Act.POST, Act.REPLY])
def test_only_the_configured_mention_calls_anybody(act: Act) -> None:
    rendered = message(replace(hostile(HOSTILE[4], act), mention="<!here>"))
    calls = [node for node in walk(rendered.body["blocks"]) if node.get("type") == "mrkdwn"]
    assert calls == [{"type": "mrkdwn", "text": "<!here>"}]
    assert "<" not in str(rendered.body["text"])


def test_an_edit_calls_nobody() -> None:
    assert message(notice(act=Act.EDIT, mention="<!here>")) == message(notice(act=Act.EDIT))


def test_a_catch_up_tells_every_word_newest_last() -> None:
    told = [update(number * 10, f"Words number {number}.") for number in range(3)]
    lines = shown(message(notice(*told, catch_up=True, late=timedelta(minutes=40))))
    words = [line for line in lines if line.startswith("Words")]
    assert words == ["Words number 0.", "Words number 1.", "Words number 2."]
    assert lines[-1] == "Catch-up: 3 updates · Told 40 min late · Read on at status.cloud.microsoft"


@pytest.mark.parametrize("act", Act)
def test_a_catch_up_too_long_to_tell_loses_its_oldest_words(act: Act) -> None:
    told = [update(number, f"Number {number}. " + "word " * 100) for number in range(60)]
    rendered = message(notice(*told, act=act, catch_up=True))
    check(rendered)
    lines = shown(rendered)
    kept = [int(line.split()[1].strip(".")) for line in lines if line.startswith("Number")]
    assert kept == list(range(60 - len(kept), 60))
    assert len(kept) > 3
    assert f"… and {60 - len(kept)} earlier" in lines
    assert lines[-1].endswith("Read on at status.cloud.microsoft")


def test_long_words_are_cut_at_a_word_and_the_rest_is_linked() -> None:
    rendered = message(notice(update(0, "word " * 4000), act=Act.REPLY))
    check(rendered)
    lines = shown(rendered)
    assert lines[1].endswith("word…")
    assert 2_500 < len(lines[1]) <= 3_000
    assert lines[-1] == "Read on at x.com"


def test_the_updates_own_link_stands_in_where_the_incident_has_none() -> None:
    incident = replace(INCIDENT, url="javascript:alert(1)")
    assert shown(message(notice(incident=incident)))[-1] == "Read on at x.com"


def test_many_doubts_are_counted() -> None:
    doubts = tuple(replace(DOWN, source=f"s{number}", since=at(number)) for number in range(11))
    assert shown(message(notice(sightings=doubts)))[-2].endswith("\n… and 6 more")


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("count", [1, 60])
@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_text_made_to_break_it_fits(words: str, act: Act, count: int) -> None:
    check(message(hostile(words, act, count)))


@settings(deadline=None)
@given(notices)
def test_any_text_fits(any_notice: Notice) -> None:
    check(message(any_notice))


def test_a_notice_without_updates_still_says_something() -> None:
    for act in Act:
        check(message(replace(notice(act=act), updates=(), incident=INCIDENT)))


def test_a_message_that_cannot_be_asked_for_bears_its_key() -> None:
    rendered = with_key(message(notice(act=Act.POST)), "key-1")
    check(rendered)
    assert shown(rendered)[-1] == "id key-1"
    assert with_key(rendered, "") == rendered


def pressed(rendered: Message) -> list[dict[str, Any]]:
    """What can be pressed."""
    return [node for node in walk(rendered.body["blocks"]) if node.get("type") == "button"]


@pytest.mark.parametrize("act", [Act.CREATE, Act.EDIT, Act.POST])
def test_where_an_app_hears_it_a_message_bears_what_can_be_done_about_its_incident(act: Act) -> None:
    rendered = message(notice(act=act), buttons=True)
    check(rendered)
    timeline, mute, page = pressed(rendered)
    assert (timeline["text"]["text"], timeline["action_id"]) == ("Timeline", "statusbot:timeline")
    assert (mute["text"]["text"], mute["action_id"]) == ("Mute this incident", "statusbot:mute")
    assert timeline["value"] == mute["value"] == INCIDENT.id
    assert page["text"]["text"] == "Open the page"
    assert page["url"].startswith("https://")
    assert not any(line.startswith("Read on at") for line in shown(message(notice(act=Act.CREATE), buttons=True)))


def test_replies_tests_and_messages_of_what_went_on_elsewhere_bear_no_buttons() -> None:
    for made in (notice(act=Act.REPLY), notice(test=True), notice(moved="i0")):
        assert message(made, buttons=True) == message(made)


def test_what_is_over_cannot_be_muted_and_what_has_no_page_not_be_opened() -> None:
    over = replace(INCIDENT, status=Status.RESOLVED, resolved_at=at(9), url="javascript:alert(1)")
    told = replace(update(0), url="")
    assert [each["action_id"] for each in pressed(message(notice(told, incident=over), buttons=True))] == [
        "statusbot:timeline"
    ]


@settings(deadline=None)
@given(notices)
def test_any_text_fits_with_buttons(any_notice: Notice) -> None:
    check(message(any_notice, buttons=True))
