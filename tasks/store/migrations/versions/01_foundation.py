"""The first tables: messages, tasks, their log and inbox, posts and verdicts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "message",
        sa.Column("team", sa.String, primary_key=True),
        sa.Column("channel", sa.String, primary_key=True),
        sa.Column("ts", sa.String, primary_key=True),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "task",
        sa.Column("id", sa.String, primary_key=True),
        *(sa.Column(n, sa.String, nullable=False) for n in ("team", "channel", "thread_ts", "message_ts")),
        *(sa.Column(n, sa.String, nullable=False) for n in ("user", "user_name")),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("files", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("started_at", sa.Float),
        sa.Column("ended_at", sa.Float),
        *(sa.Column(n, sa.Text, nullable=False) for n in ("answer", "reason")),
        *(sa.Column(n, sa.Integer, nullable=False) for n in ("workers", "tokens")),
    )
    op.create_index("task_by_thread", "task", ["team", "channel", "thread_ts", "created_at"])
    op.create_index("task_by_state", "task", ["state"])
    op.create_table(
        "event",
        sa.Column("task", sa.String, primary_key=True),
        sa.Column("agent", sa.String, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("runner", sa.String, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "inbox",
        sa.Column("task", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        *(sa.Column(n, sa.String, nullable=False) for n in ("user", "user_name")),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("files", sa.JSON, nullable=False),
        sa.Column("seen", sa.Boolean, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "post",
        sa.Column("task", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("ts", sa.String),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "verdict",
        sa.Column("task", sa.String, primary_key=True),
        sa.Column("user", sa.String, primary_key=True),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
