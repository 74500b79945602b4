"""Our own trouble in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core import own
from bot.core.health import NETWORK
from bot.core.summary import card
from bot.model import Belief, Destination, Sighting, Trouble
from tests.core.build import PAGE, at

MOVED = "https://status.new.example/"
WELL = Sighting(PAGE.id, Belief.OK, at(0), read_at=at(0))
REFUSED = Sighting(PAGE.id, Belief.UNREADABLE, at(1), "X refuses the token (401)", ours=True, failures=2)
DOWN = Sighting(PAGE.id, Belief.UNREADABLE, at(1), "503 Service Unavailable", failures=9)
ELSEWHERE = replace(DOWN, reason="redirected to status.new.example")
DISK = Trouble("disk", "the disk is nearly full", at(0))


@pytest.mark.parametrize(
    ("sighting", "moved", "warning", "wrong"),
    [
        (WELL, "", "", {}),
        (DOWN, "", "", {}),
        (REFUSED, "", "", {"refused": "acme/page cannot be read (our settings): X refuses the token (401)"}),
        (replace(REFUSED, failures=1), "", "", {}),
        (replace(REFUSED, reason=NETWORK), "", "", {}),
        (ELSEWHERE, MOVED, "", {"moved": f"acme/page moved to {MOVED} : name the new address in statusbot.toml"}),
        (ELSEWHERE, "", "", {}),
        (WELL, MOVED, "", {}),
        (WELL, "", "80 % spent", {"spending": "acme/page: 80 % spent"}),
    ],
)
def test_what_is_wrong_on_our_side_of_a_source(
    sighting: Sighting, moved: str, warning: str, wrong: dict[str, str]
) -> None:
    found = own.of_source(sighting, moved, warning)
    assert {key.partition("|")[0]: words for key, words in found.items() if words} == wrong
    assert all(key.endswith("|acme/page") for key in found)


def test_while_our_network_is_gone_nothing_is_called_over() -> None:
    assert own.of_source(replace(ELSEWHERE, reason=NETWORK, ours=True), MOVED) == {}


def test_the_network_is_ours_and_accuses_nobody() -> None:
    assert own.of_network(None) == {"network": ""}
    assert "most sources fail since 19:00 UTC" in own.of_network(at(0))["network"]


def test_a_notice_says_what_began_and_what_is_over() -> None:
    begun = own.notice(DISK)
    assert (begun.updates[0].text, begun.own, begun.key) == (DISK.words, True, DISK.name)
    over = own.notice(replace(DISK, until=at(12), ending="room again", told=True))
    assert (over.updates[0].text, over.incident.open) == ("room again", False)
    assert over.key != begun.key


def test_an_end_of_what_nobody_was_told_says_what_it_was() -> None:
    untold = replace(DISK, until=at(12), ending="room again")
    assert own.notice(untold).updates[0].text == "the disk is nearly full\nroom again"
    ended = replace(DISK, until=at(12), ending=own.ended(DISK, at(12)))
    assert own.notice(ended).updates[0].text == "over after 12 min: the disk is nearly full"


def test_the_card_of_a_notice_is_no_provider_s() -> None:
    shown = card(own.notice(DISK))
    assert (shown.label, shown.state, shown.impact, shown.provider) == (
        "To the operator",
        "Trouble",
        "statusbot itself",
        "statusbot",
    )
    trial = card(own.trial(Destination("teams", "ops"), at(0)))
    assert (trial.label, trial.state) == ("Test message", "Test")
    assert trial.latest is not None
    assert "teams:ops" in trial.latest.text
