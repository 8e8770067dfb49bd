"""Decisions on calls that ask first, in SQL: bound to a task and to what was shown, used once.

Owns the rules of the row: it is written before anybody is asked, decided once, and its answer is given out
once. Never decides who may decide: that is the bot's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import ColumnElement, RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from agents.approvals import Question, Verdict
from tasks.store import schema
from tasks.store.acceptance import wake
from tasks.store.database import Database
from tasks.store.rows import hold, one, unread
from tasks.task import State, Task, Ticket

_ROW = schema.approval.c


class TaskApprovals:
    """One task's questions, for the run that has the task now (an `agents.approvals.Approvals`)."""

    def __init__(self, database: Database, task: Task, *, patience: float) -> None:
        self._database = database
        self._task = task
        self._patience = patience

    async def record(self, question: Question) -> None:
        await self._database.persist(lambda: self._ask(question), self._patience)

    async def consume(self, id_: str, digest: str) -> Verdict:
        # Not repeated when its end was not seen: then the answer counts as given out, and is not used.
        async with self._database.write() as connection:
            await hold(connection, self._task.id, self._task.runner)
            mine = _of(self._task.id, id_, digest)
            query = select(schema.approval).where(mine).with_for_update()
            row = (await connection.execute(query)).mappings().first()
            verdict = await self._verdict(connection, row)
            if verdict is not Verdict.OPEN:
                given = {"used": True, "woke": True}
                if verdict is Verdict.UNCLEAR:
                    given["approved"] = False
                await connection.execute(update(schema.approval).where(mine).values(given))
            return verdict

    async def _verdict(self, connection: AsyncConnection, row: RowMapping | None) -> Verdict:
        if row is None:
            return Verdict.UNCLEAR
        if row["approved"] is None:
            # Who writes instead of pressing a button has said something, and it was not a clear yes. What was
            # written while something else was asked, or nothing, says nothing of this.
            answers = await unread(connection, self._task.id, asked=row["id"])
            return Verdict.UNCLEAR if answers else Verdict.OPEN
        if not row["approved"]:
            return Verdict.DENIED
        return Verdict.USED if row["used"] else Verdict.APPROVED

    async def _ask(self, question: Question) -> None:
        mine = _ROW.id == question.id
        async with self._database.write() as connection:
            await hold(connection, self._task.id, self._task.runner)
            if (await connection.execute(select(_ROW.id).where(mine))).first() is None:
                row = {
                    "id": question.id, "task": self._task.id, "digest": question.digest,
                    "tool": question.tool, "question": question.text, "at": time.time(),
                }  # fmt: skip
                await connection.execute(insert(schema.approval).values(row))


async def decide(
    database: Database, task: str, approval: str, *, approved: bool, user: str
) -> Sequence[Ticket] | None:
    """Write a person's decision down; what is to be placed now, so that a parked task goes on.

    `approval` is id and digest as the button carries them. None when there is nothing (more) to decide: the
    question has its answer, is over with its task, or is another one.
    """
    id_, _, digest = approval.partition(":")
    async with database.write() as connection:
        found = await one(connection, schema.task.c.id == task, locked=True)
        if found is None or found.state not in (State.RUNNING, State.WAITING):
            return None
        mine = _of(task, id_, digest)
        values = {"approved": approved, "user": user, "woke": found.state is State.WAITING}
        done = await connection.execute(
            update(schema.approval).where(mine, _ROW.approved.is_(None)).values(values)
        )
        if done.rowcount != 1:
            return None
        return await wake(connection, found) if found.state is State.WAITING else ()


def _of(task: str, id_: str, digest: str) -> ColumnElement[bool]:
    return (_ROW.task == task) & (_ROW.id == id_) & (_ROW.digest == digest)


async def newly_decided(connection: AsyncConnection, task: str) -> bool:
    """Whether a decision came while its task was about to park; told once, so that it wakes it once."""
    mine = (_ROW.task == task) & _ROW.approved.is_not(None) & _ROW.woke.is_(False)
    done = await connection.execute(update(schema.approval).where(mine).values(woke=True))
    return bool(done.rowcount)
