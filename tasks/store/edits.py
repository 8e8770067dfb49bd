"""Edited and deleted messages: changes what no agent has read yet."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.message import FileRef, Message, ThreadAddress, files_from_json, files_to_json
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.rows import claiming_task, find_inbox_item, find_task
from tasks.task import State, Task


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

    async def add_files(self, message: Message) -> tuple[FileRef, ...]:
        """Add those of the message's files that it was accepted without. Returns those for which it is too
        late, because an agent has read the message; none for a message that needed no task."""
        async with self._database.write() as connection:
            id_ = await claiming_task(connection, message.thread, message.ts)
            if not id_ or (task := await find_task(connection, schema.task.c.id == id_, locked=True)) is None:
                return ()
            is_request = task.message_ts == message.ts
            item = None if is_request else await find_inbox_item(connection, id_, message.ts)
            known = task.files if is_request else item.files if item else ()
            ids = {file.id for file in (*known, *await _added_files(connection, message))}
            new = tuple(file for file in message.files if file.id not in ids)
            if not new or await self._put_files(connection, task, message, (*known, *new)):
                return ()
            return new

    @staticmethod
    async def _put_files(
        connection: AsyncConnection, task: Task, message: Message, files: tuple[FileRef, ...]
    ) -> bool:
        """Replace the files of a message that no agent has read; False when it is too late."""
        values = {"files": files_to_json(files)}
        if task.message_ts == message.ts:
            if task.started_at is not None or task.state is not State.QUEUED:
                return False
            await connection.execute(update(schema.task).where(schema.task.c.id == task.id).values(values))
            return True
        unread = _is_follow_up(message.thread, message.ts) & schema.inbox.c.seen.is_(False)
        return bool((await connection.execute(update(schema.inbox).where(unread).values(values))).rowcount)

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
    return (schema.inbox.c.id == ts) & _in_channel(channel)


def _in_channel(channel: ThreadAddress) -> ColumnElement[bool]:
    task = schema.task.c
    here = select(task.id).where(task.team == channel.team, task.channel == channel.channel)
    return schema.inbox.c.task.in_(here)


async def _added_files(connection: AsyncConnection, message: Message) -> list[FileRef]:
    """The files of the message's additions."""
    mine = schema.inbox.c.id.startswith(message.addition("", "").ts) & _in_channel(message.thread)
    rows = await connection.execute(select(schema.inbox.c.files).where(mine))
    return [file for row in rows for file in files_from_json(row.files)]
