"""`statusbot why`: each report with the rule that joined it, each message with what became of it, in sentences."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.answer.why import Account, account, rule_words, verdict_words, why_words
from bot.core.join import SET_APART
from bot.core.match import Vocabulary
from bot.core.place import FIRST
from bot.core.route import Waking, routings
from bot.model import Act, Delivery, Destination, Directory, Impact, Incident, Receipt, Report, State, Status, Verdict
from bot.ports import Ledger
from bot.store import SqlStore, open_store
from tests.store.build import SLACK, T0, TEAMS, at, change, incident, report, subscription, update

NAMES = Directory({"acme": "Acme Cloud"}, {"acme/page": "the status page", "acme/x": "X (@acme)"})
POST = report("p", "acme/x", text="We're looking into trouble.\nMore to come")
PAGE = report("1", minutes=5, text="We are investigating.")
ECHO = report("e", "acme/x", minutes=6, text="We are investigating.")
SPOKEN = incident(
    "i1",
    update(POST),
    update(PAGE, ECHO),
    update(name="seen", minutes=7, text="The status page has not answered since 19:07 UTC."),
    references=("AC1",),
    joined={POST.id: FIRST, PAGE.id: "it names AC1", ECHO.id: "their words agree"},
)


def seen_late(seen: float, native_id: str, *facts: Any, **more: Any) -> Report:
    """A report that was first seen so many minutes after T0."""
    return replace(report(native_id, *facts, **more), first_seen_at=at(seen))


def words(told: Account, to: Destination | None = None) -> str:
    """The explanation, its lines unwrapped."""
    return " ".join(why_words(told, NAMES, to).split())


def delivery(updates: str = "p", act: Act = Act.CREATE, state: State = State.SENT, **facts: Any) -> Delivery:
    first, *_ = names = tuple(updates.split())
    plain: dict[str, Any] = {"due": at(1), "created_at": T0, "receipt": Receipt("m1")}
    to = facts.pop("destination", SLACK)
    return Delivery(1, "k", to, "i1", first, act, state, names, **(plain | facts))


# --- the reports -------------------------------------------------------------------------------------------------


def test_every_report_stands_there_with_who_when_what_and_why() -> None:
    said = words(Account(SPOKEN, called="i1"))
    story = [
        "Acme Cloud: Trouble [AC1]",
        'X (@acme): "We\'re looking into trouble. More to come" opened it: the first that was heard of it.',
        '2026-01-22 19:05 UTC · the status page: "We are investigating." joined because it names AC1.',
        'X (@acme): "We are investigating." the same statement as the one above; joined because their words agree.',
        '19:07 UTC · observed by statusbot: "The status page has not answered',
        "Nobody is subscribed.",
    ]
    places = [said.find(part) for part in story]
    assert -1 not in places, said
    assert places == sorted(places)


def test_lines_are_as_wide_as_the_timeline_s() -> None:
    long = update(report("l", text="word " * 90))
    assert max(map(len, why_words(Account(incident("i1", long)), NAMES).splitlines())) <= 80


def test_a_rule_that_was_not_kept_is_not_invented() -> None:
    assert "not kept" in rule_words("")


def test_control_characters_of_a_statement_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in why_words(Account(incident("i1", update(report("l", text="a\x1b[31mb")))), NAMES)


def test_what_an_operator_set_apart_opened_its_incident_and_was_told_before() -> None:
    late = seen_late(60, "late", minutes=1)
    apart = incident("i1", update(POST), update(late), joined={POST.id: SET_APART, late.id: "acme/page files it there"})
    said = words(Account(apart, (delivery(),), (Verdict(subscription(SLACK)),)))
    assert "opened it: an operator set it apart." in said
    assert "no message of its own to slack:C1: it was told of the incident from which an operator set this" in said


def test_a_first_sight_that_stands_in_for_a_date_is_said_to() -> None:
    undated = incident("i1", update(replace(POST, dated=False)))
    assert "19:00 UTC (when first seen) · X (@acme):" in words(Account(undated))


async def test_another_that_bears_the_name_is_said(memory: SqlStore) -> None:
    younger = incident("i2", update(report("y", minutes=90)), references=("AC1",), title="Later trouble")

    def work(ledger: Ledger) -> str:
        ledger.save([change(SPOKEN), change(younger)])
        told = account(ledger, "AC1", lambda _: Vocabulary())
        assert told is not None
        return words(told)

    said = await memory.write(work)
    assert "id i2" in said
    assert "AC1 is also i1 Trouble." in said


def test_an_absorbed_incident_s_name_is_said_to_lead_here() -> None:
    assert "i0 turned out to be this one." in words(Account(SPOKEN, called="i0"))
    assert "turned out" not in words(Account(SPOKEN, called="ac1"))
    assert "turned out" not in words(Account(SPOKEN, called="i1"))


# --- the messages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owed", "sentence"),
    [
        (delivery(), "told to slack:C1 at 2026-01-22 19:01 UTC: a new message (m1)."),
        (delivery(act=Act.REPLY, receipt=None), "19:01 UTC: a reply under its message."),
        (delivery(state=State.PENDING), "owed to slack:C1: a new message, not sent yet."),
        (delivery(state=State.PENDING, reason="timed out"), "a new message, not sent yet (timed out)."),
        (delivery(state=State.DEAD, reason="no such channel"), "a new message, given up (no such channel)."),
        (delivery(act=Act.EDIT, state=State.HELD, reason="replaced"), "its message brought up to date, set aside"),
    ],
)
def test_what_became_of_a_message(owed: Delivery, sentence: str) -> None:
    assert sentence in words(Account(SPOKEN, (owed,)))


def test_an_update_without_a_message_of_its_own_says_why() -> None:
    late = seen_late(60, "late", "acme/feed", minutes=1)
    known = words(Account(SPOKEN, (delivery(created_at=at(5)),)))
    assert "no message of its own to slack:C1: it was known when that was first told, at 2026-01-22 19:05 UTC" in known
    now = incident("i1", update(POST), update(late))
    silent = words(Account(now, (delivery(),), (Verdict(subscription(SLACK)),)))
    assert "no message of its own to slack:C1: it was history at the first sight of its source, or its" in silent
    assert "to slack:C1: that has no subscription any more." in words(Account(now, (delivery(),)))


def test_one_message_for_several_updates_is_named_at_each() -> None:
    assert words(Account(SPOKEN, (delivery("p 1 seen"),))).count("told to slack:C1") == 3


# --- the subscriptions -------------------------------------------------------------------------------------------

MINOR = incident("i1", update(POST), impact=Impact.MINOR, components=("SharePoint Online",), regions=("Asia",))


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (
            Verdict(subscription(min_impact=Impact.MAJOR), ("min_impact",)),
            "held back from slack:C1: below its min_impact major (minor impact)",
        ),
        (
            Verdict(subscription(components=("Exchange Online",)), ("components",)),
            "components Exchange Online: the incident names SharePoint Online only",
        ),
        (Verdict(subscription(regions=("Europe",)), ("regions",)), "regions Europe: the incident names Asia only"),
        (Verdict(subscription(maintenance=False), ("maintenance",)), "maintenances are not wanted"),
        (Verdict(subscription(providers=("github",)), ("providers",)), "provider acme is not subscribed to"),
        (Verdict(subscription(), (), T0, owed=True), "told since 2026-01-22 19:00 UTC"),
        (
            Verdict(subscription(min_impact=Impact.MAJOR), ("min_impact",), T0, owed=True),
            "told since 2026-01-22 19:00 UTC, although this filter holds it back: below its min_impact major",
        ),
        (
            Verdict(subscription(), (), owed=True),
            "but nothing was news since the subscription was made; what is said next will be told",
        ),
    ],
)
def test_why_a_destination_is_told_or_not(verdict: Verdict, sentence: str) -> None:
    assert sentence in verdict_words(verdict, MINOR)


def test_history_is_said_to_have_been_learnt_in_silence() -> None:
    over = incident("i1", update(seen_late(120, "1")), status=Status.RESOLVED, resolved_at=at(30))
    assert "it was over when its source was first read, at 2026-01-22 21:00 UTC" in verdict_words(
        Verdict(subscription()), over
    )
    old = incident("i1", update(seen_late(3 * 1440, "1")))
    assert "older than a day when first read" in verdict_words(Verdict(subscription()), old)


def test_a_destination_without_a_subscription_is_said_to_have_none() -> None:
    assert words(Account(SPOKEN), TEAMS).endswith("teams:ops has no subscription.")


DISCORD = Destination("discord", "11")


@pytest.mark.parametrize(
    ("provider", "reason"),
    [("slack", "whose own platform is in trouble"), ("acme", "where deliveries failed for good")],
)
def test_a_fallback_is_named_with_the_destination_and_the_reason(provider: str, reason: str) -> None:
    stand_in = delivery("p", Act.POST, destination=DISCORD, instead=SLACK)
    said = words(Account(replace(SPOKEN, provider=provider), (stand_in,)), DISCORD)
    assert "told to discord:11 (the fallback of slack:C1) at 2026-01-22 19:01 UTC" in said
    assert f"discord:11: as the fallback of slack:C1, {reason}." in said
    assert "no subscription" not in said
    assert "no message of its own" not in said


# --- asked of the ledger -----------------------------------------------------------------------------------------


@pytest.fixture
async def memory() -> AsyncIterator[SqlStore]:
    store = open_store("sqlite://")
    await store.upgrade()
    yield store
    await store.close()


def vocabulary(_: str) -> Vocabulary:
    return Vocabulary({"Mail": (), "Chat": ()})


def tell(ledger: Ledger, now: Incident) -> None:
    ledger.save([change(now)])
    for routing in routings(change(now), Waking.AWAKE, vocabulary(""), T0):
        ledger.route(routing, T0)


async def test_the_account_is_what_the_routing_statement_decided(memory: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        ledger.subscribe(subscription(SLACK, components=("Mail",)))
        ledger.subscribe(subscription(TEAMS, components=("Chat",)))
        tell(ledger, incident("i1", update(POST), components=("Mail",), references=("AC1",)))

    await memory.write(work)
    told = await memory.read(lambda ledger: account(ledger, "ac1", vocabulary))
    assert told is not None
    said = words(told)
    assert "owed to slack:C1: a new message, not sent yet." in said
    assert "told since 2026-01-22 19:00 UTC" in said
    assert "held back from teams:ops: components Chat: the incident names Mail only." in said
    assert "owed to teams:ops" not in said


async def test_the_account_for_one_destination_leaves_out_the_others(memory: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        ledger.subscribe(subscription(SLACK))
        ledger.subscribe(subscription(TEAMS))
        tell(ledger, incident("i1", update(POST)))

    await memory.write(work)
    told = await memory.read(lambda ledger: account(ledger, "i1", vocabulary, TEAMS))
    assert told is not None
    assert {owed.destination for owed in told.deliveries} == {TEAMS}
    assert [verdict.subscription.to for verdict in told.verdicts] == [TEAMS]


async def test_the_account_holds_what_was_told_of_the_absorbed_one(memory: SqlStore) -> None:
    def work(ledger: Ledger) -> None:
        ledger.subscribe(subscription(SLACK))
        tell(ledger, incident("i2", update(PAGE)))
        tell(ledger, incident("i1", update(POST)))
        both = incident("i1", update(POST), update(PAGE))
        ledger.save([change(both, incident("i1", update(POST)), absorbed=["i2"])])

    await memory.write(work)
    told = await memory.read(lambda ledger: account(ledger, "i2", vocabulary))
    assert told is not None
    assert (told.incident.id, [owed.incident for owed in told.deliveries]) == ("i1", ["i2", "i1"])
    assert "i2 turned out to be this one." in words(told)


async def test_what_nobody_knows_has_no_account(memory: SqlStore) -> None:
    assert await memory.read(lambda ledger: account(ledger, "XX1", vocabulary)) is None
