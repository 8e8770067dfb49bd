"""Standing orders and their firings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "orders"
down_revision = "node_health"


def upgrade() -> None:
    op.create_table(
        "standing_order",
        sa.Column("id", sa.String, primary_key=True),
        *(
            sa.Column(name, sa.String, nullable=False)
            for name in ("team", "channel", "owner", "owner_name", "kind", "title")
        ),
        sa.Column("task_text", sa.Text, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("when", "zone")),
        sa.Column("pattern", sa.Text, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("source", "state")),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("next_at", sa.Float),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
    )
    op.create_index("order_by_time", "standing_order", ["state", "next_at"])
    op.create_index("order_by_owner", "standing_order", ["team", "owner"])
    op.create_index("order_by_change", "standing_order", ["kind", "changed_at"])
    op.create_table(
        "firing",
        sa.Column("order_id", sa.String, primary_key=True),
        sa.Column("occasion", sa.String, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("claimed_at", sa.Float, nullable=False),
        sa.Column("missed", sa.Integer, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("ts", "task", "result")),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("firing_by_result", "firing", ["result", "claimed_at"])
    op.create_index("firing_by_task", "firing", ["task"])
    op.create_index("firing_by_time", "firing", ["order_id", "at"])
