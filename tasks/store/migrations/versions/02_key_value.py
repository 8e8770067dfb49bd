"""The key-value store: settings of channels, muted threads, installations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "kept"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "kept",
        sa.Column("place", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
