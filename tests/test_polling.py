"""Which sources are asked and when, and what the operator reads in the log when one's state changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.answer import SourceLine, source_words
from bot.clock import SystemClock
from bot.collect import Collect, Outcome
from bot.core.document import body_of, moved_to
from bot.core.health import NETWORK
from bot.deliver import Deliver
from bot.errors import Lost, StatusbotError, Unreadable
from bot.model import Belief, Capture, Cursor, Directory, Item, Sighting, Source
from bot.operator import Operator
from bot.polling import AT_ONCE, Polling, came_to, edge
from bot.ports import Notifier
from bot.reading import Reading, Watched
from bot.store import SqlStore, open_store
from tests.core.build import PAGE, at
from tests.support.until import until

WELL = Sighting(PAGE.id, Belief.OK, at(0), read_at=at(0))
MOVED = "https://status.new.example/"


def gone(reason: str, *, ours: bool = False) -> Sighting:
    return Sighting(PAGE.id, Belief.UNREADABLE, at(1), reason, ours, read_at=at(0))


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (WELL, gone("503"), "acme/page cannot be read: 503"),
        (gone("503"), WELL, "acme/page can be read again"),
        (gone("503"), gone("504"), ""),
        (WELL, WELL, ""),
        (WELL, gone("no token", ours=True), ""),
        (gone("no token", ours=True), WELL, ""),
        (WELL, gone(NETWORK, ours=True), ""),
        (gone(NETWORK, ours=True), WELL, ""),
    ],
)
def test_an_edge_is_one_line_and_what_goes_on_or_is_ours_is_none(before: Sighting, after: Sighting, line: str) -> None:
    assert edge(PAGE.id, before, after) == line


def test_sources_says_what_to_do_about_a_page_that_has_moved() -> None:
    words = source_words(SourceLine(PAGE.id, "statuspage", gone("redirected to status.new.example")), at(9))
    assert "(redirected to status.new.example); if it has moved, name its new address in statusbot.toml" in words
    assert "new address" not in source_words(SourceLine(PAGE.id, "statuspage", gone("503")), at(9))


def answered(status: int, location: str = "") -> Capture:
    return Capture(at(0), PAGE.id, PAGE.url, status, {"location": location} if location else {})


def test_the_new_address_is_told_without_what_may_be_secret_in_it() -> None:
    there = answered(301, "https://status.new.example:8443/api/v2/summary.json?token=secret")
    assert moved_to(there) == "https://status.new.example:8443/api/v2/summary.json"
    with pytest.raises(Unreadable, match=r"^redirected to status\.new\.example$"):
        body_of(there)


@pytest.mark.parametrize("capture", [answered(301), answered(200, MOVED), answered(304), answered(302, "nowhere")])
def test_what_leads_nowhere_has_not_moved(capture: Capture) -> None:
    assert moved_to(capture) == ""


def test_a_redirect_in_a_circle_has_not_moved() -> None:
    circle = answered(302, f"{PAGE.url}/again")
    assert moved_to(circle) == ""
    with pytest.raises(Unreadable, match=r"^redirects without an end$"):
        body_of(circle)


def redirected(url: str, location: str) -> Capture:
    return Capture(at(0), PAGE.id, url, 302, {"location": location})


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://status.acme.example/feed", "http://status.acme.example/feed"),
        ("https://status.acme.example/feed", "http://www.status.acme.example/feed"),
        ("https://status.acme.example/feed", "https://status.acme.example:8443/feed"),
        ("https://status.acme.example/feed", "https://status.acme.example.new.example/feed"),
        ("https://status.acme.example/feed", "https://eu.status.acme.example/feed"),
    ],
)
def test_a_redirect_that_is_not_followed_is_told_as_moved_even_on_the_same_host(url: str, location: str) -> None:
    capture = redirected(url, location)
    assert moved_to(capture) == location
    with pytest.raises(Unreadable, match=r"^redirected to "):
        body_of(capture)


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://status.acme.example/feed", "https://www.status.acme.example/feed"),
        ("https://www.status.acme.example/feed", "https://status.acme.example/feed"),
        ("https://status.acme.example/feed", "https://status.acme.example:443/feed"),
        ("https://Status.Acme.example/feed", "https://status.acme.example/feed"),
        ("https://status.acme.example/feed", "https://status.acme.example./feed"),
        ("http://status.acme.example/feed", "https://status.acme.example/feed"),
        ("https://störung.example/feed", "https://xn--strung-xxa.example/feed"),
    ],
)
def test_a_redirect_that_would_be_followed_is_a_loop_however_its_host_is_written(url: str, location: str) -> None:
    capture = redirected(url, location)
    assert moved_to(capture) == ""
    with pytest.raises(Unreadable, match=r"^redirects without an end$"):
        body_of(capture)


def test_what_a_poll_came_to_is_counted_by_its_best_document() -> None:
    read, failed = Reading(answered(200)), Reading(answered(503), failure=Unreadable("503"))
    unchanged = Reading(answered(304), unchanged=True)
    assert [came_to([failed]), came_to([failed, read]), came_to([unchanged]), came_to([unchanged, read])] == [
        "failed",
        "read",
        "unchanged",
        "read",
    ]


# --- which sources are asked, and when ----------------------------------------------------------------------------

OFTEN = timedelta(seconds=0.01)


class Asked:
    """A collector that counts its fetches, and keeps some of them waiting."""

    def __init__(self) -> None:
        self.times: dict[str, int] = {}
        self.under_way, self.most = 0, 0
        self.free = asyncio.Event()
        self.free.set()

    async def fetch(self, source: Source, cursor: Cursor) -> AsyncIterator[Capture]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.free.wait()
        self.under_way -= 1
        self.times[source.id] = self.times.get(source.id, 0) + 1
        yield Capture(SystemClock().now(), source.id, source.url, 304)

    def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
        return ()


class Collecting(Collect):
    """Takes nothing to the ledger; what another process has taken up is lost, and what is broken fails."""

    lost: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    full = False

    async def take(self, source: str, readings: Sequence[Reading]) -> Outcome:
        if source in self.lost:
            raise Lost(source)
        if self.full:
            raise StatusbotError("the disk is full")
        if source in self.broken:
            raise KeyError(source)
        return await super().take(source, readings)


def nobody(kind: str) -> Notifier:
    """Nobody is told anything here."""
    raise AssertionError(kind)


class Rounds:
    """A number of sources, and the loop that asks them."""

    def __init__(self, store: SqlStore, count: int, often: timedelta = OFTEN) -> None:
        self.asked = Asked()
        sources = [replace(PAGE, id=f"acme/{number}", interval=often) for number in range(count)]
        watched = [Watched(source, self.asked, siblings={source.id: "the page"}) for source in sources]
        self.names = [source.id for source in sources]
        self.collect = Collecting(store, watched)
        clock = SystemClock()
        deliver = Deliver(store, nobody, clock, Directory())
        self.operator = Operator(store, nobody, clock)
        self.polling = Polling(self.collect, deliver, store, clock, self.operator)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.polling.run())
        yield
        task.cancel()
        await asyncio.wait([task])

    async def until(self, times: int, *names: str) -> None:
        """Wait until each of these has been asked so often."""
        await until(lambda: all(self.asked.times.get(name, 0) >= times for name in names or self.names))


@pytest.fixture
async def store() -> AsyncIterator[SqlStore]:
    store = open_store("sqlite://")
    await store.upgrade()
    yield store
    await store.close()


async def test_what_is_taken_up_is_asked_again_and_again_and_nothing_else(store: SqlStore) -> None:
    rounds = Rounds(store, 3)
    async with rounds.running():
        await rounds.polling.take_up(rounds.names[:2])
        await rounds.until(3, *rounds.names[:2])
        assert set(rounds.polling.polled) == set(rounds.names[:2]) == set(rounds.asked.times)
        await rounds.polling.take_up(rounds.names[2:])
        await rounds.until(3)


async def test_what_is_let_go_of_is_asked_no_more_and_again_once_it_is_taken_up(store: SqlStore) -> None:
    rounds = Rounds(store, 2)
    async with rounds.running():
        await rounds.polling.take_up(rounds.names)
        await rounds.until(2)
        gone, stays = rounds.names
        rounds.polling.let_go([gone])
        await rounds.until(rounds.asked.times[stays] + 2, stays)
        before = rounds.asked.times[gone]
        await rounds.until(rounds.asked.times[stays] + 5, stays)
        assert rounds.asked.times[gone] == before
        await rounds.polling.take_up([gone])
        await rounds.until(before + 2, gone)


async def test_what_another_process_has_taken_up_is_let_go_of_and_a_fault_of_ours_costs_one_turn(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    rounds = Rounds(store, 3)
    lost, broken, well = rounds.names
    rounds.collect.lost, rounds.collect.broken = frozenset({lost}), frozenset({broken})
    async with rounds.running():
        await rounds.polling.take_up(rounds.names)
        await rounds.until(3, broken, well)
    assert rounds.asked.times[lost] == 1
    assert set(rounds.polling.polled) == {broken, well}
    assert "polling acme/1 failed in our own code; it goes on" in caplog.text
    assert lost not in caplog.text
    assert {name for name, came in rounds.polling.polls if came == "fault"} == {broken}
    assert rounds.polling.polls[well, "unchanged"] >= 3


async def test_the_ledgers_trouble_is_one_line_and_the_loop_goes_on(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    rounds = Rounds(store, 1)
    rounds.collect.full = True
    async with rounds.running():
        await rounds.polling.take_up(rounds.names)
        await rounds.until(2)
    assert "polling acme/0 came to nothing: the disk is full" in caplog.text
    assert "our own code" not in caplog.text


async def test_that_another_process_has_lost_its_network_is_not_over_because_this_one_has_not(store: SqlStore) -> None:
    rounds = Rounds(store, 1)
    await rounds.operator.tell("network", "most sources fail")
    rounds.collect.offline_elsewhere = True
    async with rounds.running():
        rounds.polling._plan(rounds.names[0], SystemClock().now())
        await rounds.until(3)
        assert [each.key for each in await store.read(lambda ledger: ledger.troubles())] == ["network"]
        rounds.collect.offline_elsewhere = False
        await rounds.until(rounds.asked.times[rounds.names[0]] + 3)
    assert await store.read(lambda ledger: ledger.troubles()) == []


async def test_the_loop_goes_round_though_there_is_nothing_to_ask(store: SqlStore) -> None:
    rounds = Rounds(store, 0)
    assert rounds.polling.round_at is None
    async with rounds.running():
        await until(lambda: rounds.polling.round_at is not None)


async def test_it_is_known_since_when_the_longest_poll_is_under_way(store: SqlStore) -> None:
    rounds = Rounds(store, 2, timedelta(days=1))
    rounds.asked.free.clear()
    before = SystemClock().now()
    async with rounds.running():
        await rounds.polling.take_up(rounds.names)
        await until(lambda: rounds.asked.under_way == 2)
        longest = rounds.polling.longest
        assert longest is not None
        assert before <= longest <= SystemClock().now()
        rounds.asked.free.set()
        await until(lambda: rounds.polling.longest is None)


async def test_so_many_are_under_way_at_once_and_no_source_twice(store: SqlStore) -> None:
    rounds = Rounds(store, AT_ONCE + 10)
    rounds.asked.free.clear()
    async with rounds.running():
        await rounds.polling.take_up(rounds.names)
        await until(lambda: rounds.asked.under_way == AT_ONCE)
        busy = rounds.polling.idle(rounds.names)[10:]
        rounds.polling.let_go(busy)
        await rounds.polling.take_up(busy)  # while they are still being asked
        rounds.asked.free.set()
        await rounds.until(3)
    assert rounds.asked.most == AT_ONCE


async def test_an_earlier_poll_is_not_kept_waiting_by_a_later_one(store: SqlStore) -> None:
    rounds = Rounds(store, 2)
    late, soon = rounds.names
    async with rounds.running():
        rounds.polling._plan(late, SystemClock().now() + timedelta(days=1))
        await rounds.polling.take_up([soon])
        await rounds.until(3, soon)
    assert late not in rounds.asked.times
