from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from bot.markup.embed import allowed, footer, message
from bot.markup.fit import units
from bot.model import Act, Belief, Notice, Sighting, Status
from tests.notifiers.notices import AT, KEY, MINUTE, breaking, notice, notices, schema, update

SCHEMA = schema("discord")
BREAKING = breaking()


def embed_of(given_: Notice) -> dict[str, Any]:
    """The one embed, as Discord gets it."""
    body = json.loads(json.dumps(message(given_).body))
    return cast("dict[str, Any]", body["embeds"][0])


def hold(given_: Notice) -> None:
    """The message obeys Discord's document and what stands beside it."""
    body = json.loads(json.dumps(message(given_).body).encode("utf-8"))
    with_buttons = json.loads(json.dumps(message(given_, buttons=True).body).encode("utf-8"))
    kind = "MessageEditRequestPartial" if given_.act is Act.EDIT else "MessageCreateRequest"
    for name, each in ((kind, with_buttons), (kind, body), ("IncomingWebhookRequestPartial", body)):
        jsonschema.Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{name}"}).validate(each)
    assert body == {key: value for key, value in with_buttons.items() if key != "components"}
    (embed,) = body["embeds"]
    fields = embed["fields"]
    texts = [
        embed["title"],
        embed.get("description", "-"),
        embed["footer"]["text"],
        *(field[part] for field in fields for part in ("name", "value")),
    ]
    assert all(text.strip() for text in texts)
    assert sum(map(units, texts)) + units(embed.get("author", {}).get("name", "")) <= 6000
    assert units(embed["title"]) <= 256
    assert units(embed.get("description", "")) <= 4096
    assert len(fields) <= 25
    assert all(units(field["value"]) <= 1024 for field in fields)
    assert units(body.get("content", "")) <= 2000


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("name", BREAKING)
def test_any_input_fits(name: str, act: Act) -> None:
    hold(replace(BREAKING[name], act=act))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(notices())
def test_any_text_fits(given_: Notice) -> None:
    hold(given_)


def test_the_incidents_message_says_what_how_bad_since_when_and_who() -> None:
    unix = int(AT.timestamp())
    assert embed_of(notice()) == {
        "title": "🟠 Microsoft 365: Users can't sign in \\[MO1221364\\]",
        "color": 0xE8710A,
        "description": f"**Identified**\nWe're looking into it.\n-# X · <t:{unix}:f>",
        "url": "https://status.example.com/i1",
        "fields": [
            {"name": "State", "value": "Identified", "inline": True},
            {"name": "Impact", "value": "major impact", "inline": True},
            {"name": "Components", "value": "Exchange Online, Microsoft Teams", "inline": False},
            {"name": "Regions", "value": "North America", "inline": False},
            {"name": "Time", "value": f"Since <t:{unix}:f> · <t:{unix}:R>", "inline": False},
            {
                "name": "⚠️ Not to be relied on",
                "value": f"The status page has given no readable answer since <t:{unix}:f> (429 Too Many Requests)",
                "inline": False,
            },
        ],
        "footer": {"text": KEY},
    }


def test_a_reply_repeats_neither_headline_nor_facts() -> None:
    first, second = update(0), update(1, "It is fixed.", Status.RESOLVED)
    told = replace(notice(first, second, act=Act.REPLY, sightings=()), updates=(second,))
    embed = embed_of(told)
    assert embed["title"] == "🟠 Resolved"
    assert embed["description"].startswith("It is fixed.\n")
    assert embed["fields"] == []
    assert embed["url"] == "https://x.example/1"


def test_a_reply_tells_only_the_doubts_that_are_new() -> None:
    old = Sighting("microsoft-365/page", Belief.UNREADABLE, AT - MINUTE)
    new = Sighting("microsoft-365/x", Belief.SILENT, AT + MINUTE)
    both = notice(update(0), update(1), act=Act.REPLY, sightings=(old, new))
    (doubt,) = embed_of(replace(both, updates=both.updates[1:]))["fields"]
    assert doubt["value"].startswith("X has been empty")


def test_a_message_of_its_own_begins_with_its_words_and_names_the_incident_after_them() -> None:
    embed = embed_of(notice(act=Act.POST))
    assert embed["title"] == "🟠 Microsoft 365: Identified"
    assert embed["fields"][0] == {
        "name": "Incident",
        "value": "Microsoft 365: Users can't sign in \\[MO1221364\\]",
        "inline": False,
    }


def test_a_catch_up_tells_the_words_of_each_update() -> None:
    told = embed_of(notice(*(update(n, f"number {n}. " + "word " * 500) for n in range(9)), catch_up=True))
    assert all(f"number {n}." in told["description"] for n in range(9))
    assert told["author"] == {"name": "Catch-up: 9 updates"}


def test_a_title_gives_way_to_the_references() -> None:
    title = embed_of(notice(title="_" * 400))["title"]
    assert title.endswith("…\\[MO1221364\\]") or title.endswith("… \\[MO1221364\\]")


def test_updates_that_are_left_out_are_counted() -> None:
    told = embed_of(notice(*(update(n, f"words {n}.") for n in range(14))))
    assert told["description"].startswith("-# 2 earlier updates left out")
    assert "words 13." in told["description"]


def test_nobody_is_called_unless_the_subscription_says_so() -> None:
    body = message(notice(update(0, "@everyone <@&7>"))).body
    assert body["allowed_mentions"] == {"parse": [], "roles": [], "users": []}
    assert "content" not in body


def test_exactly_those_are_called_whom_the_subscription_names() -> None:
    body = message(notice(mention="<@&7> <@&8> <@9>")).body
    assert body["content"] == "<@&7> <@&8> <@9>"
    assert body["allowed_mentions"] == {"parse": [], "roles": ["7", "8"], "users": ["9"]}
    assert allowed("@here")["parse"] == ["everyone"]


def test_an_edit_calls_nobody() -> None:
    body = message(notice(mention="@here", act=Act.EDIT)).body
    assert "content" not in body
    assert body["allowed_mentions"] == {"parse": [], "roles": [], "users": []}


def test_foreign_words_are_shown_and_not_acted_upon() -> None:
    told = embed_of(notice(update(0, "**x** [a](https://b.example) @everyone")))["description"]
    assert r"\*\*x\*\* \[a\]" in told
    assert "@everyone" not in told


def test_an_impossible_link_is_left_out() -> None:
    assert embed_of(notice(replace(update(0), url=""), url="javascript:alert(1)")).get("url") is None


def test_a_long_key_is_found_by_its_digest_and_never_confused() -> None:
    long = "k" * 300
    assert footer(long) != footer(long + "1")
    assert units(footer(long)) <= 256
    assert footer(KEY) == KEY


def buttons(given_: Notice) -> list[tuple[str, str]]:
    """Each button's words, and what it does."""
    rows: Any = message(given_, buttons=True).body.get("components", [])
    return [(one["label"], one.get("custom_id") or one["url"]) for row in rows for one in row["components"]]


@pytest.mark.parametrize("act", [Act.CREATE, Act.EDIT])
def test_under_an_incident_stands_what_can_be_done_about_it(act: Act) -> None:
    page = ("Open the page", "https://status.example.com/i1")
    assert buttons(notice(act=act)) == [("Timeline", "sb:timeline:i1"), ("Mute this incident", "sb:mute:i1"), page]
    assert buttons(notice(act=act, status=Status.RESOLVED)) == [("Timeline", "sb:timeline:i1"), page]


@pytest.mark.parametrize(
    "given_", [notice(act=Act.REPLY), notice(test=True), notice(act=Act.EDIT, moved="i2"), notice(id="x" * 99, url="")]
)
def test_where_nothing_can_be_done_there_is_no_button(given_: Notice) -> None:
    assert [one for one in buttons(given_) if one[0] != "Open the page"] == []
