"""Every value that crosses a seam of the corridor: frozen, slotted, and with nothing of any platform in it.

fetch -> Capture -> parse -> Item -> normalise -> Report -> link -> Change -> route -> Delivery -> render -> Message
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

NOTHING: Mapping[str, str] = {}


class Status(StrEnum):
    """Atlassian Statuspage's incident statuses, then its maintenance statuses."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"

    @property
    def closed(self) -> bool:
        """Whether the event is over."""
        return self in CLOSED


CLOSED = (Status.RESOLVED, Status.POSTMORTEM, Status.COMPLETED)


class Impact(StrEnum):
    """Atlassian Statuspage's impacts, least first; `maintenance` stands beside them and counts as none."""

    NONE = "none"
    MAINTENANCE = "maintenance"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (none, maintenance) to 3 (critical)."""
        return {"none": 0, "maintenance": 0, "minor": 1, "major": 2, "critical": 3}[self.value]


class Belief(StrEnum):
    """How far a source can be believed (DESIGN.md, rule of truth 2)."""

    OK = "ok"
    STALE = "stale"
    UNREADABLE = "unreadable"
    SILENT = "silent"
    UNKNOWN = "unknown"  #: not asked yet


class Mode(StrEnum):
    """How updates are told to a destination (CONTRACT.md, "Modes")."""

    THREAD = "thread"
    EDIT = "edit"
    POST = "post"


class Act(StrEnum):
    """What a delivery does at its destination."""

    CREATE = "create"  #: the incident's one message, in the modes `thread` and `edit`
    EDIT = "edit"  #: that message brought up to date
    REPLY = "reply"  #: an update under it
    POST = "post"  #: an update as a message of its own
    DIGEST = "digest"  #: a window of time summed up, of no incident


class State(StrEnum):
    """Where a delivery stands in the ledger."""

    PENDING = "pending"
    SENDING = "sending"
    DOUBTFUL = "doubtful"
    SENT = "sent"
    HELD = "held"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Source:
    """One place where a provider speaks."""

    id: str  #: `<provider id>/<source name>`
    provider: str
    name: str
    kind: str  #: a key of collectors.REGISTRY
    url: str = ""
    account: str = ""  #: the handle on X, without @
    interval: timedelta = timedelta(seconds=60)
    private: bool = False
    trusted: bool = False  #: the operator's own configuration names the address, so a private one may be asked
    empty: str = "health"  #: what emptiness means here: `health`, or `fault` (FACTS.md, xAI)
    budget: int = 0  #: posts and users read in a month at the most; 0: the kind's own default


@dataclass(frozen=True, slots=True)
class Provider:
    """A vendor whose services are watched."""

    id: str
    name: str
    sources: tuple[Source, ...] = ()
    aliases: tuple[str, ...] = ()
    components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: component -> the names it is known by
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: region -> the names it is known by


@dataclass(frozen=True, slots=True)
class Validators:
    """What one address said last time, to ask it conditionally and to know unchanged bytes again."""

    etag: str = ""
    last_modified: str = ""
    digest: str = ""  #: of the body's bytes
    parts: tuple[str, ...] = ()  #: digests of the parts of its body, where its kind knows how to divide it


@dataclass(frozen=True, slots=True)
class Parts:
    """A body divided into its entries, each of which can be read without the others, and what stands around them."""

    head: bytes
    entries: tuple[bytes, ...]
    tail: bytes


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a source was left: saved in the transaction that saved what was read."""

    pages: Mapping[str, Validators] = field(default_factory=dict)  #: by address
    state: Mapping[str, str] = field(default_factory=dict)  #: the kind's own: a `since_id`, an account's numeric id


@dataclass(frozen=True, slots=True)
class Capture:
    """The raw outcome of one fetch of one document of one source, failures included."""

    at: datetime
    source: str
    url: str
    status: int | None = None  #: None where no answer came
    headers: Mapping[str, str] = field(default_factory=dict)  #: lower-case names; only those that matter later
    body: bytes = b""
    error: str | None = None  #: timeout connect dns tls reset too_large
    digest: str = ""  #: of the body
    retry_at: datetime | None = None  #: the earliest time at which the source wants to be asked again
    state: Mapping[str, str] = field(default_factory=dict)  #: what to remember in Cursor.state once this is saved
    partial: bool = False  #: more documents of the same poll follow (so an absence here proves nothing)


@dataclass(frozen=True, slots=True)
class Item:
    """One statement as a parser found it: the source's facts in our vocabulary, and None where it did not speak."""

    text: str  #: plain text, the source's own words
    thread: str | None = None  #: the source's own id of the incident; None where its statements stand alone
    native_id: str | None = None  #: the source's own id of the statement; None: numbered within the thread
    at: datetime | None = None  #: aware; None where the source gives no believable date
    title: str = ""
    status: Status | None = None
    stated_at: datetime | None = None  #: when the status was stated, where that is later than the words
    impact: Impact | None = None
    url: str = ""
    references: tuple[str, ...] = ()  #: the names by which the provider itself knows the incident: MO1221364
    links: tuple[str, ...] = ()  #: addresses that stand for this incident: a short link, its page
    components: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    maintenance: bool = False
    starts: datetime | None = None  #: a maintenance's planned window
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One statement, by one source, about one incident, at one time: an Item made comparable."""

    source: str
    native_id: str
    provider: str
    at: datetime  #: UTC
    dated: bool  #: False: the source gave no believable date, the first sight stands in
    first_seen_at: datetime
    seen_at: datetime  #: the capture that these words come from
    text: str
    thread: str | None = None
    title: str = ""
    status: Status | None = None
    impact: Impact | None = None
    url: str = ""
    keys: frozenset[str] = frozenset()  #: what it names by which others may know the same incident
    references: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    maintenance: bool = False
    starts: datetime | None = None
    ends: datetime | None = None
    revision: int = 0  #: how often its words have changed since the first sight
    position: int = 0  #: the source's own order among equal times
    stated_at: datetime | None = None  #: when the status was stated, where that is later than the words

    @property
    def id(self) -> str:
        """`<source>|<native id>`, as operators and labels write it."""
        return f"{self.source}|{self.native_id}"


@dataclass(frozen=True, slots=True)
class Update:
    """One entry on an incident's timeline; what several sources say alike is one update with several reports."""

    id: str
    at: datetime
    text: str
    status: Status | None = None  #: what it states; None where it states none
    impact: Impact | None = None
    reports: tuple[Report, ...] = ()  #: first the one that told it first; empty: observed by this program
    revision: int = 0
    observed: str = ""  #: the key of our own observation (`down|<source>|<since>`), else empty
    dated: bool = True
    url: str = ""
    stated_at: datetime | None = None  #: when the status was stated, where that is later than the words


class Relation(StrEnum):
    """What an incident is to another from which it is kept apart."""

    RECURRENCE = "recurrence_of"  #: it began after the other was over, and reads like it
    POSSIBLY = "possibly"  #: the two may be the same; it stands on both


@dataclass(frozen=True, slots=True)
class Related:
    """Another incident that is shown beside one; its names are those it had when that was decided."""

    id: str
    relation: Relation
    title: str
    references: tuple[str, ...]
    at: datetime  #: of a recurrence when the other had said its last words, else when it began
    begun: datetime  #: when the other began


@dataclass(frozen=True, slots=True)
class Incident:
    """The thing that is wrong, or a maintenance: one per real event, whoever reported it."""

    id: str
    provider: str
    title: str
    status: Status
    started_at: datetime
    updated_at: datetime
    impact: Impact | None = None  #: None: nobody stated one
    resolved_at: datetime | None = None
    references: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    maintenance: bool = False
    starts: datetime | None = None
    ends: datetime | None = None
    url: str = ""
    updates: tuple[Update, ...] = ()  #: oldest first
    keys: frozenset[str] = frozenset()
    joined: Mapping[str, str] = field(default_factory=dict)  #: report id -> the rule that joined it
    related: tuple[Related, ...] = ()  #: those from which it is kept apart, and that are shown beside it

    @property
    def open(self) -> bool:
        """Whether nobody has said yet that it is over."""
        return not self.status.closed


@dataclass(frozen=True, slots=True)
class Sighting:
    """A source's state as the ledger keeps it: its belief and since when."""

    source: str
    belief: Belief = Belief.UNKNOWN
    since: datetime | None = None  #: when this belief began
    reason: str = ""  #: why, where it is not ok
    ours: bool = False  #: the reason lies in our own settings
    failures: int = 0  #: in a row
    failing_since: datetime | None = None
    read_at: datetime | None = None  #: the last time it could be read
    asked_at: datetime | None = None
    changed_at: datetime | None = None  #: the last time that what it says changed
    next_at: datetime | None = None  #: the next poll


@dataclass(frozen=True, slots=True)
class Change:
    """What the link stage decided about one incident."""

    incident: Incident  #: as it now is
    before: Incident | None = None  #: as it was; None: it is new
    news: tuple[str, ...] = ()  #: ids of its updates that are new, oldest first
    revised: tuple[str, ...] = ()  #: ids of its updates whose words or status changed
    absorbed: tuple[str, ...] = ()  #: ids of the incidents that turned out to be this one
    silent: bool = False  #: learnt, not told (rule 11)


@dataclass(frozen=True, slots=True)
class Corrections:
    """What an operator has put right about which reports are one event; it goes before every rule of joining."""

    together: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """Two report ids of one event -> the ids of the incidents in which they stood before."""
    apart: frozenset[tuple[str, str]] = frozenset()  #: a report's id, and that of one of the event that it is not of


@dataclass(frozen=True, slots=True)
class Near:
    """Whole incidents near to fresh reports."""

    bound: tuple[Incident, ...]  #: those with the same thread, key or native id
    spoken: tuple[Incident, ...]  #: the others that have spoken since


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger remembers of a report, enough to see whether a source says anything new."""

    native_id: str
    thread: str | None
    at: datetime
    digest: str  #: core.normalise.digest of its words and facts
    words: str  #: core.normalise.words_digest of its text alone
    revision: int
    first_seen_at: datetime
    seen_at: datetime
    position: int
    status: Status | None = None  #: what it ever stated; many sources repeat it on their newest statement only
    impact: Impact | None = None
    forgotten: bool = False  #: its incident was pruned: that it was seen is all that is left of it


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
class Directory:
    """What readers call the providers and sources that are watched."""

    providers: Mapping[str, str] = field(default_factory=dict)  #: provider id -> its name
    labels: Mapping[str, str] = field(default_factory=dict)  #: source id -> "the status page", "X (@MSFT365Status)"

    def sources(self, provider: str) -> tuple[str, ...]:
        """The ids of a provider's sources."""
        return tuple(source for source in self.labels if source.partition("/")[0] == provider)


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


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message, edit or reply owed to one destination."""

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
    mention: Mapping[str, str] = field(default_factory=dict)
    instead: Destination | None = None  #: the destination whose fallback this one goes to
    covered: bool = False  #: its fallback was told
    lease: str = ""  #: of whoever has it in hand
    limited: bool = False  #: it carries what came while its destination was limited
    aside: bool = False  #: held because its destination is set aside


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of having had a delivery in hand."""

    delivery: Delivery
    state: State
    receipt: Receipt | None = None
    reason: str = ""
    due: datetime | None = None  #: when to look at it again, for a pending or doubtful one; None: now
    spared: bool = False  #: it was handed back without a try
    digest: str | None = None  #: set: its destination is to be set aside, and this is the digest of its settings


@dataclass(frozen=True, slots=True)
class Aside:
    """A destination that refuses for good."""

    destination: Destination
    since: datetime | None  #: None: taken up again, and nothing has arrived there yet
    reason: str
    digest: str  #: of its settings when it was set aside
