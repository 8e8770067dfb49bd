"""Runs a test's own function as each task, on a real engine: no agents, no model, no thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tasks.engine import TaskEngine
from tasks.policy import TaskLimits, TaskPolicy
from tasks.run.signals import Signals
from tasks.store.database import Database
from tasks.store.tasks import TaskStore
from tasks.task import Outcome, State, Task, Ticket
from tasks.timing import TaskTiming
from tests.support.task_harness import eventually
from tests.support.timing import TASK_TIMING

MANY = TaskLimits(process=500, workspace=1000, channel=1000, person=1000)


class FunctionRunner:
    """A `tasks.engine.TaskRunner` that runs a test's function and ends the task."""

    def __init__(self, database: Database, work: Callable[[Task], Awaitable[Any]]) -> None:
        self._store = TaskStore(database, limits=MANY)
        self._work = work

    async def run(self, ticket: Ticket, signals: Signals) -> None:
        task = await self._store.begin(ticket, signals.runner)
        if task is None:
            return
        await self._work(task)
        await self._store.end(task, Outcome(state=State.ANSWERED, text="done"))


@asynccontextmanager
async def running(
    url: str, work: Callable[[Task], Awaitable[Any]], *, limits: TaskLimits = MANY,
    timing: TaskTiming = TASK_TIMING,
) -> AsyncIterator[TaskEngine]:  # fmt: skip
    """An engine that runs each task by `work` and ends it."""
    policy = TaskPolicy(limits=limits, timing=timing)
    database = Database(url, timing)
    await database.open()
    try:
        async with TaskEngine(database, FunctionRunner(database, work), policy=policy) as engine:
            yield engine
    finally:
        await database.close()


async def ended(engine: TaskEngine, *ids: str) -> None:
    for id_ in ids:
        await eventually(lambda task: task.state.is_over, id_, engine.store)


async def nothing(task: Task) -> None:
    await asyncio.sleep(0)
