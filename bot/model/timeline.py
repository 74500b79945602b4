"""What is kept: reports, the updates and incidents that they make, and what is known of them besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.model.words import Impact, Relation, Status


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
