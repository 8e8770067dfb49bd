"""What the runs of standing orders answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from tasks.orders.order import OrderKind
from tasks.store import schema
from tasks.store.database import Database
from tasks.task import State

_ORDER, _FIRING, _TASK = schema.standing_order.c, schema.firing.c, schema.task.c


@dataclass(frozen=True, slots=True)
class AnsweredRun:
    """What one run of an order was asked, and what it answered."""

    task: str
    request: str
    answer: str


@dataclass(frozen=True, slots=True)
class RunAnswers:
    """Each method is one transaction."""

    database: Database

    async def last(self, order: str) -> str:
        """What the newest answered run of an order said; empty when there is none."""
        runs = await self._runs(_FIRING.order_id == order, limit=1)
        return runs[0].answer if runs else ""

    async def of_watches(self, team: str, limit: int) -> Sequence[AnsweredRun]:
        """The answered runs of a workspace's watches, newest first."""
        watch = select(_ORDER.id).where(_ORDER.team == team, _ORDER.kind == OrderKind.WATCH.value)
        return await self._runs(_FIRING.order_id.in_(watch), limit=limit)

    async def _runs(self, where: ColumnElement[bool], *, limit: int) -> Sequence[AnsweredRun]:
        joined = schema.firing.join(schema.task, _TASK.id == _FIRING.task)
        mine = where & (_TASK.state == State.ANSWERED.value)
        query = select(_TASK.id, _TASK.request, _TASK.answer).select_from(joined).where(mine)
        async with self.database.read() as connection:
            found = await connection.execute(query.order_by(_FIRING.at.desc()).limit(limit))
            return [AnsweredRun(*row) for row in found]
