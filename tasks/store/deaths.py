"""Counts the processes that died while they ran a task.

A run writes its id on the task when it begins, and removes it when its process stops. An id that another
process finds there is that of a dead one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.store import schema
from tasks.store.database import Database, persistent
from tasks.store.rows import find_task
from tasks.task import State, Ticket


class Deaths:
    def __init__(self, database: Database, patience: float) -> None:
        self.database = database
        self.patience = patience

    @persistent
    async def count(self, ticket: Ticket) -> int:
        """How many processes died while they ran a task. Counts the last one, if its run did not leave."""
        mine = schema.task.c.id == ticket.task
        async with self.database.read() as connection:
            found = await find_task(connection, mine)
        if found is not None and not found.runner:
            return found.deaths if found.is_runnable(ticket.attempt) else 0
        async with self.database.write() as connection:
            task = await find_task(connection, mine, locked=True)
            if task is None or not task.is_runnable(ticket.attempt):
                return 0
            if not task.runner:
                return task.deaths
            state = task.state if task.state.is_ending else State.QUEUED
            await _set(connection, task.id, deaths=task.deaths + 1, runner="", state=state.value)
            return task.deaths + 1

    @persistent
    async def leave(self, id_: str, runner: str) -> None:
        """Record that a run left its task and its process lives. A death that another process has counted for
        it is taken back."""
        task = schema.task.c
        is_mine = task.runner == runner
        counted = ~is_mine & (task.deaths > 0)
        async with self.database.write() as connection:
            await _set(
                connection, id_, runner=case((is_mine, ""), else_=task.runner),
                deaths=task.deaths - case((counted, 1), else_=0),
            )  # fmt: skip


async def _set(connection: AsyncConnection, id_: str, **values: Any) -> None:
    await connection.execute(update(schema.task).where(schema.task.c.id == id_).values(values))
