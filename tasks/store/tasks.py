"""Tasks in SQL: moving states, inbox, history.

Each public method is one transaction, and may be repeated where its outcome was not seen. Never decides when
a task runs: that is `tasks.engine`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.message import Message, ThreadAddress
from tasks.policy import TaskLimits
from tasks.store import schema
from tasks.store.acceptance import Accepted, Taken, accept, claim, forget_unread, hand_on, release, wake
from tasks.store.admission import admit, alone
from tasks.store.approvals import newly_decided
from tasks.store.database import Database, persistent
from tasks.store.notify import notify
from tasks.store.outbox import Outbox
from tasks.store.rows import OPEN, InboxItem, LogRow, claimed_by, hold, one, to_task, unread, within
from tasks.task import LOST, Outcome, Spent, State, Task, Ticket

__all__ = ["Accepted", "InboxItem", "Taken", "TaskStore"]


class TaskStore:
    """All reading and writing of tasks.

    `patience` is for how many seconds a method waits for a database that is away. Zero, for what a person or
    Slack waits for: the fault is raised at once.
    """

    def __init__(
        self, database: Database, *, patience: float = 0.0, limits: TaskLimits | None = None
    ) -> None:
        self.database = database
        self.patience = patience
        self.said = Outbox(database, patience)
        self._limits = limits or TaskLimits()

    @persistent
    async def accept(self, message: Message, *, anew: bool = False) -> Accepted:
        """Claim a message and decide what it becomes, once for all its deliveries and on all nodes; with
        `anew` also one that was claimed before and became nothing."""
        try:
            async with self.database.write() as connection:
                if anew:
                    await release(connection, message)
                return await accept(connection, message, self._limits)
        except IntegrityError:
            # It came before, here or on another node, or its twin did: nothing else shares its key.
            async with self.database.read() as connection:
                task = await claimed_by(connection, message.thread, message.ts)
            return Accepted(taken=Taken.REPEATED, task=task or message.task_id)

    @persistent
    async def claim(self, message: Message) -> bool:
        """Take a message without making anything of it; False when it was taken before."""
        try:
            async with self.database.write() as connection:
                await connection.execute(insert(schema.message).values(claim(message, task="")))
        except IntegrityError:
            return False
        return True

    @persistent
    async def task(self, id_: str) -> Task | None:
        async with self.database.read() as connection:
            return await one(connection, schema.task.c.id == id_)

    @persistent
    async def current(self, thread: ThreadAddress) -> Task | None:
        """The thread's task that is under way, or else its newest."""
        async with self.database.read() as connection:
            open_ = await one(connection, *within(thread), schema.task.c.state.in_(OPEN))
            return open_ or await one(connection, *within(thread))

    @persistent
    async def recent(self, limit: int = 50) -> Sequence[Task]:
        """Tasks of all threads, newest first."""
        query = select(schema.task).order_by(schema.task.c.created_at.desc()).limit(limit)
        async with self.database.read() as connection:
            return [to_task(row) for row in (await connection.execute(query)).mappings()]

    @persistent
    async def history(self, thread: ThreadAddress, before: Task, limit: int = 20) -> Sequence[Task]:
        """The thread's earlier tasks that have ended, oldest first, at most the newest `limit`."""
        ended = schema.task.c.ended_at.is_not(None) & (schema.task.c.created_at < before.created_at)
        query = select(schema.task).where(*within(thread), ended)
        query = query.order_by(schema.task.c.created_at.desc()).limit(limit)
        async with self.database.read() as connection:
            rows = (await connection.execute(query)).mappings()
            return [to_task(row) for row in rows][::-1]

    @persistent
    async def begin(self, ticket: Ticket, runner: str) -> Task | None:
        """Make `runner` the only one that may write for a task; None when there is nothing to run: the task
        is over, parked, or on another attempt."""
        async with self.database.write() as connection:
            task = await one(connection, schema.task.c.id == ticket.task, locked=True)
            if task is None or not _is_to_run(task, ticket.attempt):
                return None
            state = State.RUNNING if task.state is State.QUEUED else task.state
            started = task.started_at or time.time()
            await _set(connection, task.id, state=state.value, started_at=started, runner=runner)
            return replace(task, state=state, started_at=started, runner=runner)

    @persistent
    async def show(self, task: Task, asked: str) -> None:
        """Write down which question the thread is about to show: what is written from then on answers it."""
        async with self.database.write() as connection:
            if await self._own(connection, task) is not None:
                await _set(connection, task.id, asked=asked)

    @persistent
    async def park(self, task: Task, *, seconds: float) -> Sequence[Ticket]:
        """Leave a task waiting, for `seconds` at most; if an answer has come meanwhile, it goes on."""
        async with self.database.write() as connection:
            found = await self._own(connection, task)
            if found is None:
                return ()
            if found.state.is_ending:
                return await wake(connection, found, as_=found.state)
            answers = await unread(connection, task.id, asked=found.asked)
            if answers or await newly_decided(connection, task.id):
                return await wake(connection, found)
            await _set(connection, task.id, state=State.WAITING.value, due_at=time.time() + seconds)
            return await admit(connection, task.thread.team, self._limits)

    @persistent
    async def postpone(self, task: Task, *, seconds: float) -> Sequence[Ticket]:
        """Leave a task whose end could not be told; it is tried again in `seconds`."""
        async with self.database.write() as connection:
            found = await self._own(connection, task)
            if found is None:
                return ()
            values = {"state": State.DELIVERING.value, "due_at": time.time() + seconds}
            await _set(connection, task.id, deliveries=found.deliveries + 1, **values)
            return await admit(connection, task.thread.team, self._limits)

    @persistent
    async def end(self, task: Task, outcome: Outcome, spent: Spent | None = None) -> Sequence[Ticket]:
        """Close a task. Messages that met its end become the thread's next task; what has room now is
        returned, to be placed."""
        async with self.database.write() as connection:
            found = await self._own(connection, task)
            if found is None:
                return ()
            return await self._close(connection, found, outcome, spent)

    @persistent
    async def stop(self, id_: str, reason: str) -> Sequence[Ticket] | None:
        """Write down that a person stopped a task; None when it was over already.

        Its runner ends it. Where there is none, the ticket is for a run that does nothing but that, and need
        not wait for a place.
        """
        return await self._finish(id_, State.STOPPING, reason)

    @persistent
    async def expire(self, id_: str, reason: str) -> Sequence[Ticket] | None:
        """End a task that nobody answered; None when somebody just has."""
        return await self._finish(id_, State.EXPIRING, reason, only=State.WAITING)

    @persistent
    async def redeliver(self, id_: str) -> Sequence[Ticket]:
        """Have a task whose end could not be told try again."""
        async with self.database.write() as connection:
            task = await _locked(connection, id_)
            if task is None or task.state is not State.DELIVERING:
                return ()
            return await wake(connection, task)

    @persistent
    async def rescue(self, ticket: Ticket) -> Sequence[Ticket]:
        """Have a task go on whose run ended without an end of the task. The last time it goes on only to tell
        that it is given up; it ends untold where that run vanishes as well."""
        async with self.database.write() as connection:
            task = await _locked(connection, ticket.task)
            if task is None or not _is_to_run(task, ticket.attempt):
                return ()
            if task.is_lost:
                outcome = Outcome(state=State.FAILED, text=task.answer, reason=LOST)
                return await self._close(connection, task, outcome)
            await _set(connection, task.id, rescues=task.rescues + 1)
            return await wake(connection, task, as_=task.state if task.state.is_ending else State.QUEUED)

    @persistent
    async def unread(self, id_: str, *, asked: str | None = None) -> Sequence[InboxItem]:
        async with self.database.read() as connection:
            return await unread(connection, id_, asked=asked)

    @persistent
    async def mark(self, id_: str, items: Sequence[str]) -> None:
        mine = (schema.inbox.c.task == id_) & schema.inbox.c.id.in_(items)
        async with self.database.write() as connection:
            await connection.execute(update(schema.inbox).where(mine).values(seen=True))

    @persistent
    async def at(self, channel: str, ts: str) -> Task | None:
        """The task that a message belongs to: it started it, it began its thread, or the task said it."""
        columns, said = schema.task.c, schema.post.c
        by_post = select(said.task).join(schema.task, columns.id == said.task)
        by_post = by_post.where(said.ts == ts, columns.channel == channel)
        asked = (columns.channel == channel) & ((columns.message_ts == ts) | (columns.thread_ts == ts))
        async with self.database.read() as connection:
            return await one(connection, asked | columns.id.in_(by_post))

    @persistent
    async def rate(self, id_: str, user: str, verdict: str) -> None:
        """Keep a person's verdict on an answer; a later one replaces it."""
        mine = (schema.verdict.c.task == id_) & (schema.verdict.c.user == user)
        async with self.database.write() as connection:
            await connection.execute(delete(schema.verdict).where(mine))
            row = {"task": id_, "user": user, "verdict": verdict, "at": time.time()}
            await connection.execute(insert(schema.verdict).values(row))

    @persistent
    async def events(self, id_: str) -> Sequence[LogRow]:
        """A task's whole log in the order it was written."""
        query = select(schema.event).where(schema.event.c.task == id_).order_by(schema.event.c.at)
        async with self.database.read() as connection:
            return list((await connection.execute(query)).mappings())

    async def _own(self, connection: AsyncConnection, task: Task) -> Task | None:
        """The task as it stands, held for its runner's last word; None when that has been said. Raises
        `StaleRunner`."""
        await alone(connection, task.thread.team)
        found = await one(connection, schema.task.c.id == task.id, locked=True)
        if found is None or not _is_to_run(found, task.attempt):
            return None
        await hold(connection, task.id, task.runner)
        return found

    async def _finish(
        self, id_: str, state: State, reason: str, *, only: State | None = None
    ) -> Sequence[Ticket] | None:
        async with self.database.write() as connection:
            task = await _locked(connection, id_)
            if task is None or task.state.is_over or (only and task.state is not only):
                return None
            await forget_unread(connection, id_)
            await _set(connection, id_, state=state.value, reason=reason, admitted=True)
            if task.state is State.QUEUED or task.state.is_parked:
                # With a new attempt: the place of the old one in the queue comes to nothing.
                return await wake(connection, task, as_=state)
            await notify(connection, id_)
            return ()

    async def _close(
        self, connection: AsyncConnection, task: Task, outcome: Outcome, spent: Spent | None = None
    ) -> Sequence[Ticket]:
        await _set(
            connection, task.id, state=outcome.state.value, answer=outcome.text, reason=outcome.reason,
            ended_at=time.time(), due_at=None, **(asdict(spent) if spent else {}),
        )  # fmt: skip
        await hand_on(connection, task)
        return await admit(connection, task.thread.team, self._limits)


def _is_to_run(task: Task, attempt: int) -> bool:
    """Whether this attempt is the task's own, and has not come to its end or to a pause."""
    return task.attempt == attempt and not (task.state.is_over or task.state.is_parked)


async def _locked(connection: AsyncConnection, id_: str) -> Task | None:
    """A task that nobody else decides about until the transaction ends."""
    task = await one(connection, schema.task.c.id == id_)
    if task is None:
        return None
    await alone(connection, task.thread.team)
    return await one(connection, schema.task.c.id == id_, locked=True)


async def _set(connection: AsyncConnection, id_: str, **values: Any) -> None:
    await connection.execute(update(schema.task).where(schema.task.c.id == id_).values(values))
