from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.answer.desk import TROUBLE, Desk
from bot.answer.reply import VALUE, Asker, Form, Reply, Verb, Wish
from bot.catalog import catalogue
from bot.core.summary import Line
from bot.errors import StatusbotError
from bot.markup import PLAIN
from bot.model import (
    Act,
    Belief,
    Destination,
    Directory,
    Impact,
    Incident,
    Mode,
    Mute,
    Provider,
    Sighting,
    Source,
    State,
    Status,
)
from bot.notifiers import mode_for
from bot.ports import Ledger, Store
from bot.store import SqlStore, open_store
from tests.store.build import SLACK, at, change, incident, report, update
from tests.support.clock import StillClock

ACME = Provider(
    "acme",
    "Acme Cloud",
    (Source("acme/page", "acme", "page", "statuspage"), Source("acme/x", "acme", "x", "x")),
    aliases=("acme inc",),
    components={"Mail": ("Outlook", "mailbox"), "Chat": ()},
)
OTHER = Provider("other", "Other Things", (Source("other/page", "other", "page", "statuspage"),))
DIRECTORY = Directory({"acme": "Acme Cloud", "other": "Other Things"}, {"acme/page": "the status page", "acme/x": "X"})
ANN = Asker(SLACK, "U1")
MAIL = incident(
    "3fa9c1d20b7e",
    update(report("1", text="Users cannot send mail.")),
    title="Mail is down",
    references=("AC1221",),
    components=("Mail",),
    impact=Impact.MAJOR,
)
OVER = incident(
    "0b7e3fa9c1d2",
    update(report("2", minutes=1, text="All is well again."), status=Status.RESOLVED),
    title="Slow chat",
    status=Status.RESOLVED,
    resolved_at=at(1),
)


class Woken:
    """Counts how often there was something to send."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
async def store() -> AsyncIterator[SqlStore]:
    kept = open_store("sqlite://")
    await kept.upgrade()
    yield kept
    await kept.close()


def desk(store: Store, wake: Woken | None = None, providers: Sequence[Provider] = (ACME, OTHER)) -> Desk:
    return Desk(store, providers, DIRECTORY, {}, StillClock(at(5)), mode_for, wake or Woken())


async def knows(store: SqlStore, *incidents: Incident) -> None:
    await store.write(lambda ledger: ledger.save([change(entry) for entry in incidents]))


async def owed(store: SqlStore, to: Destination = SLACK) -> list[tuple[str, Act]]:
    every = await store.read(lambda ledger: ledger.deliveries(states=(State.PENDING,)))
    return [(entry.incident, entry.act) for entry in every if entry.destination == to]


def told(reply: Reply | Form) -> str:
    """Everything that a reader sees of an answer."""
    assert isinstance(reply, Reply)
    lines: list[Line] = [reply.text]
    for row in reply.rows:
        lines += [(row.mark, " ", *row.head), *row.body]
    return "\n".join([*map(PLAIN.line, lines), reply.more])


# --- subscriptions -----------------------------------------------------------------------------------------------


async def test_to_subscribe_with_words(store: SqlStore) -> None:
    reply = await desk(store).ask(ANN, 'subscribe "Acme Cloud" outlook --min major --mode edit')
    made = (await store.read(lambda ledger: ledger.subscriptions()))[0]
    assert (made.to, made.providers, made.components) == (SLACK, ("acme",), ("Mail",))
    assert (made.min_impact, made.mode) == (Impact.MAJOR, Mode.EDIT)
    assert "Acme Cloud" in told(reply)
    assert "Nothing is open now." in told(reply)
    assert isinstance(reply, Reply)
    assert not reply.private  # everybody in the channel sees what it will be told


async def test_what_is_open_and_was_told_before_is_not_denied(store: SqlStore) -> None:
    await knows(store, MAIL)
    assert "1 open incident now, told here in a moment" in told(await desk(store).ask(ANN, "subscribe acme"))
    again = told(await desk(store).ask(ANN, "subscribe acme --mode edit"))
    assert "1 open incident now, told here before" in again
    assert "Nothing is open" not in again


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("mute", "Mute what? Like this: /bot mute MO1221364 2h"),
        ("subscribe acme --min", "--min needs a value. Like this: /bot subscribe"),
        ("why nothing-like-it", "; /bot timeline lists them."),
        ("help", "/bot unsubscribe microsoft-365"),
        ("wht", "/bot unsubscribe microsoft-365"),
    ],
)
async def test_commands_are_shown_as_they_are_typed_where_somebody_asks(
    store: SqlStore, typed: str, expected: str
) -> None:
    assert expected in told(await desk(store).ask(replace(ANN, before="/bot "), typed))


async def test_where_each_argument_is_asked_for_no_line_is_shown_to_be_typed(store: SqlStore) -> None:
    assert told(await desk(store).mute(replace(ANN, before="/", asked_each=True), "")) == "Mute what?\n"


async def test_to_subscribe_with_nothing_asks_for_the_dialog(store: SqlStore) -> None:
    assert await desk(store).ask(ANN, "subscribe") == Form(Wish())
    assert await desk(store).press(ANN, Verb.SUBSCRIBE, "acme") == Form(Wish(("acme",)))


async def test_a_new_subscriber_is_told_what_is_open_now_once(store: SqlStore) -> None:
    woken = Woken()
    await knows(store, MAIL, OVER)
    reply = await desk(store, woken).ask(ANN, "subscribe acme")
    assert "1 open incident now" in told(reply)
    assert await owed(store) == [(MAIL.id, Act.CREATE)]
    assert woken.times == 1
    await desk(store).ask(ANN, "subscribe acme --min minor")
    assert await owed(store) == [(MAIL.id, Act.CREATE)]


async def test_a_new_subscriber_hears_of_no_maintenance_that_lies_ahead(store: SqlStore) -> None:
    ahead = replace(MAIL, maintenance=True, status=Status.SCHEDULED, starts=at(600))
    await knows(store, ahead)
    await desk(store).ask(ANN, "subscribe acme")
    assert await owed(store) == []


async def test_the_greeting_heeds_the_filter(store: SqlStore) -> None:
    await knows(store, MAIL)
    await desk(store).ask(ANN, "subscribe acme Chat")
    assert await owed(store) == []


async def test_whoever_may_not_is_told_why_and_changes_nothing(store: SqlStore) -> None:
    bob = Asker(SLACK, "U2", may=False, why_not="That needs the permission Manage Channels.")
    for words in ("subscribe acme", "subscribe", "unsubscribe acme", "mute acme", "unmute acme"):
        assert told(await desk(store).ask(bob, words)).startswith("That needs the permission Manage Channels.")
    assert await store.read(lambda ledger: (ledger.subscriptions(), ledger.mutes())) == ([], [])
    assert (await desk(store).status(bob)).done


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("subscribe acne", 'did you mean "acme"?'),
        ("subscribe github", "(watched: acme, other)"),
        ("subscribe acme othr", '"othr" is not watched here; did you mean "other"?'),
        ("unsubscribe acne", 'did you mean "acme"?'),
        ("unsubscribe acme Mail", "taken off as a whole"),
        ("subscribe acme --min majr", 'did you mean "major"?'),
        ("subscribe acme --mode thred", 'did you mean "thread"?'),
        ("subscribe acme --min huge", '"huge" is no impact'),
        ("subscribe acme --mode loud", '"loud" is no mode'),
        ("subscribe acme --mention critical=@everyone-else", "can be called"),
        ("subscribe acme --mention soon=@here", "--mention is written like this"),
        ("subscribe --min major", "Which provider?"),
        ("status acne", 'did you mean "acme"?'),
        ("why", "Which incident?"),
        ("why AC1212", 'did you mean "AC1221"?'),
        ("why AC7717", 'did you mean "AC7777"?'),
        ("timeline nothing-like-it", "is no incident that I know"),
        ("timeline acme clod", 'did you mean "Acme Cloud"?'),
        ("mute acne 2h", 'did you mean "acme"?'),
        ("unmute othr", 'did you mean "other"?'),
        ("mute", "Mute what?"),
        ("mute acme 2y", "is no incident that I know"),
        ("unmute", "Unmute what?"),
        ("dance", 'I do not know "dance".'),
        ("statsu", 'did you mean "status"?'),
        ("subscribe acme " + "ab " * 6000, "more than can be understood"),
        ("unsubscribe " + "ab " * 6000, "more than can be understood"),
        ("subscribe acme " + "x" * 20_000, "so long a name"),
    ],
)
async def test_nonsense_is_answered_with_the_mend(store: SqlStore, line: str, words: str) -> None:
    await knows(store, MAIL, replace(OVER, references=("AC7777",)))
    reply = await desk(store).ask(ANN, line)
    assert words in told(reply)
    assert isinstance(reply, Reply)
    assert (reply.done, reply.private) == (False, True)
    assert await store.read(lambda ledger: (ledger.subscriptions(), ledger.mutes())) == ([], [])


async def test_whom_a_subscription_calls(store: SqlStore) -> None:
    wish = Wish(("acme",), mention={"critical": "<!here>", "major": "<@&42> <!subteam^S012|@ops>"})
    assert (await desk(store).subscribe(ANN, wish)).done
    made = (await store.read(lambda ledger: ledger.subscriptions()))[0]
    assert made.mention == wish.mention


async def test_a_provider_may_be_wished_for_by_its_name(store: SqlStore) -> None:
    assert (await desk(store).subscribe(ANN, Wish((ACME.name.upper(),)))).done
    assert [one.providers for one in await store.read(lambda ledger: ledger.subscriptions())] == [("acme",)]


async def test_a_component_that_nobody_knows_is_pointed_out(store: SqlStore) -> None:
    assert "Not a name that I know: Teleporter" in told(await desk(store).ask(ANN, "subscribe acme Teleporter"))


@pytest.mark.parametrize(
    ("line", "components"),
    [
        ('microsoft-365 "Exchange Online" --min major', ("Exchange Online",)),
        ('"Exchange Online" microsoft-365', ("Exchange Online",)),
        ("microsoft-365 Exchange Online", ("Exchange Online",)),
        ("Microsoft 365 exchange online SharePoint", ("Exchange Online", "SharePoint Online")),
        ("microsoft 365 outlook on the web", ("Exchange Online",)),
        ("microsoft-365 microsoft-365", ()),
        ("exchange online", ()),  # alone it is the provider's alias, as on the command line
    ],
)
async def test_the_catalogue_s_names_as_people_write_them(
    store: SqlStore, line: str, components: tuple[str, ...]
) -> None:
    watched = catalogue()["microsoft-365"]
    reply = await desk(store, providers=(watched, OTHER)).ask(ANN, f"subscribe {line}")
    made = (await store.read(lambda ledger: ledger.subscriptions()))[0]
    assert (made.providers, made.components) == (("microsoft-365",), components)
    assert "Not a name" not in told(reply)


async def test_a_provider_and_its_component_are_not_taken_for_one_name(store: SqlStore) -> None:
    named = incident("5a5a5a5a5a5a", update(report("3")), provider="github", components=("Actions", "GitHub Pages"))
    await knows(store, named)
    here = desk(store, providers=(catalogue()["github"], OTHER))
    for line, components in (
        ("github actions", ("Actions",)),
        ("GitHub Copilot", ("Copilot",)),
        ("github GitHub Pages", ("GitHub Pages",)),
        ('"GitHub Actions"', ()),
    ):
        await here.ask(ANN, f"subscribe {line}")
        (made,) = await store.read(lambda ledger: ledger.subscriptions())
        assert (made.providers, made.components) == (("github",), components), line


async def test_components_that_incidents_have_named_are_known(store: SqlStore) -> None:
    named = incident("5a5a5a5a5a5a", update(report("3")), provider="other", components=("Spare Parts", "Engine"))
    await knows(store, named)
    here = desk(store)
    assert [choice.value for choice in await here.components(["other"], "")] == ["Spare Parts", "Engine"]
    assert [choice.value for choice in await here.components(["other"], "par")] == ["Spare Parts"]
    assert [choice.value for choice in await here.components(["acme"], "")] == ["Mail", "Chat"]
    assert 'Engin; did you mean "Engine"?' in told(await here.ask(ANN, "subscribe other spare parts Engin"))
    made = (await store.read(lambda ledger: ledger.subscriptions()))[0]
    assert made.components == ("Spare Parts", "Engin")


async def test_to_unsubscribe(store: SqlStore) -> None:
    here = desk(store)
    await here.ask(ANN, "subscribe acme")
    await here.ask(ANN, "subscribe other")
    reply = await here.ask(ANN, "unsubscribe acme")
    assert "Told no more here: Acme Cloud." in told(reply)
    assert "Other Things" in told(reply)
    assert "no subscription to Acme Cloud" in told(await here.ask(ANN, "unsubscribe acme"))
    assert "Other Things" in told(await here.ask(ANN, "unsubscribe"))
    assert await store.read(lambda ledger: ledger.subscriptions()) == []


async def test_to_unsubscribe_from_what_is_watched_no_more(store: SqlStore) -> None:
    from tests.store.build import subscription

    await store.write(lambda ledger: ledger.subscribe(subscription(SLACK, providers=("bygone",))))
    assert "Told no more here: bygone." in told(await desk(store).ask(ANN, "unsubscribe bygone"))


async def test_what_stands_in_the_file_is_marked_and_stays(store: SqlStore) -> None:
    from tests.store.build import subscription

    await store.write(lambda ledger: ledger.adopt_file([subscription(SLACK, providers=("acme",))]))
    assert "from statusbot.toml" in told(await desk(store).ask(ANN, "subscriptions"))
    reply = await desk(store).ask(ANN, "unsubscribe acme")
    assert "statusbot.toml" in told(reply)
    assert len(await store.read(lambda ledger: ledger.subscriptions())) == 1


async def test_a_channel_without_subscription_is_offered_one(store: SqlStore) -> None:
    reply = await desk(store).subscriptions(ANN)
    assert [button.verb for button in reply.buttons] == [Verb.SUBSCRIBE]


async def test_another_channel_s_subscriptions_are_not_shown(store: SqlStore) -> None:
    await desk(store).ask(Asker(Destination("slack", "C2"), "U1"), "subscribe acme")
    assert "no subscription" in told(await desk(store).ask(ANN, "subscriptions"))
    assert "slack:C2" in told(await desk(store).home("slack"))
    assert "slack:C2" not in told(await desk(store).home("discord"))


# --- what is known -----------------------------------------------------------------------------------------------


async def test_nothing_is_called_well_that_was_not_read(store: SqlStore) -> None:
    assert told(await desk(store).ask(ANN, "status")).startswith("No trouble known, 2 unknown.")


async def test_the_status_of_all(store: SqlStore) -> None:
    await knows(store, MAIL)
    well = Sighting("other/page", Belief.OK, since=at(0), read_at=at(4), asked_at=at(4))
    dead = Sighting("acme/page", Belief.UNREADABLE, since=at(2), reason="429 Too Many Requests", failures=3)
    await store.write(lambda ledger: ledger.save_sightings([well, dead]))
    words = told(await desk(store).ask(ANN, "status"))
    assert words.startswith("1 in trouble.\n🟠 Acme Cloud")
    assert "The status page has given no readable answer since 2026-01-22 19:02 UTC (429 Too Many Requests)" in words
    assert "✅ Other Things\nno trouble reported" in words
    alone = told(await desk(store).ask(ANN, "status acme inc"))
    assert "Mail is down" in alone
    assert alone.startswith("🟠 Acme Cloud: 1 open incident")
    assert alone.count("🟠 Acme Cloud") == 2  # once for the provider, once for its incident
    assert "⚠️ Not to be relied on\nThe status page has given no readable answer" in alone


async def test_the_timeline_and_one_incident(store: SqlStore) -> None:
    await knows(store, MAIL, OVER)
    reply = await desk(store).timeline(ANN)
    assert told(reply).startswith("1 open, 1 over in the last 7 days.")
    assert reply.buttons[0].value == MAIL.id
    one = await desk(store).ask(ANN, "timeline AC1221")
    assert "Users cannot send mail." in told(one)
    assert isinstance(one, Reply)
    assert {button.verb for button in one.buttons} == {Verb.WHY, Verb.MUTE}
    assert "Slow chat" in told(await desk(store).ask(ANN, "timeline acme"))
    assert "Slow chat" in told(await desk(store).ask(ANN, "timeline Acme Cloud"))


async def test_why(store: SqlStore) -> None:
    await knows(store, MAIL)
    await desk(store).ask(ANN, "subscribe acme Chat")
    words = told(await desk(store).ask(ANN, "why AC1221"))
    assert "components Chat: the incident names Mail only" in words
    await desk(store).ask(ANN, "mute acme")
    assert "it was muted there" in told(await desk(store).ask(ANN, "why AC1221"))


# --- quiet -------------------------------------------------------------------------------------------------------


async def test_to_mute_an_incident_for_a_while(store: SqlStore) -> None:
    await knows(store, MAIL)
    reply = await desk(store).ask(ANN, "mute AC1221 2h")
    assert "Muted here: Mail is down [AC1221] until 2026-01-22 21:05 UTC" in told(reply)
    assert await store.read(lambda ledger: ledger.mutes()) == [Mute(SLACK, incident=MAIL.id, until=at(125))]
    assert "🔕 Mail is down" in told(await desk(store).ask(ANN, "subscriptions"))
    assert isinstance(reply, Reply)
    await desk(store).press(ANN, reply.buttons[0].verb, reply.buttons[0].value)
    assert await store.read(lambda ledger: ledger.mutes()) == []


@pytest.mark.parametrize("length", ["2h", "2 hours", "for 2 hours", "120 min"])
async def test_how_long_is_written_as_people_do(store: SqlStore, length: str) -> None:
    await desk(store).ask(ANN, f"mute acme {length}")
    assert await store.read(lambda ledger: ledger.mutes()) == [Mute(SLACK, provider="acme", until=at(125))]


async def test_what_a_muted_channel_is_still_told_depends_on_whether_it_is_told_at_all(store: SqlStore) -> None:
    """A button outlives the subscription by which its message came."""
    await desk(store).ask(ANN, "subscribe acme")
    await knows(store, MAIL)
    assert "its end is told" in told(await desk(store).press(ANN, Verb.MUTE, MAIL.id))
    await desk(store).ask(ANN, "unsubscribe acme")
    reply = told(await desk(store).press(ANN, Verb.MUTE, MAIL.id))
    assert "no subscription" in reply
    assert "its end is told" not in reply


async def test_an_incident_that_is_over_is_muted_without_a_promise_of_its_end(store: SqlStore) -> None:
    await desk(store).ask(ANN, "subscribe acme")
    await knows(store, OVER)
    reply = told(await desk(store).press(ANN, Verb.MUTE, OVER.id))
    assert "It is over as far as is known." in reply
    assert "its end is told" not in reply


async def test_to_mute_a_provider_by_its_name(store: SqlStore) -> None:
    await desk(store).ask(ANN, "mute acme cloud")
    assert await store.read(lambda ledger: ledger.mutes()) == [Mute(SLACK, provider="acme")]


async def test_whoever_unmutes_is_told_what_began_meanwhile(store: SqlStore) -> None:
    here = desk(store)
    await here.ask(ANN, "subscribe acme")
    await here.ask(ANN, "mute acme")
    await knows(store, MAIL)
    assert "Told again here: Acme Cloud." in told(await here.ask(ANN, "unmute acme"))
    assert await owed(store) == [(MAIL.id, Act.CREATE)]
    assert "was not muted" in told(await here.ask(ANN, "unmute acme"))


# --- while somebody types, and when it goes wrong -----------------------------------------------------------------


async def test_suggestions(store: SqlStore) -> None:
    await knows(store, MAIL, OVER)
    here = desk(store)
    assert [choice.value for choice in here.providers("ac")] == ["acme"]
    assert [choice.value for choice in here.providers("")] == ["acme", "other"]
    assert [choice.value for choice in await here.components(["acme"], "outl")] == ["Mail"]
    assert [choice.value for choice in await here.incidents("")] == [MAIL.id, OVER.id]
    assert [choice.words for choice in await here.incidents("ac1221")] == ["Mail is down [AC1221]"]


async def test_what_buttons_and_choices_bear_fits_every_platform(store: SqlStore) -> None:
    long = replace(MAIL, title="x" * 5000, references=tuple(f"AC{number}" for number in range(100)))
    await knows(store, long)
    for words in ("timeline", f"timeline {MAIL.id}", f"mute {MAIL.id}", "status acme"):
        reply = await desk(store).ask(ANN, words)
        assert isinstance(reply, Reply)
        assert all(len(button.value) <= VALUE for button in reply.buttons)
        assert len(reply.rows) <= 16
    assert all(len(choice.words) <= 100 for choice in await desk(store).incidents(""))


class Broken:
    """A database that does not answer."""

    async def write(self, work: Any) -> Any:
        raise StatusbotError("the database is gone")

    read = write


@pytest.mark.parametrize("line", ["status", "subscribe acme", "mute acme", "why AC1", "timeline", "subscriptions"])
async def test_a_database_that_does_not_answer(line: str) -> None:
    here = Desk(Broken(), (ACME,), DIRECTORY, {}, StillClock(), mode_for)  # type: ignore[arg-type]
    assert await here.ask(ANN, line) == TROUBLE
    assert await here.incidents("") == []
    assert [choice.value for choice in await here.components(["acme"], "")] == ["Mail", "Chat"]  # known by heart


async def test_the_file_s_new_subscribers_are_greeted(store: SqlStore) -> None:
    from bot.app import adopt
    from bot.watch import Watching
    from tests.store.build import subscription

    await knows(store, MAIL)
    watch, clock = Watching((ACME,), {}), StillClock(at(5))

    def start(ledger: Ledger) -> int:
        adopt(ledger, [subscription(SLACK, providers=("acme",))], watch, clock)
        return len(ledger.deliveries())

    assert await store.write(start) == 1
    assert await store.write(start) == 1  # the second start finds it there
