"""Several processes on one database: who runs a task, who lives, who waits in line, what is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "kept"


def upgrade() -> None:
    with op.batch_alter_table("task") as task:
        task.add_column(sa.Column("runner", sa.String, nullable=False, server_default=""))
        # Tasks of before the line have been placed already.
        task.add_column(sa.Column("admitted", sa.Boolean, nullable=False, server_default=sa.true()))
        task.add_column(sa.Column("due_at", sa.Float))
        task.add_column(sa.Column("deliveries", sa.Integer, nullable=False, server_default="0"))
        task.add_column(sa.Column("rescues", sa.Integer, nullable=False, server_default="0"))
        task.drop_index("task_by_state")
        task.create_index("task_by_state", ["state", "due_at"])
        task.create_index("task_by_end", ["ended_at"])
    with op.batch_alter_table("task") as task:
        task.alter_column("admitted", existing_type=sa.Boolean, server_default=sa.false())
    op.create_table(
        "node",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("left", sa.Boolean, nullable=False),
    )
