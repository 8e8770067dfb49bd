"""What tasks have used, added up. Never stops anybody: that is for who asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select

from tasks.message import ThreadAddress
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.rows import OPEN, to_task, within
from tasks.task import State, Task


class TaskUsage:
    """Reads only. Times are seconds since 1970."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tokens(self, *, since: float, team: str, user: str) -> int:
        """Tokens of one person's tasks that have ended since then."""
        task = schema.task.c
        mine = (task.team == team) & (task.user == user) & (task.ended_at >= since)
        query = select(func.coalesce(func.sum(task.tokens), 0)).where(mine)
        async with self._database.read() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def cost(self, *, since: float, team: str, user: str = "", channel: str = "") -> float:
        """USD of a person's or a channel's tasks that have ended since then, as far as prices are known."""
        task = schema.task.c
        where = [task.team == team, task.ended_at >= since]
        where += [task.user == user] if user else []
        where += [task.channel == channel] if channel else []
        query = select(func.coalesce(func.sum(task.cost), 0.0)).where(*where)
        async with self._database.read() as connection:
            return float((await connection.execute(query)).scalar_one())

    async def tasks(
        self, *, team: str, user: str = "", channel: str = "", running: bool = False, limit: int = 10
    ) -> Sequence[Task]:
        """Tasks of a workspace, newest first: one person's, one channel's, those that are not over."""
        task = schema.task.c
        where: list[ColumnElement[Any]] = [task.team == team]
        where += [task.user == user] if user else []
        where += [task.channel == channel] if channel else []
        where += [task.state.in_(OPEN)] if running else []
        query = select(schema.task).where(*where).order_by(task.created_at.desc()).limit(limit)
        async with self._database.read() as connection:
            return [to_task(row) for row in (await connection.execute(query)).mappings()]

    async def undelivered(self, *, team: str = "", channel: str = "") -> Sequence[str]:
        """Ids of tasks whose end could not be told: in a channel, in a workspace, or anywhere."""
        task = schema.task.c
        where = [task.state == State.DELIVERING.value]
        where += [task.team == team] if team else []
        where += [task.channel == channel] if channel else []
        async with self._database.read() as connection:
            return list((await connection.execute(select(task.id).where(*where))).scalars())

    async def askers(self, thread: ThreadAddress, *, limit: int) -> Sequence[str]:
        """Who asked for a thread's newest tasks, newest first."""
        task = schema.task.c
        query = select(task.user).where(*within(thread)).order_by(task.created_at.desc()).limit(limit)
        async with self._database.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def threads(self, *, team: str, since: float, limit: int) -> Sequence[ThreadAddress]:
        """Threads with a task that began since then or is not over, the newest first."""
        task = schema.task.c
        recent = (task.created_at >= since) | task.ended_at.is_(None)
        newest = func.max(task.created_at)
        query = select(task.channel, task.thread_ts).where(task.team == team, recent)
        query = query.group_by(task.channel, task.thread_ts).order_by(newest.desc()).limit(limit)
        async with self._database.read() as connection:
            rows = await connection.execute(query)
            return [ThreadAddress(team, row.channel, row.thread_ts) for row in rows]
