"""Figures of all tasks of the database at this moment, for whoever watches over it. Reads only."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from tasks.store import schema
from tasks.store.database import Database
from tasks.task import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All processes together."""

    tasks: Mapping[State, int]
    """Every state is there, with 0 where no task has it."""
    queue_age: float
    """Seconds that the oldest task not begun yet has waited; 0 when there is none."""


async def totals(database: Database) -> Totals:
    """Raises the database's error when it can't be read."""
    task = schema.task.c
    counts = select(task.state, func.count()).group_by(task.state)
    oldest = select(func.min(task.created_at)).where(
        task.state == State.QUEUED.value, task.started_at.is_(None)
    )
    async with database.read() as connection:
        found = {State(state): count for state, count in await connection.execute(counts)}
        since = (await connection.execute(oldest)).scalar()
    age = 0.0 if since is None else max(0.0, time.time() - since)
    return Totals(tasks={state: found.get(state, 0) for state in State}, queue_age=age)
