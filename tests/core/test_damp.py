from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.damp import EDITS, WITHIN, Damper
from bot.model import Routing
from tests.core.build import at


def edit(update: str, revision: int = 0) -> Routing:
    return Routing("i", update, (update,), revision, "acme", (), (), None, maintenance=False, news=False, opens=True)


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from("ab")), min_size=1, max_size=60))
def test_no_update_is_edited_oftener_than_that_and_the_last_words_are_told_in_the_end(
    steps: list[tuple[float, str]],
) -> None:
    damper, now, told = Damper(), at(0), []
    for revision, (wait, update) in enumerate(steps):
        now += timedelta(minutes=wait)
        told += [(now, entry) for entry in damper.through([edit(update, revision)], now)]
        told += [(now, entry) for entry in damper.released(now)]
    for update in "ab":
        times = [when for when, entry in told if entry.update == update]
        assert all(times[n + EDITS] - times[n] >= WITHIN for n in range(len(times) - EDITS))
    now += WITHIN
    told += [(now, entry) for entry in damper.released(now)]
    assert max(entry.revision for _, entry in told) == len(steps) - 1
    assert not damper.due(now + WITHIN)


def test_what_was_brought_up_to_date_otherwise_waits_no_more() -> None:
    damper = Damper()
    for revision in range(EDITS + 1):
        damper.through([edit("a", revision)], at(0))
    assert damper.due(at(60))
    damper.settle("i")
    assert not damper.due(at(60))
    assert damper.released(at(60)) == []
