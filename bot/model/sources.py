"""What is read, and how far it is believed: providers and their sources, captures and the items in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model.words import Belief, Impact, Status

NOTHING: Mapping[str, str] = {}
SHORT = timedelta(minutes=15)  #: a pause below this is no pause (rule of truth 11)


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
class Directory:
    """What readers call the providers and sources that are watched."""

    providers: Mapping[str, str] = field(default_factory=dict)  #: provider id -> its name
    labels: Mapping[str, str] = field(default_factory=dict)  #: source id -> "the status page", "X (@MSFT365Status)"

    def sources(self, provider: str) -> tuple[str, ...]:
        """The ids of a provider's sources."""
        return tuple(source for source in self.labels if source.partition("/")[0] == provider)
