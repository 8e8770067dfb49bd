"""Each trap of a durable engine that is known from measurements, shown not to be stepped into.

Migrations in a race (9) and an insert that was committed unseen (11) are in `test_database`, a database that
is away (10) is in `tests/e2e/test_survival`.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from pathlib import Path

import pytest
from dbos import DBOS
from sqlalchemy import text

from scripts.steps import ROOT
from tasks.queue.dbos_config import THREADS
from tasks.queue.placement import QUEUE, Placement
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.key_value import KeyValueStore, thread_namespace
from tasks.store.log import TaskLog
from tasks.store.tasks import TaskStore
from tasks.task import Task, Ticket
from tests.support.function_runner import MANY, ended, nothing, running
from tests.support.scripted_model import Asked, Call, Reply, Say, ScriptedModel, Turn
from tests.support.task_harness import message, task_harness
from tests.support.timing import TASK_TIMING


async def test_parallel_workers_keep_their_own_words_over_a_restart(tmp_path: Path) -> None:
    """Trap 1: in a replayed function, parallel loops get each other's results after a crash."""
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    names = ("ant", "bee", "cat")
    twice = asyncio.Event()
    seen: list[str] = []

    def reply(asked: Asked) -> Reply:
        name = next(name for name in names if name in asked.brief)
        if not asked.results:
            return Call("execute_python_code", {"wrong": name})
        return Call("report", {"status": "done", "summary": f"I am the {name}"})

    async def first(asked: Asked) -> Reply | None:
        if not asked.is_worker:
            return Turn(calls=tuple(Call("create_worker", {"task_description": name}) for name in names))
        if asked.results:
            seen.append(asked.brief)
            if len(seen) == len(names):
                twice.set()
            await asyncio.sleep(3600)
        return reply(asked)

    async def second(asked: Asked) -> Reply | None:
        return reply(asked) if asked.is_worker else Say("Together.")

    async with ScriptedModel(first) as model, task_harness(url, model, tmp_path) as harness:
        accepted = await harness.engine.accept(message("1.0"))
        await twice.wait()
    async with ScriptedModel(second) as model, task_harness(url, model, tmp_path) as harness:
        await harness.until(accepted.task)
        log = await TaskLog.load(harness.database, accepted.task, "reader")

        assert len(model.requests) == 4, "one open turn each, and the answer: nothing is paid for twice"
        openings = {w: entries[0].body["turns"][0]["text"] for w, entries in log.agents.items() if w}
        briefs = {w: text.partition("\n\n")[0] for w, text in openings.items()}
        said = {w: entries[-1].body["text"] for w, entries in log.agents.items() if w}
        assert sorted(briefs.values()) == sorted(names)
        assert said == {w: f"I am the {name}" for w, name in briefs.items()}


async def test_a_deploy_strands_nothing_that_an_earlier_one_began(database_url: str) -> None:
    """Trap 2: a version taken from the code leaves the work of the code before it lying."""
    async with running(database_url, nothing) as engine:
        accepted = await engine.accept(message("1.0"))
        await ended(engine, accepted.task)
        rows = await DBOS.list_workflows_async(workflow_ids=[f"{accepted.task}:1"])
        assert [row.app_version for row in rows] == ["1"]


async def test_what_was_appended_is_on_disk_when_it_is_used(database_url: str) -> None:
    """Trap 3: results that are written in the background may be used and lost."""
    database, other = Database(database_url), Database(database_url)
    await database.open()
    store = TaskStore(database)
    accepted = await store.accept(message("1.0"))
    await store.begin(Ticket(accepted.task, 1), "me")
    log = await TaskLog.load(database, accepted.task, "me")
    await log.append("user", {"text": "one"})
    assert [row["body"] for row in await TaskStore(other).events(accepted.task)] == [{"text": "one"}]
    await database.close()
    await other.close()


async def test_tasks_run_on_the_loop_that_everything_else_is_on(database_url: str) -> None:
    """Trap 4: launched before the loop, the library runs what was queued on a loop of its own."""
    loops: list[asyncio.AbstractEventLoop] = []
    release = asyncio.Event()

    async def work(task: Task) -> None:
        loops.append(asyncio.get_running_loop())
        await release.wait()

    if database_url.startswith("sqlite"):
        # Something is queued already when the process starts.
        database = Database(database_url)
        await database.open()
        queued = await TaskStore(database).accept(message("1.0"))
        await database.close()
    async with running(database_url, work) as engine:
        accepted = await engine.accept(message("1.0"))
        release.set()
        await ended(engine, accepted.task)
        assert loops == [asyncio.get_running_loop()]
        assert not database_url.startswith("sqlite") or queued.task == accepted.task


async def test_many_tasks_need_no_more_threads(database_url: str) -> None:
    """Trap 5: the library's executor is unbounded: 300 tasks made 901 threads."""
    everybody, count = asyncio.Event(), 0

    async def work(task: Task) -> None:
        nonlocal count
        count += 1
        if count == 60:
            everybody.set()
        await everybody.wait()

    async with running(database_url, work) as engine:
        taken = [await engine.accept(message(f"{n}.0")) for n in range(60)]
        async with asyncio.timeout(60):
            await everybody.wait()
        assert threading.active_count() < 3 * THREADS
        await ended(engine, *(accepted.task for accepted in taken))


def test_a_process_has_a_name_that_no_other_had(database_url: str) -> None:
    """Trap 6: a stable name strands what overlapping deploys hold."""

    def name() -> str:
        return Placement(Database(database_url).url, lambda ticket: asyncio.sleep(0), at_once=1).node

    assert name() != name()


async def test_all_tasks_go_through_one_queue(database_url: str) -> None:
    """Trap 7: every queue is polled by every process."""
    async with running(database_url, nothing) as engine:
        await ended(engine, (await engine.accept(message("1.0"))).task)
        queues = await DBOS.list_queues_async()
        assert [(queue.name, await queue.get_polling_interval_sec_async()) for queue in queues] == [
            (QUEUE, TASK_TIMING.poll)
        ]


async def test_a_burst_waits_and_fails_no_one(database_url: str) -> None:
    """Trap 8: a pool that gives up after a while, and two writers in one file, fail a burst."""
    database = Database(database_url)
    await database.open()
    store = TaskStore(database, limits=MANY)
    taken = await asyncio.gather(*(store.accept(message(f"{n}.0")) for n in range(300)))
    assert len({accepted.task for accepted in taken}) == 300
    await database.close()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_queues_that_fail_at_import_or_retry_for_ever_are_not_used(lock: str) -> None:
    """Trap 12: taskiq with its Redis broker could not be imported, Restate's steps repeated without end."""
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text(), re.MULTILINE)
    assert "dbos" in pinned
    assert [name for name in pinned if name.startswith(("taskiq", "restate", "redis"))] == []


async def test_rows_of_what_has_ended_are_deleted(database_url: str) -> None:
    """Trap 13: the library's tables grow for ever, and so would ours."""
    async with running(database_url, nothing) as engine:
        accepted = await engine.accept(message("1.0"))
        await ended(engine, accepted.task)
        placed = Ticket(accepted.task, 1)
        async with asyncio.timeout(30):
            while not (await engine._placement.known([placed])).get(placed):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

        assert await engine._placement.delete_ended(time.time() - 60) == 0
        assert await engine._placement.delete_ended(time.time() + 60) == 1
        assert await engine._placement.known([placed]) == {}
        # Placed again by mistake, it has nothing to run.
        await engine._placement.place(placed)
        task = await engine.store.task(accepted.task)
        assert task is not None
        assert task.attempt == 1


async def test_old_tasks_are_forgotten_with_their_messages_and_what_is_kept_of_their_threads(
    database_url: str,
) -> None:
    async with running(database_url, nothing) as engine:
        accepted = await engine.accept(message("1.0"))
        await engine.store.claim(message("2.0"))
        await ended(engine, accepted.task)
        kept, place = KeyValueStore(engine._database), thread_namespace(message("1.0").thread)
        await kept.put(place, "voices", {"U1": 1.0})
        ended_at = schema.task.c.ended_at
        assert await engine._maintenance._delete_batch(ended_at < time.time() - 60) == 0
        assert await kept.all(place)
        assert await engine._maintenance._delete_batch(ended_at < time.time() + 60) == 1
        await engine._maintenance._delete_claims(time.time() + 60)

        assert await engine.store.recent() == []
        assert await kept.all(place) == {}
        async with engine._database.read() as connection:
            left = (await connection.execute(text("SELECT count(*) FROM message"))).scalar()
        assert left == 0
