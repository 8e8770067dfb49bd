"""The queue of placed tasks: order, limits, and what another process has queued."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from dbos import DBOS, SetWorkflowID
from sqlalchemy import make_url

from tasks.engine import TaskEngine
from tasks.policy import TaskLimits
from tasks.queue.placement import QUEUE
from tasks.store.database import Database
from tasks.store.tasks import TaskStore
from tasks.store.urls import queue_file
from tasks.task import Task
from tests.support.database_templates import copy_migrated
from tests.support.function_runner import ended, nothing, running
from tests.support.task_harness import message
from tests.support.timing import TASK_TIMING

ONE = TaskLimits(process=1)


async def test_what_is_accepted_is_begun_at_once(database_url: str) -> None:
    async with running(database_url, nothing) as engine:
        for number in range(3):
            await ended(engine, (await engine.accept(message(f"{number}.0"))).task)


async def test_no_more_run_at_once_than_may_and_the_next_follows_in_order(database_url: str) -> None:
    order: list[str] = []
    at_once = most = 0

    async def work(task: Task) -> None:
        nonlocal at_once, most
        order.append(task.id)
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.05)
        at_once -= 1

    async with running(database_url, work, limits=ONE) as engine:
        taken = [(await engine.accept(message(f"{number}.0"))).task for number in range(4)]
        await ended(engine, *taken)
        assert (order, most) == (taken, 1)


async def test_what_was_left_is_begun_at_the_next_start(tmp_path: Path) -> None:
    """Here the process says goodbye; `tests/e2e/test_survival` kills it."""
    url = f"sqlite:///{tmp_path / 'handoff.db'}"

    async def never(task: Task) -> None:
        await asyncio.sleep(3600)

    async with running(url, never, limits=ONE) as engine:
        taken = [(await engine.accept(message(f"{number}.0"))).task for number in range(2)]
        while not engine.running:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    async with running(url, nothing, limits=ONE) as engine:
        await ended(engine, *taken)


async def test_a_process_with_room_takes_what_another_queued(postgres_url: str) -> None:
    async with running(postgres_url, nothing) as engine:
        await ended(engine, (await engine.accept(message("1.0"))).task)
        elsewhere = Database(postgres_url)
        accepted = await TaskStore(elsewhere).accept(message("2.0"))
        with SetWorkflowID(f"{accepted.task}:1"):
            await DBOS.enqueue_workflow_async(QUEUE, engine._placement._workflow, accepted.task)
        await ended(engine, accepted.task)
        await elsewhere.close()


async def test_a_stop_needs_no_room_in_a_full_process(database_url: str) -> None:
    full = asyncio.Event()

    async def work(task: Task) -> None:
        if not task.state.is_ending:
            full.set()
            await asyncio.sleep(3600)

    async with running(database_url, work, limits=ONE) as engine:
        first = await engine.accept(message("1.0"))
        await full.wait()
        second = await engine.accept(message("2.0"))
        assert await engine.stop(second.task, "Ann")
        await ended(engine, second.task)
        assert engine.running == [first.task]


async def test_a_queue_that_can_not_be_read_is_reported(tmp_path: Path) -> None:
    """DBOS only logs it, and tries again."""
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    await copy_migrated(url)
    async with running(url, nothing) as engine:
        with closing(sqlite3.connect(queue_file(make_url(url)))) as queue:
            queue.execute("ALTER TABLE workflow_status RENAME TO away")
            await until(engine, lambda problems: "the queue of the tasks" in " ".join(problems))
            queue.execute("ALTER TABLE away RENAME TO workflow_status")
        await ended(engine, (await engine.accept(message("1.0"))).task)


async def test_maintenance_that_failed_is_soon_tried_again(tmp_path: Path) -> None:
    """Until then the process is not ready."""
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    await copy_migrated(url)
    with closing(sqlite3.connect(tmp_path / "handoff.db")) as database:
        database.execute("ALTER TABLE node RENAME TO away")
        async with running(url, nothing, timing=replace(TASK_TIMING, maintenance=3600.0)) as engine:
            await until(engine, lambda problems: problems != [])
            database.execute("ALTER TABLE away RENAME TO node")
            await until(engine, lambda problems: problems == [])


async def until(engine: TaskEngine, is_so: Callable[[list[str]], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so(await engine.problems()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
