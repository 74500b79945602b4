"""The judge sees each broken promise, and none where all were kept."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from bot.core.summary import beside
from bot.markup import PLAIN
from bot.model import Related, Relation
from tests.core.build import X, said, timeline
from tests.crash import verdict
from tests.crash.arena import Arrival, Life
from tests.crash.story import Story, Thread
from tests.crash.verdict import CHANNELS, DEAF, Shown, Told
from tests.support.faults import Fault

DESTINATIONS = (*CHANNELS, *DEAF)
DELIVERIES = [
    {
        "id": n,
        "key": f"{destination}{update}",
        "destination": destination,
        "incident": "i",
        "updates": [update],
        "act": act if destination in CHANNELS else "post",
        "state": "sent",
        "reason": "",
    }
    for destination in DESTINATIONS
    for n, (update, act) in enumerate((("u1", "create"), ("u2", "reply")))
]
INCIDENTS = [{"incident_updates": [{"id": update, "body": ""} for update in ("u2", "u1")]}]


def told(destination: str) -> list[Told]:
    thread = "root" if destination in CHANNELS else ""
    return [Told(f"{destination}u1", "says one"), Told(f"{destination}u2", "says two", thread)]


GOOD = Shown({name: told(name) for name in DESTINATIONS}, {name: ["reads two"] for name in CHANNELS})


def story() -> Story:
    return cast("Story", type("Told", (), {"threads": [Thread(["one", "two"])]}))


def judged(seen: Shown = GOOD, deliveries: Any = DELIVERIES) -> list[str]:
    return [
        *verdict.unsettled(deliveries),
        *verdict.owed(INCIDENTS, deliveries),
        *verdict.against_the_ledger(seen, deliveries),
        *verdict.against_the_story(seen, story()),
        *verdict.out_of_order(seen, story(), deliveries),
        *verdict.outdated(seen, story()),
    ]


def with_told(name: str, messages: list[Told]) -> Shown:
    return replace(GOOD, told={**GOOD.told, name: messages})


def test_where_every_promise_was_kept_nothing_is_said() -> None:
    assert judged() == []


@pytest.mark.parametrize("name", DESTINATIONS)
def test_a_message_that_never_came_is_seen(name: str) -> None:
    ledger, words = judged(with_told(name, told(name)[:1]))
    assert "never came" in ledger
    assert "never came" in words


@pytest.mark.parametrize("name", CHANNELS)
def test_a_repeat_in_a_channel_is_seen(name: str) -> None:
    assert len(judged(with_told(name, [*told(name), told(name)[1]]))) == 2


@pytest.mark.parametrize("name", DEAF)
def test_a_repeat_under_another_key_is_seen(name: str) -> None:
    assert len(judged(with_told(name, [*told(name), Told("other", "says two")]))) == 2


@pytest.mark.parametrize("relation", list(Relation))
def test_the_first_words_of_a_neighbour_are_not_told_by_naming_it(relation: Relation) -> None:
    (first,) = timeline(said(X, 0, "We're investigating an issue with Search (zq00014w)", "1"))
    neighbour = Related(first.id, relation, first.updates[0].text, (), first.started_at, first.started_at)
    (line,) = beside(replace(first, related=(neighbour,)))
    naming = Told("another", json.dumps({"text": f"Users see errors: zq00015w.\n{PLAIN.line(line)}"}))
    assert "zq00014w" in naming.words
    assert verdict.telling([naming], "zq00014w") == []
    assert verdict.telling([naming], "zq00015w") == ["another"]


@pytest.mark.parametrize("name", DESTINATIONS)
def test_another_order_is_seen(name: str) -> None:
    assert len(judged(with_told(name, told(name)[::-1]))) == 2


@pytest.mark.parametrize("name", CHANNELS)
def test_a_standing_message_with_old_words_is_seen(name: str) -> None:
    assert len(judged(replace(GOOD, standing={**GOOD.standing, name: ["reads one"]}))) == 1


@pytest.mark.parametrize("state", ["dead", "doubtful", "pending", "held"])
def test_a_delivery_that_was_not_made_is_seen(state: str) -> None:
    assert judged(deliveries=[{**DELIVERIES[0], "state": state}, *DELIVERIES[1:]])


def test_an_update_that_nobody_is_owed_is_seen() -> None:
    assert f"{DESTINATIONS[0]}: 0 deliveries tell of update u1 ()" in judged(deliveries=DELIVERIES[1:])


@pytest.mark.parametrize(
    ("fault", "killed", "written", "good"),
    [
        (Fault.LOST, False, False, True),
        (Fault.HANGS_AFTER, False, False, True),
        (Fault.NONE, False, False, False),
        (Fault.NONE, True, False, True),
        (Fault.NONE, True, True, False),
        (Fault.KILLED_AFTER, True, False, True),
    ],
)
def test_a_repeat_is_excused_where_the_program_could_not_know(
    fault: Fault, killed: bool, written: bool, good: bool
) -> None:
    life = Life(0, cast("Any", None), cast("Any", None), killed=killed, written=frozenset({"k"} if written else ()))
    assert verdict.excused(Arrival("k", 0, fault), life) is good
