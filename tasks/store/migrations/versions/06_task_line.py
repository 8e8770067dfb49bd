"""An index for admitting a task: without it SQLite walks every waiting task of its workspace."""

from __future__ import annotations

from alembic import op

revision = "line"
down_revision = "cost"


def upgrade() -> None:
    op.create_index("task_by_team", "task", ["team", "state", "admitted"])
