"""Approvals of tool calls, in SQL: bound to a task and to the call that was shown, decided once, used once.

A row is written before a person is asked. Who may decide is up to the bot.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from agents.tools.approvals import Question, Verdict
from tasks.store import schema
from tasks.store.acceptance import requeue
from tasks.store.database import Database
from tasks.store.rows import check_runner, find_task, unread_items
from tasks.task import State, Task

_ROW = schema.approval.c


class TaskApprovals:
    """One task's approvals, for its current run (an `agents.tools.approvals.ApprovalStore`)."""

    def __init__(self, database: Database, task: Task, *, patience: float) -> None:
        self._database = database
        self._task = task
        self._patience = patience

    async def record(self, question: Question) -> None:
        await self._database.persist(lambda: self._insert(question), self._patience)

    async def consume(self, id_: str, digest: str) -> Verdict:
        # Not retried when its outcome was not seen: then the decision counts as used, and no call is made.
        async with self._database.write() as connection:
            await check_runner(connection, self._task.id, self._task.runner)
            mine = _of(self._task.id, id_, digest)
            query = select(schema.approval).where(mine).with_for_update()
            row = (await connection.execute(query)).mappings().first()
            verdict = await self._verdict(connection, row)
            if verdict is not Verdict.OPEN:
                values = {"used": True, "woke": True}
                if verdict is Verdict.UNCLEAR:
                    values["approved"] = False
                await connection.execute(update(schema.approval).where(mine).values(values))
            return verdict

    async def was_allowed(self, digest: str) -> bool:
        thread, task = self._task.thread, schema.task.c
        here = (task.team == thread.team, task.channel == thread.channel, task.thread_ts == thread.ts)
        query = select(_ROW.id).join(schema.task, task.id == _ROW.task).where(*here)
        query = query.where(_ROW.digest == digest, _ROW.approved.is_(True)).limit(1)

        async def find() -> bool:
            async with self._database.read() as connection:
                return (await connection.execute(query)).first() is not None

        return await self._database.persist(find, self._patience)

    async def _verdict(self, connection: AsyncConnection, row: RowMapping | None) -> Verdict:
        if row is None:
            return Verdict.UNCLEAR
        if row["approved"] is None:
            # A reply in place of a click is no clear yes. One that was written while another question or none
            # was shown does not count.
            answers = await unread_items(connection, self._task.id, asked=row["id"])
            return Verdict.UNCLEAR if answers else Verdict.OPEN
        if not row["approved"]:
            return Verdict.DENIED
        return Verdict.USED if row["used"] else Verdict.APPROVED

    async def _insert(self, question: Question) -> None:
        mine = _ROW.id == question.id
        async with self._database.write() as connection:
            await check_runner(connection, self._task.id, self._task.runner)
            if (await connection.execute(select(_ROW.id).where(mine))).first() is None:
                row = {
                    "id": question.id, "task": self._task.id, "digest": question.digest,
                    "tool": question.tool, "question": question.text, "at": time.time(),
                }  # fmt: skip
                await connection.execute(insert(schema.approval).values(row))


async def decide(database: Database, task: str, approval: str, *, approved: bool, user: str) -> bool:
    """Record a person's decision and requeue the task if it is parked.

    `approval` is the id and digest that the button carries. False when there is nothing to decide: it was
    decided, the task is over, or the button belongs to another call.
    """
    id_, _, digest = approval.partition(":")
    async with database.write() as connection:
        found = await find_task(connection, schema.task.c.id == task, locked=True)
        if found is None or found.state not in (State.QUEUED, State.RUNNING, State.WAITING):
            return False
        mine = _of(task, id_, digest)
        values = {"approved": approved, "user": user, "woke": found.state is State.WAITING}
        done = await connection.execute(
            update(schema.approval).where(mine, _ROW.approved.is_(None)).values(values)
        )
        if done.rowcount != 1:
            return False
        if found.state is State.WAITING:
            await requeue(connection, found)
        return True


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on a call; `user` is empty when a reply in the thread counted as a no."""

    approved: bool
    user: str


async def find_decision(database: Database, task: str, approval: str) -> Decision | None:
    """The decision on a call, by id and digest as the button carries them; None while there is none."""
    id_, _, digest = approval.partition(":")
    query = select(_ROW.approved, _ROW.user).where(_of(task, id_, digest), _ROW.approved.is_not(None))
    async with database.read() as connection:
        row = (await connection.execute(query)).first()
    return None if row is None else Decision(row.approved, row.user or "")


def _of(task: str, id_: str, digest: str) -> ColumnElement[bool]:
    return (_ROW.task == task) & (_ROW.id == id_) & (_ROW.digest == digest)


async def newly_decided(connection: AsyncConnection, task: str) -> bool:
    """Whether a decision came while its task was about to park. True once: it requeues the task once."""
    mine = (_ROW.task == task) & _ROW.approved.is_not(None) & _ROW.woke.is_(False)
    done = await connection.execute(update(schema.approval).where(mine).values(woke=True))
    return bool(done.rowcount)
