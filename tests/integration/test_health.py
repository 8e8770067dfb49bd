"""A process without what tasks need hands them on, while another process has it. Needs PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import update

from tasks.engine import TaskEngine
from tasks.policy import TaskPolicy
from tasks.store import schema
from tasks.store.database import SCHEMA, Database
from tasks.task import State, Task, Ticket
from tests.support.function_runner import MANY, FunctionRunner, ended
from tests.support.task_harness import eventually, message
from tests.support.timing import TASK_TIMING

TIMING = replace(TASK_TIMING, health=0.05, unhealthy=0.0, silence=600.0, grace=600.0)


@asynccontextmanager
async def peer(url: str) -> AsyncIterator[None]:
    """Another process, with all that tasks need: its row, and its lock."""
    connection = await asyncpg.connect(url)
    await connection.execute("SELECT pg_advisory_lock(7)")
    await connection.execute(
        f'INSERT INTO {SCHEMA}.node (id, number, pid, beat, "left") '
        "VALUES ('peer', 7, pg_backend_pid(), 0, false)"
    )
    yield
    await connection.close()


class Work:
    """Tasks that run until the test opens the gate."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.has_engine = True
        self.begun: list[str] = []

    async def __call__(self, task: Task) -> None:
        self.begun.append(task.id)
        await self.gate.wait()

    async def check(self) -> bool:
        return self.has_engine


@asynccontextmanager
async def engine_of(url: str, work: Work) -> AsyncIterator[TaskEngine]:
    policy = TaskPolicy(limits=MANY, timing=TIMING)
    database = Database(url, TIMING)
    await database.open()
    try:
        async with TaskEngine(
            database, FunctionRunner(database, work), policy=policy, check=work.check
        ) as engine:
            yield engine
    finally:
        await database.close()


async def test_tasks_are_handed_on_and_taken_back(postgres_url: str) -> None:
    work = Work()
    async with peer(postgres_url), engine_of(postgres_url, work) as engine:
        running = (await engine.accept(message("1.0"))).task
        await eventually(lambda task: task.state is State.RUNNING, running, engine.store)
        node = engine._placement.node
        work.has_engine = False
        # Its run left it, for the peer, and no death was counted.
        left = await eventually(lambda task: not task.runner, running, engine.store)
        assert left.deaths == 0
        await until(lambda: engine._placement.node != node and engine._is_up.is_set())
        waiting = (await engine.accept(message("2.0"))).task
        await queued(engine, waiting)
        assert waiting not in work.begun
        assert engine.running == []

        work.gate.set()
        work.has_engine = True
        await ended(engine, running, waiting)


async def test_without_a_healthy_peer_tasks_are_kept(postgres_url: str) -> None:
    work = Work()
    async with peer(postgres_url), engine_of(postgres_url, work) as engine:
        async with engine._database.write() as connection:
            await connection.execute(update(schema.node).values(healthy=False))
        work.has_engine = False
        await until(lambda: not engine._health.is_healthy)
        work.gate.set()
        await ended(engine, (await engine.accept(message("1.0"))).task)
        assert not engine._health.stands_by


async def until(is_so: object) -> None:
    assert callable(is_so)
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def queued(engine: TaskEngine, id_: str) -> None:
    """Return when DBOS has the task in its queue, and had time to take it."""
    async with asyncio.timeout(30):
        while not await engine._placement.known([Ticket(id_, 1)]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await asyncio.sleep(5 * TIMING.poll)
