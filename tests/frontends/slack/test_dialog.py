"""The dialog: what is wished goes in and comes out again, within Slack's limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answer.reply import Choice, Wish
from bot.frontends.slack.dialog import Notes, components_block, suggestions, view, wish_of
from bot.model import Impact, Mode
from tests.frontends.slack.test_replies import HOME
from tests.support.slack_app import chosen, picked

names = st.text(max_size=90)
wishes = st.builds(
    Wish,
    providers=st.lists(names, max_size=4, unique=True).map(tuple),
    components=st.lists(names, max_size=4, unique=True).map(tuple),
    regions=st.lists(names, max_size=60).map(tuple),
    min_impact=st.sampled_from([Impact.NONE, Impact.MINOR, Impact.MAJOR, Impact.CRITICAL]),
    mode=st.sampled_from([None, *Mode]),
    maintenance=st.booleans(),
    mention=st.dictionaries(
        st.sampled_from(["minor", "major", "critical"]), st.sampled_from(["<!here>", "<@U1>", "x"])
    ),
)
NOTES = Notes("C1", "https://hooks.example/answer", "general")


def check(made: Any) -> None:
    """What Slack asks of a modal."""
    HOME.validate(made["blocks"])
    assert all(0 < len(made[part]["text"]) <= 24 for part in ("title", "submit", "close"))
    assert len(made["private_metadata"]) <= 3_000
    ids = [block["block_id"] for block in made["blocks"]]
    assert len(ids) == len(set(ids))


@settings(deadline=None)
@given(wishes, names)
def test_any_wish_fits_the_dialog(wish: Wish, name: str) -> None:
    check(view(wish, NOTES, lambda _: name))


def state_of(made: Any) -> dict[str, Any]:
    """What Slack sends back where nobody changes anything."""
    values: dict[str, Any] = {}
    for block in made["blocks"]:
        element = block["element"]
        values[block["block_id"]] = {
            element["action_id"]: {
                "selected_option": element.get("initial_option"),
                "selected_options": element.get("initial_options", []),
                "selected_users": element.get("initial_users", []),
            }
        }
    return {**made, "state": {"values": values}}


def test_a_wish_comes_out_as_it_went_in() -> None:
    wish = Wish(
        ("acme", "other"), ("Mail",), ("EU",), Impact.MINOR, Mode.POST, False, {"major": "<!channel> <@U1> <@U2>"}
    )
    assert wish_of(state_of(view(wish, Notes("C1", regions=("EU",)), str))) == wish


def test_an_untouched_dialog_is_the_ordinary_wish() -> None:
    assert wish_of(state_of(view(Wish(("acme",)), NOTES, str))) == Wish(("acme",), mode=Mode.THREAD)


@pytest.mark.parametrize(
    "junk", [None, {}, {"state": 5}, {"state": {"values": {"impact": {"a": 3}, "mode": picked("x")}}}]
)
def test_junk_is_the_ordinary_wish(junk: object) -> None:
    made = wish_of(junk)
    assert made == Wish(maintenance=False)


def test_other_providers_have_other_components() -> None:
    assert components_block(["a"]) != components_block(["b"])
    assert len(components_block(["x" * 300])) <= 255


@pytest.mark.parametrize("text", ["", "null", "[1]", "{broken", '{"channel": 5, "regions": "x"}'])
def test_notes_that_are_not_ours_say_nothing(text: str) -> None:
    assert Notes.read(text) == Notes("")


def test_notes_come_back_and_hide_the_address() -> None:
    assert Notes.read(NOTES.written()) == NOTES
    assert "hooks" not in repr(NOTES)


def test_what_is_too_long_to_choose_is_not_offered() -> None:
    every = [Choice("a", "A"), Choice("x" * 76, "too long"), Choice("", "none"), Choice("b", "")]
    assert [(each["value"], each["text"]["text"]) for each in suggestions(every)] == [("a", "A"), ("b", "b")]  # type: ignore[index]
    assert len(suggestions([Choice(str(n), "n") for n in range(300)])) == 100


def test_people_are_called_only_as_people() -> None:
    state = {
        "providers": chosen("acme"),
        "people": {"any": {"selected_users": ["U1"] * 20}},
        "call_from": picked("minor"),
    }
    assert wish_of({"state": {"values": state}}).mention == {"minor": " ".join(["<@U1>"] * 10)}
