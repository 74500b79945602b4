"""What is told, to whom, and what came of it: subscriptions, notices, messages, deliveries, trouble of our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from bot.model.sources import Sighting
from bot.model.timeline import Incident, Update
from bot.model.words import Act, Impact, Mode, State

NOBODY: Mapping[str, str] = MappingProxyType({})  #: calls nobody


@dataclass(frozen=True, slots=True)
class Routing:
    """What the routing statement needs to know of one change: the incident's facets, and what is owed for it."""

    incident: str
    update: str  #: the newest update that it tells
    updates: tuple[str, ...]  #: every update that one message stands for, oldest first
    revision: int
    provider: str
    components: tuple[str, ...]  #: case-folded; empty: the incident names none
    regions: tuple[str, ...]  #: case-folded
    rank: int | None  #: Impact.rank; None: nobody stated one
    maintenance: bool
    news: bool  #: there is something new to say; False: only the standing message is to be brought up to date
    opens: bool  #: who was not told yet may be told now
    carries: tuple[str, ...] = ()  #: kinds of destinations whose messages the provider itself carries
    ends: bool = False  #: it tells the end, which is told to whoever was told of the opening, muted or not (rule 12)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where messages go: `slack:C0123456789`, `teams:ops`, `console`."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True)
class Subscription:
    """A destination and the filter of what it wants."""

    to: Destination
    providers: tuple[str, ...] = ()  #: empty: all
    components: tuple[str, ...] = ()
    min_impact: Impact = Impact.NONE
    mode: Mode = Mode.THREAD
    regions: tuple[str, ...] = ()
    maintenance: bool = True
    mention: Mapping[str, str] = field(default_factory=dict)  #: least impact -> the words that call somebody
    fallback: Destination | None = None
    origin: str = "command"  #: `file`, `command`
    id: int = 0


@dataclass(frozen=True, slots=True)
class Mute:
    """A destination's wish to hear nothing new of an incident, or of a provider, for a while or until it is lifted."""

    to: Destination
    incident: str = ""  #: its id; empty: the whole provider
    provider: str = ""  #: its id; empty: the one incident
    until: datetime | None = None  #: None: until it is lifted


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the routing statement makes of one subscription and one incident, told for `why`."""

    subscription: Subscription
    held_by: tuple[
        str, ...
    ] = ()  #: the settings that hold it back: providers components regions min_impact maintenance
    told_at: datetime | None = None  #: since when its destination is told of the incident; None: it is not
    owed: bool = False  #: whether news of it would be told there now


@dataclass(frozen=True, slots=True)
class Notice:
    """One decision to tell: which updates of which incident, and whether it is a catch-up."""

    incident: Incident
    updates: tuple[Update, ...]  #: those it stands for, oldest first
    act: Act = Act.CREATE
    key: str = ""  #: the delivery's key, stable over every try
    sightings: tuple[Sighting, ...] = ()  #: how far each source of the provider can be believed now
    provider_name: str = ""
    mention: str = ""  #: the words that call somebody, already in the platform's own form; empty: nobody
    late: timedelta | None = None  #: set where it is told late
    catch_up: bool = False  #: it stands for several updates missed
    source_names: Mapping[str, str] = field(default_factory=dict)  #: source id -> how a reader knows it
    test: bool = False  #: a labelled test message
    own: bool = False  #: trouble of our own, told to the operator
    instead: str = ""  #: the destination whose fallback is told by this
    covered: bool = False  #: a fallback was told meanwhile, so that several updates are a catch-up however close
    limited: bool = False  #: its updates came while the destination was limited
    moved: str = ""  #: the id of an incident that went on as this one, and whose message this puts right


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG, and the words that stand for it."""

    png: bytes = field(repr=False)
    alt: str
    name: str = "digest.png"


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered notice or digest, in the platform's own shape and within its limits."""

    body: Mapping[str, object]
    text: str = ""  #: the plain words of the same
    picture: Picture | None = None
    raw: bytes = b""  #: the body as it is sent, where nothing of a single delivery stands in it


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform's word that a message stands there."""

    message: str = ""  #: the platform's id of the message
    thread: str = ""  #: the id under which replies go, where it differs
    rest: timedelta | None = field(default=None, compare=False)  #: before the next, as the answer's headers ask


class Delivery(NamedTuple):
    """One message, edit or reply owed to one destination. (Many are made at once: a tuple takes half the time.)"""

    id: int
    key: str  #: incident, update, revision, destination and act: inserting it twice is inserting it once
    destination: Destination
    incident: str
    update: str  #: empty: it says as which incident an absorbed one went on
    act: Act
    state: State = State.PENDING
    updates: tuple[str, ...] = ()  #: the updates that it stands for
    revision: int = 0
    tries: int = 0
    due: datetime | None = None
    created_at: datetime | None = None
    root: Receipt | None = None  #: the incident's message at this destination, for an edit or a reply
    receipt: Receipt | None = None
    reason: str = ""  #: what came of the last try
    mention: Mapping[str, str] = NOBODY
    instead: Destination | None = None  #: the destination whose fallback this one goes to
    covered: bool = False  #: its fallback was told
    lease: str = ""  #: of whoever has it in hand
    limited: bool = False  #: it carries what came while its destination was limited
    aside: bool = False  #: held because its destination is set aside


class Outcome(NamedTuple):
    """What came of having had a delivery in hand."""

    delivery: Delivery
    state: State
    receipt: Receipt | None = None
    reason: str = ""
    due: datetime | None = None  #: when to look at it again, for a pending or doubtful one; None: now
    spared: bool = False  #: it was handed back without a try
    digest: str | None = None  #: set: its destination is to be set aside, and this is the digest of its settings


@dataclass(frozen=True, slots=True)
class Rest:
    """What a platform has asked for: nothing is sent there for a while, by any process."""

    name: str  #: a destination, or a kind whose destinations share one account
    until: datetime
    limited: datetime | None = None  #: the end of what its refusals asked for; None: headers alone asked


@dataclass(frozen=True, slots=True)
class Aside:
    """A destination that refuses for good."""

    destination: Destination
    since: datetime | None  #: None: taken up again, and nothing has arrived there yet
    reason: str
    digest: str  #: of its settings when it was set aside


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong with ourselves: told to the operator when it begins, and when it is over."""

    key: str  #: what it is about: as long as it stands, saying it again says nothing
    words: str
    since: datetime
    until: datetime | None = None  #: None: it stands
    ending: str = ""  #: the words of its end
    told: bool = False  #: the operator knows that it began
    tries: int = 0  #: at telling what is owed now
    id: int = 0

    @property
    def name(self) -> str:
        """What a message of it is known by, another for its end than for its beginning."""
        return f"notice|{self.key}|{self.since.isoformat()}|{'over' if self.until else 'begun'}"
