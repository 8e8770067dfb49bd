"""How long a task has been worked on, kept with each entry of its log: the time of the wall counts waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "worked"
down_revision = "line"


def upgrade() -> None:
    op.add_column("event", sa.Column("worked", sa.Float))
