"""Version 2: where platforms have asked for a rest, known to every process."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """From version 1."""
    op.create_table(
        "rests",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("limited", sa.BigInteger()),
        sa.PrimaryKeyConstraint("name", name="pk_rests"),
    )
    op.create_index("ix_rests_until", "rests", ["until"])
