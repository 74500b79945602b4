"""The tables, as they are at the newest version; migrations/ says how they came to be so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy import text as sql

from bot.model import Act, Belief, Impact, Mode, State, Status
from bot.store.columns import Document, Instant, Relations, Strings, Word

VERSION = "0002"  #: the newest version in migrations/versions

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

#: SQLite counts by itself only in a column of the type INTEGER
ID = BigInteger().with_variant(Integer, "sqlite")


def text(name: str) -> Column[str]:
    """A string that is always there, perhaps empty."""
    return Column(name, Text, nullable=False)


def flag(name: str) -> Column[bool]:
    """A yes or no."""
    return Column(name, Boolean, nullable=False)


def number(name: str) -> Column[int]:
    """A small whole number."""
    return Column(name, Integer, nullable=False)


def instant(name: str, *, nullable: bool = True) -> Column[Any]:
    """A point in time."""
    return Column(name, Instant, nullable=nullable)


def owner(name: str, target: str) -> Column[Any]:
    """A reference to the row that this one belongs to and goes with."""
    return Column(name, ForeignKey(target, ondelete="CASCADE"), nullable=False)


#: where each source was left, and how far it is believed; `belief` is null until it was looked at
sources = Table(
    "sources",
    metadata,
    Column("id", Text, primary_key=True),
    Column("cursor", Document),
    Column("belief", Word(Belief)),
    instant("since"),
    text("reason"),
    flag("ours"),
    number("failures"),
    instant("failing_since"),
    instant("read_at"),
    instant("asked_at"),
    instant("changed_at"),
    instant("next_at"),
)

#: what was believed of each source, and from when on
beliefs = Table(
    "beliefs",
    metadata,
    text("source"),
    instant("since", nullable=False),
    Column("belief", Word(Belief), nullable=False),
    text("reason"),
    flag("ours"),
    PrimaryKeyConstraint("source", "since"),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    text("provider"),
    text("title"),
    Column("status", Word(Status), nullable=False),
    Column("impact", Word(Impact)),
    instant("started_at", nullable=False),
    instant("updated_at", nullable=False),
    instant("resolved_at"),
    Column("references", Strings, nullable=False),
    Column("components", Strings, nullable=False),
    Column("regions", Strings, nullable=False),
    Column("sources", Strings, nullable=False),
    Column("related", Relations, nullable=False),
    flag("maintenance"),
    instant("starts"),
    instant("ends"),
    text("url"),
    flag("open"),
    instant("first_at", nullable=False),  # of its updates: what `neighbourhood` asks by
    instant("last_at", nullable=False),
    text("digest"),  # of all that belongs to it: what is remembered under it need not be read again
    Index("ix_incidents_provider", "provider", "last_at"),
    Index("ix_incidents_open", "open", "provider"),
    Index("ix_incidents_updated", "updated_at"),
)

updates = Table(
    "updates",
    metadata,
    owner("incident_id", "incidents.id"),
    text("id"),
    number("place"),  # within the incident, oldest first
    instant("at", nullable=False),
    text("text"),
    Column("status", Word(Status)),
    Column("impact", Word(Impact)),
    number("revision"),
    text("observed"),
    flag("dated"),
    text("url"),
    instant("stated_at"),
    PrimaryKeyConstraint("incident_id", "id"),
)

reports = Table(
    "reports",
    metadata,
    text("source"),
    text("native_id"),
    owner("incident_id", "incidents.id"),
    text("update_id"),
    number("place"),  # within the update, first the one that told it first
    text("provider"),
    instant("at", nullable=False),
    flag("dated"),
    instant("first_seen_at", nullable=False),
    instant("seen_at", nullable=False),
    text("text"),
    Column("thread", Text),
    text("title"),
    Column("status", Word(Status)),
    Column("impact", Word(Impact)),
    text("url"),
    Column("keys", Strings, nullable=False),
    Column("references", Strings, nullable=False),
    Column("components", Strings, nullable=False),
    Column("regions", Strings, nullable=False),
    flag("maintenance"),
    instant("starts"),
    instant("ends"),
    number("revision"),
    Column("position", BigInteger, nullable=False),
    instant("stated_at"),
    text("digest"),
    text("words"),
    Column("rule", Text),
    PrimaryKeyConstraint("source", "native_id"),
    Index("ix_reports_thread", "source", "thread"),
    Index("ix_reports_incident", "incident_id"),
)

#: the names that a report bears, to look it up by
report_keys = Table(
    "report_keys",
    metadata,
    text("provider"),
    text("key"),
    text("source"),
    text("native_id"),
    PrimaryKeyConstraint("provider", "key", "source", "native_id"),
    ForeignKeyConstraint(["source", "native_id"], ["reports.source", "reports.native_id"], ondelete="CASCADE"),
    Index("ix_report_keys_report", "source", "native_id"),
)

#: the words of an incident and when it used each last, for some days: what a statement may go on with is found by them
incident_words = Table(
    "incident_words",
    metadata,
    owner("incident_id", "incidents.id"),
    text("word"),
    text("provider"),
    instant("at", nullable=False),
    PrimaryKeyConstraint("incident_id", "word"),
    Index("ix_incident_words_word", "provider", "word", "at"),
    Index("ix_incident_words_at", "provider", "at"),
)

#: the names by which a provider knows an incident, case-folded, to look it up by
incident_references = Table(
    "incident_references",
    metadata,
    text("reference"),
    owner("incident_id", "incidents.id"),
    PrimaryKeyConstraint("reference", "incident_id"),
    Index("ix_incident_references_incident", "incident_id"),
)

#: the ids of incidents that turned out to be another
aliases = Table(
    "aliases",
    metadata,
    Column("id", Text, primary_key=True),
    owner("incident_id", "incidents.id"),
    Index("ix_aliases_incident", "incident_id"),
)

#: an operator's word on two reports; `kind`: of one event (then with the incidents in which they stood), or apart
corrections = Table(
    "corrections",
    metadata,
    text("provider"),
    text("kind"),
    text("report"),
    text("other"),
    text("report_was"),
    text("other_was"),
    PrimaryKeyConstraint("provider", "kind", "report", "other"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    text("kind"),  # of the destination
    text("destination"),
    Column("providers", Strings, nullable=False),
    Column("components", Strings, nullable=False),
    Column("regions", Strings, nullable=False),
    flag("every_provider"),
    flag("every_component"),
    flag("every_region"),
    Column("min_impact", Word(Impact), nullable=False),
    number("min_rank"),
    Column("mode", Word(Mode), nullable=False),
    flag("maintenance"),
    Column("mention", Document, nullable=False),
    Column("fallback", Text),
    text("origin"),
    Index("ix_subscriptions_destination", "destination"),
    Index("ix_subscriptions_every_provider", "every_provider"),
    sqlite_autoincrement=True,
)

#: what a subscription names, one row each, case-folded; `kind` is provider, component or region
subscription_facets = Table(
    "subscription_facets",
    metadata,
    text("kind"),
    text("value"),
    owner("subscription_id", "subscriptions.id"),
    PrimaryKeyConstraint("kind", "value", "subscription_id"),
    Index("ix_subscription_facets_subscription", "subscription_id"),
)

#: what a front end has to remember across restarts, by name
notes = Table("notes", metadata, Column("name", Text, primary_key=True), text("text"))

#: what a destination wants to hear nothing new of; `kind` is incident or provider
mutes = Table(
    "mutes",
    metadata,
    text("destination"),
    text("kind"),
    text("value"),
    instant("until"),
    PrimaryKeyConstraint("destination", "kind", "value"),
)

#: which incident was told where, how, and the message that stands there (empty until it is sent)
told = Table(
    "told",
    metadata,
    text("incident_id"),
    text("destination"),
    Column("mode", Word(Mode), nullable=False),
    text("message"),
    text("thread"),
    instant("at", nullable=False),
    PrimaryKeyConstraint("incident_id", "destination"),
    sqlite_with_rowid=False,
)

#: the outbox. Its key is the unique constraint: inserting a delivery twice is inserting it once.
#: `lane`: the incident whose order it keeps, which differs from `incident_id` once that was absorbed.
#: `updates` is null where it stands for `update_id` alone. `lease`: who has it in hand until `leased_until`.
#: `opens`: it became the incident's one message, whatever its act was.
#: A digest's lane is its own key, and its `update_id` the window that it tells.
#: `limited`: it carries what waited behind a limit. `aside`: held because its destination is set aside.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    text("kind"),
    text("destination"),
    text("incident_id"),
    text("lane"),
    text("update_id"),
    Column("updates", Strings),
    Column("act", Word(Act), nullable=False),
    number("revision"),
    Column("state", Word(State), nullable=False),
    number("tries"),
    instant("due", nullable=False),
    Column("lease", Text),
    instant("leased_until"),
    instant("created_at", nullable=False),
    Column("receipt", Document),
    text("reason"),
    Column("subscription_id", BigInteger),
    flag("opens"),
    flag("limited"),
    flag("aside"),
    Column("covered", Boolean, nullable=False, server_default=false()),  # its fallback was told
    UniqueConstraint("incident_id", "update_id", "revision", "destination", "act"),
    Index("ix_deliveries_state", "state", "kind", "due", "id"),
    Index("ix_deliveries_lane", "lane", "destination", "id"),
    sqlite_autoincrement=True,
)

#: by the state first, or SQLite looks for what waits of the covered among all that is pending, at every claim
Index(
    "ix_deliveries_covered",
    deliveries.c.state,
    deliveries.c.lane,
    deliveries.c.destination,
    sqlite_where=sql("covered = 1"),  # as a query says it
    postgresql_where=sql("covered"),
)

#: our own trouble, told to the operator; `due`: when what is owed of it is told next, null where nothing is.
#: `told`: its beginning was. One at most stands for each key.
notices = Table(
    "notices",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    text("key"),
    text("words"),
    instant("since", nullable=False),
    instant("until"),
    text("ending"),
    flag("told"),
    number("tries"),
    instant("due"),
    sqlite_autoincrement=True,
)
Index(
    "ix_notices_standing",
    notices.c.key,
    unique=True,
    sqlite_where=notices.c.until.is_(None),
    postgresql_where=notices.c.until.is_(None),
)

#: when somebody last made sure that the database can be written
pulse = Table("pulse", metadata, Column("name", Text, primary_key=True), instant("at", nullable=False))
#: destinations that refuse for good, since when; `digest` is that of their settings then.
#: `since` is null once they are taken up again, until a message arrives.
aside = Table(
    "aside",
    metadata,
    Column("destination", Text, primary_key=True),
    instant("since"),
    text("reason"),
    text("digest"),
)

#: where platforms have asked for a rest: a destination, or a kind whose destinations share one account.
#: `limited`: the end of what a refusal asked for, null where headers alone did
rests = Table(
    "rests",
    metadata,
    Column("name", Text, primary_key=True),
    instant("until", nullable=False),
    instant("limited"),
    Index("ix_rests_until", "until"),
)

#: what a report of an incident that was pruned is known again by: its texts are gone, that it was seen is not
seen = Table(
    "seen",
    metadata,
    text("source"),
    text("native_id"),
    Column("thread", Text),
    instant("at", nullable=False),
    text("digest"),
    text("words"),
    number("revision"),
    instant("first_seen_at", nullable=False),
    instant("seen_at", nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("status", Word(Status)),
    Column("impact", Word(Impact)),
    PrimaryKeyConstraint("source", "native_id"),
    Index("ix_seen_thread", "source", "thread"),
)

#: the processes that share this database; `watching`: a digest of the sources that they are told to watch.
#: `until` is the database's own time in microseconds, as its clock compares it
workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    text("watching"),
    Column("until", BigInteger, nullable=False),
)

#: what one process at a time does; `owner`: who does it, empty for nobody. `kind`: source, lead
holdings = Table(
    "holdings",
    metadata,
    text("kind"),
    text("name"),
    text("owner"),
    PrimaryKeyConstraint("kind", "name"),
    Index("ix_holdings_owner", "owner"),
)

#: what a delivery of a digest tells, by the delivery's key; `name`: what counts as the same window
digests = Table(
    "digests",
    metadata,
    Column("key", Text, primary_key=True),
    text("name"),
    text("destination"),
    Column("document", Document, nullable=False),
    Index("ix_digests_name", "name", "destination"),
)
