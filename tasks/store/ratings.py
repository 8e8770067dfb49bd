"""People's ratings of answers, and their reasons."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select

from tasks.store import schema
from tasks.store.database import Database
from tasks.store.key_value import KeyValueStore, task_namespace
from tasks.store.rows import to_task
from tasks.task import Task

GOOD, BAD = "good", "bad"
#: The key of a reason in its task's namespace begins so; the user's id follows.
_REASON = "rated "


@dataclass(frozen=True, slots=True)
class RatedTask:
    """A task with the reasons that people gave for their ratings."""

    task: Task
    reasons: Sequence[str]


class Ratings:
    """Reads and writes them. Each method raises the database's error."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = KeyValueStore(database)

    async def rate(self, task: str, user: str, verdict: str) -> None:
        """Store a person's rating of an answer; a later one replaces it, and its reason."""
        columns = schema.verdict.c
        async with self._database.write() as connection:
            await connection.execute(delete(schema.verdict).where(columns.task == task, columns.user == user))
            row = {"task": task, "user": user, "verdict": verdict, "at": time.time()}
            await connection.execute(insert(schema.verdict).values(row))
        await self._kept.put(task_namespace(task), f"{_REASON}{user}", None)

    async def explain(self, task: str, user: str, reason: str) -> None:
        """Store the reason of a rating."""
        await self._kept.put(task_namespace(task), f"{_REASON}{user}", reason)

    async def rated(self, verdict: str, *, limit: int) -> Sequence[RatedTask]:
        """The tasks that were rated so, newest first."""
        those = select(schema.verdict.c.task).where(schema.verdict.c.verdict == verdict)
        query = select(schema.task).where(schema.task.c.id.in_(those))
        query = query.order_by(schema.task.c.created_at.desc()).limit(limit)
        async with self._database.read() as connection:
            tasks = [to_task(row) for row in (await connection.execute(query)).mappings()]
        # Only a bad rating is asked for its reason.
        return [RatedTask(task, await self._reasons(task.id) if verdict == BAD else ()) for task in tasks]

    async def counts(self) -> Mapping[str, int]:
        """How many ratings there are of each kind."""
        verdict = schema.verdict.c.verdict
        query = select(verdict, func.count().label("ratings")).group_by(verdict)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return {GOOD: 0, BAD: 0} | {row.verdict: row.ratings for row in rows}

    async def _reasons(self, task: str) -> Sequence[str]:
        kept = await self._kept.all(task_namespace(task))
        return [str(value) for key, value in kept.items() if key.startswith(_REASON)]
