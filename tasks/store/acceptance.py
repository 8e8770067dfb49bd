"""What a message becomes, decided inside one transaction: a task, a follow-up, an answer, or nothing.

Also what is left of the inbox when a task ends, since that is the same question. Never opens a transaction.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.message import Message, files_to_json
from tasks.policy import TaskLimits
from tasks.store import schema
from tasks.store.admission import admit, alone, standing
from tasks.store.notify import notify
from tasks.store.rows import OPEN, claim_of, one, unread, within
from tasks.task import State, Task, Ticket


class Taken(StrEnum):
    """What an accepted message became."""

    NEW = "new"  # a task of its own
    FOLLOW_UP = "follow_up"  # a message for the task that is under way in its thread
    ANSWER = "answer"  # what a parked task has waited for: it is queued again
    REPEATED = "repeated"  # it had been accepted before: nothing was done


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    taken: Taken
    task: str
    tickets: tuple[Ticket, ...] = ()
    """What has to be placed now."""
    ahead: int = 0
    """How many tasks come before it; 0 when it starts at once."""


async def accept(connection: AsyncConnection, message: Message, limits: TaskLimits) -> Accepted:
    """Claim a message and make of it what it is. Raises IntegrityError when it was claimed before."""
    await alone(connection, message.thread.team)
    current = await one(connection, *within(message.thread), schema.task.c.state.in_(OPEN))
    id_ = message.task_id if current is None else current.id
    await connection.execute(insert(schema.message), claim(message, task=id_))
    if current is None:
        return await _begin(connection, message, limits)
    return await _tell(connection, current, message)


async def _begin(connection: AsyncConnection, message: Message, limits: TaskLimits) -> Accepted:
    where = message.thread
    stands = await standing(connection, where.team, where.channel, message.user)
    ticket = Ticket(message.task_id, 1)
    admitted = stands.has_room(limits)
    await new_task(connection, message, admitted=admitted)
    tickets: tuple[Ticket, ...] = (ticket,) if admitted else ()
    if not admitted and stands.workspace < limits.workspace:
        # Those in the line may be passed over.
        tickets = await admit(connection, message.thread.team, limits)
    ahead = stands.ahead(limits, admitted=ticket in tickets)
    return Accepted(taken=Taken.NEW, task=ticket.task, tickets=tickets, ahead=ahead)


def claim(message: Message, *, task: str) -> dict[str, Any]:
    """The row that makes a message ours."""
    thread = message.thread
    return {"team": thread.team, "channel": thread.channel, "ts": message.ts, "task": task, "at": time.time()}


async def release(connection: AsyncConnection, message: Message) -> None:
    """Take the claim from a message that has become nothing: somebody was refused, or it was a word of
    command."""
    mine = claim_of(message.thread, message.ts)
    await connection.execute(delete(schema.message).where(*mine, schema.message.c.task == ""))


async def new_task(connection: AsyncConnection, message: Message, *, admitted: bool = False) -> None:
    """Write a task down, at the end of its workspace's line unless it is admitted."""
    thread = message.thread
    row = {
        "id": message.task_id, "team": thread.team, "channel": thread.channel, "thread_ts": thread.ts,
        "message_ts": message.ts, "user": message.user, "user_name": message.user_name,
        "request": message.text, "files": files_to_json(message.files), "state": State.QUEUED.value,
        "attempt": 1, "created_at": time.time(), "admitted": admitted,
    }  # fmt: skip
    await connection.execute(insert(schema.task), row)


async def _tell(connection: AsyncConnection, task: Task, message: Message) -> Accepted:
    row = {
        "task": task.id, "id": message.ts, "user": message.user, "user_name": message.user_name,
        "text": message.text, "files": files_to_json(message.files), "seen": False, "at": time.time(),
        "asked": task.asked,
    }  # fmt: skip
    await connection.execute(insert(schema.inbox), row)
    if task.state is State.WAITING:
        return Accepted(taken=Taken.ANSWER, task=task.id, tickets=await wake(connection, task))
    await notify(connection, task.id)
    return Accepted(taken=Taken.FOLLOW_UP, task=task.id)


async def wake(connection: AsyncConnection, task: Task, *, as_: State = State.QUEUED) -> tuple[Ticket, ...]:
    """Have a task that no process holds run once more. It has stood in line before, so it does not again."""
    attempt = task.attempt + 1
    values = {"attempt": attempt, "state": as_.value, "admitted": True, "due_at": None}
    await connection.execute(update(schema.task).where(schema.task.c.id == task.id).values(values))
    return (Ticket(task.id, attempt),)


async def forget_unread(connection: AsyncConnection, id_: str) -> None:
    """Take what was written before a stop as stopped too."""
    mine = (schema.inbox.c.task == id_) & schema.inbox.c.seen.is_(False)
    await connection.execute(update(schema.inbox).where(mine).values(seen=True))


async def hand_on(connection: AsyncConnection, task: Task) -> None:
    """Make the messages that met a task's end the thread's next task: the first of them its request, the
    others what is said to it meanwhile, each with its own writer and files."""
    left = await unread(connection, task.id)
    if not left:
        return
    first = left[0]
    message = Message(
        thread=task.thread, ts=first.id, user=first.user, user_name=first.user_name, text=first.text,
        files=first.files,
    )  # fmt: skip
    await new_task(connection, message)
    columns = schema.inbox.c
    mine = (columns.task == task.id) & columns.seen.is_(False)
    await connection.execute(update(schema.inbox).where(mine, columns.id == first.id).values(seen=True))
    await connection.execute(update(schema.inbox).where(mine).values(task=message.task_id))
    claims = schema.message.c
    here = (claims.team == task.thread.team) & (claims.channel == task.thread.channel)
    ours = here & claims.ts.in_([item.id for item in left])
    await connection.execute(update(schema.message).where(ours).values(task=message.task_id))
