"""Whether a process has what tasks need: one without a Docker Engine leaves them to the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "node_health"
down_revision = "deaths"


def upgrade() -> None:
    op.add_column("node", sa.Column("healthy", sa.Boolean, nullable=False, server_default=sa.true()))
