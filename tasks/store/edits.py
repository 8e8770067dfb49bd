"""What becomes of a message that its writer changed or deleted after we had it.

Only what no agent has read yet is changed; the log is never rewritten.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, select, update

from tasks.message import ThreadAddress
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.rows import claiming_task
from tasks.task import State


class Edits:
    """Each method is one transaction. A message is named by its channel's address and its own `ts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claimed_by(self, place: ThreadAddress, ts: str) -> str | None:
        """What `tasks.store.rows.claiming_task` knows of the message."""
        async with self._database.read() as connection:
            return await claiming_task(connection, place, ts)

    async def change(self, place: ThreadAddress, ts: str, text: str) -> bool:
        """Give a message that nobody has begun with its new text; False when it is too late."""
        async with self._database.write() as connection:
            # One that goes on after a question stands in the queue too.
            is_new = (schema.task.c.state == State.QUEUED.value) & schema.task.c.started_at.is_(None)
            waiting = _asked(place, ts) & is_new
            task = await connection.execute(update(schema.task).where(waiting).values(request=text))
            inbox = await connection.execute(
                update(schema.inbox).where(_told(place, ts), schema.inbox.c.seen.is_(False)).values(text=text)
            )
            return bool(task.rowcount or inbox.rowcount)

    async def withdraw(self, place: ThreadAddress, ts: str) -> str:
        """Take back a follow-up that nobody has read. Returns the id of the task that the message had
        started, if it did: that one is to be stopped."""
        async with self._database.write() as connection:
            mine = delete(schema.inbox).where(_told(place, ts), schema.inbox.c.seen.is_(False))
            await connection.execute(mine)
            found = await connection.execute(select(schema.task.c.id).where(_asked(place, ts)))
            return found.scalar() or ""


def _asked(place: ThreadAddress, ts: str) -> ColumnElement[bool]:
    task = schema.task.c
    mine: ColumnElement[Any] = (task.team == place.team) & (task.channel == place.channel)
    return mine & (task.message_ts == ts)


def _told(place: ThreadAddress, ts: str) -> ColumnElement[bool]:
    task = schema.task.c
    here = select(task.id).where(task.team == place.team, task.channel == place.channel)
    return (schema.inbox.c.id == ts) & schema.inbox.c.task.in_(here)
