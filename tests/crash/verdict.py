"""What must hold once all is quiet: reckoned from the program's own ledger, and from the story, each by itself."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bot.markup import embed
from tests.crash.arena import Arena, Arrival, Life
from tests.crash.story import Story

Json = dict[str, Any]
CHANNELS = ("slack:C1", "discord:42")  #: can be asked: exactly once, and in order
DEAF = ("teams:ops", "webhook:own")  #: cannot: at least once, under one key
TELLING = ("create", "post", "reply")
#: Another incident that a message names beside its own, by the words of its first post while it has no title.
NEIGHBOUR = re.compile(r'(?:Possibly the same as: |Again: like )[^"\\]{0,120}?\(zq\d{5}w\)')


@dataclass(frozen=True, slots=True)
class Told:
    """A message as it came: its delivery's key, its words, and the thread that it stands in ("" for the channel)."""

    key: str
    words: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands where at the end, by destination: messages as they came, and the standing ones as they read now."""

    told: Mapping[str, Sequence[Told]]
    standing: Mapping[str, Sequence[str]]


def shown(arena: Arena, deliveries: Sequence[Json]) -> Shown:
    """What the platforms keep. A webhook's body has the whole incident: of it, the updates that its delivery tells."""
    slack, discord = arena.slack, arena.discord
    updates = {one["key"]: one["updates"] for one in deliveries}
    told = {
        "slack:C1": [
            Told(one["metadata"]["event_payload"]["key"], json.dumps(one), one.get("thread_ts") or "")
            for one in slack.posted
        ],
        "discord:42": [
            Told(
                one["embeds"][-1]["footer"]["text"],
                json.dumps(one),
                "" if one["channel_id"] == "42" else one["channel_id"],
            )
            for one in discord.posted
        ],
        "teams:ops": [
            Told(key, json.dumps(card)) for key, card in zip(arena.teams.keys, arena.teams.cards, strict=True)
        ],
        "webhook:own": [
            Told(
                key,
                json.dumps(
                    [one for one in body["data"]["incident"]["incident_updates"] if one["id"] in updates.get(key, ())]
                ),
            )
            for key, body in zip(arena.hook.keys, arena.hook.bodies, strict=True)
        ],
    }
    standing = {
        "slack:C1": [json.dumps(one) for one in slack.messages if not one.get("thread_ts")],
        "discord:42": [json.dumps(one) for one in discord.channels["42"]],
    }
    return Shown(told, standing)


def faults(arena: Arena, story: Story, deliveries: Sequence[Json], incidents: Sequence[Json]) -> list[str]:
    """Every promise that was not kept, in words; none where all were."""
    seen = shown(arena, deliveries)
    return [
        *unsettled(deliveries),
        *owed(incidents, deliveries),
        *against_the_ledger(seen, deliveries),
        *against_the_story(seen, story),
        *out_of_order(seen, story, deliveries),
        *outdated(seen, story),
        *repeated(arena),
        *complaints(arena.lives),
    ]


def unsettled(deliveries: Iterable[Json]) -> Iterator[str]:
    """Every delivery was sent, or held back: an edit for a newer one, words for a message that tells several together.

    (That those were told is for `owed` to see.)
    """
    for one in deliveries:
        if one["state"] not in ("sent", "held"):
            yield f"{one['key']} is {one['state']} ({one['reason']})"


def owed(incidents: Iterable[Json], deliveries: Iterable[Json]) -> Iterator[str]:
    """Each update of the timeline was told by one delivery at each destination."""
    sent = [one for one in deliveries if one["act"] in TELLING and one["state"] == "sent"]
    told = Counter((update, one["destination"]) for one in sent for update in one["updates"])
    for incident in incidents:
        for update in incident["incident_updates"]:
            for destination in (*CHANNELS, *DEAF):
                if (times := told[update["id"], destination]) != 1:
                    yield f"{destination}: {times} deliveries tell of update {update['id']} ({update['body']})"


def against_the_ledger(seen: Shown, deliveries: Sequence[Json]) -> Iterator[str]:
    """Each delivery that the ledger calls sent stands there, once where the platform can be asked; and no other."""
    for destination, told in seen.told.items():
        wanted = {
            mark(one)
            for one in deliveries
            if one["destination"] == destination and one["act"] in TELLING and one["state"] == "sent"
        }
        came = Counter(one.key for one in told)
        for key in wanted - came.keys():
            yield f"{destination}: {key} was sent by the ledger and never came"
        for key in came.keys() - wanted:
            yield f"{destination}: {key} came and is not in the ledger"
        for key, times in came.items():
            if times > 1 and destination in CHANNELS:
                yield f"{destination}: {key} came {times} times"


def mark(delivery: Json) -> str:
    """By what a delivery's message is known at its destination: its key, on Discord as the footer has it."""
    key: str = delivery["key"]
    return embed.footer(key) if delivery["destination"].startswith("discord") else key


def against_the_story(seen: Shown, story: Story) -> Iterator[str]:
    """The words of each update came to each destination, under one key, once where the platform can be asked."""
    for destination, told in seen.told.items():
        for word in (word for thread in story.threads for word in thread.words):
            bearing = telling(told, word)
            if not bearing:
                yield f"{destination}: the words {word} never came"
            elif len(set(bearing)) > 1 or (len(bearing) > 1 and destination in CHANNELS):
                yield f"{destination}: the words {word} came more than once: {bearing}"


def telling(told: Sequence[Told], word: str) -> list[str]:
    """The keys of the messages that tell an update. (An opening that came late shows the newest words as well.)"""
    bearing = [one for one in told if word in NEIGHBOUR.sub("", one.words)]
    return [one.key for one in bearing if one.thread] or [one.key for one in bearing]


def out_of_order(seen: Shown, story: Story, deliveries: Sequence[Json]) -> Iterator[str]:
    """Each incident was told in the ledger's order and, where one source told it, in that source's order."""
    for destination, told in seen.told.items():
        firsts = list(dict.fromkeys(one.key for one in told))
        lanes = defaultdict(list)
        for one in sorted(deliveries, key=lambda one: int(one["id"])):
            if one["destination"] == destination and one["act"] in TELLING:
                lanes[one["incident"]].append(mark(one))
        for incident, keys in lanes.items():
            came = [key for key in firsts if key in keys]
            if came != [key for key in keys if key in came]:
                yield f"{destination}: {incident} was told in another order than it was owed: {came}"
        for thread in (thread for thread in story.threads if not thread.from_x):
            places = [firsts.index(key) for word in thread.words for key in telling(told, word)[:1]]
            if places != sorted(places):
                yield f"{destination}: {thread.words} came in another order: {places}"


def outdated(seen: Shown, story: Story) -> Iterator[str]:
    """The standing message of each incident reads as the newest words do; there is one of each."""
    for destination, messages in seen.standing.items():
        if len(messages) != len(story.threads):
            yield f"{destination}: {len(messages)} standing messages for {len(story.threads)} incidents"
        for thread in story.threads:
            if not any(thread.newest in message for message in messages):
                yield f"{destination}: no standing message shows {thread.newest}, the newest of {thread.words}"


def repeated(arena: Arena) -> Iterator[str]:
    """Where nobody can be asked, a message came again only if the program could not know that it had arrived."""
    for destination, arrivals in arena.arrivals.items():
        by_key: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in arrivals:
            by_key[arrival.key].append(arrival)
        for came in by_key.values():
            for before, after in pairwise(came):
                if not excused(before, arena.lives[before.life]):
                    yield f"{destination}: {before} was repeated by {after} without need"


def excused(arrival: Arrival, life: Life) -> bool:
    """Whether its answer was lost, or its program killed before that was written down."""
    return not arrival.fault.answers or (life.killed and arrival.key not in life.written)


def complaints(lives: Iterable[Life]) -> Iterator[str]:
    """No life stumbled over its own feet."""
    for life in lives:
        if "Traceback" in life.program.tale:
            yield f"life {life.number} stumbled: {life.program.tale[-3000:]}"
