"""The dialog that subscribes a channel: a Wish as Slack's modal, and what was filled in as a Wish again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TypeVar

from bot.answer.reply import Choice, Wish
from bot.core.text import clip
from bot.frontends.slack.request import Asked, word
from bot.markup import clean
from bot.markup.blocks import Json
from bot.model import Impact, Mode

CALLBACK = "statusbot:wish"
PROVIDERS = "statusbot:providers"  #: the action of the element that says which components there are
COMPONENTS = "statusbot:components"
PICK = "statusbot:pick"  #: of every other element
VALUE = 75  #: characters of an option's value, which cannot be cut
LABEL = 75  #: characters of an option's words
CHOICES = 100  #: suggestions at once
PEOPLE = 10
NOTES = 3_000  #: characters of what Slack keeps for us with the dialog

IMPACTS = {
    Impact.NONE: "Everything",
    Impact.MINOR: "Minor and worse",
    Impact.MAJOR: "Major and worse",
    Impact.CRITICAL: "Critical only",
}
MODES = {
    Mode.THREAD: "One message, updates in its thread",
    Mode.EDIT: "One message, kept current",
    Mode.POST: "Each update a message",
}
CALLS: Mapping[str, str] = {"<!here>": "@here: who is active", "<!channel>": "@channel: everybody"}
CALLED_FROM = {
    Impact.CRITICAL: "when it is critical",
    Impact.MAJOR: "when it is major or worse",
    Impact.MINOR: "when it is minor or worse",
}

E = TypeVar("E", bound=StrEnum)
Name = Callable[[str], str]  #: a provider's id -> what people call it


@dataclass(frozen=True, slots=True)
class Notes:
    """What Slack keeps with the dialog and hands back: where it was opened, and what it does not ask."""

    channel: str
    answers: str = field(default="", repr=False)  #: the response_url of what opened it
    name: str = ""
    regions: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Notes:
        """What `written` wrote; empty where something else stands there."""
        try:
            kept = json.loads(text)
        except ValueError:
            kept = None
        regions = kept.get("regions") if isinstance(kept, dict) else None
        return cls(
            word(kept, "channel"),
            word(kept, "answers"),
            word(kept, "name"),
            tuple(each for each in regions if isinstance(each, str)) if isinstance(regions, list) else (),
        )

    def written(self) -> str:
        """As text within Slack's limit; regions beyond it are left out."""
        whole = json.dumps(asdict(self))
        return whole if len(whole) <= NOTES else json.dumps(asdict(self) | {"regions": []})


def notes_of(asked: Asked, wish: Wish) -> Notes:
    """What the dialog must remember of the request that opens it."""
    return Notes(asked.channel, asked.answers, asked.channel_name, wish.regions)


def view(wish: Wish, notes: Notes, name: Name) -> Json:
    """The modal, filled in with a wish as far as it goes."""
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "title": _text("Subscribe this channel"),
        "submit": _text("Subscribe"),
        "close": _text("Cancel"),
        "private_metadata": notes.written(),
        "blocks": [
            _input("providers", "Providers", _searched(PROVIDERS, _options(wish.providers, name)), asks=True),
            _input(
                components_block(wish.providers),
                "Components",
                _searched(COMPONENTS, _options(wish.components, str), "All of them"),
                optional=True,
            ),
            _input("impact", "From which impact on", _select(_listed(IMPACTS), wish.min_impact)),
            _input("mode", "How updates are told", _select(_listed(MODES), wish.mode or Mode.THREAD)),
            _input("maintenance", "Maintenances", _box("Tell them too", checked=wish.maintenance), optional=True),
            *_mention(wish.mention),
        ],
    }


def components_block(providers: Iterable[str]) -> str:
    """Its block's id: another for other providers, so that what was chosen of the former ones is gone."""
    return clip("components:" + ",".join(providers), 255, "")


def _mention(mention: Mapping[str, str]) -> list[Json]:
    """Whom to call, and from which impact on: the one of the least impact, where there are several."""
    least, words = min(mention.items(), key=lambda entry: Impact(entry[0]).rank, default=("critical", ""))
    called = [call for call in CALLS if call in words.split()]
    people = [part[2:-1] for part in words.split() if part.startswith("<@") and part.endswith(">")]
    everybody = _select(_listed(CALLS), called[0] if called else None, "Nobody")
    named: Json = {"type": "multi_users_select", "action_id": PICK, "max_selected_items": PEOPLE}
    named |= {"initial_users": people[:PEOPLE]} if people else {}
    return [
        _input("call", "Call somebody", everybody, optional=True),
        _input("people", "Call these people", named, optional=True),
        _input("call_from", "Call them", _select(_listed(CALLED_FROM), Impact(least))),
    ]


def wish_of(shown: object) -> Wish:
    """What stands in the dialog now. shown: the `view` of a submission, an action or a suggestion."""
    state = shown.get("state") if isinstance(shown, Mapping) else None
    values = state.get("values") if isinstance(state, Mapping) else None
    found = _Values(values if isinstance(values, Mapping) else {})
    components = next((block for block in found.blocks() if block.startswith("components:")), "")
    words = " ".join(filter(None, [found.one("call"), *(f"<@{user}>" for user in found.users("people")[:PEOPLE])]))
    called_from = _member(Impact, found.one("call_from")) or Impact.CRITICAL
    return Wish(
        providers=found.many("providers"),
        components=found.many(components),
        regions=Notes.read(word(shown, "private_metadata")).regions,
        min_impact=_member(Impact, found.one("impact")) or Impact.NONE,
        mode=_member(Mode, found.one("mode")),
        maintenance=bool(found.many("maintenance")),
        mention={called_from.value: words} if words else {},
    )


class _Values:
    """`view.state.values`: block id -> action id -> what is chosen; anything may be missing."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def blocks(self) -> list[str]:
        return [str(block) for block in self._values]

    def one(self, block: str) -> str:
        return word(self._chosen(block), "selected_option", "value")

    def many(self, block: str) -> tuple[str, ...]:
        options = self._chosen(block).get("selected_options")
        return tuple(filter(None, (word(each, "value") for each in options))) if isinstance(options, list) else ()

    def users(self, block: str) -> list[str]:
        chosen = self._chosen(block).get("selected_users")
        return [each for each in chosen if isinstance(each, str)] if isinstance(chosen, list) else []

    def _chosen(self, block: str) -> Mapping[str, object]:
        within = self._values.get(block)
        first = next(iter(within.values()), None) if isinstance(within, Mapping) else None
        return first if isinstance(first, Mapping) else {}


def _member(kind: type[E], value: str) -> E | None:
    return kind(value) if value in list(kind) else None


def suggestions(choices: Sequence[Choice]) -> list[Json]:
    """Choices as options; one whose value is too long for Slack cannot be offered."""
    return [_option(each.value, each.words) for each in choices[:CHOICES] if 0 < len(each.value) <= VALUE]


def _options(values: Iterable[str], name: Name) -> list[Json]:
    return [_option(value, name(value)) for value in values if 0 < len(value) <= VALUE]


def _listed(words: Mapping[E, str] | Mapping[str, str]) -> list[Json]:
    return [_option(value, label) for value, label in words.items()]


def _option(value: str, words: str) -> Json:
    return {"text": _text(clip(" ".join(clean(words).split()), LABEL) or clip(value, LABEL)), "value": str(value)}


def _text(words: str) -> Json:
    return {"type": "plain_text", "text": words, "emoji": False}


def _input(block: str, label: str, element: Json, *, optional: bool = False, asks: bool = False) -> Json:
    """A field. asks: a change of it is told at once."""
    made: Json = {"type": "input", "block_id": block, "label": _text(label), "element": element, "optional": optional}
    return made | ({"dispatch_action": True} if asks else {})


def _searched(action: str, chosen: list[Json], empty: str = "Type a name") -> Json:
    """Several of what is suggested while somebody types."""
    made: Json = {"type": "multi_external_select", "action_id": action, "min_query_length": 0}
    return made | {"placeholder": _text(empty)} | ({"initial_options": chosen} if chosen else {})


def _select(options: list[Json], chosen: str | None, empty: str = "Choose") -> Json:
    initial = [each for each in options if each["value"] == chosen]
    made: Json = {"type": "static_select", "action_id": PICK, "options": options, "placeholder": _text(empty)}
    return made | ({"initial_option": initial[0]} if initial else {})


def _box(words: str, *, checked: bool) -> Json:
    option = _option("yes", words)
    made: Json = {"type": "checkboxes", "action_id": PICK, "options": [option]}
    return made | ({"initial_options": [option]} if checked else {})
