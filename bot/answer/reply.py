"""What is asked in a chat and what is answered: values that any chat platform can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.core.summary import Line
from bot.model import Destination, Impact, Mode

VALUE = 64  #: characters of a button's value at the most: with its verb it fits Discord's custom ids (100)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and where."""

    to: Destination  #: the channel in which it was asked
    user: str  #: the platform's id of the person
    may: bool = True  #: whether they may change what the channel is told
    why_not: str = ""  #: where they may not: what it takes, in a sentence
    before: str = field(default="", compare=False)  #: what stands before a command where it is typed: `/statusbot `
    asked_each: bool = field(default=False, compare=False)  #: whether the chat asks for each argument by itself


class Verb(StrEnum):
    """What a button under an answer or a message does."""

    TIMELINE = "timeline"
    WHY = "why"
    MUTE = "mute"
    UNMUTE = "unmute"
    SUBSCRIBE = "subscribe"  #: opens the dialog
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press: its verb with a value, an incident's or a provider's id."""

    verb: Verb
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """One thing in an answer: its name in bold, and what is to be said of it."""

    head: Line
    body: tuple[Line, ...] = ()
    mark: str = ""  #: an emoji before the name
    url: str = ""  #: where to read on


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, short enough for a phone."""

    text: Line  #: the answer in a sentence
    rows: tuple[Row, ...] = ()
    more: str = ""  #: what was left out, under the rows
    buttons: tuple[Button, ...] = ()
    done: bool = True  #: False: what was asked was not done
    private: bool = True  #: only for the person who asked; what changes the channel's subscriptions is for everyone


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be told, as a dialog or a line of words gives it."""

    providers: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    min_impact: Impact = Impact.NONE
    mode: Mode | None = None  #: None: the platform's own best
    maintenance: bool = True
    mention: Mapping[str, str] = field(default_factory=dict)  #: least impact -> the words that call somebody


@dataclass(frozen=True, slots=True)
class Form:
    """Instead of an answer: the dialog to subscribe is wanted, filled in as far as it is known."""

    wish: Wish


@dataclass(frozen=True, slots=True)
class Choice:
    """One suggestion while somebody types."""

    value: str
    words: str
