"""Seconds of work on a task, in each log entry and at its end. Wall-clock time would include waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "worked"
down_revision = "line"


def upgrade() -> None:
    op.add_column("event", sa.Column("worked", sa.Float))
    op.add_column("task", sa.Column("seconds", sa.Float))
