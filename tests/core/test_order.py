"""Rule of truth 9 over real material: any order of arrival, in any batches, with any repetition, is one timeline."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.collect import Collect
from bot.config import providers_from
from bot.model import Capture, Report
from bot.recording import read_header
from bot.store import open_store
from bot.watch import known, wire
from tests.collectors.pairs import tools
from tests.core.build import timeline
from tests.core.recorded import RECORDINGS, Material, facts, material, without_links

NAMES = sorted(RECORDINGS)
EVERY = [*NAMES, *(f"{name}, no links" for name in NAMES)]


@cache
def reading(name: str) -> Material:
    """A recording's reports; of `NAME, no links` those that only likeness can place."""
    whole, _, robbed = name.partition(", ")
    return without_links(whole) if robbed else material(whole)


@cache
def in_order(name: str) -> list[object]:
    """The timeline of the reports as they came, one by one."""
    read = reading(name)
    return facts(timeline(*read.reports, vocabulary=read.vocabulary))


@st.composite
def arrivals(draw: st.DrawFn, name: str) -> list[list[Report]]:
    """The recording's reports in any order, some of them twice, in any batches."""
    reports = list(reading(name).reports)
    again = draw(st.lists(st.sampled_from(reports), max_size=6))
    shuffled = draw(st.permutations(reports + again))
    cuts = sorted(draw(st.sets(st.integers(1, len(shuffled) - 1), max_size=20)))
    return [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]


@pytest.mark.parametrize("name", EVERY)
def test_all_reports_at_once_give_the_timeline_of_one_by_one(name: str) -> None:
    read = reading(name)
    assert facts(timeline(read.reports, vocabulary=read.vocabulary)) == in_order(name)
    assert facts(timeline(read.reports[::-1], vocabulary=read.vocabulary)) == in_order(name)


@pytest.mark.parametrize("name", EVERY)
def test_every_report_stands_on_the_timeline_once(name: str) -> None:
    read = reading(name)
    incidents = timeline(*read.reports, vocabulary=read.vocabulary)
    told = [report.id for incident in incidents for update in incident.updates for report in update.reports]
    assert sorted(told) == sorted({report.id for report in read.reports})
    sources = [[report.source for report in u.reports] for incident in incidents for u in incident.updates]
    assert all(len(spoken) == len(set(spoken)) for spoken in sources), "no two reports of one source in one update"


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_any_order_of_arrival_gives_the_same_timeline(name: str, data: st.DataObject) -> None:
    batches = data.draw(arrivals(name))
    assert facts(timeline(*batches, vocabulary=reading(name).vocabulary)) == in_order(name)


def test_posts_find_their_incident_without_any_link() -> None:
    """The page's own updates and the posts that repeat them, as many incidents as with links."""
    assert len(in_order("digitalocean-2022-01, no links")) == len(in_order("digitalocean-2022-01")) == 6


async def stored(name: str, captures: list[Capture]) -> list[object]:
    """The timeline that these captures leave in a database, each taken as a poll of its own."""
    store = open_store("sqlite://")
    await store.upgrade()
    providers = [known(entry) for entry in providers_from(read_header(RECORDINGS[name]))]
    collect = Collect(store, wire(providers, tools()))
    await collect.load()
    for capture in captures:
        await collect.take(capture.source, [await collect.read(capture)])
    incidents: list[Any] = await store.read(lambda ledger: ledger.timeline())
    await store.close()
    return facts(incidents)


@pytest.mark.parametrize("name", NAMES)
async def test_captures_in_their_order_give_the_same_in_the_database(name: str) -> None:
    assert await stored(name, list(material(name).captures)) == in_order(name)


@pytest.mark.parametrize("name", NAMES)
async def test_captures_in_the_opposite_order_and_twice_give_the_same(name: str) -> None:
    captures = list(material(name).captures)
    assert await stored(name, captures[::-1] + captures[::3]) == in_order(name)


@pytest.mark.parametrize("name", NAMES)
async def test_captures_of_one_source_after_the_other_give_the_same(name: str) -> None:
    """One source may be read hours after another: after a pause, a lost token, a long outage of its host."""
    by_source = sorted(material(name).captures, key=lambda capture: (capture.source, capture.at))
    assert await stored(name, by_source) == in_order(name)
    assert await stored(name, sorted(by_source, key=lambda capture: capture.source, reverse=True)) == in_order(name)
