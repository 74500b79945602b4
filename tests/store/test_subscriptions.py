from __future__ import annotations

from dataclasses import replace

import pytest

from bot.model import Destination, Impact, Mode, Subscription
from bot.ports import Ledger
from bot.store import SqlStore
from bot.store.subscriptions import destination_of
from tests.store.build import SLACK, T0, TEAMS, routing, subscription

FULL = Subscription(
    SLACK,
    providers=("acme", "github"),
    components=("Exchange Online",),
    min_impact=Impact.MINOR,
    mode=Mode.EDIT,
    regions=("Europe",),
    maintenance=False,
    mention={"critical": "<!here>", "minor": ""},
    fallback=Destination("discord", "1122"),
    origin="command",
)


def told(ledger: Ledger, provider: str) -> int:
    """How many destinations would be told of a new incident of a provider."""
    return ledger.route(routing(incident=f"of {provider}", provider=provider), T0)


async def test_a_subscription_comes_back_with_its_id(store: SqlStore) -> None:
    kept = await store.write(lambda ledger: ledger.subscribe(FULL))
    assert kept == replace(FULL, id=kept.id)
    assert kept.id > 0
    assert await store.read(lambda ledger: ledger.subscriptions()) == [kept]


@pytest.mark.parametrize("text", ["console", "slack:C1", "webhook:a:b"])
def test_a_destination_is_read_as_it_is_written(text: str) -> None:
    assert str(destination_of(text)) == text


async def test_the_same_providers_again_replace_the_rest(store: SqlStore) -> None:
    first = await store.write(lambda ledger: ledger.subscribe(FULL))
    again = subscription(SLACK, Mode.POST, providers=("GitHub", "acme"))
    second = await store.write(lambda ledger: ledger.subscribe(again))
    assert second == replace(again, id=first.id)
    assert await store.read(lambda ledger: ledger.subscriptions()) == [second]
    assert await store.write(lambda ledger: told(ledger, "github")) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(FULL, providers=("acme",)),
        replace(FULL, providers=()),
        replace(FULL, to=TEAMS),
        replace(FULL, origin="file"),
    ],
)
async def test_other_providers_destinations_or_origins_stand_beside(store: SqlStore, other: Subscription) -> None:
    await store.write(lambda ledger: ledger.subscribe(FULL))
    await store.write(lambda ledger: ledger.subscribe(other))
    kept = await store.read(lambda ledger: ledger.subscriptions())
    assert [replace(each, id=0) for each in kept] == [FULL, other]


async def test_a_provider_is_taken_off(store: SqlStore) -> None:
    kept = await store.write(lambda ledger: ledger.subscribe(FULL))
    gone = await store.write(lambda ledger: ledger.unsubscribe(SLACK, ["ACME", "none"]))
    assert gone == [replace(kept, providers=("acme",))]
    assert await store.read(lambda ledger: ledger.subscriptions()) == [replace(kept, providers=("github",))]
    assert await store.write(lambda ledger: (told(ledger, "acme"), told(ledger, "github"))) == (0, 1)


async def test_the_last_provider_takes_the_subscription_with_it(store: SqlStore) -> None:
    kept = await store.write(lambda ledger: ledger.subscribe(FULL))
    assert await store.write(lambda ledger: ledger.unsubscribe(SLACK, ["github", "acme"])) == [kept]
    assert await store.read(lambda ledger: ledger.subscriptions()) == []


async def test_all_are_taken_off_where_no_provider_is_named(store: SqlStore) -> None:
    kept = [
        await store.write(lambda ledger, each=each: ledger.subscribe(each))  # type: ignore[misc]
        for each in (FULL, subscription(SLACK), subscription(TEAMS))
    ]
    assert await store.write(lambda ledger: ledger.unsubscribe(SLACK, [])) == kept[:2]
    assert await store.read(lambda ledger: ledger.subscriptions()) == kept[2:]


async def test_what_was_not_asked_for_by_command_stays(store: SqlStore) -> None:
    await store.write(lambda ledger: ledger.subscribe(replace(FULL, origin="file")))
    everything = await store.write(lambda ledger: ledger.subscribe(subscription(SLACK)))
    assert await store.write(lambda ledger: ledger.unsubscribe(SLACK, ["acme"])) == []
    assert await store.write(lambda ledger: ledger.unsubscribe(TEAMS, [])) == []
    assert everything in await store.read(lambda ledger: ledger.subscriptions())
    assert len(await store.read(lambda ledger: ledger.subscriptions())) == 2


async def test_the_file_s_subscriptions_are_exactly_those_of_the_file(store: SqlStore) -> None:
    own = await store.write(lambda ledger: ledger.subscribe(FULL))
    mail, chat = subscription(SLACK, components=("Mail",)), subscription(SLACK, components=("Chat",))
    await store.write(lambda ledger: ledger.adopt_file([mail, chat]))
    _, first, second = await store.read(lambda ledger: ledger.subscriptions())
    assert [replace(each, id=0) for each in (first, second)] == [replace(each, origin="file") for each in (mail, chat)]
    await store.write(lambda ledger: ledger.adopt_file([subscription(TEAMS), chat]))
    kept = await store.read(lambda ledger: ledger.subscriptions())
    assert kept[:2] == [own, second]
    assert replace(kept[2], id=0) == subscription(TEAMS, origin="file")
    await store.write(lambda ledger: ledger.adopt_file([]))
    assert await store.read(lambda ledger: ledger.subscriptions()) == [own]
