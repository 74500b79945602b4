"""What stands in the message of an incident that went on as another, on every platform."""

from __future__ import annotations

import json

import pytest

from bot import notifiers
from bot.core.summary import went_on
from bot.model import Act, Belief, Notice, Sighting
from bot.notifiers.webhook import Webhook
from tests.notifiers.notices import AT, MINUTE, notice, tools

WORDS = "Went on as Users can't sign in [MO1221364], and is told there from now on."


def moved(act: Act) -> Notice:
    down = Sighting("microsoft-365/page", Belief.UNREADABLE, AT, "429 Too Many Requests")
    plain = notice(act=act, moved="i2", sightings=(down,))
    return notice(went_on(plain.incident, AT + MINUTE), act=act, moved="i2", sightings=(down,))


@pytest.mark.parametrize("act", [Act.EDIT, Act.POST])
@pytest.mark.parametrize("kind", sorted(set(notifiers.REGISTRY) - {"webhook"}))
def test_it_says_where_it_went_on_and_nothing_that_would_grow_old(kind: str, act: Act) -> None:
    message = notifiers.load(kind, tools()).render(moved(act))
    whole = " ".join(json.dumps([message.body, message.text], ensure_ascii=False, default=str).split())
    plain = whole.replace("\\\\", "").replace("\\n", " ").replace(" │ ", " ")
    assert "Went on as Users can" in plain
    assert "MO1221364" in plain
    assert "readable" not in plain, "who can be believed now is told where it goes on"
    assert "Identified" not in plain


def test_a_program_is_told_by_the_ids() -> None:
    body = Webhook(tools()).render(moved(Act.POST)).body
    assert body["moved_from"] == "i2"
    assert "moved_from" not in Webhook(tools()).render(notice()).body
