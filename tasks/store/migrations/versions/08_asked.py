"""Which question a thread shows, and which one a message was written under: with several open at once, a
reply answers the one that people saw."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "asked"
down_revision = "worked"


def upgrade() -> None:
    for table in ("task", "inbox"):
        op.add_column(table, sa.Column("asked", sa.String, nullable=False, server_default=""))
