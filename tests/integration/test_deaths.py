"""Processes that die while they run a task: the third death quarantines the task. Needs the databases."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

from tasks.policy import TaskPolicy
from tasks.run.suspects import Suspects
from tasks.store.database import Database
from tasks.store.queries import TaskQueries
from tasks.store.tasks import TaskStore
from tasks.task import QUARANTINED, State, Ticket
from tests.support.command import start_function
from tests.support.database_templates import copy_migrated
from tests.support.databases import opened
from tests.support.function_runner import running
from tests.support.scripted_model import Asked, Reply, ScriptedModel
from tests.support.task_harness import eventually, message, task_harness


def _die_at_the_first_request(url: str, folder: Path) -> None:
    """A bot whose process dies at the first model request of any task."""

    async def die(_: Asked) -> Reply:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("this process is dead")

    async def work() -> None:
        async with ScriptedModel(die) as model, task_harness(url, model, folder) as harness:
            await harness.engine.accept(message("1.0"))
            await asyncio.sleep(600)

    asyncio.run(work())


async def test_the_third_process_that_dies_by_a_task_is_the_last(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    await copy_migrated(url)
    for _ in range(TaskPolicy().deaths):
        bot = start_function(_die_at_the_first_request, url, tmp_path)
        await asyncio.to_thread(bot.join)
        assert bot.exitcode == -signal.SIGKILL
    async with ScriptedModel([]) as model, task_harness(url, model, tmp_path) as harness:
        task = await harness.until((await harness.engine.accept(message("1.0"))).task)
        (outcome,) = harness.threads.delivered[task.id]
        counts = await TaskQueries(harness.database).counts()
        log_rows = await harness.engine.store.events(task.id)

    assert (task.state, task.deaths, task.quarantined) == (State.FAILED, 3, True)
    assert task.reason == outcome.reason == QUARANTINED.format(times=3, task=task.id)
    assert counts.quarantined == 1
    assert log_rows, "its log is kept"


async def die_with(store: TaskStore, ticket: Ticket, deaths: int) -> None:
    """What processes leave that die while they run a task."""
    for number in range(deaths):
        await store.deaths.count(ticket)
        assert await store.begin(ticket, f"dead {number}") is not None


async def test_a_process_that_stops_does_not_count(database_url: str, tmp_path: Path) -> None:
    async def forever(_: object) -> None:
        await asyncio.sleep(600)

    for _ in range(TaskPolicy().deaths):
        async with running(database_url, forever) as engine:
            accepted = await engine.accept(message("1.0"))
            task = await eventually(lambda task: bool(task.runner), accepted.task, engine.store)
        async with opened(database_url) as database:
            ticket = Ticket(accepted.task, task.attempt)
            assert await TaskStore(database).deaths.count(ticket) == 0


async def test_a_death_is_taken_back_when_the_process_was_only_frozen(database: Database) -> None:
    store = TaskStore(database)
    ticket = Ticket((await store.accept(message("1.0"))).task, 1)
    await store.begin(ticket, "frozen")
    assert await store.deaths.count(ticket) == 1
    await store.begin(ticket, "other")
    await store.deaths.leave(ticket.task, "frozen")
    task = await store.task(ticket.task)
    assert task is not None
    assert (task.deaths, task.runner) == (0, "other")


async def test_a_task_that_was_parked_or_lost_its_run_counts_no_death(database: Database) -> None:
    store = TaskStore(database)
    ticket = Ticket((await store.accept(message("1.0"))).task, 1)
    await store.begin(ticket, "me")
    assert await store.requeue_lost(ticket)
    assert await store.deaths.count(replace(ticket, attempt=2)) == 0


async def test_a_task_ends_without_a_post_that_kills_processes_too(database_url: str, tmp_path: Path) -> None:
    async with opened(database_url) as database:
        store = TaskStore(database)
        ticket = Ticket((await store.accept(message("1.0"))).task, 1)
        await die_with(store, ticket, TaskPolicy().deaths + 2)
    async with ScriptedModel([]) as model, task_harness(database_url, model, tmp_path) as harness:
        task = await harness.until(ticket.task)
    assert (task.state, task.quarantined) == (State.FAILED, True)
    assert harness.threads.delivered == {}


async def test_a_stopped_task_says_so_however_many_processes_died(database_url: str, tmp_path: Path) -> None:
    async with opened(database_url) as database:
        store = TaskStore(database)
        ticket = Ticket((await store.accept(message("1.0"))).task, 1)
        await die_with(store, ticket, TaskPolicy().deaths)
        await store.stop(ticket.task, "Ann")
    async with ScriptedModel([]) as model, task_harness(database_url, model, tmp_path) as harness:
        task = await harness.until(ticket.task)
    assert (task.state, task.reason) == (State.STOPPED, "Ann")


async def test_suspects_start_one_by_one_and_others_at_once() -> None:
    suspects, started = Suspects(600.0), list[str]()
    ended = asyncio.Event()

    async def run(name: str, *, is_suspect: bool) -> None:
        async with suspects.admitting(is_suspect=is_suspect):
            started.append(name)
            await ended.wait()

    async with asyncio.TaskGroup() as group:
        for name in ("first", "second"):
            group.create_task(run(name, is_suspect=True))
        group.create_task(run("other", is_suspect=False))
        for _ in range(5):
            await asyncio.sleep(0)
        assert started == ["first", "other"]
        ended.set()
    assert started == ["first", "other", "second"]


async def test_a_suspect_that_runs_long_enough_lets_the_next_one_start() -> None:
    suspects = Suspects(0.0)
    async with suspects.admitting(is_suspect=True), suspects.admitting(is_suspect=True):
        pass
