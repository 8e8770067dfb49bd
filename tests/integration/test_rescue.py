"""Runs that vanished without an end of their task: it goes on, or is given up. Needs the databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tasks.store.database import Database
from tasks.store.tasks import TaskStore
from tasks.task import LOST, RESCUES, State, Task, Ticket
from tests.support.databases import opened
from tests.support.scripted_model import ScriptedModel
from tests.support.task_harness import message, task_harness
from tests.support.tickets import Tickets


@pytest.fixture
async def store(database: Database) -> TaskStore:
    return TaskStore(database)


async def begun(store: TaskStore) -> tuple[Ticket, Task]:
    ticket = Ticket((await store.accept(message("1.0"))).task, 1)
    task = await store.begin(ticket, "me")
    assert task is not None
    return ticket, task


async def state_of(store: TaskStore, ticket: Ticket) -> State:
    task = await store.task(ticket.task)
    assert task is not None
    return task.state


async def test_what_vanishes_again_and_again_is_given_up(store: TaskStore) -> None:
    ticket, _ = await begun(store)
    for _ in range(RESCUES):
        assert await store.requeue_lost(ticket)
        ticket = replace(ticket, attempt=ticket.attempt + 1)
        await store.begin(ticket, "me")
    assert not await store.requeue_lost(ticket)
    assert await state_of(store, ticket) is State.FAILED


@pytest.mark.parametrize(
    ("stopped", "state", "reason"), [(False, State.FAILED, LOST), (True, State.STOPPED, "Ann")]
)
async def test_the_thread_gets_a_message_about_a_task_that_is_given_up(
    database_url: str, tmp_path: Path, stopped: bool, state: State, reason: str
) -> None:
    """By one more run, which does nothing else: the work is what it may have vanished by."""
    async with opened(database_url) as database:
        store = TaskStore(database)
        ticket, _ = await begun(store)
        for _ in range(RESCUES):
            assert await store.requeue_lost(ticket)
            ticket = replace(ticket, attempt=ticket.attempt + 1)
            await store.begin(ticket, "me")
        if stopped:
            await store.stop(ticket.task, "Ann")
    async with ScriptedModel([]) as model, task_harness(database_url, model, tmp_path) as harness:
        task = await harness.until(ticket.task)
        (outcome,) = harness.threads.delivered[task.id]

    assert (task.state, task.reason) == (state, reason)
    assert outcome.reason == reason


async def test_a_task_that_was_parked_since_its_run_was_looked_for_stays_so(store: TaskStore) -> None:
    ticket, task = await begun(store)
    await store.park(task, seconds=60)
    assert not await store.requeue_lost(ticket)
    assert await state_of(store, ticket) is State.WAITING


async def test_an_attempt_that_is_no_longer_the_tasks_is_not_rescued(store: TaskStore) -> None:
    ticket, _ = await begun(store)
    tickets = Tickets(store.database)
    assert await store.requeue_lost(ticket)
    (later,) = tickets.pop()
    assert not await store.requeue_lost(ticket)
    assert (await store.begin(later, "me")) is not None
