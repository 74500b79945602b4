"""Version 1: the timeline, the cursors, the subscriptions and the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From nothing."""
    _deliveries()
    _aside()
    _incidents()
    _sources()
    _subscriptions()
    _told()
    _mutes()
    _aliases()
    _corrections()
    _notes()
    _incident_references()
    _incident_words()
    _reports()
    _subscription_facets()
    _updates()
    _report_keys()
    _seen()
    _workers()
    _beliefs()
    _digests()
    _notices()


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("update_id", sa.Text(), nullable=False),
        sa.Column("updates", sa.Text()),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Text()),
        sa.Column("leased_until", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.BigInteger()),
        sa.Column("opens", sa.Boolean(), nullable=False),
        sa.Column("limited", sa.Boolean(), nullable=False),
        sa.Column("aside", sa.Boolean(), nullable=False),
        sa.Column("covered", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint(
            "incident_id", "update_id", "revision", "destination", "act", name="uq_deliveries_incident_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_deliveries_covered",
        "deliveries",
        ["state", "lane", "destination"],
        sqlite_where=sa.text("covered = 1"),
        postgresql_where=sa.text("covered"),
    )
    op.create_index("ix_deliveries_lane", "deliveries", ["lane", "destination", "id"])
    op.create_index("ix_deliveries_state", "deliveries", ["state", "kind", "due", "id"])


def _aside() -> None:
    op.create_table(
        "aside",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("destination", name="pk_aside"),
    )


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("impact", sa.Text()),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger()),
        sa.Column("references", sa.Text(), nullable=False),
        sa.Column("components", sa.Text(), nullable=False),
        sa.Column("regions", sa.Text(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("related", sa.Text(), nullable=False),
        sa.Column("maintenance", sa.Boolean(), nullable=False),
        sa.Column("starts", sa.BigInteger()),
        sa.Column("ends", sa.BigInteger()),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_open", "incidents", ["open", "provider"])
    op.create_index("ix_incidents_provider", "incidents", ["provider", "last_at"])
    op.create_index("ix_incidents_updated", "incidents", ["updated_at"])


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text()),
        sa.Column("belief", sa.Text()),
        sa.Column("since", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("read_at", sa.BigInteger()),
        sa.Column("asked_at", sa.BigInteger()),
        sa.Column("changed_at", sa.BigInteger()),
        sa.Column("next_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
    )


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("providers", sa.Text(), nullable=False),
        sa.Column("components", sa.Text(), nullable=False),
        sa.Column("regions", sa.Text(), nullable=False),
        sa.Column("every_provider", sa.Boolean(), nullable=False),
        sa.Column("every_component", sa.Boolean(), nullable=False),
        sa.Column("every_region", sa.Boolean(), nullable=False),
        sa.Column("min_impact", sa.Text(), nullable=False),
        sa.Column("min_rank", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("maintenance", sa.Boolean(), nullable=False),
        sa.Column("mention", sa.Text(), nullable=False),
        sa.Column("fallback", sa.Text()),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subscriptions_destination", "subscriptions", ["destination"])
    op.create_index("ix_subscriptions_every_provider", "subscriptions", ["every_provider"])


def _told() -> None:
    op.create_table(
        "told",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "destination", name="pk_told"),
        sqlite_with_rowid=False,
    )


def _mutes() -> None:
    op.create_table(
        "mutes",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("destination", "kind", "value", name="pk_mutes"),
    )


def _aliases() -> None:
    op.create_table(
        "aliases",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_aliases_incident_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_aliases"),
    )
    op.create_index("ix_aliases_incident", "aliases", ["incident_id"])


def _corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("report_was", sa.Text(), nullable=False),
        sa.Column("other_was", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "kind", "report", "other", name="pk_corrections"),
    )


def _incident_words() -> None:
    op.create_table(
        "incident_words",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_incident_words_incident_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident_id", "word", name="pk_incident_words"),
    )
    op.create_index("ix_incident_words_at", "incident_words", ["provider", "at"])
    op.create_index("ix_incident_words_word", "incident_words", ["provider", "word", "at"])


def _notes() -> None:
    op.create_table(
        "notes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_notes"),
    )


def _incident_references() -> None:
    op.create_table(
        "incident_references",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_incident_references_incident_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("reference", "incident_id", name="pk_incident_references"),
    )
    op.create_index("ix_incident_references_incident", "incident_references", ["incident_id"])


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("native_id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("update_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("dated", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text()),
        sa.Column("impact", sa.Text()),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("references", sa.Text(), nullable=False),
        sa.Column("components", sa.Text(), nullable=False),
        sa.Column("regions", sa.Text(), nullable=False),
        sa.Column("maintenance", sa.Boolean(), nullable=False),
        sa.Column("starts", sa.BigInteger()),
        sa.Column("ends", sa.BigInteger()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("stated_at", sa.BigInteger()),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text()),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_reports_incident_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", "native_id", name="pk_reports"),
    )
    op.create_index("ix_reports_incident", "reports", ["incident_id"])
    op.create_index("ix_reports_thread", "reports", ["source", "thread"])


def _subscription_facets() -> None:
    op.create_table(
        "subscription_facets",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name="fk_subscription_facets_subscription_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("kind", "value", "subscription_id", name="pk_subscription_facets"),
    )
    op.create_index("ix_subscription_facets_subscription", "subscription_facets", ["subscription_id"])


def _updates() -> None:
    op.create_table(
        "updates",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.Text()),
        sa.Column("impact", sa.Text()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("observed", sa.Text(), nullable=False),
        sa.Column("dated", sa.Boolean(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_updates_incident_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("incident_id", "id", name="pk_updates"),
    )


def _report_keys() -> None:
    op.create_table(
        "report_keys",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("native_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source", "native_id"],
            ["reports.source", "reports.native_id"],
            name="fk_report_keys_source",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("provider", "key", "source", "native_id", name="pk_report_keys"),
    )
    op.create_index("ix_report_keys_report", "report_keys", ["source", "native_id"])


def _seen() -> None:
    op.create_table(
        "seen",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("native_id", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text()),
        sa.Column("impact", sa.Text()),
        sa.PrimaryKeyConstraint("source", "native_id", name="pk_seen"),
    )
    op.create_index("ix_seen_thread", "seen", ["source", "thread"])


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("watching", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )
    op.create_table(
        "holdings",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_holdings"),
    )
    op.create_index("ix_holdings_owner", "holdings", ["owner"])


def _beliefs() -> None:
    op.create_table(
        "beliefs",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("belief", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", "since", name="pk_beliefs"),
    )


def _digests() -> None:
    op.create_table(
        "digests",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_digests"),
    )
    op.create_index("ix_digests_name", "digests", ["name", "destination"])


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.Column("ending", sa.Text(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sqlite_autoincrement=True,
    )
    standing = sa.text("until IS NULL")
    op.create_index(
        "ix_notices_standing", "notices", ["key"], unique=True, sqlite_where=standing, postgresql_where=standing
    )
    op.create_table(
        "pulse",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_pulse"),
    )
