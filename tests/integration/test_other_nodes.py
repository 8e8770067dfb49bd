"""What another process writes reaches the one that runs the task: by word, or within a second without one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update

import tasks.engine
from tasks import schema
from tasks.acceptance import Taken
from tasks.database import Database
from tasks.store import Store
from tasks.task import State
from tests.support.office import message, office
from tests.support.scripted_model import Asked, Reply, ScriptedModel


class Silent:
    """A model that never answers."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def __call__(self, asked: Asked) -> Reply | None:
        self.reached.set()
        await asyncio.sleep(3600)
        return None


async def test_a_stop_written_elsewhere_comes_by_word(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.engine, "LOOK", 3600.0)
    silent, elsewhere = Silent(), Database(postgres_url)
    async with ScriptedModel(silent) as model, office(postgres_url, model, tmp_path) as desk:
        accepted = await desk.engine.accept(message("1.0"))
        await silent.reached.wait()
        await Store(elsewhere).stop(accepted.task, "Ann stopped it")
        task = await desk.until(accepted.task)

        assert (task.state, task.reason) == (State.STOPPED, "Ann stopped it")
        assert desk.board.told[task.id][0].outcome.state is State.STOPPED
    await elsewhere.close()


async def test_a_stop_whose_word_was_lost_is_seen_by_looking(database_url: str, tmp_path: Path) -> None:
    silent = Silent()
    async with ScriptedModel(silent) as model, office(database_url, model, tmp_path) as desk:
        accepted = await desk.engine.accept(message("1.0"))
        await silent.reached.wait()
        async with desk.database.write() as connection:
            await connection.execute(update(schema.task).values(state=State.STOPPING.value, reason="Ann"))
        task = await desk.until(accepted.task)

        assert (task.state, task.reason) == (State.STOPPED, "Ann")


async def test_a_run_that_was_replaced_ends_without_a_word(database_url: str, tmp_path: Path) -> None:
    silent = Silent()
    async with ScriptedModel(silent) as model, office(database_url, model, tmp_path) as desk:
        await desk.engine.accept(message("1.0"))
        await silent.reached.wait()
        async with desk.database.write() as connection:
            await connection.execute(update(schema.task).values(runner="another"))
        async with asyncio.timeout(30):
            while desk.engine.running:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert desk.board.told == {}


async def test_what_was_accepted_and_never_placed_is_found(postgres_url: str, tmp_path: Path) -> None:
    """The process that took it in died before it could place the task: another finds that."""
    elsewhere = Database(postgres_url)
    await elsewhere.open()
    async with ScriptedModel(Silent()) as model, office(postgres_url, model, tmp_path) as desk:
        accepted = await Store(elsewhere).accept(message("1.0"))
        assert accepted.taken is Taken.NEW
        task = await desk.until(accepted.task, State.RUNNING)
        assert task.id == accepted.task
    await elsewhere.close()
