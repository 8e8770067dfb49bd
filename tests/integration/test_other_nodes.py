"""What another process writes reaches the one that runs the task: by word, or within a second without one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from tasks.policy import TaskPolicy
from tasks.store import schema
from tasks.store.acceptance import AcceptedAs
from tasks.store.admission import lock_workspace
from tasks.store.database import Database
from tasks.store.retry import describe_outage
from tasks.store.tasks import TaskStore
from tasks.task import State
from tasks.timing import TaskTiming
from tests.support.scripted_model import Asked, Reply, Say, ScriptedModel
from tests.support.task_harness import message, task_harness
from tests.support.timing import TASK_TIMING


class Silent:
    """A model that never answers."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def __call__(self, asked: Asked) -> Reply | None:
        self.reached.set()
        await asyncio.sleep(3600)
        return None


async def test_a_stop_written_elsewhere_comes_by_word(postgres_url: str, tmp_path: Path) -> None:
    policy = TaskPolicy(timing=replace(TASK_TIMING, watch=3600.0))
    silent, elsewhere = Silent(), Database(postgres_url)
    async with (
        ScriptedModel(silent) as model,
        task_harness(postgres_url, model, tmp_path, policy=policy) as harness,
    ):
        accepted = await harness.engine.accept(message("1.0"))
        await silent.reached.wait()
        await TaskStore(elsewhere).stop(accepted.task, "Ann stopped it")
        task = await harness.until(accepted.task)

        assert (task.state, task.reason) == (State.STOPPED, "Ann stopped it")
        assert harness.threads.delivered[task.id][0].state is State.STOPPED
    await elsewhere.close()


async def test_a_stop_whose_word_was_lost_is_seen_by_looking(database_url: str, tmp_path: Path) -> None:
    silent = Silent()
    async with ScriptedModel(silent) as model, task_harness(database_url, model, tmp_path) as harness:
        accepted = await harness.engine.accept(message("1.0"))
        await silent.reached.wait()
        async with harness.database.write() as connection:
            await connection.execute(update(schema.task).values(state=State.STOPPING.value, reason="Ann"))
        task = await harness.until(accepted.task)

        assert (task.state, task.reason) == (State.STOPPED, "Ann")


async def test_a_run_that_was_replaced_ends_without_a_word(database_url: str, tmp_path: Path) -> None:
    silent = Silent()
    async with ScriptedModel(silent) as model, task_harness(database_url, model, tmp_path) as harness:
        await harness.engine.accept(message("1.0"))
        await silent.reached.wait()
        async with harness.database.write() as connection:
            await connection.execute(update(schema.task).values(runner="another"))
        async with asyncio.timeout(30):
            while harness.engine.running:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert harness.threads.delivered == {}


async def test_what_was_accepted_and_never_placed_is_found(postgres_url: str, tmp_path: Path) -> None:
    """The process that took it in died before it could place the task: another finds that."""
    elsewhere = Database(postgres_url)
    await elsewhere.open()
    async with ScriptedModel(Silent()) as model, task_harness(postgres_url, model, tmp_path) as harness:
        accepted = await TaskStore(elsewhere).accept(message("1.0"))
        assert accepted.kind is AcceptedAs.NEW
        task = await harness.until(accepted.task, State.RUNNING)
        assert task.id == accepted.task
    await elsewhere.close()


async def test_a_process_that_was_taken_for_dead_joins_as_another(postgres_url: str, tmp_path: Path) -> None:
    """What it ran is not its own any more, and what comes now is run."""
    silent = Silent()

    async def answer(asked: Asked) -> Reply | None:
        return Say("Done.") if silent.reached.is_set() else await silent(asked)

    async with ScriptedModel(answer) as model, task_harness(postgres_url, model, tmp_path) as harness:
        accepted = await harness.engine.accept(message("1.0"))
        await silent.reached.wait()
        name = harness.engine._placement.node
        async with harness.database.write() as connection:
            await connection.execute(delete(schema.node))
        await harness.until(accepted.task)
        later = await harness.engine.accept(message("2.0"))
        await harness.until(later.task)

        assert harness.engine._placement.node != name
        assert [d.text for d in harness.threads.delivered[accepted.task]] == ["Done."]
        assert await harness.engine.problems() == []


async def test_what_a_process_holds_that_stands_still_is_freed(postgres_url: str) -> None:
    """Frozen in the middle of a transaction, it would keep a whole workspace waiting."""
    frozen, other = Database(postgres_url, TaskTiming(standstill=1.0)), Database(postgres_url)
    await frozen.open()
    async with frozen._engine.connect() as connection:
        await lock_workspace(connection, "T1")
        async with asyncio.timeout(30):
            accepted = await TaskStore(other).accept(message("1.0"))
        assert accepted.kind is AcceptedAs.NEW
        with pytest.raises(DBAPIError) as late:
            await connection.execute(select(schema.task.c.id))
        assert describe_outage(late.value), "it passes by itself"
        await connection.invalidate()
    await frozen.close()
    await other.close()
