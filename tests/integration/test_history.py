"""What was said in a thread before: to later tasks, to one that goes on, when it is changed. No Docker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tasks.errors import StaleRunner
from tasks.message import ThreadAddress
from tasks.store.acceptance import AcceptedAs, requeue
from tasks.store.database import Database
from tasks.store.edits import Edits
from tasks.store.queries import TaskQueries
from tasks.store.tasks import TaskStore
from tasks.task import State, Ticket
from tests.support.scripted_model import Asked, Call, Reply, Roles, Say, ScriptedModel
from tests.support.task_harness import CHANNEL, TEAM, Gate, InMemoryThreads, message, task_harness


async def test_a_report_without_a_word_is_no_fault_of_the_next_task(
    database_url: str, tmp_path: Path
) -> None:
    brief = Call("create_worker", {"task_description": "count", "title": "Counting"})
    empty = Call("report", {"status": "failed", "summary": ""})
    script = Roles([brief, Say("It did not work."), Say("As I said.")], [empty])
    async with ScriptedModel(script) as model, task_harness(database_url, model, tmp_path) as harness:
        first = await harness.engine.accept(message("1.0"))
        await harness.until(first.task)
        second = await harness.engine.accept(message("1.1", thread="1.0"))
        task = await harness.until(second.task)

        assert (task.state, task.answer) == (State.ANSWERED, "As I said.")
        assert "Counting (failed): (no summary)" in str(model.requests[-1].body)


async def test_words_that_an_agent_has_read_are_not_said_to_be_changed(
    database_url: str, tmp_path: Path
) -> None:
    ask = Call("ask_user", {"question": "Which colour?"})
    async with ScriptedModel([ask]) as model, task_harness(database_url, model, tmp_path) as harness:
        amendments = Edits(harness.database)
        accepted = await harness.engine.accept(message("1.0", "paint it"))
        parked = await harness.until(accepted.task, State.WAITING)
        # Answered, and in the queue again: its first words are in the log, so they are not read again.
        async with harness.database.write() as connection:
            await requeue(connection, parked)

        assert not await amendments.change(parked.thread, "1.0", "paint it blue")
        task = await harness.engine.store.task(parked.id)
        assert task is not None
        assert task.request == "paint it"


async def test_files_of_a_request_that_came_without_them_are_added_once(database: Database) -> None:
    store, edits = TaskStore(database), Edits(database)
    for ts, earlier in (("1.0", []), ("2.0", ["a.csv"])):
        whole = message(ts, files=["a.csv", "b.csv"])
        accepted = await store.accept(message(ts))
        task = await store.begin(Ticket(accepted.task, 1), "me")
        assert task is not None
        if earlier:
            assert len(await edits.add_files(whole)) == 2, "too late for the request"
            await store.accept(message(f"{ts}:files", thread=ts, files=earlier))

        added = await store.complete(task, whole.files)
        assert [file.name for file in added] == [name for name in ("a.csv", "b.csv") if name not in earlier]
        late = await edits.add_files(whole)
        assert [file.name for file in late] == earlier
        with pytest.raises(StaleRunner):
            await store.complete(replace(task, runner="another"), whole.files)


async def test_messages_of_two_people_that_met_an_end_stay_two(database_url: str, tmp_path: Path) -> None:
    gate = Gate(Say("Done."), Say("Both."))
    async with ScriptedModel(gate) as model, task_harness(database_url, model, tmp_path) as harness:
        first = await harness.engine.accept(message("1.0", "first"))
        await gate.reached.wait()
        await harness.engine.accept(message("1.1", "in blue", thread="1.0", user="U2", name="Bob"))
        await harness.engine.accept(message("1.2", "with a title", thread="1.0", user="U3", name="Eve"))
        gate.opened.set()
        await harness.until(first.task)
        second = await harness.engine.store.current(ThreadAddress(TEAM, CHANNEL, "1.0"))
        assert second is not None
        ended = await harness.until(second.id)

        assert (ended.request, ended.user, ended.message_ts, ended.answer) == (
            "in blue",
            "U2",
            "1.1",
            "Both.",
        )
        assert await TaskQueries(harness.database).writers(ended.id) == ["U3"]
        last_request = str(model.requests[-1].body)
        assert last_request.index("Bob: in blue") < last_request.index("Eve: with a title")
        assert len(model.requests) == 2
        assert harness.threads.marked_read == ["1.2"]
        again = await harness.engine.accept(
            message("1.2", "with a title", thread="1.0", user="U3", name="Eve")
        )
        assert (again.kind, again.task) == (AcceptedAs.REPEATED, ended.id)


async def test_a_file_that_comes_with_an_answer_is_fetched_once(database_url: str, tmp_path: Path) -> None:
    ask = Call("ask_user", {"question": "Which rows?"})
    threads = InMemoryThreads(files={"rows.csv": b"1,2"})
    async with (
        ScriptedModel([ask, Say("Two rows.")]) as model,
        task_harness(database_url, model, tmp_path, threads=threads) as harness,
    ):
        accepted = await harness.engine.accept(message("1.0"))
        await harness.until(accepted.task, State.WAITING)
        await harness.engine.accept(message("1.1", "these", thread="1.0", files=["rows.csv"]))
        task = await harness.until(accepted.task)

        assert (task.answer, threads.fetched) == ("Two rows.", ["rows.csv"])
        assert "[Attached file: /work/rows.csv, 1 bytes]" in str(model.requests[-1].body)


async def test_what_is_added_to_a_message_starts_no_task_and_answers_no_question(
    database_url: str, tmp_path: Path
) -> None:
    threads = InMemoryThreads(files={"rows.csv": b"1,2"})
    gate, asked = Gate(Say("Done.")), Call("ask_user", {"question": "Which rows?"})
    script: list[Reply] = [asked, Say("These.")]

    async def model_of(request: Asked) -> Reply | None:
        return await gate(request) if not gate.opened.is_set() else script.pop(0)

    async with (
        ScriptedModel(model_of) as model,
        task_harness(database_url, model, tmp_path, threads=threads) as harness,
    ):
        request = message("1.0", files=["rows.csv"])
        first = await harness.engine.accept(replace(request, files=()))
        await gate.reached.wait()
        unread = await harness.engine.accept(request.addition("quotes", "It rains."))
        gate.opened.set()
        await harness.until(first.task)
        late = await harness.engine.accept(request.addition("files", "(late)", request.files))
        again = await harness.engine.accept(request.addition("files", "(late)", request.files))

        assert [one.kind for one in (unread, late, again)] == [
            AcceptedAs.FOLLOW_UP, AcceptedAs.KEPT, AcceptedAs.REPEATED,
        ]  # fmt: skip
        assert len(await harness.engine.store.recent()) == 1

        second = await harness.engine.accept(message("1.1", "and now?", thread="1.0"))
        await harness.until(second.task, State.WAITING)
        assert threads.fetched == ["rows.csv"]
        assert "It rains." in str(model.requests[1].body)
        assert "(late)\\n[Attached file: /work/rows.csv, 1 bytes]" in str(model.requests[1].body)

        waits = await harness.engine.accept(message("1.1", thread="1.0").addition("files", "(more)"))
        assert waits.kind is AcceptedAs.FOLLOW_UP
        assert (await harness.until(second.task, State.WAITING)).attempt == 1
        await harness.engine.accept(message("1.2", "all", thread="1.0"))
        assert (await harness.until(second.task)).answer == "These."
        assert "(more)" in str(model.requests[-1].body)


async def test_a_long_transcript_is_a_file_and_comes_without_its_clip(
    database_url: str, tmp_path: Path
) -> None:
    said = {"short.m4a": "[Call me.]", "long.m4a": "word " * 4000}
    threads = InMemoryThreads(files={"short.m4a": b"1"}, transcripts=said)
    async with (
        ScriptedModel([Say("Done.")]) as model,
        task_harness(database_url, model, tmp_path, threads=threads) as harness,
    ):
        accepted = await harness.engine.accept(message("1.0", files=list(said)))
        await harness.until(accepted.task)
    (request,) = model.requests
    assert "/work/short.m4a, 1 bytes]\n[Call me.]\n" in request.last_user
    assert "could not be fetched: long.m4a is not in these threads]\nword word" in request.last_user
    assert "word  …\n[The whole transcript: /work/long.m4a.txt, 20,000 characters]" in request.last_user
    assert [path.read_text() for path in _kept(tmp_path, "long.m4a.txt")] == [said["long.m4a"]]


def _kept(folder: Path, name: str) -> list[Path]:
    return [*folder.rglob(name)]
