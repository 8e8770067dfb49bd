"""How long a task has been worked on, with each entry of its log and at its end: the clock on the wall counts
waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "worked"
down_revision = "line"


def upgrade() -> None:
    op.add_column("event", sa.Column("worked", sa.Float))
    op.add_column("task", sa.Column("seconds", sa.Float))
