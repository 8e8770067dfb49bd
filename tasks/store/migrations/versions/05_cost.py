"""The cost of a task, for the daily limits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "cost"
down_revision = "approvals"


def upgrade() -> None:
    op.add_column("task", sa.Column("cost", sa.Float))
