"""Edited and deleted messages: changes what no agent has read yet."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, select, update

from tasks.message import ThreadAddress
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.rows import claiming_task
from tasks.task import State


class Edits:
    """Each method is one transaction. A message is identified by its `ts` and an address in its channel."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claimed_by(self, channel: ThreadAddress, ts: str) -> str | None:
        """The id of the message's task; see `tasks.store.rows.claiming_task`."""
        async with self._database.read() as connection:
            return await claiming_task(connection, channel, ts)

    async def change(self, channel: ThreadAddress, ts: str, text: str) -> bool:
        """Replace the text of a message that no agent has read; False when it is too late."""
        async with self._database.write() as connection:
            # A task that resumes after a question is queued too.
            is_new = (schema.task.c.state == State.QUEUED.value) & schema.task.c.started_at.is_(None)
            waiting = _is_request(channel, ts) & is_new
            task = await connection.execute(update(schema.task).where(waiting).values(request=text))
            inbox = await connection.execute(
                update(schema.inbox)
                .where(_is_follow_up(channel, ts), schema.inbox.c.seen.is_(False))
                .values(text=text)
            )
            return bool(task.rowcount or inbox.rowcount)

    async def withdraw(self, channel: ThreadAddress, ts: str) -> str:
        """Delete a follow-up that no agent has read. Returns the id of the task that the message started,
        which the caller stops, or an empty string."""
        async with self._database.write() as connection:
            mine = delete(schema.inbox).where(_is_follow_up(channel, ts), schema.inbox.c.seen.is_(False))
            await connection.execute(mine)
            found = await connection.execute(select(schema.task.c.id).where(_is_request(channel, ts)))
            return found.scalar() or ""


def _is_request(channel: ThreadAddress, ts: str) -> ColumnElement[bool]:
    task = schema.task.c
    mine: ColumnElement[Any] = (task.team == channel.team) & (task.channel == channel.channel)
    return mine & (task.message_ts == ts)


def _is_follow_up(channel: ThreadAddress, ts: str) -> ColumnElement[bool]:
    task = schema.task.c
    here = select(task.id).where(task.team == channel.team, task.channel == channel.channel)
    return (schema.inbox.c.id == ts) & schema.inbox.c.task.in_(here)
