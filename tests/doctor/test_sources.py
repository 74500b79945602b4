"""What doctor says of a source that is billed, which it does not ask."""

from __future__ import annotations

from bot.doctor.finding import Level
from bot.doctor.sources import remembered
from bot.model import Belief, Sighting
from tests.core.build import at


def test_what_costs_money_is_told_as_it_was_last() -> None:
    assert remembered("acme/x", None).level is Level.WARNING
    well = remembered("acme/x", Sighting("acme/x", Belief.OK, at(0), asked_at=at(3), read_at=at(3)))
    assert (well.level, "19:03 UTC" in well.words) == (Level.OK, True)
    ill = Sighting(
        "acme/x", Belief.UNREADABLE, at(0), "X refuses the token (401)", ours=True, failures=2, asked_at=at(3)
    )
    assert remembered("acme/x", ill).level is Level.FAILURE
    assert "X refuses the token (401), when it was asked last" in remembered("acme/x", ill).words
