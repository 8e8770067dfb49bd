"""Tasks in SQL: accepting messages, moving states, inbox, posts, history.

Each public method is one transaction. Never decides when a task runs: that is `tasks.engine`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks import schema
from tasks.database import Database
from tasks.message import FileRef, Message, ThreadAddress, files_from_json, files_to_json
from tasks.task import Outcome, State, Task

_OPEN = [state.value for state in State if not state.is_over]


class Taken(StrEnum):
    """What an accepted message became."""

    NEW = "new"  # a task of its own
    FOLLOW_UP = "follow_up"  # a message for the task that is under way in its thread
    ANSWER = "answer"  # what a parked task has waited for: it is queued again
    REPEATED = "repeated"  # it had been accepted before: nothing was done


@dataclass(frozen=True, slots=True)
class Accepted:
    taken: Taken
    task: str
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """A message for a task under way."""

    id: str
    user_name: str
    text: str
    files: tuple[FileRef, ...]


class Store:
    """All reading and writing of tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, message: Message) -> Accepted:
        """Claim a message and decide what it becomes, once for all its deliveries and on all nodes."""
        try:
            async with self._database.write() as connection:
                return await _accept(connection, message)
        except IntegrityError:
            # Its twin was written a moment ago, here or on another node.
            async with self._database.read() as connection:
                return Accepted(Taken.REPEATED, await _claimed_by(connection, message) or message.task_id)

    async def claim(self, message: Message) -> bool:
        """Take a message without making anything of it; False when it was taken before."""
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(schema.message).values(_claim(message, task="")))
        except IntegrityError:
            return False
        return True

    async def task(self, id_: str) -> Task | None:
        async with self._database.read() as connection:
            return await _one(connection, schema.task.c.id == id_)

    async def current(self, thread: ThreadAddress) -> Task | None:
        """The thread's newest task."""
        async with self._database.read() as connection:
            return await _one(connection, *_in(thread))

    async def recent(self, limit: int = 50) -> Sequence[Task]:
        """Tasks of all threads, newest first."""
        query = select(schema.task).order_by(schema.task.c.created_at.desc()).limit(limit)
        async with self._database.read() as connection:
            return [_task(row) for row in (await connection.execute(query)).mappings()]

    async def history(self, thread: ThreadAddress, before: Task, limit: int = 20) -> Sequence[Task]:
        """The thread's earlier tasks that have ended, oldest first, at most the newest `limit`."""
        ended = schema.task.c.ended_at.is_not(None) & (schema.task.c.created_at < before.created_at)
        query = select(schema.task).where(*_in(thread), ended)
        query = query.order_by(schema.task.c.created_at.desc()).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings()
            return [_task(row) for row in rows][::-1]

    async def unplaced(self) -> Sequence[Task]:
        """Tasks that should be with the queue; whether they are, placing them again shows."""
        query = select(schema.task).where(schema.task.c.state == State.QUEUED.value)
        async with self._database.read() as connection:
            return [_task(row) for row in (await connection.execute(query)).mappings()]

    async def begin(self, id_: str) -> Task | None:
        """Mark a task as running; None when there is nothing to run, because it is over or parked."""
        async with self._database.write() as connection:
            task = await _one(connection, schema.task.c.id == id_)
            if task is None or task.state.is_over or task.state is State.WAITING:
                return None
            state = State.RUNNING if task.state is State.QUEUED else task.state
            started = task.started_at or time.time()
            await _set(connection, id_, state=state.value, started_at=started)
            return replace(task, state=state, started_at=started)

    async def park(self, id_: str) -> Accepted | None:
        """Leave a task waiting; if an answer has come meanwhile, it is queued again at once."""
        async with self._database.write() as connection:
            task = await _one(connection, schema.task.c.id == id_)
            if task is None or task.state is State.STOPPING or await _unread(connection, id_):
                return await _wake(connection, id_)
            await _set(connection, id_, state=State.WAITING.value)
            return None

    async def hold(self, id_: str, reason: str) -> None:
        """Leave a task whose thread can't be written to, to be delivered when `release` is called."""
        async with self._database.write() as connection:
            await _set(connection, id_, state=State.WAITING.value, reason=reason)

    async def release(self, team: str, channel: str) -> Sequence[Accepted]:
        """Queue again what `hold` left in a channel."""
        columns = schema.task.c
        held = (columns.team == team) & (columns.channel == channel) & (columns.reason != "")
        query = select(columns.id).where(held, columns.state == State.WAITING.value)
        async with self._database.write() as connection:
            found = list((await connection.execute(query)).scalars())
            return [await _wake(connection, id_) for id_ in found]

    async def end(self, id_: str, outcome: Outcome, *, workers: int = 0, tokens: int = 0) -> Accepted | None:
        """Close a task; messages that met its end become the thread's next task, which is returned."""
        async with self._database.write() as connection:
            task = await _one(connection, schema.task.c.id == id_)
            if task is None or task.state.is_over:
                return None
            await _set(
                connection, id_, state=outcome.state.value, answer=outcome.text, reason=outcome.reason,
                ended_at=time.time(), workers=workers, tokens=tokens,
            )  # fmt: skip
            return await _hand_on(connection, task)

    async def stop(self, id_: str, reason: str) -> Accepted | None:
        """Write down that a person stopped a task; None when it was over already.

        Its runner ends it. A parked task has none, so it is queued once more for that.
        """
        async with self._database.write() as connection:
            task = await _one(connection, schema.task.c.id == id_)
            if task is None or task.state.is_over:
                return None
            woken = await _wake(connection, id_) if task.state is State.WAITING else None
            await _set(connection, id_, state=State.STOPPING.value, reason=reason)
            return woken or Accepted(Taken.FOLLOW_UP, id_, task.attempt)

    async def unread(self, id_: str) -> Sequence[InboxItem]:
        async with self._database.read() as connection:
            return [_item(row) for row in await _unread(connection, id_)]

    async def mark(self, id_: str, items: Sequence[str]) -> None:
        mine = (schema.inbox.c.task == id_) & schema.inbox.c.id.in_(items)
        async with self._database.write() as connection:
            await connection.execute(update(schema.inbox).where(mine).values(seen=True))

    async def posts(self, id_: str) -> dict[str, str | None]:
        """What was said for a task: `ts` by key, None where the post is intended but not confirmed."""
        query = select(schema.post.c.key, schema.post.c.ts).where(schema.post.c.task == id_)
        async with self._database.read() as connection:
            return {row.key: row.ts for row in await connection.execute(query)}

    async def intend(self, id_: str, key: str) -> None:
        """Write down that `key` is about to be posted."""
        mine = (schema.post.c.task == id_) & (schema.post.c.key == key)
        async with self._database.write() as connection:
            await connection.execute(delete(schema.post).where(mine))
            await connection.execute(insert(schema.post).values(task=id_, key=key, at=time.time()))

    async def posted(self, id_: str, key: str, ts: str) -> None:
        mine = (schema.post.c.task == id_) & (schema.post.c.key == key)
        async with self._database.write() as connection:
            await connection.execute(update(schema.post).where(mine).values(ts=ts))

    async def at(self, channel: str, ts: str) -> Task | None:
        """The task that a message belongs to: it started it, it began its thread, or the task said it."""
        columns, said = schema.task.c, schema.post.c
        by_post = select(said.task).join(schema.task, columns.id == said.task)
        by_post = by_post.where(said.ts == ts, columns.channel == channel)
        asked = (columns.channel == channel) & ((columns.message_ts == ts) | (columns.thread_ts == ts))
        async with self._database.read() as connection:
            return await _one(connection, asked | columns.id.in_(by_post))

    async def rate(self, id_: str, user: str, verdict: str) -> None:
        """Keep a person's verdict on an answer; a later one replaces it."""
        mine = (schema.verdict.c.task == id_) & (schema.verdict.c.user == user)
        async with self._database.write() as connection:
            await connection.execute(delete(schema.verdict).where(mine))
            row = {"task": id_, "user": user, "verdict": verdict, "at": time.time()}
            await connection.execute(insert(schema.verdict).values(row))

    async def events(self, id_: str) -> Sequence[RowMapping]:
        """A task's whole log in the order it was written."""
        query = select(schema.event).where(schema.event.c.task == id_).order_by(schema.event.c.at)
        async with self._database.read() as connection:
            return list((await connection.execute(query)).mappings())


async def _accept(connection: AsyncConnection, message: Message) -> Accepted:
    task = await _claimed_by(connection, message)
    if task is not None:
        return Accepted(Taken.REPEATED, task)
    current = await _one(connection, *_in(message.thread), schema.task.c.state.in_(_OPEN))
    accepted = (
        await _new_task(connection, message) if current is None else await _tell(connection, current, message)
    )
    await connection.execute(insert(schema.message).values(_claim(message, task=accepted.task)))
    return accepted


def _claim(message: Message, *, task: str) -> dict[str, Any]:
    thread = message.thread
    return {"team": thread.team, "channel": thread.channel, "ts": message.ts, "task": task, "at": time.time()}


async def _claimed_by(connection: AsyncConnection, message: Message) -> str | None:
    claim, thread = schema.message.c, message.thread
    mine = (claim.team == thread.team) & (claim.channel == thread.channel) & (claim.ts == message.ts)
    return (await connection.execute(select(claim.task).where(mine))).scalar()


async def _new_task(connection: AsyncConnection, message: Message) -> Accepted:
    thread = message.thread
    row = {
        "id": message.task_id, "team": thread.team, "channel": thread.channel, "thread_ts": thread.ts,
        "message_ts": message.ts, "user": message.user, "user_name": message.user_name,
        "request": message.text, "files": files_to_json(message.files), "state": State.QUEUED.value,
        "attempt": 1, "created_at": time.time(),
    }  # fmt: skip
    await connection.execute(insert(schema.task).values(row))
    return Accepted(Taken.NEW, message.task_id)


async def _tell(connection: AsyncConnection, task: Task, message: Message) -> Accepted:
    row = {
        "task": task.id, "id": message.ts, "user": message.user, "user_name": message.user_name,
        "text": message.text, "files": files_to_json(message.files), "seen": False, "at": time.time(),
    }  # fmt: skip
    await connection.execute(insert(schema.inbox).values(row))
    if task.state is State.WAITING:
        return await _wake(connection, task.id)
    return Accepted(Taken.FOLLOW_UP, task.id, task.attempt)


async def _wake(connection: AsyncConnection, id_: str) -> Accepted:
    """Queue a parked task again, unless it is being stopped: that stands."""
    columns = schema.task.c
    mine = update(schema.task).where(columns.id == id_)
    await connection.execute(mine.values(attempt=columns.attempt + 1))
    await connection.execute(
        mine.where(columns.state != State.STOPPING.value).values(state=State.QUEUED.value)
    )
    attempt = (await connection.execute(select(columns.attempt).where(columns.id == id_))).scalar_one()
    return Accepted(Taken.ANSWER, id_, attempt)


async def _hand_on(connection: AsyncConnection, task: Task) -> Accepted | None:
    left = [_item(row) for row in await _unread(connection, task.id)]
    if not left:
        return None
    mine = schema.inbox.c.task == task.id
    await connection.execute(update(schema.inbox).where(mine).values(seen=True))
    message = Message(
        thread=task.thread, ts=left[-1].id, user=task.user, user_name=left[-1].user_name,
        text="\n".join(item.text for item in left), files=tuple(f for item in left for f in item.files),
    )  # fmt: skip
    return await _new_task(connection, message)


async def _unread(connection: AsyncConnection, id_: str) -> Sequence[RowMapping]:
    columns = schema.inbox.c
    query = select(schema.inbox).where(columns.task == id_, columns.seen.is_(False)).order_by(columns.id)
    return list((await connection.execute(query)).mappings())


async def _one(connection: AsyncConnection, *where: Any) -> Task | None:
    query = select(schema.task).where(*where).order_by(schema.task.c.created_at.desc()).limit(1)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _task(row)


async def _set(connection: AsyncConnection, id_: str, **values: Any) -> None:
    await connection.execute(update(schema.task).where(schema.task.c.id == id_).values(values))


def _in(thread: ThreadAddress) -> tuple[Any, ...]:
    columns = schema.task.c
    return columns.team == thread.team, columns.channel == thread.channel, columns.thread_ts == thread.ts


def _item(row: RowMapping) -> InboxItem:
    return InboxItem(
        id=row["id"], user_name=row["user_name"], text=row["text"], files=files_from_json(row["files"])
    )


def _task(row: RowMapping) -> Task:
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
    )
