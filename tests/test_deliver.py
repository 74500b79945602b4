from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from bot.core.link import link
from bot.core.match import Vocabulary
from bot.core.retry import LOOK, PATIENCE, verdict
from bot.core.route import Waking, routings
from bot.core.tell import call
from bot.deliver import UNASKED, Deliver
from bot.errors import Doubtful, Permanent, SendError, StatusbotError, Temporary, Unsendable
from bot.model import (
    Act,
    Belief,
    Delivery,
    Destination,
    Directory,
    Impact,
    Message,
    Mode,
    Notice,
    Outcome,
    Receipt,
    Report,
    Sighting,
    State,
    Subscription,
)
from bot.ports import Ledger
from bot.store import SqlStore, open_store
from bot.turn import Reader
from tests.core.build import PAGE, T0, at, said, timeline
from tests.support.clock import StillClock
from tests.support.until import until

A, B = Destination("slack", "A"), Destination("slack", "B")
LABELS = Directory({"acme": "Acme"}, {PAGE.id: "the status page"})
T = TypeVar("T")
Answer = SendError | Exception | Receipt


class Scripted:
    """A notifier that answers as a test tells it; it remembers what it sent and what it was asked to find.

    script: destination -> what comes of each try, in order; after that all goes well.
    """

    def __init__(self) -> None:
        self.script: dict[Destination, list[Answer]] = defaultdict(list)
        self.arrived: dict[Destination, Receipt | SendError | None] = {}
        self.sent: list[tuple[str, Act, str]] = []
        self.notices: list[Notice] = []
        self.looked: list[str] = []
        self.gate: Callable[[Destination], Awaitable[None]] | None = None

    def render(self, notice: Notice) -> Message:
        self.notices.append(notice)
        return Message({}, notice.updates[-1].text)

    async def send(self, destination: Destination, message: Message, delivery: Delivery) -> Receipt:
        if self.gate is not None:
            await self.gate(destination)
        self.sent.append((destination.name, delivery.act, message.text))
        script = self.script[destination]
        answer = script.pop(0) if script else Receipt(f"m{delivery.id}", f"t{delivery.id}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def find(self, destination: Destination, delivery: Delivery) -> Receipt | None:
        self.looked.append(delivery.key)
        found = self.arrived.get(destination)
        if isinstance(found, SendError):
            raise found
        return found

    async def close(self) -> None: ...


class Unasked:
    """The same, of a platform that cannot be asked."""

    def __init__(self, notifier: Scripted) -> None:
        self.render, self.send, self.close = notifier.render, notifier.send, notifier.close


class Post:
    """A database with channels, the worker of its outbox, and the notifier that it sends by."""

    def __init__(self, store: SqlStore, clock: StillClock) -> None:
        self.store, self.clock, self.notifier = store, clock, Scripted()
        self.worker = self.started()

    def started(self) -> Deliver:
        """A worker as a process that has just started has it."""
        return Deliver(self.store, lambda kind: self.notifier, self.clock, LABELS)

    async def subscribe(self, *to: Destination, mode: Mode = Mode.POST) -> None:
        await self.store.write(lambda ledger: ledger.adopt_file([Subscription(entry, mode=mode) for entry in to]))

    async def owe(self, *reports: Report) -> None:
        """Put on the timeline what these reports change, and into the outbox what is owed for it."""

        def work(ledger: Ledger) -> None:
            changes = link(ledger.timeline(), reports, Vocabulary())
            ledger.save(changes)
            for change in changes:
                for routing in routings(change, Waking.AWAKE, Vocabulary(), self.clock.now()):
                    ledger.route(routing, self.clock.now())

        await self.store.write(work)

    async def states(self) -> list[State]:
        return [delivery.state for delivery in await self.outbox()]

    async def outbox(self) -> list[Delivery]:
        """Oldest first."""
        return (await self.store.read(lambda ledger: ledger.deliveries()))[::-1]

    async def sweep(self, **later: float) -> None:
        """All that is due now (or so much `later`), sent and settled."""
        self.clock.forward(**later)
        await self.worker.sweep()


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    store = open_store("sqlite://")
    await store.upgrade()
    yield Post(store, StillClock(T0))
    await store.close()


def report(number: int, text: str = "", thread: str = "1", **facts: Any) -> Report:
    return said(PAGE, number, text or f"words {number}", f"{thread}-{number}", thread=thread, **facts)


# --- order -------------------------------------------------------------------------------------------------------


async def test_what_is_owed_is_sent_in_order_and_settled(post: Post) -> None:
    await post.subscribe(A)
    await post.owe(report(1), report(2), report(3))
    await post.sweep()
    assert [text for *_, text in post.notifier.sent] == ["words 1", "words 2", "words 3"]
    assert await post.states() == [State.SENT] * 3
    await post.sweep(hours=1)
    assert len(post.notifier.sent) == 3, "and never again"


async def test_a_lane_waits_for_its_first_and_no_other_waits_for_it(post: Post) -> None:
    await post.subscribe(A, B)
    post.notifier.script[A] = [Temporary("busy")]
    await post.owe(report(1), report(2))
    await post.sweep()
    assert post.notifier.sent == [("A", Act.POST, "words 1"), ("B", Act.POST, "words 1"), ("B", Act.POST, "words 2")]
    await post.sweep(minutes=10)
    assert [text for name, _, text in post.notifier.sent if name == "A"] == ["words 1", "words 1", "words 2"]


async def test_a_dead_delivery_does_not_block_its_lane(post: Post) -> None:
    await post.subscribe(A)
    post.notifier.script[A] = [Unsendable("too long")]
    await post.owe(report(1), report(2))
    await post.sweep()
    dead, sent = await post.outbox()
    assert (dead.state, dead.reason, sent.state) == (State.DEAD, "too long", State.SENT)


async def test_two_incidents_at_one_destination_do_not_wait_for_each_other(post: Post) -> None:
    await post.subscribe(A)
    post.notifier.script[A] = [Temporary("busy")]
    await post.owe(report(1))
    await post.owe(report(2, thread="2"))
    await post.sweep()
    assert [text for *_, text in post.notifier.sent] == ["words 1", "words 2"]


async def test_a_slow_destination_holds_up_nobody(post: Post) -> None:
    await post.subscribe(A, B)
    free, through = asyncio.Event(), asyncio.Event()

    async def gate(destination: Destination) -> None:
        if destination == A:
            await free.wait()
        elif len(post.notifier.sent) == 2:
            through.set()

    post.notifier.gate = gate
    await post.owe(report(1), report(2), report(3))
    sweeping = asyncio.create_task(post.worker.sweep())
    await asyncio.wait_for(through.wait(), 10)
    assert {name for name, *_ in post.notifier.sent} == {"B"}
    free.set()
    await sweeping
    assert await post.states() == [State.SENT] * 6
    assert [text for name, _, text in post.notifier.sent if name == "A"] == ["words 1", "words 2", "words 3"]


async def test_in_a_thread_replies_and_edits_stand_on_the_first_message(post: Post) -> None:
    await post.subscribe(A, mode=Mode.THREAD)
    await post.owe(report(1))
    await post.sweep()
    await post.owe(report(2))
    await post.sweep()
    assert [act for _, act, _ in post.notifier.sent] == [Act.CREATE, Act.REPLY, Act.EDIT]
    first, *others = await post.outbox()
    assert first.receipt == Receipt("m1", "t1")
    assert [delivery.root for delivery in others] == [first.receipt] * 2


async def test_to_send_all_that_is_owed_waits_for_nothing_that_is_due_beyond_its_patience(post: Post) -> None:
    """A recording of last year, replayed where an operator has corrected something today."""
    await post.subscribe(A)
    await post.owe(report(1))
    post.clock.forward(days=-300)
    await post.owe(report(2, thread="2"))
    async with asyncio.timeout(20):
        await post.worker.drain(timedelta(seconds=60))
    assert [text for _, _, text in post.notifier.sent] == ["words 2"]
    assert await post.states() == [State.PENDING, State.SENT]


# --- verdicts ----------------------------------------------------------------------------------------------------


async def test_what_is_put_off_is_tried_again_with_its_reason_kept(post: Post) -> None:
    await post.subscribe(A)
    post.notifier.script[A] = [Temporary("busy"), Temporary("busy still")]
    await post.owe(report(1))
    await post.sweep()
    (delivery,) = await post.outbox()
    assert (delivery.state, delivery.tries, delivery.reason) == (State.PENDING, 1, "busy")
    assert delivery.due is not None
    await post.sweep(minutes=10)
    await post.sweep(minutes=10)
    (delivery,) = await post.outbox()
    assert (delivery.state, delivery.tries) == (State.SENT, 3)


async def test_retry_after_is_obeyed_by_the_whole_destination(post: Post) -> None:
    await post.subscribe(A, B)
    post.notifier.script[A] = [Temporary("slow down", delay=timedelta(seconds=400))]
    await post.owe(report(1))
    await post.sweep()
    await post.owe(report(2, thread="2"))
    await post.sweep(seconds=399)
    assert [text for name, _, text in post.notifier.sent if name == "A"] == ["words 1"]
    assert [text for name, _, text in post.notifier.sent if name == "B"] == ["words 1", "words 2"]
    await post.sweep(seconds=310)
    assert sorted(text for name, _, text in post.notifier.sent if name == "A") == ["words 1", "words 1", "words 2"]


async def test_a_notifier_that_raises_something_unexpected_costs_one_delivery(post: Post) -> None:
    await post.subscribe(A, B)
    post.notifier.script[A] = [ZeroDivisionError("secret")]
    await post.owe(report(1), report(2))
    await post.sweep()
    first, *_ = [delivery for delivery in await post.outbox() if delivery.destination == A]
    assert (first.state, first.reason) == (State.DEAD, "our own fault (ZeroDivisionError)")
    assert len([1 for name, *_ in post.notifier.sent if name == "B"]) == 2


# --- doubt -------------------------------------------------------------------------------------------------------


async def test_a_doubtful_delivery_that_arrived_is_not_sent_again(post: Post) -> None:
    await post.subscribe(A, mode=Mode.THREAD)
    post.notifier.script[A] = [Doubtful("the answer was lost")]
    post.notifier.arrived[A] = Receipt("m9", "t9")
    await post.owe(report(1))
    await post.sweep()
    (delivery,) = await post.outbox()
    assert (delivery.state, delivery.reason) == (State.DOUBTFUL, "the answer was lost")
    await post.sweep(seconds=2)
    (delivery,) = await post.outbox()
    assert (delivery.state, delivery.receipt) == (State.SENT, Receipt("m9", "t9"))
    assert (len(post.notifier.sent), post.notifier.looked) == (1, [delivery.key])
    await post.owe(report(2))
    await post.sweep()
    assert [delivery.root for delivery in (await post.outbox())[1:]] == [Receipt("m9", "t9")] * 2


async def test_a_doubtful_delivery_that_did_not_arrive_is_looked_for_twice_and_sent_again(post: Post) -> None:
    await post.subscribe(A)
    post.notifier.script[A] = [Doubtful("the answer was lost")]
    await post.owe(report(1))
    await post.sweep()
    await post.sweep(seconds=2)
    assert await post.states() == [State.SENT]
    assert (len(post.notifier.looked), len(post.notifier.sent)) == (2, 2)
    assert len({notice.key for notice in post.notifier.notices}) == 1, "under the same key"


async def test_a_doubt_blocks_its_lane_and_only_that(post: Post) -> None:
    await post.subscribe(A, B)
    post.notifier.script[A] = [Doubtful("lost")]
    await post.owe(report(1), report(2))
    await post.sweep()
    assert [text for name, _, text in post.notifier.sent if name == "A"] == ["words 1"]
    assert [text for name, _, text in post.notifier.sent if name == "B"] == ["words 1", "words 2"]


async def test_a_doubtful_edit_is_simply_sent_again(post: Post) -> None:
    await post.subscribe(A, mode=Mode.EDIT)
    await post.owe(report(1))
    await post.sweep()
    post.notifier.script[A] = [Doubtful("lost")]
    await post.owe(report(2))
    await post.sweep()
    await post.sweep(minutes=10)
    assert [act for _, act, _ in post.notifier.sent] == [Act.CREATE, Act.EDIT, Act.EDIT]
    assert post.notifier.looked == []


async def test_a_platform_that_cannot_be_asked_just_now_is_asked_later(post: Post) -> None:
    await post.subscribe(A)
    post.notifier.script[A] = [Doubtful("lost")]
    post.notifier.arrived[A] = Temporary("busy")
    await post.owe(report(1))
    await post.sweep()
    await post.sweep(seconds=2)
    (delivery,) = await post.outbox()
    assert (delivery.state, delivery.reason) == (State.DOUBTFUL, "busy")
    post.notifier.arrived[A] = Receipt("m1")
    await post.sweep(minutes=10)
    assert (await post.states(), len(post.notifier.sent)) == ([State.SENT], 1)


async def test_a_platform_that_may_not_be_asked_at_all_blocks_no_lane_for_ever(post: Post) -> None:
    await post.subscribe(A)
    post.notifier.script[A] = [Doubtful("lost")]
    post.notifier.arrived[A] = Permanent("missing_scope")
    await post.owe(report(1), report(2))
    await post.sweep()
    await post.sweep(seconds=2)
    assert await post.states() == [State.SENT] * 2


async def test_a_delivery_that_may_come_twice_says_so_to_the_end(post: Post) -> None:
    await post.subscribe(A)
    post.notifier.script[A] = [Doubtful("lost"), Temporary("busy"), Receipt("m1")]
    post.notifier.arrived[A] = Permanent("missing_scope")
    await post.owe(report(1), report(2))
    await post.sweep()
    await post.sweep(seconds=2)
    says = f"{UNASKED} (missing_scope)"
    assert sorted(each.reason for each in await post.outbox()) == ["", f"busy; {says}"]
    await post.sweep(minutes=10)
    assert await post.states() == [State.SENT] * 2
    assert sorted(each.reason for each in await post.outbox()) == ["", says]


async def test_what_belongs_to_nothing_any_more_did_not_arrive(post: Post) -> None:
    await post.subscribe(A)
    post.notifier.script[A] = [Doubtful("lost")]
    post.notifier.arrived[A] = Unsendable("thread_not_found")
    await post.owe(report(1))
    await post.sweep()
    await post.sweep(seconds=2)
    assert [(each.state, each.reason) for each in await post.outbox()] == [(State.SENT, "")]


async def test_a_fault_of_ours_while_looking_stops_no_other_delivery(post: Post) -> None:
    await post.subscribe(A, B)
    post.notifier.script[A] = [Doubtful("lost")]

    async def faulty(destination: Destination, delivery: Delivery) -> Receipt | None:
        raise ZeroDivisionError

    post.notifier.find = faulty  # type: ignore[method-assign]
    await post.owe(report(1), report(2))
    await post.sweep()
    await post.sweep(seconds=2)
    assert [d.state for d in await post.outbox() if d.destination == B] == [State.SENT] * 2
    await post.sweep(minutes=10)
    assert await post.states() == [State.SENT] * 4


async def test_where_nobody_can_be_asked_a_doubt_is_settled_without_a_wait(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def waited(*_: object) -> None:
        raise AssertionError("somebody waits for an answer that nobody gives")

    monkeypatch.setattr("tenacity.AsyncRetrying.__call__", waited)
    await post.subscribe(A)
    post.notifier.script[A] = [Doubtful("lost")]
    await post.owe(report(1))
    worker = Deliver(post.store, lambda kind: Unasked(post.notifier), post.clock, LABELS)
    await worker.sweep()
    post.clock.forward(seconds=2)
    await worker.sweep()
    assert await post.states() == [State.SENT]
    assert len(post.notifier.sent) == 2


# --- stopping and starting ---------------------------------------------------------------------------------------


async def test_stop_finishes_what_is_under_way_and_claims_nothing_more(post: Post) -> None:
    await post.subscribe(A)
    begun, free = asyncio.Event(), asyncio.Event()

    async def gate(destination: Destination) -> None:
        begun.set()
        await free.wait()

    post.notifier.gate = gate
    await post.owe(report(1), report(2))
    running = asyncio.create_task(post.worker.run())
    await asyncio.wait_for(begun.wait(), 10)
    post.worker.stop()
    free.set()
    await asyncio.wait_for(running, 10)
    assert await post.states() == [State.SENT, State.PENDING]
    assert len(post.notifier.sent) == 1


async def test_what_hangs_at_the_end_is_handed_back_and_what_arrived_is_written(post: Post) -> None:
    """The database was locked for a while, so that of neither anything was written before the end."""
    await post.subscribe(A, B)
    locked = Locked(post.store)
    worker = Deliver(locked, lambda kind: post.notifier, post.clock, LABELS)
    locked.times, locked.after = 99, 3  # writes, of which the third is the claim
    begun = asyncio.Event()

    async def gate(destination: Destination) -> None:
        if destination == A:
            begun.set()
            await asyncio.Event().wait()

    post.notifier.gate = gate
    await post.owe(report(1))
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(begun.wait(), 10)
    await until(lambda: locked.times < 99)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    locked.times = 0
    await worker.hand_back()
    hung, arrived = await post.outbox()
    assert (hung.state, hung.lease, hung.due, hung.tries) == (State.DOUBTFUL, "", T0 + LOOK, 1)
    assert arrived.state is State.SENT
    post.notifier.gate, post.notifier.arrived[A] = None, Receipt("m1")
    post.clock.forward(seconds=1)
    await post.started().sweep()
    assert await post.states() == [State.SENT] * 2
    assert [name for name, *_ in post.notifier.sent] == ["B"]


async def test_told_to_stop_it_ends_with_the_last_word_about_what_was_under_way(post: Post) -> None:
    """It slept until something was due, with nothing left to do, until it was cancelled."""
    await post.subscribe(A)
    begun, free = asyncio.Event(), asyncio.Event()

    async def gate(destination: Destination) -> None:
        begun.set()
        await free.wait()

    post.notifier.gate = gate
    await post.owe(report(1))
    running = asyncio.create_task(post.worker.run())
    await asyncio.wait_for(begun.wait(), 10)
    post.clock.forward(seconds=1)
    post.worker.stop()
    await until(lambda: post.worker.round_at == post.clock.now())
    free.set()
    await asyncio.wait_for(running, 10)
    assert await post.states() == [State.SENT]


async def test_an_idle_worker_wakes_for_what_comes_and_stops_when_told(post: Post) -> None:
    await post.subscribe(A)
    done = asyncio.Event()

    async def gate(destination: Destination) -> None:
        done.set()

    post.notifier.gate = gate
    running = asyncio.create_task(post.worker.run())
    await post.owe(report(1))
    post.worker.wake()
    await asyncio.wait_for(done.wait(), 10)
    post.worker.stop()
    await asyncio.wait_for(running, 10)
    assert await post.states() == [State.SENT]


@pytest.mark.parametrize("arrived", [True, False])
async def test_after_a_crash_what_was_in_flight_is_looked_for_before_it_is_sent(post: Post, arrived: bool) -> None:
    await post.subscribe(A)
    begun = asyncio.Event()

    async def never(destination: Destination) -> None:
        begun.set()
        await asyncio.Event().wait()

    post.notifier.gate = never
    await post.owe(report(1))
    killed = asyncio.create_task(post.worker.run())
    await asyncio.wait_for(begun.wait(), 10)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    assert await post.states() == [State.SENDING]

    post.notifier.gate = None
    post.notifier.arrived[A] = Receipt("m1") if arrived else None
    again = post.started()
    await post.store.write(lambda ledger: ledger.orphan(post.clock.now()))
    await again.sweep()
    assert await post.states() == [State.SENT]
    assert len(post.notifier.looked) == (1 if arrived else 2)
    assert len(post.notifier.sent) == (0 if arrived else 1)


async def test_after_a_crash_an_edit_is_sent_again_without_looking(post: Post) -> None:
    await post.subscribe(A, mode=Mode.EDIT)
    await post.owe(report(1))
    await post.sweep()
    await post.owe(report(2))
    await post.store.write(lambda ledger: ledger.claim(post.clock.now(), timedelta(hours=9), 9))
    await post.store.write(lambda ledger: ledger.orphan(post.clock.now()))
    await post.sweep()
    assert [act for _, act, _ in post.notifier.sent] == [Act.CREATE, Act.EDIT]
    assert post.notifier.looked == []


async def test_run_begins_with_what_an_earlier_process_left_in_flight(post: Post) -> None:
    await post.subscribe(A)
    await post.owe(report(1))
    await post.store.write(lambda ledger: ledger.claim(post.clock.now(), timedelta(hours=9), 9))
    post.notifier.arrived[A] = Receipt("m1")
    post.worker.stop()
    await asyncio.wait_for(post.worker.run(), 10)
    assert await post.states() == [State.DOUBTFUL], "whatever its lease says: this is the only process"


async def test_a_database_that_is_locked_for_a_while_ends_nothing(post: Post) -> None:
    await post.subscribe(A)
    await post.owe(report(1))
    locked = Locked(post.store)
    worker = Deliver(locked, lambda kind: post.notifier, post.clock, LABELS)
    locked.times = 1
    await worker.sweep()
    assert await post.states() == [State.PENDING], "it could not be claimed"
    locked.times, locked.after = 1, 1
    await worker.sweep()
    assert (await post.states(), len(post.notifier.sent)) == ([State.SENDING], 1), (
        "what came of it could not be written"
    )
    post.notifier.arrived[A] = Receipt("m1")
    post.clock.forward(minutes=2)
    await worker.sweep()
    assert (await post.states(), len(post.notifier.sent)) == ([State.SENT], 1)


class Locked:
    """A store that is locked for some `times`, `after` some writes."""

    def __init__(self, store: SqlStore) -> None:
        self._store, self.times, self.after = store, 0, 0

    async def write(self, work: Callable[[Ledger], T]) -> T:
        if self.times and not self.after:
            self.times -= 1
            raise StatusbotError("the database is locked")
        self.after = max(0, self.after - 1)
        return await self._store.write(work)

    async def read(self, work: Callable[[Ledger], T]) -> T:
        return await self._store.read(work)

    async def upgrade(self) -> None: ...

    async def close(self) -> None: ...


# --- sends and transactions --------------------------------------------------------------------------------------


class Slow(Locked):
    """A store whose transactions, once it is `slow`, go on until it is `free`."""

    def __init__(self, store: SqlStore) -> None:
        super().__init__(store)
        self.slow, self.free, self.begun = False, asyncio.Event(), asyncio.Event()

    async def write(self, work: Callable[[Ledger], T]) -> T:
        if self.slow:
            self.begun.set()
            await self.free.wait()
        return await super().write(work)


@pytest.mark.parametrize(("pauses", "pause", "waits"), [(True, 3600, True), (True, 0.001, False), (False, 3600, False)])
async def test_sends_wait_for_a_transaction_that_runs_but_not_for_long(
    post: Post, monkeypatch: pytest.MonkeyPatch, pauses: bool, pause: float, waits: bool
) -> None:
    monkeypatch.setattr("bot.deliver.PAUSE", timedelta(seconds=pause))
    slow = Slow(post.store)
    worker = Deliver(slow, lambda kind: post.notifier, post.clock, LABELS, pauses=pauses)
    begun, free = list[str](), defaultdict[str, asyncio.Event](asyncio.Event)

    async def gate(destination: Destination) -> None:
        begun.append(destination.name)
        await free[destination.name].wait()

    post.notifier.gate = gate
    await post.subscribe(*(Destination("slack", f"C{number}") for number in range(10)))  # eight at once
    await post.owe(report(1))
    running = asyncio.create_task(worker.run())
    await until(lambda: len(begun) == 8)
    slow.slow = True
    free[begun[0]].set()  # its worker goes on with the ninth, and what came of it is written down
    await asyncio.wait_for(slow.begun.wait(), 10)
    assert len(begun) == 9
    free[begun[1]].set()
    if waits:
        await until(lambda: len(post.notifier.sent) == 2)
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(begun) == 9
        slow.free.set()
    await until(lambda: len(begun) == 10)
    assert slow.free.is_set() is waits
    slow.free.set()
    for event in [free[name] for name in begun]:
        event.set()
    await until(lambda: len(post.notifier.sent) == 10)
    worker.stop()
    await asyncio.wait_for(running, 10)
    assert await post.states() == [State.SENT] * 10


# --- what a notice says ------------------------------------------------------------------------------------------


async def test_a_notice_says_who_can_be_believed_how_late_it_is_and_what_it_stands_for(post: Post) -> None:
    await post.subscribe(A)
    seen = Sighting(PAGE.id, Belief.UNREADABLE, at(0), "429 Too Many Requests")
    await post.store.write(lambda ledger: ledger.save_sightings([seen]))
    await post.owe(report(1))
    await post.sweep(minutes=42)
    (notice,) = post.notifier.notices
    assert (notice.provider_name, notice.source_names) == ("Acme", LABELS.labels)
    assert notice.late == timedelta(minutes=42)
    assert [entry.belief for entry in notice.sightings] == [Belief.UNREADABLE]
    assert [update.text for update in notice.updates] == ["words 1"]
    assert not notice.catch_up


MENTION = {"major": "<@oncall>", "critical": "<!here>"}


@pytest.mark.parametrize(
    ("impact", "act", "words"),
    [
        (Impact.CRITICAL, Act.CREATE, "<!here>"),
        (Impact.MAJOR, Act.CREATE, "<@oncall>"),
        (Impact.MINOR, Act.CREATE, ""),
        (None, Act.CREATE, ""),
        (Impact.CRITICAL, Act.REPLY, ""),
        (Impact.CRITICAL, Act.EDIT, ""),
    ],
)
def test_only_an_opening_calls_somebody_by_its_impact(impact: Impact | None, act: Act, words: str) -> None:
    (incident,) = timeline([replace(report(1), impact=impact), report(2)])
    delivery = Delivery(1, "k", A, incident.id, incident.updates[-1].id, act, mention=MENTION)
    assert call(delivery, incident) == words


def test_of_single_posts_only_the_first_calls_somebody() -> None:
    (incident,) = timeline([replace(report(1), impact=Impact.CRITICAL), report(2)])
    first, second = (Delivery(1, "k", A, incident.id, u.id, Act.POST, mention=MENTION) for u in incident.updates)
    assert (call(first, incident), call(second, incident)) == ("<!here>", "")


# --- the rule behind it ------------------------------------------------------------------------------------------

WAIT = timedelta(seconds=8)


def owed(act: Act = Act.POST) -> Delivery:
    return Delivery(1, "k", A, "i", "u", act, created_at=T0)


@pytest.mark.parametrize(
    ("error", "act", "after", "state", "due"),
    [
        (Temporary("busy"), Act.POST, timedelta(0), State.PENDING, WAIT),
        (Temporary("busy", delay=timedelta(seconds=30)), Act.POST, timedelta(0), State.PENDING, timedelta(seconds=30)),
        (Temporary("busy", delay=timedelta(seconds=1)), Act.POST, timedelta(0), State.PENDING, WAIT),
        (Temporary("busy"), Act.POST, PATIENCE + timedelta(1), State.DEAD, None),
        (Permanent("gone"), Act.POST, timedelta(0), State.HELD, None),
        (Unsendable("too long"), Act.POST, timedelta(0), State.DEAD, None),
        (Doubtful("lost"), Act.POST, timedelta(0), State.DOUBTFUL, LOOK),
        (Doubtful("lost"), Act.CREATE, timedelta(0), State.DOUBTFUL, LOOK),
        (Doubtful("lost"), Act.EDIT, timedelta(0), State.PENDING, WAIT),
    ],
)
def test_a_failed_try_is_judged_by_its_advice(
    error: SendError, act: Act, after: timedelta, state: State, due: timedelta | None
) -> None:
    now = T0 + after
    judged = verdict(owed(act), error, now, WAIT)
    assert (judged.state, judged.due) == (state, None if due is None else now + due)
    assert str(error) in judged.reason


async def test_a_kind_that_takes_no_digest_refuses_it_for_good(post: Post) -> None:
    made = await post.store.write(
        lambda ledger: ledger.queue_digest("24h/now", Destination("slack", "a"), {}, post.clock.now(), None)
    )
    await post.worker.sweep()
    (after,) = await post.store.read(lambda ledger: ledger.deliveries())
    assert (after.id, after.state) == (made.id, State.DEAD)
    assert after.reason == "this kind of destination takes no digest"


async def test_a_digest_whose_document_is_gone_is_given_up(post: Post) -> None:
    lost = Delivery(1, "digest|24h/now|slack:a", Destination("slack", "a"), "", "", Act.DIGEST)
    said = await post.store.read(lambda ledger: Reader(ledger, LABELS, T0, {}).said(lost))
    assert said == Outcome(lost, State.DEAD, reason="its digest is gone")
