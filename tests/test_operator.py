"""The operator is told once of each trouble and once of its end, and never in circles."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from bot.errors import Doubtful, Permanent, SendError, StatusbotError, Temporary
from bot.limits import Limits
from bot.model import Delivery, Destination, Message, Notice, Receipt
from bot.operator import PATIENCE, Operator
from bot.ports import Ledger
from bot.store import SqlStore, open_store
from tests.support.clock import StillClock

TO = Destination("slack", "C1")
T = TypeVar("T")


class Desk:
    """A notifier that answers as told, and remembers what arrived."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.keys: list[str] = []
        self.answers: list[Exception] = []
        self.found: Receipt | SendError | None = None

    def render(self, notice: Notice) -> Message:
        return Message({}, notice.updates[-1].text)

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        assert destination == TO
        self.keys.append(delivery.key)
        if self.answers:
            raise self.answers.pop(0)
        self.arrived.append(message.text)
        return Receipt("m1")

    async def find(self, destination: Destination, delivery: Delivery) -> Receipt | None:
        if isinstance(self.found, SendError):
            raise self.found
        return self.found

    async def close(self) -> None: ...


class Gone:
    """A store that can be gone."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.gone = store, False

    async def write(self, work: Callable[[Ledger], T]) -> T:
        if self.gone:
            raise StatusbotError("the database does not answer")
        return await self.store.write(work)

    async def read(self, work: Callable[[Ledger], T]) -> T:
        if self.gone:
            raise StatusbotError("the database does not answer")
        return await self.store.read(work)

    async def upgrade(self) -> None: ...

    async def close(self) -> None: ...


class Office:
    """An operator with a database, a desk and a clock."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.desk, self.clock = Gone(store), Desk(), StillClock()
        self.operator = self.started()

    def started(self, to: Destination | None = TO) -> Operator:
        """As a process that has just started has it."""
        return Operator(self.store, lambda kind: self.desk, self.clock, to)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    store = open_store("sqlite://")
    await store.upgrade()
    yield Office(store)
    await store.close()


async def test_a_trouble_is_told_once_and_its_end_once(office: Office) -> None:
    for _ in range(3):
        await office.operator.tell("disk", "the disk is nearly full")
        await office.operator.round()
    office.clock.forward(minutes=12)
    for _ in range(2):
        await office.operator.over("disk")
        await office.operator.round()
    assert office.desk.arrived == ["the disk is nearly full", "over after 12 min: the disk is nearly full"]
    await office.operator.tell("disk", "the disk is nearly full")
    await office.operator.round()
    assert len(office.desk.arrived) == 3, "a new edge"


async def test_an_end_without_a_beginning_is_nothing(office: Office) -> None:
    await office.operator.over("disk")
    await office.operator.round()
    assert office.desk.arrived == []


async def test_what_was_not_told_is_told_after_a_restart_and_what_was_is_not(office: Office) -> None:
    await office.operator.tell("a", "told before")
    await office.operator.round()
    await office.operator.tell("b", "not told yet")
    again = office.started()
    await again.load()
    await again.tell("a", "told before")
    await again.round()
    assert office.desk.arrived == ["told before", "not told yet"]
    await again.over("a", "well again")
    await again.round()
    assert office.desk.arrived[2:] == ["well again"]


async def test_one_process_s_trouble_can_be_ended_by_another(office: Office) -> None:
    other = office.started()
    await office.operator.tell("a", "wrong")
    await other.round()
    await other.over("a", "well again")
    await office.operator.round()
    assert office.desk.arrived == ["wrong", "well again"]


async def test_without_an_operator_the_log_says_it_and_doctor_knows(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    alone = office.started(None)
    with caplog.at_level(logging.WARNING):
        await alone.tell("disk", "the disk is nearly full")
        await alone.round()
    assert "the disk is nearly full" in caplog.messages
    assert office.desk.arrived == []
    assert [one.key for one in await office.store.read(lambda ledger: ledger.troubles())] == ["disk"]


@pytest.mark.parametrize(
    "answer", [Permanent("channel_not_found"), Temporary("429"), ZeroDivisionError("x"), TimeoutError()]
)
async def test_trouble_of_the_operator_s_own_destination_is_an_edge_in_the_log_and_nothing_more(
    office: Office, caplog: pytest.LogCaptureFixture, answer: Exception
) -> None:
    office.desk.answers = [answer, answer]
    with caplog.at_level(logging.WARNING):
        await office.operator.tell("disk", "full")
        await office.operator.round()
        await office.operator.round()
        assert office.desk.keys == office.desk.keys[:1], "not before its time"
        office.clock.forward(minutes=1)
        await office.operator.round()
        office.clock.forward(hours=1)
        await office.operator.round()
    assert office.desk.arrived == ["full"]
    said = [line for line in caplog.messages if line.startswith("operator slack:C1")]
    assert len(said) == 2
    assert "cannot be told" in said[0]
    assert "can be told again" in said[1]
    assert [one.key for one in await office.store.read(lambda ledger: ledger.troubles())] == ["disk"]


@pytest.mark.parametrize(("found", "sent"), [(Receipt("m0"), 1), (None, 2), (Permanent("missing_scope"), 2)])
async def test_after_doubt_it_is_looked_for_first(office: Office, found: Receipt | SendError | None, sent: int) -> None:
    office.desk.answers = [Doubtful("the answer was lost")]
    office.desk.found = found
    await office.operator.tell("disk", "full")
    await office.operator.round()
    office.clock.forward(minutes=1)
    await office.operator.round()
    assert len(office.desk.keys) == sent
    assert len(set(office.desk.keys)) == 1, "under the same key"
    office.clock.forward(days=9)
    await office.operator.round()
    assert len(office.desk.keys) == sent


async def test_it_is_given_up_in_the_end(office: Office) -> None:
    office.desk.answers = [Permanent("gone")] * 9
    await office.operator.tell("disk", "full")
    office.clock.forward(hours=PATIENCE.total_seconds() / 3600 + 1)
    for _ in range(3):
        await office.operator.round()
        office.clock.forward(hours=1)
    assert len(office.desk.keys) == 1


async def test_a_rest_that_its_platform_asks_for_is_kept_and_told_to_every_process(office: Office) -> None:
    office.desk.answers = [Temporary("429", delay=timedelta(seconds=400))]
    await office.operator.tell("disk", "the disk is nearly full")
    await office.operator.round()
    (rest,) = await office.store.read(lambda ledger: ledger.rests(office.clock.now()))
    assert (rest.name, rest.until - office.clock.now()) == (str(TO), timedelta(seconds=400))
    office.clock.forward(seconds=399)
    await office.operator.round()
    assert len(office.desk.keys) == 1
    office.clock.forward(seconds=2)
    await office.operator.round()
    assert len(office.desk.arrived) == 1


async def test_it_does_not_send_where_its_process_was_asked_to_rest(office: Office) -> None:
    limits = Limits(office.clock)
    operator = Operator(office.store, lambda kind: office.desk, office.clock, TO, limits)
    limits.limited(TO, timedelta(seconds=60))
    await operator.tell("disk", "the disk is nearly full")
    await operator.round()
    assert office.desk.keys == []
    office.clock.forward(seconds=61)
    await operator.round()
    assert len(office.desk.arrived) == 1


async def test_what_the_database_cannot_take_is_told_without_it_and_once(office: Office) -> None:
    office.store.gone = True
    await office.operator.tell("database", "the database does not answer")
    for _ in range(2):
        with pytest.raises(StatusbotError):
            await office.operator.round()
    assert office.desk.arrived == ["the database does not answer"]
    office.store.gone = False
    await office.operator.round()
    await office.operator.over("database", "it answers again")
    await office.operator.round()
    assert office.desk.arrived == ["the database does not answer", "it answers again"]
    assert await office.store.read(lambda ledger: ledger.troubles()) == []


async def test_what_began_and_ended_while_the_database_was_gone_is_kept_and_told(office: Office) -> None:
    office.store.gone = True
    await office.operator.tell("network", "the network is gone")
    await office.operator.over("network", "it is back")
    office.store.gone = False
    await office.operator.round()
    assert office.desk.arrived == ["the network is gone\nit is back"]


async def test_an_end_that_cannot_be_written_is_ended_by_the_next_who_finds_it_well(office: Office) -> None:
    await office.operator.tell("disk", "full")
    office.store.gone = True
    await office.operator.over("disk", "room")
    office.store.gone = False
    await office.operator.over("disk", "room")
    await office.operator.round()
    assert office.desk.arrived == ["full\nroom"]


async def test_the_loop_tells_at_once_and_goes_on_without_a_database(office: Office) -> None:
    told = asyncio.Event()
    office.desk.arrived = Heard(told)
    running = asyncio.create_task(office.operator.run())
    office.store.gone = True
    await office.operator.tell("database", "gone")
    await asyncio.wait_for(told.wait(), 10)
    told.clear()
    office.store.gone = False
    await office.operator.over("database", "back")
    await asyncio.wait_for(told.wait(), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert list(office.desk.arrived) == ["gone", "back"]


class Heard(list[str]):
    """A list that says when something is added."""

    def __init__(self, event: asyncio.Event) -> None:
        super().__init__()
        self._event = event

    def append(self, words: str) -> None:
        super().append(words)
        self._event.set()
