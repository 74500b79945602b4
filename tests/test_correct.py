"""Merging and splitting on a real database, and what the channels that were told otherwise read afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot import correct
from bot.collect import save
from bot.core.match import Vocabulary
from bot.core.summary import card
from bot.deliver import Deliver
from bot.errors import UsageError
from bot.model import (
    Act,
    Belief,
    Capture,
    Cursor,
    Delivery,
    Destination,
    Directory,
    Incident,
    Item,
    Message,
    Mode,
    Notice,
    Receipt,
    Sighting,
    Source,
    State,
    Status,
    Subscription,
)
from bot.ports import Ledger
from bot.reading import Reading, Watched
from bot.store import SqlStore, open_store
from tests.core.build import FEED, NAMES, PAGE, T0, X, at
from tests.support.clock import StillClock

OPS = Destination("slack", "ops")
ONES = Destination("slack-webhook", "ones")


class Channels:
    """A notifier that keeps what stands in each channel: message id -> its words."""

    def __init__(self) -> None:
        self.stands: dict[str, str] = {}
        self.acts: list[Act] = []

    def render(self, notice: Notice) -> Message:
        shown = card(notice)
        return Message({}, f"{shown.title}: {shown.latest.text if shown.latest else ''}")

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        self.acts.append(delivery.act)
        if delivery.act is Act.EDIT:
            assert delivery.root is not None
            self.stands[delivery.root.message] = message.text
            return delivery.root
        name = f"{destination.name}{len(self.stands) + 1}"
        self.stands[name] = message.text
        return Receipt(name)

    async def find(self, destination: Destination, delivery: Delivery) -> Receipt | None:
        return None

    async def close(self) -> None: ...


class Desk:
    """A database, its outbox's worker, and an operator."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.clock, self.channels = store, StillClock(T0), Channels()
        self.worker = Deliver(store, lambda kind: self.channels, self.clock, Directory({"acme": "Acme"}))

    async def tell(self, *to: Subscription) -> None:
        await self.store.write(lambda ledger: ledger.adopt_file(to))

    async def take(self, source: Source, *items: Item) -> None:
        """One poll, and all that is owed for it sent; each a minute after the one before."""
        self.clock.forward(minutes=1)
        now = self.clock.now()
        watched = Watched(source, None, NAMES, likeness=True)  # type: ignore[arg-type]  # nothing is fetched or parsed
        seen = {source.id: Sighting(source.id, Belief.OK, read_at=now)}
        reading = Reading(Capture(now, source.id, source.url, 200), items)
        await self.store.write(lambda ledger: save(ledger, watched, [reading], Cursor(), seen))
        await self.worker.sweep()

    async def merge(self, one: str, other: str) -> Incident:
        self.clock.forward(minutes=1)
        made = await self.store.write(
            lambda ledger: correct.merge(ledger, one, other, {"acme": NAMES}, self.clock.now())
        )
        await self.worker.sweep()
        return made

    async def split(self, name: str, report: str) -> Incident:
        self.clock.forward(minutes=1)
        made = await self.store.write(
            lambda ledger: correct.split(ledger, name, report, {"acme": NAMES}, self.clock.now())
        )
        await self.worker.sweep()
        return made

    async def of(self, name: str) -> Incident:
        found = await self.store.read(lambda ledger: ledger.incident(name))
        assert found is not None
        return found

    async def parts(self) -> list[list[str]]:
        """The native ids of each incident's reports."""
        incidents = await self.store.read(lambda ledger: ledger.timeline())
        return sorted(sorted(r.native_id for u in incident.updates for r in u.reports) for incident in incidents)

    async def deliveries(self) -> list[Delivery]:
        return (await self.store.read(lambda ledger: ledger.deliveries()))[::-1]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    store = open_store("sqlite://")
    await store.upgrade()
    yield Desk(store)
    await store.close()


TITLES = {"1": "Mail is slow", "2": "Calls drop", "urn:1": "Trouble"}


def item(name: str, text: str, thread: str | None = None, minutes: float = 0, **facts: Any) -> Item:
    facts = {"status": Status.INVESTIGATING, "title": TITLES[thread]} | facts if thread else facts
    return Item(text, thread=thread, native_id=name, at=at(minutes), **facts)


MAIL = item("p1", "Mail is slow", "1", references=("MO1111111",))
CALLS = item("p2", "Calls drop", "2", minutes=1, references=("MO2222222",))
MORE_MAIL = item("p1b", "Mail is still slow", "1", minutes=2)
WENT_ON = "Went on as Mail is slow [MO1111111, MO2222222], and is told there from now on."


@pytest.fixture
async def told(desk: Desk) -> Desk:
    """Two incidents, each with its message in one channel; the first has two updates."""
    await desk.tell(Subscription(OPS))
    await desk.take(PAGE, MAIL, CALLS)
    await desk.take(PAGE, MORE_MAIL)
    assert desk.channels.stands == {
        "ops1": "Mail is slow: Mail is still slow",
        "ops2": "Calls drop: Calls drop",
        "ops3": "Mail is slow: Mail is still slow",
    }
    desk.channels.acts.clear()
    return desk


# --- merge -------------------------------------------------------------------------------------------------------


async def test_the_absorbed_incident_s_message_says_where_it_went_on(told: Desk) -> None:
    mail, calls = await told.of("MO1111111"), await told.of("MO2222222")
    merged = await told.merge("MO2222222", "mo1111111")
    assert merged.id == mail.id
    assert (await told.of(calls.id)).id == mail.id
    assert told.channels.stands["ops2"] == f"Mail is slow: {WENT_ON}"
    assert told.channels.stands["ops1"] == "Mail is slow: Mail is still slow"
    assert told.channels.acts == [Act.EDIT, Act.EDIT], "nobody is told anything twice"


async def test_what_comes_later_is_told_under_the_one_that_stayed(told: Desk) -> None:
    await told.merge("MO1111111", "MO2222222")
    await told.take(PAGE, item("p2b", "Calls are back", "2", minutes=5))
    replies = [entry for entry in await told.deliveries() if entry.act is Act.REPLY]
    assert replies[-1].root == Receipt("ops1")
    assert told.channels.stands["ops2"] == f"Mail is slow: {WENT_ON}"


async def test_a_merge_survives_the_same_statements_again(told: Desk) -> None:
    await told.merge("MO1111111", "MO2222222")
    owed = len(await told.deliveries())
    await told.take(PAGE, CALLS, MAIL, MORE_MAIL)
    assert await told.parts() == [["p1", "p1b", "p2"]]
    assert len(await told.deliveries()) == owed


async def test_a_split_gives_both_their_ids_and_messages_back(told: Desk) -> None:
    mail, calls = await told.of("MO1111111"), await told.of("MO2222222")
    await told.merge("MO1111111", "MO2222222")
    again = await told.split(mail.id, f"{PAGE.id}|p2")
    assert again.id == calls.id
    assert await told.parts() == [["p1", "p1b"], ["p2"]]
    assert told.channels.stands["ops2"] == "Calls drop: Calls drop"
    assert told.channels.stands["ops1"] == "Mail is slow: Mail is still slow"
    assert set(told.channels.acts) == {Act.EDIT}
    await told.take(PAGE, item("p2b", "Calls are back", "2", minutes=9))
    assert told.channels.stands["ops2"] == "Calls drop: Calls are back"


async def test_who_is_told_in_single_posts_gets_one(desk: Desk) -> None:
    await desk.tell(Subscription(ONES, mode=Mode.POST))
    await desk.take(PAGE, MAIL, MORE_MAIL, CALLS)
    posts = len(desk.channels.stands)
    await desk.merge("MO1111111", "MO2222222")
    assert list(desk.channels.stands.values())[posts:] == [f"Mail is slow: {WENT_ON}"]
    await desk.take(PAGE, CALLS, MAIL)
    assert len(desk.channels.stands) == posts + 1


async def test_who_knew_the_absorbed_one_alone_reads_on_in_its_message(desk: Desk) -> None:
    await desk.take(PAGE, MAIL, MORE_MAIL)
    await desk.tell(Subscription(OPS))
    await desk.take(PAGE, CALLS)
    mail = await desk.merge("MO1111111", "MO2222222")
    assert desk.channels.stands == {"ops1": "Calls drop: Mail is still slow"}
    await desk.split(mail.id, f"{PAGE.id}|p2")
    assert desk.channels.stands == {"ops1": "Calls drop: Calls drop"}
    await desk.take(PAGE, item("p1c", "Mail is well", "1", minutes=9, status=Status.RESOLVED))
    assert desk.channels.stands == {"ops1": "Calls drop: Calls drop", "ops2": "Mail is slow: Mail is well"}


async def test_who_took_the_subscription_off_is_not_told(told: Desk) -> None:
    await told.tell()
    await told.merge("MO1111111", "MO2222222")
    assert told.channels.acts == []


async def test_two_told_incidents_that_prove_to_be_one_are_put_right_as_well(desk: Desk) -> None:
    await desk.tell(Subscription(OPS))
    await desk.take(PAGE, MAIL, MORE_MAIL)
    await desk.take(FEED, item("f1", "Trouble", "urn:1", minutes=1))
    assert len(await desk.parts()) == 2
    await desk.take(FEED, item("f2", "Trouble goes on", "urn:1", minutes=3, references=("MO1111111",)))
    assert len(await desk.parts()) == 1
    (word,) = [words for words in desk.channels.stands.values() if "Went on as" in words]
    assert word.endswith("[MO1111111], and is told there from now on.")


async def test_no_word_goes_where_no_message_ever_stood(told: Desk) -> None:
    """The opening was refused: there is nothing to put right."""
    calls = await told.of("MO2222222")

    def lose(ledger: Ledger) -> int:
        return ledger.move([calls.id], "nowhere", told.clock.now())

    assert await told.store.write(lose) == 0, "the heir has no message here: the old one goes on"


# --- split -------------------------------------------------------------------------------------------------------


async def test_what_split_off_has_a_message_of_its_own(desk: Desk) -> None:
    await desk.tell(Subscription(OPS))
    await desk.take(PAGE, MAIL)
    await desk.take(X, item("x1", "Calls are failing, see MO1111111", minutes=1))
    assert await desk.parts() == [["p1", "x1"]]
    made = await desk.split("MO1111111", f"{X.id}|x1")
    assert made.updates[0].text == "Calls are failing, see MO1111111"
    assert desk.channels.stands["ops1"] == "Mail is slow: Mail is slow"
    assert list(desk.channels.stands.values())[-1].endswith("Calls are failing, see MO1111111")
    await desk.take(X, item("x1", "Calls are failing, see MO1111111", minutes=1))
    await desk.take(PAGE, MORE_MAIL, MAIL)
    assert await desk.parts() == [["p1", "p1b"], ["x1"]]


async def test_a_merge_undoes_the_split(desk: Desk) -> None:
    await desk.take(PAGE, MAIL)
    await desk.take(X, item("x1", "Mail is failing, see MO1111111", minutes=1))
    page = await desk.of("MO1111111")
    made = await desk.split(page.id, f"{X.id}|x1")
    await desk.merge(made.id, page.id)
    assert await desk.parts() == [["p1", "x1"]]
    kept = await desk.store.read(lambda ledger: ledger.corrections("acme"))
    assert kept.apart == frozenset()


async def test_a_name_that_several_bear_means_the_one_that_is_not_named_beside_it(desk: Desk) -> None:
    """What was split off by mistake names the incident that it came from: `merge` with that name brings it back."""
    await desk.take(PAGE, MAIL)
    await desk.take(X, item("x1", "Calls are failing, see MO1111111", minutes=1))
    made = await desk.split("MO1111111", f"{X.id}|x1")
    assert made.references == ("MO1111111",)
    await desk.merge(made.id, "MO1111111")
    assert await desk.parts() == [["p1", "x1"]]
    made = await desk.split("MO1111111", f"{X.id}|x1")
    await desk.merge("MO1111111", made.id)
    assert await desk.parts() == [["p1", "x1"]]


async def test_a_report_is_split_from_the_one_of_several_that_has_it(desk: Desk) -> None:
    await desk.take(PAGE, MAIL, MORE_MAIL)
    await desk.take(X, item("x1", "Calls are failing, see MO1111111", minutes=1))
    await desk.split("MO1111111", f"{X.id}|x1")
    await desk.split("MO1111111", f"{PAGE.id}|p1b")
    assert await desk.parts() == [["p1"], ["p1b"], ["x1"]]


async def test_a_name_that_may_mean_several_is_refused_with_their_ids(desk: Desk) -> None:
    await desk.take(PAGE, MAIL, CALLS)
    await desk.take(X, item("x1", "Calls are failing, see MO1111111", minutes=1))
    page, calls = await desk.of("MO1111111"), await desk.of("MO2222222")
    made = await desk.split("MO1111111", f"{X.id}|x1")
    for one, other in (("MO1111111", calls.id), (calls.id, "MO1111111"), ("MO1111111", "MO1111111")):
        with pytest.raises(UsageError, match=f"MO1111111 may be {page.id} or {made.id}; name one by its id"):
            await desk.merge(one, other)
    assert len(await desk.parts()) == 3


# --- what cannot be ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("nonsense", "MO1111111", "there is no incident 'nonsense'"),
        ("MO1111111", "", "there is no incident ''"),
        ("MO1111111", "mo1111111", "are one incident already"),
        ("MO1111111", "ZZ9999999", "two providers"),
    ],
)
async def test_incidents_that_cannot_be_one(told: Desk, one: str, other: str, words: str) -> None:
    def elsewhere(ledger: Ledger) -> None:
        source = Source("other/page", "other", "page", "statuspage", "https://status.other.example")
        watched = Watched(source, None, Vocabulary())  # type: ignore[arg-type]
        reading = Reading(Capture(at(0), source.id, source.url, 200), (replace(MAIL, references=("ZZ9999999",)),))
        save(ledger, watched, [reading], Cursor(), {})

    await told.store.write(elsewhere)
    with pytest.raises(UsageError, match=words):
        await told.merge(one, other)
    assert len(await told.parts()) == 3


@pytest.mark.parametrize(
    ("incident", "report", "words"),
    [
        ("MO9999999", "acme/page|p1", "there is no incident"),
        ("MO1111111", "acme/page|p2", "has no report 'acme/page|p2'; it has acme/page|p1, acme/page|p1b"),
        ("MO2222222", "acme/page|p2", "is the only report"),
    ],
)
async def test_a_report_that_cannot_be_split_off(told: Desk, incident: str, report: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        await told.split(incident, report)
    assert words in str(refused.value)
    assert await told.parts() == [["p1", "p1b"], ["p2"]]


async def test_a_word_whose_incident_is_its_own_again_is_not_posted(desk: Desk) -> None:
    await desk.tell(Subscription(ONES, mode=Mode.POST))
    await desk.take(PAGE, MAIL, MORE_MAIL, CALLS)
    calls, posts = await desk.of("MO2222222"), len(desk.channels.stands)

    def there_and_back(ledger: Ledger) -> None:
        merged = correct.merge(ledger, "MO1111111", "MO2222222", {}, desk.clock.now())
        correct.split(ledger, merged.id, f"{PAGE.id}|p2", {}, desk.clock.now())

    await desk.store.write(there_and_back)
    await desk.worker.sweep()
    assert len(desk.channels.stands) == posts
    held = [entry for entry in await desk.deliveries() if entry.state is State.HELD]
    assert [(entry.incident, entry.reason) for entry in held] == [(calls.id, "it is an incident of its own again")]
