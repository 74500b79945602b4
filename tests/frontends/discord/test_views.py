"""Answers as embeds: within Discord's limits for any words, and nothing lost without a word of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answer import shown
from bot.answer.reply import Button, Reply, Row, Verb
from bot.frontends.discord.giving import parts
from bot.frontends.discord.views import Page, choices, page
from bot.markup.fit import units
from bot.replay import replay
from bot.store import open_store
from tests.core.recorded import RECORDINGS
from tests.frontends.discord.conversation import valid
from tests.notifiers.notices import BREAKING

AT = datetime(2026, 1, 22, 19, 37, 12, tzinfo=UTC)


def description(shown_: Page) -> str:
    """The words of a page, once everything of it was held against Discord's limits."""
    made = parts(shown_)
    embed = made["embed"].to_dict()
    valid("CreateMessageInteractionCallbackRequest", {"type": 4, "data": {"embeds": [embed]}})
    components = made["view"].to_components()
    valid("CreateMessageInteractionCallbackRequest", {"type": 4, "data": {"components": components}})
    assert len(components) <= 5
    ids = [one["custom_id"] for row in components for one in row["components"] if one.get("custom_id")]
    assert len(ids) == len(set(ids))
    told = str(embed["description"])
    assert 0 < units(told) <= 4096
    return told


def everywhere(words: str, rows: int = 12) -> Reply:
    """An answer in which every foreign text is `words`."""
    row = Row((words, AT), ((words,), (words, AT, words)), mark=words[:9], url=words)
    buttons = tuple(Button(verb, words[:64], words) for verb in Verb)
    return Reply((words, AT, words), (row,) * rows, words, buttons)


def test_it_reads_well() -> None:
    row = Row(("Microsoft 365",), (("Identified · major · since ", AT),), "🟠", "https://status.example.com/i1")
    reply = Reply(("1 in trouble.",), (row,), "… and 3 more")
    assert description(page(reply)) == (
        "1 in trouble.\n\n"
        "🟠 **[Microsoft 365](https://status.example.com/i1)**\nIdentified · major · since <t:1769110632:f>\n\n"
        "-# … and 3 more"
    )


@pytest.mark.parametrize("name", BREAKING)
def test_words_made_to_break_it(name: str) -> None:
    told = description(page(everywhere(BREAKING[name])))
    assert "<@" not in told.replace("\\<@", "")
    assert "<t:1769110632:f>" in told


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80), st.sampled_from([1, 5, 400]), st.integers(0, 60))
def test_any_words_in_any_place(words: str, times: int, rows: int) -> None:
    description(page(everywhere(words * times, rows)))


def test_rows_that_find_no_room_are_counted() -> None:
    rows = tuple(Row((f"row {n}",), (("x" * 300,),)) for n in range(40))
    told = description(page(Reply(("Much.",), rows, "… and 2 more")))
    assert f"-# {40 - told.count('row ')} more · … and 2 more" in told


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a.example/(b)", "no address", "https://" + "a" * 900])
def test_a_name_is_a_link_only_where_it_can_be_one(url: str) -> None:
    told = description(page(Reply(("x",), (Row(("name",), url=url),))))
    assert told.endswith("**name**" if "(b)" not in url else "**[name](https://a.example/%28b%29)**")


def test_a_name_with_a_time_has_its_link_beside_it() -> None:
    told = description(page(Reply(("x",), (Row(("Resolved · ", AT), url="https://a.example/1"),))))
    assert told == "x\n\n**Resolved · <t:1769110632:f>** [↗](https://a.example/1)"


def test_buttons_more_than_there_is_room_for_are_left_out() -> None:
    buttons = tuple(Button(Verb.TIMELINE, f"i{n}", f"Incident {n}") for n in range(40))
    made = page(Reply(("x",), buttons=(*buttons, Button(Verb.WHY, "x" * 99, "too long"))))
    description(made)
    assert [len(row["components"]) for row in made.components] == [5] * 5  # type: ignore[arg-type]


def test_suggestions_are_named_and_short() -> None:
    pairs = [("a", " \n"), ("b" * 101, "too long a value"), ("c", "🔥" * 90)]
    assert choices(pairs) == [("a", "a"), ("c", "🔥" * 49 + "…")]


@pytest.mark.parametrize("name", RECORDINGS)
async def test_every_incident_of_every_recording(name: str) -> None:
    store = open_store("sqlite://")
    await store.upgrade()
    incidents, directory = await replay([RECORDINGS[name]], store, {})
    await store.close()
    assert incidents
    description(page(shown.timeline([one for one in incidents if one.open], incidents, directory)))
    for incident in incidents:
        description(page(shown.incident(incident, directory)))
