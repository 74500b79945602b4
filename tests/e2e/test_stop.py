"""SIGTERM while every destination hangs: the program is gone in time, and the next one settles what was in flight."""

from __future__ import annotations

from time import monotonic

from tests.e2e.test_run import EVERYWHERE, states
from tests.e2e.world import World
from tests.support.faults import Fault

SETTLED = 15.0  #: seconds after a restart within which what was in flight is settled (rule of delivery 7)


async def test_what_hangs_at_the_end_is_handed_back_and_settled_by_the_next_start(given: World) -> None:
    async with given.run():  # whose end is to come within 10 s
        await given.settled()
        given.faults = {"slack": Fault.HANGS_AFTER, "discord": Fault.HANGS, "teams": Fault.HANGS}
        given.page.begin("Sign-in fails", "Users may be unable to sign in.")
        await given.until(lambda: len(given.struck) == 3, "a request that hangs at each destination")
    given.faults = {}
    begun = monotonic()
    async with given.run():
        await given.until(lambda: given.shown("unable to sign in") == EVERYWHERE, "the opening in each channel")
        while await states(given) != {"sent"}:
            assert monotonic() - begun < SETTLED
    assert len(given.slack.messages) == len(given.discord.channels["42"]) == len(given.teams.cards) == 1
