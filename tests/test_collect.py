from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from bot.collect import Collect, Outcome, advance, waking_of
from bot.collectors.feed import Feed
from bot.config import providers_from
from bot.core.health import NETWORK
from bot.core.route import Waking
from bot.errors import Unreadable
from bot.model import (
    Act,
    Belief,
    Capture,
    Cursor,
    Delivery,
    Destination,
    Incident,
    Item,
    Known,
    Mode,
    Sighting,
    Source,
    Status,
    Subscription,
    Validators,
)
from bot.ports import Ledger, Store
from bot.reading import LARGE, Reading, Watched, poll, read
from bot.recording import digest_of, read_captures, read_header
from bot.store import SqlStore, open_store
from bot.watch import known, wire
from tests.collectors.pairs import tools
from tests.core.build import PAGE, X, at
from tests.core.recorded import MO1221364

T = TypeVar("T")
URL = PAGE.url
SHORT = "https://stspg.io/abc"
LABELS = {PAGE.id: "the status page", X.id: "X (@acmestatus)"}
TOLD = Destination("slack", "C1")


class Scripted:
    """A collector whose documents are lists of statements; it counts how often it is asked to parse."""

    def __init__(self, *captures: Capture) -> None:
        self.captures, self.parsed = captures, 0

    async def fetch(self, source: Source, cursor: Cursor) -> AsyncIterator[Capture]:
        for capture in self.captures:
            yield capture

    def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
        self.parsed += 1
        if capture.status != 200:
            raise Unreadable(f"{capture.status}")
        return [item_of(entry) for entry in json.loads(capture.body)]


def item_of(entry: Mapping[str, Any]) -> Item:
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    facts: dict[str, Any] = {**plain, "at": at(entry["at"]), "status": Status(entry["status"])}
    return Item(**facts)


def said(minutes: float, text: str, **facts: Any) -> dict[str, Any]:
    """A statement of thread `1`."""
    return {"at": minutes, "text": text, "thread": "1", "native_id": text.strip(), "status": "investigating", **facts}


def answer(
    minutes: float, *statements: dict[str, Any], source: Source = PAGE, status: int = 200, **facts: Any
) -> Capture:
    """What a source answered: a document of statements, or a bare status."""
    body = json.dumps(statements).encode() if status == 200 else b""
    return Capture(at(minutes), source.id, source.url, status, body=body, digest=digest_of(body), **facts)


class Corridor:
    """Two sources of one provider, a database, and one channel that is told everything."""

    def __init__(self, store: Store) -> None:
        self.store, self.parser = store, Scripted()
        both = frozenset({PAGE.id})
        watched = [Watched(source, self.parser, siblings=LABELS, hosted=both, likeness=True) for source in (PAGE, X)]
        self.collect = Collect(store, watched)

    async def take(self, *captures: Capture) -> Outcome:
        """One poll."""
        return await self.collect.take(captures[0].source, [await self.collect.read(entry) for entry in captures])

    async def incidents(self) -> list[Incident]:
        return await self.store.read(lambda ledger: ledger.timeline())

    async def texts(self) -> list[str]:
        """The words of the only incident's updates."""
        (incident,) = await self.incidents()
        return [update.text for update in incident.updates]

    async def deliveries(self) -> list[Delivery]:
        return (await self.store.read(lambda ledger: ledger.deliveries()))[::-1]

    async def told(self) -> list[str]:
        """The words of every update that was told, in the order of telling."""
        words = {update.id: update.text for incident in await self.incidents() for update in incident.updates}
        return [words[update] for delivery in await self.deliveries() for update in delivery.updates]


@pytest.fixture
async def store() -> AsyncIterator[SqlStore]:
    store = open_store("sqlite://")
    await store.upgrade()
    await store.write(lambda ledger: ledger.adopt_file([Subscription(TOLD, mode=Mode.POST)]))
    yield store
    await store.close()


@pytest.fixture
async def corridor(store: SqlStore) -> Corridor:
    made = Corridor(store)
    await made.collect.load()
    return made


# --- unchanged bytes (rule 1) ------------------------------------------------------------------------------------


async def test_the_same_bytes_are_not_parsed_again(corridor: Corridor) -> None:
    await corridor.take(answer(0, said(0, "slow")))
    await corridor.take(answer(1, said(0, "slow")))
    await corridor.take(answer(2, status=304))
    assert corridor.parser.parsed == 1
    assert corridor.collect.sighting(PAGE.id).read_at == at(2)


async def test_other_bytes_that_say_the_same_change_nothing(corridor: Corridor) -> None:
    await corridor.take(answer(0, said(0, "slow")))
    outcome = await corridor.take(answer(1, said(0, "slow  ")))
    assert corridor.parser.parsed == 2
    assert (outcome.changes, outcome.queued) == ((), 0)
    assert outcome.sighting.changed_at == at(0)


async def test_a_failing_body_is_never_remembered_as_known(corridor: Corridor) -> None:
    broken = Capture(at(0), PAGE.id, URL, 200, {"etag": '"bad"'}, b"{", digest=digest_of(b"{"))
    for minute in range(3):
        outcome = await corridor.take(broken)
        assert corridor.parser.parsed == minute + 1, "it is looked at again each time"
    assert outcome.cursor.pages == {}
    assert outcome.sighting.belief is Belief.UNREADABLE


async def test_a_failure_between_leaves_what_was_known(corridor: Corridor) -> None:
    good = answer(0, said(0, "slow"), headers={"etag": '"1"', "last-modified": "Thu"})
    await corridor.take(good)
    outcome = await corridor.take(answer(1, status=503))
    assert outcome.cursor.pages == {URL: Validators('"1"', "Thu", good.digest)}


def test_validators_are_kept_for_each_address() -> None:
    pages = {"a": Validators("1"), "b": Validators("2")}
    readings = [
        Reading(Capture(at(0), PAGE.id, "a", 200, {"etag": "3"}, b"x", digest="d", state={"since_id": "9"})),
        Reading(Capture(at(0), PAGE.id, "b", 304), unchanged=True),
        Reading(Capture(at(0), PAGE.id, "c", 500), failure=Unreadable("500")),
    ]
    assert advance(Cursor(pages, {"user": "1"}), readings) == Cursor(
        {"a": Validators("3", "", "d"), "b": Validators("2")}, {"user": "1", "since_id": "9"}
    )


@pytest.mark.parametrize("error", [KeyError("x"), TypeError(), ValueError(), RecursionError(), OverflowError()])
async def test_a_shape_that_nobody_has_seen_yet_is_a_value_and_no_fault(corridor: Corridor, error: Exception) -> None:
    class Stumbling(Scripted):
        def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
            raise error

    capture = answer(0, said(0, "slow"))
    (reading,) = await poll(Watched(PAGE, Stumbling(capture)), Cursor())
    assert reading.failure is not None
    assert reading.failure.reason == f"an unexpected shape ({type(error).__name__})"


async def test_a_large_body_is_parsed_off_the_event_loop(corridor: Corridor) -> None:
    loops: list[bool] = []

    class Noting(Scripted):
        def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                loops.append(False)
            else:
                loops.append(True)
            return super().parse(source, capture)

    small, large = answer(0, said(0, "slow")), answer(0, said(0, "slow" * LARGE))
    await poll(Watched(PAGE, Noting(small, large)), Cursor())
    assert loops == [True, False]


# --- one transaction ---------------------------------------------------------------------------------------------


class Torn(Exception):
    """The machine stopped here."""


class Tearing:
    """A store whose transactions break off at one call of the ledger."""

    def __init__(self, store: Store, at_call: str) -> None:
        self._store, self.at_call = store, at_call

    async def write(self, work: Callable[[Ledger], T]) -> T:
        return await self._store.write(lambda ledger: work(cast("Ledger", Half(ledger, self.at_call))))

    async def read(self, work: Callable[[Ledger], T]) -> T:
        return await self._store.read(work)

    async def upgrade(self) -> None: ...

    async def close(self) -> None: ...


class Half:
    """A ledger that does one call and then breaks off."""

    def __init__(self, ledger: Ledger, at_call: str) -> None:
        self._ledger, self.at_call = ledger, at_call

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._ledger, name)
        if name != self.at_call:
            return call

        def break_off(*args: Any) -> None:
            call(*args)
            raise Torn

        return break_off


@pytest.mark.parametrize("call", ["save", "save_cursor", "save_sightings", "route"])
async def test_cursor_timeline_and_outbox_commit_together_or_not_at_all(store: SqlStore, call: str) -> None:
    torn = Corridor(Tearing(store, call))
    await torn.collect.load()
    capture = answer(0, said(0, "slow"), headers={"etag": '"1"'})
    with pytest.raises(Torn):
        await torn.take(capture)
    assert await torn.incidents() == []
    assert await torn.deliveries() == []
    assert await store.read(lambda ledger: ledger.cursor(PAGE.id)) == Cursor()
    assert await store.read(lambda ledger: ledger.sightings([PAGE.id])) == {}
    assert torn.collect.cursor(PAGE.id) == Cursor(), "nor does memory run ahead of the database"

    again = Corridor(store)
    await again.collect.load()
    await again.take(capture)
    assert await again.texts() == ["slow"]
    assert len(await again.deliveries()) == 1


class Asking(Tearing):
    """A store that notes which threads are looked up in the ledger, and tears off where it is told to."""

    asked: list[set[str]]

    async def write(self, work: Callable[[Ledger], T]) -> T:
        def note(ledger: Ledger) -> T:
            known = ledger.known

            def noting(source: str, threads: Collection[str], native_ids: Collection[str]) -> list[Known]:
                self.asked.append(set(threads))
                return known(source, threads, native_ids)

            ledger.known = noting  # type: ignore[method-assign]
            return work(ledger)

        return await super().write(note)


async def test_only_what_reads_otherwise_than_when_it_was_saved_is_looked_up(store: SqlStore) -> None:
    asking = Asking(store, "save")
    asking.asked = []
    corridor = Corridor(asking)
    first = answer(0, said(0, "slow"), said(0, "down", thread="2"))
    with pytest.raises(Torn):
        await corridor.take(first)
    asking.at_call = ""
    await corridor.take(first)
    await corridor.take(answer(1, said(0, "slow"), said(0, "down again", thread="2")))
    assert asking.asked == [{"1", "2"}, {"1", "2"}, {"2"}]
    assert len(await corridor.incidents()) == 2


@pytest.mark.parametrize("stated", [60, 365 * 24 * 60, -365 * 24 * 60])
async def test_an_impossible_date_never_moves_an_incident(corridor: Corridor, stated: float) -> None:
    """Neither when it is read, nor later when its time has come: nothing is said later than it is seen."""
    slow, found = said(0, "slow"), said(stated, "found")
    await corridor.take(answer(1, slow))
    await corridor.take(answer(10, slow, found))
    await corridor.take(answer(90, slow, found, said(80, "watched")))
    await corridor.take(answer(366 * 24 * 60, slow, found, said(80, "watched"), said(90, "over", status="resolved")))
    assert await corridor.texts() == ["slow", "found", "watched", "over"]
    (incident,) = await corridor.incidents()
    assert (incident.started_at, incident.resolved_at) == (at(0), at(90))
    assert [(update.at, update.dated) for update in incident.updates][1] == (at(10), False)


async def test_a_date_whose_typing_error_is_mended_is_believed(corridor: Corridor) -> None:
    await corridor.take(answer(0))
    await corridor.take(answer(10, said(8 - 365 * 24 * 60, "slow")))
    await corridor.take(answer(12, said(8, "slow")))
    (incident,) = await corridor.incidents()
    assert (incident.started_at, incident.updates[0].dated) == (at(8), True)


async def test_a_second_process_takes_up_where_the_first_was_left(store: SqlStore, corridor: Corridor) -> None:
    await corridor.take(answer(0, said(0, "slow"), headers={"etag": '"1"'}))
    after = Corridor(store)
    await after.collect.load()
    assert after.collect.cursor(PAGE.id) == corridor.collect.cursor(PAGE.id)
    assert after.collect.sighting(PAGE.id).belief is Belief.OK
    outcome = await after.take(answer(1, said(0, "slow")))
    assert (after.parser.parsed, outcome.queued) == (0, 0)


async def test_an_unchanged_poll_costs_no_transaction_until_it_is_flushed(store: SqlStore, corridor: Corridor) -> None:
    await corridor.take(answer(0, said(0, "slow")))
    await corridor.take(answer(1, status=304))

    async def read_at() -> datetime | None:
        return (await store.read(lambda ledger: ledger.sightings()))[PAGE.id].read_at

    assert await read_at() == at(0)
    await corridor.collect.flush()
    assert await read_at() == at(1)


async def test_what_was_told_just_before_a_kill_is_no_pause_afterwards(store: SqlStore, corridor: Corridor) -> None:
    await corridor.take(answer(0, said(0, "slow")))
    await corridor.take(answer(14, said(0, "slow"), said(14, "slower")))
    assert (await store.read(lambda ledger: ledger.sightings()))[PAGE.id].read_at == at(14)


async def test_a_state_that_must_be_remembered_is_saved_though_nothing_changed(
    store: SqlStore, corridor: Corridor
) -> None:
    await corridor.take(answer(0, said(0, "slow")))
    await corridor.take(answer(1, status=304, state={"spent": "7"}))
    assert (await store.read(lambda ledger: ledger.cursor(PAGE.id))).state == {"spent": "7"}


# --- belief ------------------------------------------------------------------------------------------------------


async def test_a_poll_of_several_documents_is_read_where_one_of_them_is(corridor: Corridor) -> None:
    outcome = await corridor.take(answer(0, said(0, "slow")), answer(0, status=503))
    assert outcome.sighting.belief is Belief.OK
    outcome = await corridor.take(answer(1, status=503), answer(1, status=503))
    outcome = await corridor.take(answer(2, status=503), answer(2, status=503))
    assert outcome.sighting.belief is Belief.UNREADABLE


async def test_an_empty_answer_is_health_for_some_and_a_fault_for_others(store: SqlStore) -> None:
    for empty, belief in (("health", Belief.OK), ("fault", Belief.SILENT)):
        source = Source(f"acme/{empty}", "acme", empty, "feed", "https://acme.example/feed", empty=empty)
        collect = Collect(store, [Watched(source, Scripted(), siblings={source.id: "the feed"})])
        outcome = await collect.take(source.id, [await collect.read(answer(0, source=source))])
        assert outcome.sighting.belief is belief


# --- the page is down (rule 4) -----------------------------------------------------------------------------------

DOWN = "The status page has not answered since 19:05 UTC (503); following X (@acmestatus)."
BACK = "The status page answers again, after 25 min."


def post(minutes: float, text: str, **facts: Any) -> Capture:
    return answer(minutes, said(minutes, text, links=[SHORT], thread=None, status="investigating", **facts), source=X)


async def test_a_page_that_fails_while_something_is_wrong_is_told_once_and_so_is_its_return(corridor: Corridor) -> None:
    await corridor.take(answer(0))
    await corridor.take(post(1, "We look into slow mail."))
    for minute in (5, 10, 15, 20):
        await corridor.take(answer(minute, status=503))
    await corridor.take(answer(30, status=304))
    await corridor.take(answer(31, status=304))
    assert await corridor.texts() == ["We look into slow mail.", DOWN, BACK]
    assert len(await corridor.deliveries()) == 3


async def test_a_page_that_fails_in_peace_is_news_once_something_is_wrong(corridor: Corridor) -> None:
    await corridor.take(answer(0))
    for minute in (5, 6, 7):
        outcome = await corridor.take(answer(minute, status=503))
        assert outcome.changes == ()
    assert await corridor.incidents() == []
    await corridor.take(post(10, "We look into slow mail."))
    assert sorted(await corridor.texts()) == sorted(["We look into slow mail.", DOWN])


async def test_one_failure_is_not_told_again_of_the_next_incident(corridor: Corridor) -> None:
    await corridor.take(answer(0))
    await corridor.take(answer(1, said(1, "We look into slow mail.", thread=None), source=X))
    for minute in (5, 10):
        await corridor.take(answer(minute, status=503))
    calls = said(11, "Calls drop in Europe, too.", thread=None, links=["https://stspg.io/other"])
    await corridor.take(answer(11, calls, source=X))
    told = [u.observed for incident in await corridor.incidents() for u in incident.updates if u.observed]
    assert (len(await corridor.incidents()), len(told)) == (2, 1)


NOW_AND_THEN = "The status page has answered only now and then since 19:05 UTC; more of it once it is steady."


@pytest.fixture
async def flapping(corridor: Corridor) -> Corridor:
    """A page that failed and came back three times within an hour, and fails and comes back on."""
    await corridor.take(answer(0))
    await corridor.take(post(1, "We look into slow mail."))
    for minute in (5, 20, 35, 50, 60):
        await corridor.take(answer(minute, status=503))
        await corridor.take(answer(minute + 1, status=503))
        await corridor.take(answer(minute + 5, status=304))
    return corridor


async def test_a_page_that_comes_and_goes_is_told_three_times_and_then_once_for_all(flapping: Corridor) -> None:
    words = await flapping.texts()
    assert len(words) == 1 + 2 * 3 + 1
    assert words[-1] == NOW_AND_THEN


async def test_when_it_has_answered_for_half_an_hour_that_is_told_and_the_next_failure_again(
    flapping: Corridor,
) -> None:
    for minute in (80, 94, 95, 96, 130):
        await flapping.take(answer(minute, status=304))
    assert (await flapping.texts())[8:] == ["The status page has answered steadily since 20:05 UTC."]
    for minute in (200, 201):
        await flapping.take(answer(minute, status=503))
    assert (await flapping.texts())[9:] == [DOWN.replace("19:05", "22:20")]


async def test_when_it_has_failed_for_half_an_hour_that_is_told_and_its_return(flapping: Corridor) -> None:
    for minute in (70, 71, 90, 100, 110):
        await flapping.take(answer(minute, status=503))
    await flapping.take(answer(120, status=304))
    assert (await flapping.texts())[8:] == [
        "The status page has not answered since 20:10 UTC.",
        "The status page answers again, after 50 min.",
    ]


async def test_one_failed_poll_is_not_told(corridor: Corridor) -> None:
    await corridor.take(answer(0))
    await corridor.take(post(1, "We look into slow mail."))
    await corridor.take(answer(5, status=503))
    await corridor.take(answer(6, status=304))
    assert await corridor.texts() == ["We look into slow mail."]


async def test_the_account_that_fails_is_not_the_page(corridor: Corridor) -> None:
    await corridor.take(answer(0, said(0, "slow")))
    for minute in (1, 2, 3):
        await corridor.take(answer(minute, source=X, status=503))
    assert await corridor.texts() == ["slow"]


# --- words that flap (rule 10) -----------------------------------------------------------------------------------


@pytest.fixture
async def edited(store: SqlStore, corridor: Corridor) -> Corridor:
    """A statement whose words went to and fro six times, told to a channel that edits its message."""
    await store.write(lambda ledger: ledger.adopt_file([Subscription(TOLD, mode=Mode.EDIT)]))
    await corridor.take(answer(0))
    for minute in range(1, 8):
        await corridor.take(answer(minute, said(0, "slow" if minute % 2 else "very slow", native_id="1")))
    return corridor


async def edits(corridor: Corridor) -> int:
    return sum(delivery.act is Act.EDIT for delivery in await corridor.deliveries())


async def test_words_that_go_to_and_fro_are_edited_three_times_and_counted_each_time(edited: Corridor) -> None:
    assert await edits(edited) == 3
    (incident,) = await edited.incidents()
    assert (incident.updates[0].text, incident.updates[0].revision) == ("slow", 6)


async def test_the_last_words_are_told_when_there_is_room_again(edited: Corridor) -> None:
    await edited.take(answer(61, status=304))
    assert await edits(edited) == 3
    assert (await edited.take(answer(62, status=304))).queued == 1
    assert (await edited.take(answer(90, status=304))).queued == 0


async def test_what_is_news_is_never_held_back_and_brings_the_words_up_to_date(edited: Corridor) -> None:
    end = said(8, "over", status="resolved")
    assert (await edited.take(answer(8, said(0, "slow", native_id="1"), end))).queued == 1
    assert (await edited.take(answer(70, status=304))).queued == 0


async def test_a_change_of_the_title_is_no_mere_edit_of_words(edited: Corridor) -> None:
    worse = said(0, "very slow", native_id="1", title="Mail is down")
    assert (await edited.take(answer(8, worse))).queued == 1


# --- ours or theirs (rule 3) --------------------------------------------------------------------------------------

OTHERS = [Source(f"{name}/page", name, "page", "statuspage", f"https://{name}.example") for name in ("beta", "gamma")]
PAGES = [PAGE, *OTHERS]


class Network(Corridor):
    """The pages of three providers, and one provider's account."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        watched = [
            Watched(page, self.parser, siblings={page.id: "the status page"}, hosted=frozenset({page.id}))
            for page in OTHERS
        ]
        self.collect = Collect(store, [*self.collect.watched.values(), *watched])

    async def all_answer(self, minutes: float) -> None:
        """A round of polls, five seconds apart."""
        for index, source in enumerate((*PAGES, X)):
            await self.take(answer(minutes + index / 12, source=source))

    async def none_answers(self, minutes: float) -> None:
        """A round of polls while the network is gone."""
        for index, source in enumerate((*PAGES, X)):
            await self.take(answer(minutes + index / 12, source=source, status=503))


@pytest.fixture
async def network(store: SqlStore) -> Network:
    made = Network(store)
    await made.all_answer(0)
    await made.take(post(1, "We look into slow mail."))
    return made


async def test_with_the_network_gone_no_page_is_accused_and_recovery_is_no_flood(network: Network) -> None:
    for minute in (2, 3, 4, 30):
        await network.none_answers(minute)
    (since,) = {network.collect.offline}
    assert since == at(2 + 2 / 12), "when the third of them failed"
    seen = network.collect.sightings.values()
    assert {(entry.belief, entry.ours, entry.reason) for entry in seen} == {(Belief.UNREADABLE, True, NETWORK)}
    await network.all_answer(40)
    assert network.collect.offline is None
    assert await network.texts() == ["We look into slow mail."]
    assert len(await network.deliveries()) == 1


async def test_pages_that_refuse_together_while_the_account_speaks_are_accused(network: Network) -> None:
    """As in an outage that takes the pages of several providers with it."""
    for minute in (2, 3, 4):
        for index, source in enumerate(PAGES):
            await network.take(answer(minute + index / 12, source=source, status=429))
        await network.take(answer(minute + 0.5, source=X))
    assert network.collect.offline is None
    assert [network.collect.sighting(page.id).ours for page in PAGES] == [False] * 3
    assert (await network.texts())[1:] == [
        "The status page has not answered since 19:02 UTC (429); following X (@acmestatus)."
    ]


async def test_what_was_missed_while_the_network_was_gone_is_caught_up_with_in_one_message(network: Network) -> None:
    for minute in (2, 3, 30):
        await network.none_answers(minute)
    news = [said(m, f"Words of minute {m}.", links=[SHORT]) for m in (5, 10, 20)]
    await network.take(answer(40, *news))
    assert [len(delivery.updates) for delivery in await network.deliveries()] == [1, 3]


async def test_a_page_that_was_accused_before_it_showed_is_told_to_be_back(network: Network) -> None:
    await network.take(answer(2, status=503))
    await network.take(answer(2.2, status=503))
    await network.none_answers(3)
    await network.none_answers(4)
    assert network.collect.sighting(PAGE.id).ours
    await network.all_answer(9)
    assert (await network.texts())[1:] == [
        "The status page has not answered since 19:02 UTC (503); following X (@acmestatus).",
        "The status page answers again, after 7 min.",
    ]


async def test_a_page_that_fails_alone_is_accused_as_ever(network: Network) -> None:
    for minute in (2, 3, 4):
        await network.take(answer(minute, status=503))
        for source in (*OTHERS, X):
            await network.take(answer(minute + 0.5, source=source))
    assert network.collect.offline is None
    assert len(await network.texts()) == 2


async def test_a_second_process_knows_that_the_network_was_gone(store: SqlStore, network: Network) -> None:
    for minute in (2, 3):
        await network.none_answers(minute)
    after = Network(store)
    await after.collect.load()
    assert after.collect.offline is not None
    await after.all_answer(5)
    assert after.collect.offline is None


# --- vanished (rule 8) -------------------------------------------------------------------------------------------

GONE = "No longer listed by the status page since 19:10 UTC; nobody has said that it is over."
AGAIN = "Listed again by the status page, where it was missing since 19:10 UTC."


class Listing(Corridor):
    """A page that lists all that is open."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        page = replace(self.collect.watched[PAGE.id], lists_open=True)
        self.collect = Collect(store, [page, self.collect.watched[X.id]])


@pytest.fixture
async def listing(store: SqlStore) -> Listing:
    made = Listing(store)
    await made.collect.load()
    await made.take(answer(0))
    await made.take(answer(5, said(0, "slow")))
    return made


async def test_what_has_vanished_for_an_hour_is_marked_once_and_stays_open(listing: Listing) -> None:
    await listing.take(answer(10))
    await listing.take(answer(69, status=304))
    assert await listing.texts() == ["slow"]
    for minute in (70, 71, 72, 200):
        await listing.take(answer(minute, status=304))
    assert await listing.texts() == ["slow", GONE]
    (incident,) = await listing.incidents()
    assert incident.open
    assert [len(delivery.updates) for delivery in await listing.deliveries()] == [1, 1]


async def test_its_reappearance_is_told_too(listing: Listing) -> None:
    await listing.take(answer(10))
    await listing.take(answer(70, status=304))
    await listing.take(answer(90, said(0, "slow")))
    await listing.take(answer(91, said(0, "slow "), said(1, "other", thread="2")))
    assert (await listing.incidents())[-1].updates[-1].text == AGAIN
    assert len(await listing.deliveries()) == 4


async def test_a_short_absence_and_a_failure_prove_nothing(listing: Listing) -> None:
    await listing.take(answer(10))
    await listing.take(answer(30, said(0, "slow")))
    for minute in (40, 120):
        await listing.take(answer(minute, status=503))
    await listing.take(answer(125, said(0, "slow")))
    assert "No longer" not in " ".join(await listing.texts())


async def test_a_document_of_several_proves_nothing_alone(listing: Listing) -> None:
    for minute in (10, 100):
        await listing.take(answer(minute, partial=True))
    assert await listing.texts() == ["slow"]


async def test_what_another_document_of_the_page_lists_has_not_vanished(listing: Listing) -> None:
    for minute in (10, 100):
        other = replace(answer(minute, said(0, "slow")), url=f"{URL}/more")
        await listing.take(replace(answer(minute), partial=True), other)
    assert await listing.texts() == ["slow"]


async def test_what_the_page_itself_called_over_has_not_vanished(listing: Listing) -> None:
    await listing.take(answer(6, said(0, "slow"), said(6, "over", status="resolved")))
    for minute in (10, 100):
        await listing.take(answer(minute))
    assert await listing.texts() == ["slow", "over"]


async def test_a_source_that_lists_only_what_is_new_may_forget(corridor: Corridor) -> None:
    await corridor.take(answer(0, said(0, "slow")))
    for minute in (10, 100):
        await corridor.take(answer(minute))
    assert await corridor.texts() == ["slow"]


async def test_a_second_process_remembers_since_when_it_is_missing(store: SqlStore, listing: Listing) -> None:
    await listing.take(answer(10))
    after = Listing(store)
    await after.collect.load()
    await after.take(answer(70, status=304))
    await after.take(answer(80, status=304))
    assert await after.texts() == ["slow", GONE]


# --- waking up (rule 11) -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read_at", "waking"),
    [
        (None, Waking.FIRST),
        (at(0), Waking.PAUSED),
        (at(0) + timedelta(seconds=1), Waking.AWAKE),
        (at(14), Waking.AWAKE),
        (at(-60 * 24 * 30), Waking.PAUSED),
    ],
)
def test_a_pause_begins_at_15_minutes(read_at: datetime | None, waking: Waking) -> None:
    assert waking_of(Sighting(PAGE.id, read_at=read_at), at(15)) is waking


async def test_at_first_sight_only_what_is_open_is_told(corridor: Corridor) -> None:
    await corridor.take(
        answer(
            600,
            said(0, "old", thread="0", status="resolved"),
            said(500, "slow"),
            said(510, "slow still"),
        )
    )
    (delivery,) = await corridor.deliveries()
    incident = next(entry for entry in await corridor.incidents() if entry.open)
    assert (delivery.incident, delivery.updates) == (incident.id, tuple(update.id for update in incident.updates))


async def test_a_document_that_is_read_for_the_first_time_later_is_learnt_in_silence(corridor: Corridor) -> None:
    """A page's list of past incidents may fail while its summary is read."""
    past = replace(PAGE, url=f"{PAGE.url}/incidents.json?page=1")
    history = [said(-9000, "old", thread="0", status="resolved"), said(-9, "down", thread="2"), said(1, "slow")]
    await corridor.take(answer(0), answer(0, source=past, status=503))
    await corridor.take(answer(2, said(1, "slow")), answer(2, source=past, status=503))
    assert await corridor.told() == ["slow"]
    await corridor.take(answer(4, said(1, "slow")), answer(4, *history, source=past))
    assert await corridor.told() == ["slow", "down"], "what is open is told"
    another = replace(past, url=f"{PAGE.url}/incidents.json?page=2")
    await corridor.take(answer(6, *history, said(5, "brief", thread="3", status="resolved"), source=another))
    assert await corridor.told() == ["slow", "down", "brief"], "the same document, whatever its query"


async def test_a_pause_that_is_none_tells_every_update(corridor: Corridor) -> None:
    await corridor.take(answer(0))
    await corridor.take(answer(14, said(1, "slow"), said(5, "found"), said(9, "over", status="resolved")))
    assert [len(delivery.updates) for delivery in await corridor.deliveries()] == [1, 1, 1]


async def test_after_a_pause_what_opened_and_closed_meanwhile_is_one_summary(corridor: Corridor) -> None:
    await corridor.take(answer(0))
    await corridor.take(answer(600, said(1, "slow"), said(5, "found"), said(9, "over", status="resolved")))
    (delivery,) = await corridor.deliveries()
    assert len(delivery.updates) == 3


async def test_after_a_pause_an_unchanged_open_incident_says_nothing(corridor: Corridor) -> None:
    await corridor.take(answer(0, said(0, "slow")))
    outcome = await corridor.take(answer(600, said(0, "slow "), said(-60, "older", thread="0", status="resolved")))
    assert [change.incident.open for change in outcome.changes] == [False], "only the other one is new"
    assert outcome.queued == 1
    assert (await corridor.take(answer(1200, said(0, "slow  ")))).queued == 0


@contextlib.asynccontextmanager
async def process(path: Path) -> AsyncIterator[Corridor]:
    """A program that runs on the database in a file, from its start to its stop."""
    store = open_store(f"sqlite:///{path}")
    await store.upgrade()
    await store.write(lambda ledger: ledger.adopt_file([Subscription(TOLD, mode=Mode.POST)]))
    made = Corridor(store)
    await made.collect.load()
    yield made
    await made.collect.flush()
    await store.close()


@pytest.mark.parametrize("way", ["stopped", "restored"])
async def test_a_day_after_a_stop_or_with_the_database_of_a_day_ago_what_was_missed_is_told_once(
    tmp_path: Path, way: str
) -> None:
    same, old = said(0, "slow"), said(-60, "jammed", thread="4")
    opened = [said(300, "down", thread="2"), said(310, "found", thread="2")]
    passed = [said(400, "brief", thread="3"), said(440, "over", thread="3", status="resolved")]
    over = said(500, "freed", thread="4", status="resolved")
    path, backup = tmp_path / "now.db", tmp_path / "backup.db"
    async with process(path) as before:
        await before.take(answer(0, same, old))
        assert sorted(await before.told()) == ["jammed", "slow"]
    shutil.copy(path, backup)
    if way == "restored":
        async with process(path) as lost:
            await lost.take(answer(600, same, *opened, *passed, old, over))
    async with process(backup) as again:
        known = len(await again.deliveries())
        await again.take(answer(24 * 60, same, *opened, *passed, old, over))
        words = {update.id: update.text for it in await again.incidents() for update in it.updates}
        told = [[words[name] for name in delivery.updates] for delivery in (await again.deliveries())[known:]]
    assert sorted(told) == [["brief", "over"], ["down", "found"], ["freed"]], "the unchanged one says nothing"


async def test_whoever_was_told_of_the_opening_is_told_of_the_end_that_has_no_words(corridor: Corridor) -> None:
    """Graph may only turn `status`; nobody must believe that it goes on."""
    await corridor.take(answer(0))
    await corridor.take(answer(1, said(1, "slow")))
    await corridor.take(answer(9, said(1, "slow", status="resolved")))
    assert [delivery.act for delivery in await corridor.deliveries()] == [Act.POST, Act.POST]


# --- the acceptance test: 22 January 2026 ------------------------------------------------------------------------


@dataclass(frozen=True)
class Evening:
    """MO1221364 as the ledger has it, and what was believed of the page after each capture of it."""

    incident: Incident
    deliveries: list[Delivery]
    beliefs: list[tuple[bool, Belief]]  #: (it could be read, what it was believed to be)


async def lived_through() -> Evening:
    store = open_store("sqlite://")
    await store.upgrade()
    channels = [Subscription(Destination("slack", mode.value), mode=mode) for mode in Mode]
    await store.write(lambda ledger: ledger.adopt_file(channels))
    providers = [known(entry) for entry in providers_from(read_header(MO1221364))]
    collect = Collect(store, wire(providers, tools()))
    beliefs = []
    for capture in read_captures(MO1221364):
        outcome = await collect.take(capture.source, [await collect.read(capture)])
        if capture.source == "microsoft-365/page":
            beliefs.append((capture.status == 200, outcome.sighting.belief))
    (incident,) = await store.read(lambda ledger: ledger.timeline())
    deliveries = await store.read(lambda ledger: ledger.deliveries(limit=1000))
    await store.close()
    return Evening(incident, deliveries, beliefs)


@pytest.fixture(scope="module")
def evening() -> Evening:
    return asyncio.run(lived_through())


def test_the_evening_is_one_incident_with_its_14_reports(evening: Evening) -> None:
    incident = evening.incident
    assert incident.references == ("MO1221364",)
    assert sum(len(update.reports) for update in incident.updates) == 14
    assert len({report.id for update in incident.updates for report in update.reports}) == 14


@pytest.mark.parametrize(("source", "times"), [("page", 4), ("graph", 1)])
def test_each_failure_and_each_return_is_told_once(evening: Evening, source: str, times: int) -> None:
    incident = evening.incident
    observed = [update.observed for update in incident.updates]
    for edge in ("down", "up"):
        keys = [key for key in observed if key.startswith(f"{edge}|microsoft-365/{source}|")]
        assert len(keys) == len(set(keys)) == times


def test_failures_and_returns_take_turns(evening: Evening) -> None:
    incident = evening.incident
    page = [u.observed.split("|")[0] for u in incident.updates if "|microsoft-365/page|" in u.observed]
    assert page == ["down", "up"] * 4


def test_nothing_is_called_well_while_the_page_cannot_be_read(evening: Evening) -> None:
    for (read_before, _), (readable, belief) in pairwise(evening.beliefs):
        assert (belief is Belief.OK) is (readable or read_before), "a first failure alone is not believed yet"


def test_no_delivery_is_owed_twice(evening: Evening) -> None:
    assert len({delivery.key for delivery in evening.deliveries}) == len(evening.deliveries)


def test_each_update_is_told_once_in_each_channel(evening: Evening) -> None:
    told = {update.id for update in evening.incident.updates}
    for mode, acts in ((Mode.THREAD, (Act.CREATE, Act.REPLY)), (Mode.POST, (Act.POST,))):
        mine = [d for d in evening.deliveries if d.destination.name == mode.value and d.act in acts]
        spoken = [update for delivery in mine for update in delivery.updates]
        assert len(spoken) == len(set(spoken))
        assert set(spoken) <= told
        untold = [update for update in evening.incident.updates if update.id not in spoken]
        assert untold == [], f"{mode}: {[update.text for update in untold]}"


# --- documents that are read in parts ----------------------------------------------------------------------------


def history(*entries: tuple[str, str]) -> bytes:
    """An Atom feed of (id, words)."""
    told = "".join(
        f"<entry><id>{name}</id><title>{name}</title><updated>2026-01-22T18:00:00Z</updated>"
        f"<content>{words}</content></entry>"
        for name, words in entries
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>{told}</feed>'.encode()


async def read_in_turn(*bodies: bytes, forget: bool) -> tuple[list[list[str]], list[int]]:
    """The words of each incident after these documents, and how many statements each reading gave."""
    feed = Source("acme/feed", "acme", "feed", "feed", "https://status.acme.example/feed")
    store = open_store("sqlite://")
    await store.upgrade()
    entry = Watched(feed, Feed(tools()), siblings={feed.id: "the feed"}, hosted=frozenset({feed.id}))
    collect, counts = Collect(store, [entry]), []
    for minute, body in enumerate(bodies):
        capture = Capture(at(minute), feed.id, feed.url, 200, body=body, digest=str(minute))
        reading = await read(entry, capture, Cursor() if forget else collect.cursor(feed.id))
        counts.append(len(reading.items))
        await collect.take(feed.id, [reading])
    incidents = await store.read(lambda ledger: ledger.timeline())
    await store.close()
    return sorted([update.text for update in incident.updates] for incident in incidents), counts


async def test_known_entries_of_a_feed_are_not_read_again_and_nothing_else_differs() -> None:
    first = history(("a", "slow"), ("b", "down"), ("c", "odd"))
    second = history(("d", "new"), ("a", "slow"), ("b", "down again"), ("c", "odd"))
    third = history(("d", "new"), ("a", "slow"), ("b", "down again"))
    kept, few = await read_in_turn(first, second, third, forget=False)
    forgotten, every = await read_in_turn(first, second, third, forget=True)
    assert kept == forgotten == sorted([["slow"], ["down again"], ["odd"], ["new"]])
    assert (few, every) == ([3, 2, 0], [3, 4, 3])


# --- the history of what was believed ----------------------------------------------------------------------------


async def beliefs_of(corridor: Corridor) -> list[tuple[Belief, datetime | None]]:
    found = await corridor.store.read(lambda ledger: ledger.beliefs(at(-999), at(99_999)))
    return [(edge.belief, edge.since) for edge in found.get(PAGE.id, [])]


async def test_what_was_believed_when_is_kept(corridor: Corridor) -> None:
    await corridor.take(answer(0))
    await corridor.take(answer(1))
    for minute in (2, 3, 4):
        await corridor.take(answer(minute, status=503))
    await corridor.take(answer(5))
    assert await beliefs_of(corridor) == [(Belief.OK, at(0)), (Belief.UNREADABLE, at(2)), (Belief.OK, at(5))]


async def test_a_pause_of_our_own_is_kept_even_where_the_page_has_not_changed(corridor: Corridor) -> None:
    for minute in (0, 1, 90):
        await corridor.take(answer(minute))
        corridor.collect.plan(PAGE.id, at(minute + 1))
    assert await beliefs_of(corridor) == [(Belief.OK, at(0)), (Belief.UNKNOWN, at(1)), (Belief.OK, at(90))]


async def test_the_silences_of_a_recording_are_no_pauses(corridor: Corridor) -> None:
    await corridor.take(answer(0))
    await corridor.take(answer(5000))
    assert await beliefs_of(corridor) == [(Belief.OK, at(0))]
