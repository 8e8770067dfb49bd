"""Calls that ask first, and notes pinned to a channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "approvals"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.String, primary_key=True),
        *(sa.Column(n, sa.String, nullable=False) for n in ("task", "digest", "tool")),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("approved", sa.Boolean),
        sa.Column("user", sa.String, nullable=False),
        *(sa.Column(n, sa.Boolean, nullable=False) for n in ("used", "woke")),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("approval_by_task", "approval", ["task"])
    op.create_table(
        "note",
        *(sa.Column(n, sa.String, primary_key=True) for n in ("team", "channel")),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        *(sa.Column(n, sa.String, nullable=False) for n in ("user", "user_name")),
        sa.Column("at", sa.Float, nullable=False),
    )
