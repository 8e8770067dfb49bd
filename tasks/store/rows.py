"""Rows read as values, and the few conditions that more than one statement needs. Never writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.errors import StaleRunner
from tasks.message import FileRef, ThreadAddress, files_from_json
from tasks.store import schema
from tasks.task import State, Task

#: Put together once, as it is asked before every entry.
_RUNNER = select(schema.task.c.runner).where(schema.task.c.id == bindparam("task")).with_for_update(read=True)
OPEN = [state.value for state in State if not state.is_over]


#: A row of a task's log, by column.
LogRow = Mapping[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """A message for a task under way."""

    id: str
    user: str
    user_name: str
    text: str
    files: tuple[FileRef, ...]


async def hold(connection: AsyncConnection, task: str, runner: str) -> None:
    """The fence: raises `StaleRunner` unless this run is the one that began the task last.

    It stays so until the transaction ends: another begin waits for it, and then sees what it wrote.
    """
    if (await connection.execute(_RUNNER, {"task": task})).scalar() != runner:
        raise StaleRunner(f"task {task} is run by another process now")


async def one(connection: AsyncConnection, *where: Any, locked: bool = False) -> Task | None:
    """The newest task that meets the conditions; `locked` keeps others from changing it meanwhile."""
    query = select(schema.task).where(*where).order_by(schema.task.c.created_at.desc()).limit(1)
    query = query.with_for_update() if locked else query
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else to_task(row)


def claim_of(place: ThreadAddress, ts: str) -> tuple[ColumnElement[bool], ...]:
    """The row of the message `ts` in the channel of `place`, if it was claimed."""
    claim = schema.message.c
    return claim.team == place.team, claim.channel == place.channel, claim.ts == ts


async def claimed_by(connection: AsyncConnection, place: ThreadAddress, ts: str) -> str | None:
    """The id of the task that a message became or was told to: empty where it was a word of command, None
    where it was not claimed."""
    query = select(schema.message.c.task).where(*claim_of(place, ts))
    return (await connection.execute(query)).scalar()


async def unread(connection: AsyncConnection, task: str, *, asked: str | None = None) -> Sequence[InboxItem]:
    """What no agent has read; with `asked`, only what was written while that question was shown."""
    columns = schema.inbox.c
    query = select(schema.inbox).where(columns.task == task, columns.seen.is_(False)).order_by(columns.id)
    if asked is not None:
        query = query.where(columns.asked == asked)
    return [_item(row) for row in (await connection.execute(query)).mappings()]


def within(thread: ThreadAddress) -> tuple[Any, ...]:
    columns = schema.task.c
    return columns.team == thread.team, columns.channel == thread.channel, columns.thread_ts == thread.ts


def to_task(row: RowMapping) -> Task:
    return Task(
        id=row["id"],
        thread=ThreadAddress(row["team"], row["channel"], row["thread_ts"]),
        message_ts=row["message_ts"],
        user=row["user"],
        user_name=row["user_name"],
        request=row["request"],
        files=files_from_json(row["files"]),
        state=State(row["state"]),
        attempt=row["attempt"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        answer=row["answer"],
        reason=row["reason"],
        workers=row["workers"],
        tokens=row["tokens"],
        cost=row["cost"],
        seconds=row["seconds"],
        runner=row["runner"],
        deliveries=row["deliveries"],
        rescues=row["rescues"],
        asked=row["asked"],
    )


def _item(row: RowMapping) -> InboxItem:
    return InboxItem(
        id=row["id"], user=row["user"], user_name=row["user_name"], text=row["text"],
        files=files_from_json(row["files"]),
    )  # fmt: skip
