"""Answers as blocks: valid and within Slack's limits, whatever they hold."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from bot.answer.reply import VALUE, Button, Reply, Row, Verb
from bot.frontends.slack.replies import HOME_LIMIT, home, message
from bot.markup.blocks import LIMIT, size
from tests.markup.test_blocks import SCHEMA, walk
from tests.notifiers.notices import BREAKING
from tests.support.notices import at
from tests.support.slack_app import texts

WHOLE: Any = SCHEMA.schema
#: of a modal and of the Home tab
HOME = Draft7Validator(
    {
        "definitions": WHOLE["definitions"],
        "type": "array",
        "maxItems": 100,
        "items": WHOLE["definitions"]["MessageBlocks"]["items"],
    }
)

text = st.one_of(st.text(max_size=40), st.sampled_from(list(BREAKING.values())), st.just(""), st.just("  "))
lines = st.lists(st.one_of(text, st.just(at(3))), max_size=4).map(tuple)
rows = st.builds(
    Row,
    lines,
    st.lists(lines, max_size=4).map(tuple),
    text,
    st.sampled_from(["", "https://a.example/x", "javascript:x", "http://["]),
)
buttons = st.builds(Button, st.sampled_from(list(Verb)), st.text(max_size=VALUE), text)
replies = st.builds(
    Reply, lines, st.lists(rows, max_size=60).map(tuple), text, st.lists(buttons, max_size=9).map(tuple)
)


def check(body: Any, schema: Draft7Validator = SCHEMA, limit: int = LIMIT) -> None:
    schema.validate(body["blocks"])
    assert size(body["blocks"]) <= limit
    for node in walk(body["blocks"]):
        assert node.get("text") != ""
        assert node.get("type") != "mrkdwn", "nothing foreign stands in mrkdwn"
    for block in body["blocks"]:
        ids = [each["action_id"] for each in block.get("elements", ()) if "action_id" in each]
        assert len(ids) == len(set(ids))
    json.dumps(body, ensure_ascii=False).encode()


@settings(deadline=None, max_examples=60)
@given(replies)
def test_any_answer_fits_a_message_and_the_home_tab(reply: Reply) -> None:
    made = message(reply)
    check(made)
    assert 0 < len(str(made["text"])) < 4_000
    shown = home(reply)
    check(shown, HOME, HOME_LIMIT)


def test_an_answer_reads_as_it_was_meant() -> None:
    row = Row(("Acme Cloud",), (("Mail is down since ", at(0)), ("slack:C0123456789",)), "🟠", "https://a.example/")
    made: Any = message(Reply(("1 in trouble.",), (row,), "… and 2 more", (Button(Verb.MUTE, "i1", "Mute"),)))
    assert texts(made["blocks"]) == (
        "1 in trouble. 🟠  Acme Cloud \n Mail is down since  2026-01-22 19:37 UTC \n C0123456789 … and 2 more Mute"
    )
    assert made["response_type"] == "ephemeral"
    assert made["text"] == "1 in trouble."
    assert {node["type"] for node in walk(made["blocks"]) if "type" in node} >= {"date", "channel", "link"}
    [button] = made["blocks"][-1]["elements"]
    assert (button["action_id"], button["value"]) == ("statusbot:mute:0", "i1")


def test_what_changes_the_channel_is_for_everyone() -> None:
    assert message(Reply(("Done.",), private=False))["response_type"] == "in_channel"


def test_what_does_not_fit_is_counted() -> None:
    made: Any = message(Reply(("Much.",), tuple(Row((f"Number {n}",), ((f"{n} words " * 90,),)) for n in range(60))))
    check(made)
    shown = texts(made["blocks"])
    assert f"… and {60 - shown.count('Number')} more" in shown
    assert shown.count("Number") > 10


def test_a_mention_among_foreign_words_calls_nobody() -> None:
    made: Any = message(Reply(("<!channel> @here <@U1>",), (Row(("<!here>",), (("<!channel>",),)),)))
    assert made["text"] == "&lt;!channel&gt; @here &lt;@U1&gt;"
    check(made)
