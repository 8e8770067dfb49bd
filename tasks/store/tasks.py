"""Tasks in SQL: their states, inbox, posts and log.

Each public method is one transaction, and may be repeated where its outcome was not seen. When a task runs is
decided by `tasks.engine`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.errors import StaleRunner
from tasks.message import FileRef, Message, ThreadAddress, files_to_json
from tasks.policy import TaskLimits
from tasks.store import schema
from tasks.store.acceptance import (
    Accepted,
    AcceptedAs,
    accept,
    claim_row,
    discard_unread,
    find_repeated,
    release_claim,
    requeue,
    start_next,
)
from tasks.store.admission import admit, lock_workspace
from tasks.store.approvals import newly_decided
from tasks.store.database import Database, persistent
from tasks.store.deaths import Deaths
from tasks.store.notify import notify
from tasks.store.outbox import Outbox
from tasks.store.rows import (
    OPEN,
    InboxItem,
    LogRow,
    check_runner,
    find_task,
    in_thread,
    to_task,
    unread_items,
)
from tasks.task import LOST, Outcome, Spent, State, Task, Ticket

__all__ = ["Accepted", "AcceptedAs", "InboxItem", "TaskStore"]


class TaskStore:
    """Reads and writes tasks.

    `patience` is for how many seconds a method retries while the database is away. With zero, for what a
    person or Slack waits for, the error is raised at once.
    """

    def __init__(
        self, database: Database, *, patience: float = 0.0, limits: TaskLimits | None = None
    ) -> None:
        self.database = database
        self.patience = patience
        self.outbox = Outbox(database, patience)
        self.deaths = Deaths(database, patience)
        self._limits = limits or TaskLimits()

    @persistent
    async def accept(self, message: Message, *, release: bool = False) -> Accepted:
        """Claim a message and decide what it becomes, once for all its deliveries and on all nodes.

        With `release`, a message that was claimed before and became no task is accepted too.
        """
        if not release and (known := await find_repeated(self.database, message)):
            return known
        try:
            async with self.database.write() as connection:
                if release:
                    await release_claim(connection, message)
                return await accept(connection, message, self._limits)
        except IntegrityError:
            # Another delivery of it was accepted, here or on another node: nothing else shares its key.
            known = await find_repeated(self.database, message)
            return known or Accepted(kind=AcceptedAs.REPEATED, task=message.task_id)

    @persistent
    async def claim(self, message: Message) -> bool:
        """Claim a message that needs no task; False when it was claimed before."""
        try:
            async with self.database.write() as connection:
                await connection.execute(insert(schema.message).values(claim_row(message, task="")))
        except IntegrityError:
            return False
        return True

    @persistent
    async def task(self, id_: str) -> Task | None:
        async with self.database.read() as connection:
            return await find_task(connection, schema.task.c.id == id_)

    @persistent
    async def current(self, thread: ThreadAddress) -> Task | None:
        """The thread's open task, or else its newest."""
        async with self.database.read() as connection:
            open_ = await find_task(connection, *in_thread(thread), schema.task.c.state.in_(OPEN))
            return open_ or await find_task(connection, *in_thread(thread))

    @persistent
    async def recent(self, limit: int = 50) -> Sequence[Task]:
        """Tasks of all threads, newest first."""
        query = select(schema.task).order_by(schema.task.c.created_at.desc()).limit(limit)
        async with self.database.read() as connection:
            return [to_task(row) for row in (await connection.execute(query)).mappings()]

    @persistent
    async def history(self, thread: ThreadAddress, before: Task, limit: int = 20) -> Sequence[Task]:
        """The thread's ended tasks before another one, oldest first, at most the newest `limit`."""
        ended = schema.task.c.ended_at.is_not(None) & (schema.task.c.created_at < before.created_at)
        query = select(schema.task).where(*in_thread(thread), ended)
        query = query.order_by(schema.task.c.created_at.desc()).limit(limit)
        async with self.database.read() as connection:
            rows = (await connection.execute(query)).mappings()
            return [to_task(row) for row in rows][::-1]

    @persistent
    async def begin(self, ticket: Ticket, runner: str) -> Task | None:
        """Make `runner` the only run that may write for a task; None when there is nothing to run: the task
        is over, parked, or on another attempt."""
        async with self.database.write() as connection:
            task = await find_task(connection, schema.task.c.id == ticket.task, locked=True)
            if task is None or not task.is_runnable(ticket.attempt):
                return None
            state = State.RUNNING if task.state is State.QUEUED else task.state
            started = task.started_at or time.time()
            await _set(connection, task.id, state=state.value, started_at=started, runner=runner)
            return replace(task, state=state, started_at=started, runner=runner)

    @persistent
    async def complete(self, task: Task, files: tuple[FileRef, ...]) -> tuple[FileRef, ...]:
        """Record the files that a task's request was accepted without, before its agents read it. Returns
        them without those that have come as a message of their own. Raises `StaleRunner`."""
        async with self.database.write() as connection:
            await find_task(connection, schema.task.c.id == task.id, locked=True)
            await check_runner(connection, task.id, task.runner)
            come = {file.id for item in await unread_items(connection, task.id) for file in item.files}
            new = tuple(file for file in files if file.id not in come)
            await _set(connection, task.id, files=files_to_json(new))
            return new

    @persistent
    async def set_question(self, task: Task, asked: str) -> None:
        """Record which question the thread is about to show: messages from then on answer it."""
        async with self.database.write() as connection:
            if await self._lock_for_runner(connection, task) is not None:
                await _set(connection, task.id, asked=asked)

    @persistent
    async def park(self, task: Task, *, seconds: float) -> None:
        """Park a task for `seconds` at most; requeue it instead if its answer has come already."""
        async with self.database.write() as connection:
            found = await self._lock_for_runner(connection, task)
            if found is None:
                return
            if found.state.is_ending:
                await requeue(connection, found, state=found.state)
            elif await unread_items(connection, task.id, asked=found.asked) or await newly_decided(
                connection, task.id
            ):
                await requeue(connection, found)
            else:
                due = time.time() + seconds
                await _set(connection, task.id, state=State.WAITING.value, due_at=due)
                await admit(connection, task.thread.team, self._limits)

    @persistent
    async def postpone(self, task: Task, *, seconds: float) -> None:
        """Park a task whose end could not be delivered; maintenance requeues it after `seconds`."""
        async with self.database.write() as connection:
            found = await self._lock_for_runner(connection, task)
            if found is None:
                return
            values = {"state": State.DELIVERING.value, "due_at": time.time() + seconds}
            await _set(connection, task.id, deliveries=found.deliveries + 1, **values)
            await admit(connection, task.thread.team, self._limits)

    @persistent
    async def end(self, task: Task, outcome: Outcome) -> None:
        """End a task and admit what has room now. Its unread messages become the thread's next task."""
        async with self.database.write() as connection:
            found = await self._lock_for_runner(connection, task)
            if found is not None:
                await self._end(connection, found, outcome)

    @persistent
    async def stop(self, id_: str, reason: str) -> bool:
        """Record that a person stopped a task; False when it was over already.

        Its run ends it. A task without a run gets an urgent one that only says so in the thread.
        """
        return await self._begin_ending(id_, State.STOPPING, reason)

    @persistent
    async def expire(self, id_: str, reason: str) -> bool:
        """End a task whose question has no answer; False when it was answered in the meantime."""
        return await self._begin_ending(id_, State.EXPIRING, reason, only=State.WAITING)

    @persistent
    async def redeliver(self, id_: str) -> None:
        """Requeue a task whose delivery failed, to retry it now."""
        async with self.database.write() as connection:
            task = await _lock(connection, id_)
            if task is not None and task.state is State.DELIVERING:
                await requeue(connection, task)

    @persistent
    async def requeue_lost(self, ticket: Ticket) -> bool:
        """Requeue a task whose run vanished; False when it is not lost, or was given up.

        The last requeued run only says in the thread that the task is given up. If that one vanishes too, the
        task ends without a message.
        """
        async with self.database.write() as connection:
            task = await _lock(connection, ticket.task)
            if task is None or not task.is_runnable(ticket.attempt):
                return False
            if task.is_lost:
                outcome = Outcome(state=State.FAILED, text=task.answer, reason=LOST)
                await self._end(connection, task, outcome)
                return False
            await _set(connection, task.id, rescues=task.rescues + 1)
            await requeue(connection, task, state=task.state if task.state.is_ending else State.QUEUED)
            return True

    @persistent
    async def unread(self, id_: str, *, asked: str | None = None) -> Sequence[InboxItem]:
        """See `unread_items`."""
        async with self.database.read() as connection:
            return await unread_items(connection, id_, asked=asked)

    @persistent
    async def mark_read(self, id_: str, items: Sequence[str]) -> None:
        mine = (schema.inbox.c.task == id_) & schema.inbox.c.id.in_(items)
        async with self.database.write() as connection:
            await connection.execute(update(schema.inbox).where(mine).values(seen=True))

    @persistent
    async def events(self, id_: str) -> Sequence[LogRow]:
        """A task's whole log in the order it was written."""
        query = select(schema.event).where(schema.event.c.task == id_).order_by(schema.event.c.at)
        async with self.database.read() as connection:
            return list((await connection.execute(query)).mappings())

    async def _lock_for_runner(self, connection: AsyncConnection, task: Task) -> Task | None:
        """Lock a task for the last write of its run; None when the task is past it. Raises `StaleRunner`."""
        await lock_workspace(connection, task.thread.team)
        found = await find_task(connection, schema.task.c.id == task.id, locked=True)
        if found is None or not found.is_runnable(task.attempt):
            return None
        if found.runner != task.runner:
            raise StaleRunner(f"task {task.id} is run by another process now")
        return found

    async def _begin_ending(self, id_: str, state: State, reason: str, *, only: State | None = None) -> bool:
        async with self.database.write() as connection:
            task = await _lock(connection, id_)
            if task is None or task.state.is_over or (only and task.state is not only):
                return False
            await discard_unread(connection, id_)
            await _set(connection, id_, state=state.value, reason=reason, admitted=True)
            if task.state is State.QUEUED or task.state.is_parked:
                # As a new attempt: the ticket of the old one, which is in the queue, finds nothing to run.
                await requeue(connection, task, state=state)
            else:
                await notify(connection, id_)
            return True

    async def _end(self, connection: AsyncConnection, task: Task, outcome: Outcome) -> None:
        spent = asdict(outcome.spent) if outcome.spent != Spent() else {}
        await _set(
            connection, task.id, state=outcome.state.value, answer=outcome.text, reason=outcome.reason,
            ended_at=time.time(), due_at=None, quarantined=outcome.quarantined, **spent,
        )  # fmt: skip
        await start_next(connection, task)
        await admit(connection, task.thread.team, self._limits)


async def _lock(connection: AsyncConnection, id_: str) -> Task | None:
    """A task that no other transaction decides about until this one ends."""
    task = await find_task(connection, schema.task.c.id == id_)
    if task is None:
        return None
    await lock_workspace(connection, task.thread.team)
    return await find_task(connection, schema.task.c.id == id_, locked=True)


async def _set(connection: AsyncConnection, id_: str, **values: Any) -> None:
    await connection.execute(update(schema.task).where(schema.task.c.id == id_).values(values))
