"""How many processes died while they ran a task, and whether that ended it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "deaths"
down_revision = "asked"


def upgrade() -> None:
    op.add_column("task", sa.Column("deaths", sa.Integer, nullable=False, server_default="0"))
    op.add_column("task", sa.Column("quarantined", sa.Boolean, nullable=False, server_default=sa.false()))
