"""An index for what a new task meets in its workspace: without it SQLite walks every parked task there."""

from __future__ import annotations

from alembic import op

revision = "line"
down_revision = "cost"


def upgrade() -> None:
    op.create_index("task_by_team", "task", ["team", "state", "admitted"])
