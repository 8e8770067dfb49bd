"""What is kept of tasks: shown, exported, deleted and migrated. On both databases."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.observability.timeline import NAME, WIDTH, render_timeline
from tasks.files.removal import Removal, delete_ended
from tasks.files.retention import Place, expired
from tasks.files.thread_files import ThreadFolders, path_of
from tasks.message import Message, ThreadAddress
from tasks.store import schema
from tasks.store.database import Database, migrate
from tasks.store.export import export
from tasks.store.key_value import KeyValueStore, task_namespace, thread_namespace
from tasks.store.ratings import Ratings
from tasks.store.tasks import TaskStore
from tasks.task import Outcome, Spent, State, Ticket
from tests.support.command import start_command
from tests.support.databases import opened


def message(number: int, *, user: str = "U1", thread: str = "") -> Message:
    ts = f"17000000{number:02}.000100"
    address = ThreadAddress("T1", "C1", thread or ts)
    return Message(thread=address, ts=ts, user=user, user_name="Ada", text=f"task {number}", files=())


async def done(database: Database, given: Message) -> str:
    """A task that was answered, with a line in each table there is."""
    store = TaskStore(database)
    accepted = await store.accept(given)
    task = await store.begin(Ticket(accepted.task, 1), "run")
    assert task is not None
    await store.outbox.intend(task.id, "answer")
    await Ratings(store.database).rate(task.id, given.user, "good")
    await store.end(task, Outcome(state=State.ANSWERED, text="42", spent=Spent(tokens=7)))
    return task.id


async def rows(database: Database) -> int:
    async with database.read() as connection:
        counts = [
            (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in [*schema.OF_A_TASK, schema.task]
        ]
    return sum(counts)


def work_of(folder: Path, given: Message) -> Path:
    place = folder / path_of(given.thread)
    place.mkdir(parents=True)
    (place / "data.csv").write_text("a,b\n")
    return place


async def test_what_is_removed_leaves_no_row_and_no_file(database_url: str, tmp_path: Path) -> None:
    first, second, other = message(1), message(2), message(3, user="U2")
    async with opened(database_url) as database:
        gone = [await done(database, first), await done(database, second)]
        places = [work_of(tmp_path, given) for given in (first, second)]
        before = await rows(database)
        kept, place = await done(database, other), work_of(tmp_path, other)
        removal = Removal(database, ThreadFolders(tmp_path))

        found = await removal.find(user="U1")
        assert [task.id for task in found] == gone
        await removal.tasks(gone)
        assert await removal.files_of([task.thread for task in found]) == 2
        assert [place.exists() for place in [*places, place]] == [False, False, True]
        assert await rows(database) == before / 2
        assert [task.id for task in await TaskStore(database).recent()] == [kept]


async def test_what_is_kept_of_a_task_goes_with_it_and_of_a_thread_with_its_last_one(
    database_url: str, tmp_path: Path
) -> None:
    first, other = message(1), message(3)
    later = message(2, thread=first.thread.ts)
    async with opened(database_url) as database:
        kept, removal = KeyValueStore(database), Removal(database, ThreadFolders(tmp_path))
        ids = [await done(database, given) for given in (first, other, later)]
        for given in (first, other):
            await kept.put(thread_namespace(given.thread), "voices", {"U1": 1.0})
        await kept.put("channel T1/C1", "progress", "quiet")
        for id_ in ids:
            await kept.put(task_namespace(id_), "draft", "1.0")
        await removal.tasks(ids[:2])
        assert [bool(await kept.all(task_namespace(id_))) for id_ in ids] == [False, False, True]
        assert await kept.all(thread_namespace(first.thread)) == {"voices": {"U1": 1.0}}
        assert await kept.all(thread_namespace(other.thread)) == {}
        await removal.tasks(ids[2:])
        assert await kept.all(thread_namespace(first.thread)) == {}
        assert await kept.all("channel T1/C1") == {"progress": "quiet"}


async def test_a_task_under_way_is_never_removed(database_url: str, tmp_path: Path) -> None:
    async with opened(database_url) as database:
        accepted = await TaskStore(database).accept(message(1))
        place = work_of(tmp_path, message(1))
        removal = Removal(database, ThreadFolders(tmp_path))
        assert list(await removal.find(ids=[accepted.task])) == []
        await removal.tasks([accepted.task])
        assert await removal.files_of([message(1).thread]) == 0
        assert place.exists()
        assert await TaskStore(database).task(accepted.task) is not None


async def test_files_without_a_task_go_when_no_one_has_touched_them_lately(
    database_url: str, tmp_path: Path
) -> None:
    import os
    import time

    async with opened(database_url) as database:
        old, new = work_of(tmp_path, message(1)), work_of(tmp_path, message(2))
        os.utime(old, (0, time.time() - 7200))
        assert await Removal(database, ThreadFolders(tmp_path)).delete_unused_files() == 1
        assert (old.exists(), new.exists()) == (False, True)


async def test_an_export_holds_every_row_of_its_task_and_no_other(database_url: str) -> None:
    async with opened(database_url) as database:
        mine, _ = await done(database, message(1)), await done(database, message(2))
        found = await export(database, mine)
        assert found is not None
        assert found["task"]["answer"] == "42"
        assert {table.name for table in schema.OF_A_TASK} < found.keys()
        assert [row["key"] for row in found["post"]] == ["answer"]
        assert [row["verdict"] for row in found["verdict"]] == ["good"]
        assert [row["ts"] for row in found["message"]] == [message(1).ts]
        assert json.loads(json.dumps(found)) == found
        assert await export(database, "tnone") is None


async def handoff(folder: Path, *words: str) -> str:
    process = await start_command(
        *words, environment={"HANDOFF_DATA_DIR": str(folder), "PATH": "/usr/bin:/bin"}
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors
    return out.decode()


async def test_purge_says_what_it_would_do_and_does_it_with_yes(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'handoff.db'}") as database:
        id_ = await done(database, message(1))
    place = work_of(tmp_path / "work", message(1))
    assert "1 tasks would be deleted" in await handoff(tmp_path, "purge", "--user", "U1")
    assert id_ in await handoff(tmp_path, "tasks")
    assert json.loads(await handoff(tmp_path, "tasks", id_, "--json"))["files"] == str(place)
    assert "Deleted 1 tasks and the files of 1 threads." in await handoff(
        tmp_path, "purge", "--user", "U1", "--yes"
    )
    assert await handoff(tmp_path, "tasks") == ""
    assert not place.exists()


@pytest.mark.parametrize("state", ["queued", "running", "answered"])
async def test_the_foundations_database_is_brought_up_with_its_rows(
    empty_database_url: str, state: str
) -> None:
    """From the first schema with a task in it to today's, as an upgrade does it."""
    database = Database(empty_database_url)
    await upgrade(database, "0001")
    async with database.write() as connection:
        for statement in foundation(state):
            await connection.exec_driver_sql(statement)
    await database.close()

    async with opened(empty_database_url) as today:
        (task,) = await TaskStore(today).recent()
        assert (task.id, task.state.value, task.request) == ("told", state, "an old request")
        assert [row["body"] for row in await TaskStore(today).events("told")] == [{"turns": []}]
        assert (await TaskStore(today).accept(message(1))).task == "told", "its message is still claimed"
        async with today.read() as connection:
            current = await connection.run_sync(lambda sync: set(_tables(sync)))
        assert {table.name for table in schema.metadata.sorted_tables} <= current


async def upgrade(database: Database, revision: str) -> None:
    async with database.write() as connection:
        await connection.run_sync(migrate, revision)


def foundation(state: str) -> list[str]:
    ts = message(1).ts
    return [
        f"INSERT INTO message (team, channel, ts, task, at) VALUES ('T1', 'C1', '{ts}', 'told', 1.0)",
        'INSERT INTO task (id, team, channel, thread_ts, message_ts, "user", user_name, request, files, '
        "state, attempt, created_at, started_at, ended_at, answer, reason, workers, tokens) VALUES "
        f"('told', 'T1', 'C1', '{ts}', '{ts}', 'U1', 'Ada', 'an old request', '[]', '{state}', 1, 1.0, NULL, "
        "NULL, '', '', 0, 0)",
        "INSERT INTO event (task, agent, seq, kind, body, version, runner, at) VALUES "
        "('told', '', 0, 'opening', '{\"turns\": []}', 1, 'r', 1.0)",
    ]


def _tables(connection: object) -> list[str]:
    from sqlalchemy import inspect

    inspector = inspect(connection)
    assert inspector is not None
    return [str(name) for name in inspector.get_table_names()]


async def test_a_picture_has_a_bar_for_each_agent_on_the_clock_of_the_task(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'handoff.db'}") as database:
        id_ = await done(database, message(1))
        task = await TaskStore(database).task(id_)
    assert task is not None
    began = task.created_at
    usage = {"usage": {"input": 100, "output": 20}}
    log = [
        ("", "opening", {"turns": []}, 0), ("", "reply", usage, 10),
        ("", "worker", {"worker": "w1", "title": "Primes"}, 10), ("w1", "opening", {"turns": []}, 10),
        ("w1", "reply", usage, 20), ("w1", "result", {"facts": {"run": {}}}, 30),
        ("w1", "result", {"facts": {"report": {"status": "partial"}}}, 40), ("w1", "ended", {}, 40),
        ("", "reply", usage, 48), ("", "ended", {}, 48),
    ]  # fmt: skip
    events = [{"agent": a, "kind": k, "body": b, "at": began + at} for a, k, b, at in log]
    scale, orchestrator, worker, legend = render_timeline(task, events)
    assert scale.endswith("48.0 s")
    assert orchestrator == f"{'orchestrator':{NAME}}" + "━" * 10 + "●" + "━" * 36 + "●  2 turns, 240 tokens"
    bar = worker[NAME : NAME + WIDTH]
    assert bar == " " * 10 + "━" * 10 + "●" + "━" * 9 + "■" + "━" * 10 + " " * 7
    assert worker.endswith("  partial, 1 turn, 1 program, 120 tokens")
    assert legend.strip().startswith("●")
    assert render_timeline(task, []) == []


async def test_a_workspace_and_a_channel_may_keep_their_tasks_for_another_time(database: Database) -> None:
    day = 86_400.0
    store = TaskStore(database)

    async def left(kept: Mapping[Place, float]) -> set[tuple[str, str]]:
        for where in expired(kept, time.time() + 10 * day):
            async with database.write() as connection:
                await delete_ended(connection, *where)
        return {(task.thread.team, task.thread.channel) for task in await store.recent()}

    for number, (team, channel) in enumerate([("T1", "C1"), ("T2", "C1"), ("T2", "C2"), ("T3", "C1")]):
        given = message(number)
        address = ThreadAddress(team, channel, given.ts)
        await done(database, replace(given, thread=address))
    kept: dict[Place, float] = {(): 30 * day, ("T2",): 5 * day, ("T2", "C2"): 0, ("T3",): 11 * day}
    assert await left(kept) == {("T1", "C1"), ("T2", "C2"), ("T3", "C1")}
    assert await left({**kept, (): 5 * day}) == {("T2", "C2"), ("T3", "C1")}
    assert await left({**kept, ("T3",): day}) == {("T2", "C2")}
