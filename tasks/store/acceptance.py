"""Accepting a message: decides in one transaction whether it becomes a task, a follow-up or an answer.

Also starts the thread's next task from messages that arrived too late for the last one. The functions that
get a connection open no transaction.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.message import Message, files_to_json, is_addition
from tasks.policy import TaskLimits
from tasks.store import schema
from tasks.store.admission import admit, load, lock_workspace
from tasks.store.database import Database, enqueue
from tasks.store.notify import notify
from tasks.store.rows import OPEN, claiming_task, find_task, in_thread, is_claim, unread_items
from tasks.task import State, Task, Ticket


class AcceptedAs(StrEnum):
    """What an accepted message became."""

    NEW = "new"  # a task of its own
    FOLLOW_UP = "follow_up"  # a message for the open task of its thread
    ANSWER = "answer"  # the answer that a parked task waits for: the task is queued again
    HELD = "held"  # a message for a task that waits for a decision by button: read after that
    KEPT = "kept"  # an addition to a message whose task is over: read by the thread's next task
    REPEATED = "repeated"  # nothing: it had been accepted before


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    kind: AcceptedAs
    task: str
    ahead: int = 0
    """How many tasks run before it; 0 when it starts at once."""


async def find_repeated(database: Database, message: Message) -> Accepted | None:
    """What a message is that was claimed before; None for one that was not. Slack sends a mention twice."""
    async with database.read() as connection:
        task = await claiming_task(connection, message.thread, message.ts)
    return None if task is None else Accepted(kind=AcceptedAs.REPEATED, task=task or message.task_id)


async def accept(connection: AsyncConnection, message: Message, limits: TaskLimits) -> Accepted:
    """Claim a message and store what it becomes. Raises IntegrityError when it was claimed before."""
    await lock_workspace(connection, message.thread.team)
    current = await find_task(connection, *in_thread(message.thread), schema.task.c.state.in_(OPEN))
    if current is None and is_addition(message.ts):
        current = await find_task(connection, *in_thread(message.thread))
    id_ = message.task_id if current is None else current.id
    await connection.execute(insert(schema.message), claim_row(message, task=id_))
    if current is None:
        return await _start(connection, message, limits)
    return await _follow_up(connection, current, message)


async def _start(connection: AsyncConnection, message: Message, limits: TaskLimits) -> Accepted:
    thread, id_ = message.thread, message.task_id
    found = await load(connection, thread.team, thread.channel, message.user)
    admitted = found.has_room(limits)
    await insert_task(connection, message, admitted=admitted)
    await _take_additions(connection, message)
    if admitted:
        enqueue(connection, Ticket(id_, 1))
    elif found.has_workspace_room(limits):
        # The waiting tasks may all be those of people and channels at their limits.
        admitted = id_ in await admit(connection, thread.team, limits)
    return Accepted(kind=AcceptedAs.NEW, task=id_, ahead=found.ahead(limits, admitted=admitted))


def claim_row(message: Message, *, task: str) -> dict[str, Any]:
    """The row that claims a message; `task` is empty for a message that needs no task."""
    thread = message.thread
    return {"team": thread.team, "channel": thread.channel, "ts": message.ts, "task": task, "at": time.time()}


async def release_claim(connection: AsyncConnection, message: Message) -> None:
    """Delete the claim of a message that became no task, so that it can be accepted after all."""
    mine = is_claim(message.thread, message.ts)
    await connection.execute(delete(schema.message).where(*mine, schema.message.c.task == ""))


async def insert_task(connection: AsyncConnection, message: Message, *, admitted: bool = False) -> None:
    """Store a new task; unless it is admitted, it waits behind the others of its workspace."""
    thread = message.thread
    row = {
        "id": message.task_id, "team": thread.team, "channel": thread.channel, "thread_ts": thread.ts,
        "message_ts": message.ts, "user": message.user, "user_name": message.user_name,
        "request": message.text, "files": files_to_json(message.files), "state": State.QUEUED.value,
        "attempt": 1, "created_at": time.time(), "admitted": admitted,
    }  # fmt: skip
    await connection.execute(insert(schema.task), row)


async def _follow_up(connection: AsyncConnection, task: Task, message: Message) -> Accepted:
    decision = await _awaits_decision(connection, task)
    row = {
        "task": task.id, "id": message.ts, "user": message.user, "user_name": message.user_name,
        "text": message.text, "files": files_to_json(message.files), "seen": False, "at": time.time(),
        "asked": "" if decision or is_addition(message.ts) else task.asked,
    }  # fmt: skip
    await connection.execute(insert(schema.inbox), row)
    if task.state.is_over:
        return Accepted(kind=AcceptedAs.KEPT, task=task.id)
    if task.state is State.WAITING and is_addition(message.ts):
        return Accepted(kind=AcceptedAs.FOLLOW_UP, task=task.id)
    if task.state is State.WAITING and decision:
        return Accepted(kind=AcceptedAs.HELD, task=task.id)
    if task.state is State.WAITING:
        await requeue(connection, task)
        return Accepted(kind=AcceptedAs.ANSWER, task=task.id)
    await notify(connection, task.id)
    return Accepted(kind=AcceptedAs.FOLLOW_UP, task=task.id)


async def _take_additions(connection: AsyncConnection, message: Message) -> None:
    """Give a new task what its thread's messages got after their tasks were over."""
    task, inbox = schema.task.c, schema.inbox.c
    earlier = select(task.id).where(*in_thread(message.thread), task.state.not_in(OPEN))
    left = inbox.task.in_(earlier) & inbox.seen.is_(False)
    await connection.execute(update(schema.inbox).where(left).values(task=message.task_id))


async def _awaits_decision(connection: AsyncConnection, task: Task) -> bool:
    """Whether the thread shows a question about a tool call. Only a button answers it."""
    row = schema.approval.c
    query = select(row.id).where(row.task == task.id, row.id == task.asked, row.approved.is_(None))
    return (await connection.execute(query)).first() is not None


async def requeue(connection: AsyncConnection, task: Task, *, state: State = State.QUEUED) -> None:
    """Queue a further attempt of a task that no process runs. It was admitted before, so it need not wait."""
    values = {
        "attempt": task.attempt + 1,
        "state": state.value,
        "admitted": True,
        "due_at": None,
        "runner": "",
    }
    await connection.execute(update(schema.task).where(schema.task.c.id == task.id).values(values))
    enqueue(connection, Ticket(task.id, task.attempt + 1, urgent=state is State.STOPPING))


async def discard_unread(connection: AsyncConnection, task: str) -> None:
    """Mark a stopped task's unread messages as read: the stop covers what was written before it."""
    mine = (schema.inbox.c.task == task) & schema.inbox.c.seen.is_(False)
    await connection.execute(update(schema.inbox).where(mine).values(seen=True))


async def start_next(connection: AsyncConnection, task: Task) -> None:
    """Start the thread's next task from the messages that an ended task has not read.

    The first becomes its request; the others become its follow-ups, each with its own author and files.
    Additions alone start none: they are left for the task that a person's next message starts.
    """
    left = await unread_items(connection, task.id)
    first = next((item for item in left if not is_addition(item.id)), None)
    if first is None:
        return
    message = Message(
        thread=task.thread, ts=first.id, user=first.user, user_name=first.user_name, text=first.text,
        files=first.files,
    )  # fmt: skip
    await insert_task(connection, message)
    columns = schema.inbox.c
    mine = (columns.task == task.id) & columns.seen.is_(False)
    await connection.execute(update(schema.inbox).where(mine, columns.id == first.id).values(seen=True))
    await connection.execute(update(schema.inbox).where(mine).values(task=message.task_id))
    claims = schema.message.c
    here = (claims.team == task.thread.team) & (claims.channel == task.thread.channel)
    ours = here & claims.ts.in_([item.id for item in left])
    await connection.execute(update(schema.message).where(ours).values(task=message.task_id))
