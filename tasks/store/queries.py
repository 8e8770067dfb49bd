"""Queries over many tasks, for the bot's commands, App Home and metrics."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, select

from tasks.message import ThreadAddress
from tasks.policy import DAY
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.ratings import Ratings
from tasks.store.rows import OPEN, InboxItem, find_inbox_item, find_task, in_thread, to_task
from tasks.task import State, Task

_TASK = schema.task.c


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """The tasks of all processes at one moment."""

    by_state: Mapping[State, int]
    """Has every state, with 0 where no task is in it."""
    queue_age: float
    """Seconds that the oldest task that has not started has waited; 0 when there is none."""
    quarantined: int = 0
    """Tasks that were quarantined in the last 24 hours."""
    ratings: Mapping[str, int] = field(default_factory=dict)
    """People's ratings of answers by kind."""


class TaskQueries:
    """Reads only. Each method raises the database's error when it can't be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tasks(
        self, *, team: str, user: str = "", channel: str = "", open_only: bool = False, limit: int = 10
    ) -> Sequence[Task]:
        """Tasks of a workspace, newest first; of one person, one channel, or that are not over."""
        query = select(schema.task).where(*_of(team, user, channel), *([_TASK.state.in_(OPEN)] * open_only))
        query = query.order_by(_TASK.created_at.desc()).limit(limit)
        async with self._database.read() as connection:
            return [to_task(row) for row in (await connection.execute(query)).mappings()]

    async def undelivered(self, *, team: str = "", channel: str = "") -> Sequence[str]:
        """Ids of the tasks whose end could not be delivered: in a channel, a workspace, or anywhere."""
        query = select(_TASK.id).where(_TASK.state == State.DELIVERING.value, *_of(team, "", channel))
        async with self._database.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def requesters(self, thread: ThreadAddress, *, limit: int) -> Sequence[str]:
        """User ids of the requesters of a thread's newest tasks, newest first."""
        query = select(_TASK.user).where(*in_thread(thread)).order_by(_TASK.created_at.desc()).limit(limit)
        async with self._database.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def threads(self, *, team: str, since: float, limit: int) -> Sequence[ThreadAddress]:
        """Threads with an open task or one created since then (seconds since 1970), the newest first."""
        recent = (_TASK.created_at >= since) | _TASK.ended_at.is_(None)
        query = select(_TASK.channel, _TASK.thread_ts).where(_TASK.team == team, recent)
        query = query.group_by(_TASK.channel, _TASK.thread_ts)
        query = query.order_by(func.max(_TASK.created_at).desc()).limit(limit)
        async with self._database.read() as connection:
            rows = await connection.execute(query)
            return [ThreadAddress(team, row.channel, row.thread_ts) for row in rows]

    async def find_by_message(self, channel: str, ts: str) -> Task | None:
        """The task that a message belongs to: its request, the root of its thread, or a post of its own."""
        post = schema.post.c
        by_post = select(post.task).join(schema.task, _TASK.id == post.task)
        by_post = by_post.where(post.ts == ts, _TASK.channel == channel)
        asked = (_TASK.channel == channel) & ((_TASK.message_ts == ts) | (_TASK.thread_ts == ts))
        async with self._database.read() as connection:
            return await find_task(connection, asked | _TASK.id.in_(by_post))

    async def inbox_item(self, task: str, id_: str) -> InboxItem | None:
        """A message for a task by its id, read or unread."""
        async with self._database.read() as connection:
            return await find_inbox_item(connection, task, id_)

    async def writers(self, task: str) -> Sequence[str]:
        """Users whose follow-ups and answers a task has, without its requester."""
        query = select(schema.inbox.c.user).where(schema.inbox.c.task == task).distinct()
        async with self._database.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def inbox(self, task: str) -> Sequence[str]:
        """The ids of all follow-ups of a task, read or not."""
        async with self._database.read() as connection:
            query = select(schema.inbox.c.id).where(schema.inbox.c.task == task)
            return list((await connection.execute(query)).scalars())

    async def counts(self) -> TaskCounts:
        by_state = select(_TASK.state, func.count()).group_by(_TASK.state)
        oldest = select(func.min(_TASK.created_at)).where(
            _TASK.state == State.QUEUED.value, _TASK.started_at.is_(None)
        )
        recent = select(func.count()).where(_TASK.ended_at > time.time() - DAY, _TASK.quarantined)
        async with self._database.read() as connection:
            found = {State(state): count for state, count in await connection.execute(by_state)}
            since = (await connection.execute(oldest)).scalar()
            quarantined = (await connection.execute(recent)).scalar_one()
        age = 0.0 if since is None else max(0.0, time.time() - since)
        by = {state: found.get(state, 0) for state in State}
        ratings = await Ratings(self._database).counts()
        return TaskCounts(by_state=by, queue_age=age, quarantined=quarantined, ratings=ratings)


class UsageTotals:
    """What ended tasks have used, added up. `since` is in seconds since 1970."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tokens(self, *, since: float, team: str, user: str) -> int:
        """Tokens of one person's tasks that ended since then."""
        return int(await self._sum(_TASK.tokens, since, _of(team, user, "")))

    async def cost(self, *, since: float, team: str, user: str = "", channel: str = "") -> float:
        """USD of the tasks of a person or channel that ended since then, where prices are known."""
        return float(await self._sum(_TASK.cost, since, _of(team, user, channel)))

    async def _sum(
        self, column: ColumnElement[Any], since: float, where: Sequence[ColumnElement[bool]]
    ) -> float:
        query = select(func.coalesce(func.sum(column), 0)).where(_TASK.ended_at >= since, *where)
        async with self._database.read() as connection:
            return float((await connection.execute(query)).scalar_one())


def _of(team: str, user: str, channel: str) -> list[ColumnElement[bool]]:
    """The conditions for those that are given."""
    wanted = (_TASK.team, team), (_TASK.user, user), (_TASK.channel, channel)
    return [column == value for column, value in wanted if value]
