"""A task's whole life on both databases: accepted, followed up, parked, stopped, ended. No Docker."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from tasks.message import ThreadAddress
from tasks.policy import TaskPolicy
from tasks.run.signals import Signals
from tasks.store import schema
from tasks.store.acceptance import AcceptedAs
from tasks.store.upcast import VERSION
from tasks.task import State
from tests.support.databases import limit_pages
from tests.support.scripted_model import Asked, Call, Reply, Roles, Say, ScriptedModel, Turn, Usage
from tests.support.task_harness import CHANNEL, TEAM, Gate, InMemoryThreads, message, task_harness
from tests.support.tickets import Tickets
from tests.support.timing import TASK_TIMING

ASK = Call("ask_user", {"question": "Which colour?", "options": ["red", "blue"]})


async def test_a_message_becomes_an_answer(database_url: str, tmp_path: Path) -> None:
    script = Roles(
        [Call("create_worker", {"task_description": "count to three"}), Say("One, two, three.")],
        [Call("report", {"status": "done", "summary": "123"})],
    )
    async with ScriptedModel(script) as model, task_harness(database_url, model, tmp_path) as harness:
        accepted = await harness.engine.accept(message("1.0"))
        task = await harness.until(accepted.task)

        assert (accepted.kind, task.state, task.answer) == (
            AcceptedAs.NEW,
            State.ANSWERED,
            "One, two, three.",
        )
        assert [d.text for d in harness.threads.delivered[task.id]] == ["One, two, three."]
        assert task.workers == 1
        model.assert_complete()


async def test_counts_beyond_all_measure_fit_into_the_tasks_row(database_url: str, tmp_path: Path) -> None:
    usage = Usage(10**12, 10**12)
    brief = Call("create_worker", {"task_description": "count to three"})
    script = Roles([Turn(calls=(brief,), usage=usage), Turn("123", usage=usage)], [Turn("One.", usage=usage)])
    async with ScriptedModel(script) as model, task_harness(database_url, model, tmp_path) as harness:
        accepted = await harness.engine.accept(message("1.0"))
        task = await harness.until(accepted.task)

        assert (task.state, task.answer) == (State.ANSWERED, "123")
        assert len(harness.threads.delivered[task.id]) == 1


async def test_a_message_is_one_task_however_often_it_arrives(database_url: str, tmp_path: Path) -> None:
    async with ScriptedModel([Say("Once.")]) as model, task_harness(database_url, model, tmp_path) as harness:
        taken = await asyncio.gather(*(harness.engine.accept(message("1.0")) for _ in range(8)))
        await harness.until(taken[0].task)
        later = await harness.engine.accept(message("1.0"))

        assert sorted(t.kind for t in taken) == [AcceptedAs.NEW] + [AcceptedAs.REPEATED] * 7
        assert later.kind is AcceptedAs.REPEATED
        assert {t.task for t in [*taken, later]} == {taken[0].task}
        assert len(model.requests) == 1


async def test_two_messages_at_once_in_one_thread_are_a_task_and_a_follow_up(
    database_url: str, tmp_path: Path
) -> None:
    gate = Gate(Say("First."), Say("Second."), Say("Third."))
    async with ScriptedModel(gate) as model, task_harness(database_url, model, tmp_path) as harness:
        taken = await asyncio.gather(
            *(harness.engine.accept(message(f"1.{n}", thread="1.0")) for n in range(6))
        )

        assert sorted(t.kind for t in taken) == [AcceptedAs.FOLLOW_UP] * 5 + [AcceptedAs.NEW]
        gate.opened.set()
        await harness.until(taken[0].task)


async def test_a_follow_up_is_read_at_the_next_turn(database_url: str, tmp_path: Path) -> None:
    gate = Gate(Turn(calls=(Call("plan", {"steps": [{"text": "look"}]}),)), Say("In blue."))
    async with ScriptedModel(gate) as model, task_harness(database_url, model, tmp_path) as harness:
        accepted = await harness.engine.accept(message("1.0"))
        await gate.reached.wait()
        reply = await harness.engine.accept(message("1.1", "make it blue", thread="1.0"))
        gate.opened.set()
        task = await harness.until(accepted.task)

        assert (reply.kind, reply.task, task.answer) == (AcceptedAs.FOLLOW_UP, accepted.task, "In blue.")
        assert "make it blue" in model.requests[1].last_user
        assert harness.threads.marked_read == ["1.1"]


async def test_a_follow_up_that_meets_the_end_is_the_next_task(database_url: str, tmp_path: Path) -> None:
    gate = Gate(Say("Done."), Say("Done again."))
    async with ScriptedModel(gate) as model, task_harness(database_url, model, tmp_path) as harness:
        first = await harness.engine.accept(message("1.0", "first"))
        await gate.reached.wait()
        # The reply that is on its way is the last one: the inbox is not read after it.
        await harness.engine.accept(message("1.1", "and this?", thread="1.0", user="U2"))
        gate.opened.set()
        await harness.until(first.task)
        second = await harness.engine.store.current(ThreadAddress(TEAM, CHANNEL, "1.0"))
        assert second is not None
        ended = await harness.until(second.id)

        assert (second.id != first.task, second.request, second.user) == (True, "and this?", "U2")
        assert ended.answer == "Done again."
        # It arrives once more: it is the second task's and nothing new.
        again = await harness.engine.accept(message("1.1", "and this?", thread="1.0", user="U2"))
        assert (again.kind, again.task) == (AcceptedAs.REPEATED, second.id)


async def test_a_question_parks_the_task_and_the_answer_wakes_it(database_url: str, tmp_path: Path) -> None:
    async with (
        ScriptedModel([ASK, Say("Red it is.")]) as model,
        task_harness(database_url, model, tmp_path) as harness,
    ):
        accepted = await harness.engine.accept(message("1.0"))
        await harness.until(accepted.task, State.WAITING)
        while harness.engine.running:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        answer = await harness.engine.accept(message("1.1", "red", thread="1.0"))
        task = await harness.until(accepted.task)

        assert (answer.kind, task.attempt, task.answer) == (AcceptedAs.ANSWER, 2, "Red it is.")
        assert [d.state for d in harness.threads.delivered[task.id]] == [State.WAITING, State.ANSWERED]
        assert "red" in str(model.requests[1].body)


@pytest.mark.parametrize("moment", ["running", "waiting", "ended"])
async def test_a_stop_ends_a_task_wherever_it_stands(database_url: str, tmp_path: Path, moment: str) -> None:
    gate = Gate(Say("never said"))
    replies: dict[str, Gate | list[Reply]] = {"running": gate, "waiting": [ASK], "ended": [Say("Done.")]}
    state = {"waiting": State.WAITING, "ended": State.ANSWERED}
    async with (
        ScriptedModel(replies[moment]) as model,
        task_harness(database_url, model, tmp_path) as harness,
    ):
        accepted = await harness.engine.accept(message("1.0"))
        if moment == "running":
            await gate.reached.wait()
        else:
            await harness.until(accepted.task, state[moment])
        stopped = await harness.engine.stop(accepted.task, "Ann stopped it")
        task = await harness.until(accepted.task)

        ended = (False, State.ANSWERED, "") if moment == "ended" else (True, State.STOPPED, "Ann stopped it")
        assert (stopped, task.state, task.reason) == ended
        assert harness.threads.delivered[task.id][-1].state is task.state
        assert not await harness.engine.stop(accepted.task, "again")


async def test_what_was_written_before_a_stop_is_stopped_too(database_url: str, tmp_path: Path) -> None:
    gate = Gate(Say("never said"))
    async with ScriptedModel(gate) as model, task_harness(database_url, model, tmp_path) as harness:
        accepted = await harness.engine.accept(message("1.0"))
        await gate.reached.wait()
        await harness.engine.accept(message("1.1", "and that", thread="1.0"))
        await harness.engine.stop(accepted.task, "Ann stopped it")
        await harness.until(accepted.task, State.STOPPED)

        assert len(await harness.engine.store.recent()) == 1


async def test_a_task_goes_on_from_its_log_in_the_next_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    hold = asyncio.Event()

    async def never_ready(asked: Asked) -> Reply | None:
        if asked.is_worker:
            hold.set()
            await asyncio.sleep(3600)
        return Call("create_worker", {"task_description": "count to three"})

    async with ScriptedModel(never_ready) as first, task_harness(url, first, tmp_path) as harness:
        accepted = await harness.engine.accept(message("1.0"))
        await hold.wait()

    rest = Roles([Say("One, two, three.")], [Call("report", {"status": "done", "summary": "123"})])
    async with ScriptedModel(rest) as second, task_harness(url, second, tmp_path) as harness:
        task = await harness.until(accepted.task)

        assert task.answer == "One, two, three."
        assert task.workers == 1, "the worker of before goes on, and no second one is made"
        second.assert_complete()


async def test_an_end_that_cannot_be_reported_is_kept_and_reported_later(
    database_url: str, tmp_path: Path
) -> None:
    threads = InMemoryThreads(closed="The channel is archived.")
    async with (
        ScriptedModel([Say("The answer.")]) as model,
        task_harness(database_url, model, tmp_path, threads=threads) as harness,
    ):
        accepted = await harness.engine.accept(message("1.0"))
        await harness.until(accepted.task, State.DELIVERING)
        threads.closed = ""
        await harness.engine.store.redeliver(accepted.task)
        task = await harness.until(accepted.task)

        assert (task.state, task.answer, task.deliveries) == (State.ANSWERED, "The answer.", 1)
        assert [d.text for d in threads.delivered[task.id]] == ["The answer."]
        assert len(model.requests) == 1, "what was paid for is not paid again to be told"


async def test_a_question_that_no_one_answers_expires(database_url: str, tmp_path: Path) -> None:
    policy = TaskPolicy(waiting=0.0, timing=replace(TASK_TIMING, maintenance=0.2))
    async with (
        ScriptedModel([ASK]) as model,
        task_harness(database_url, model, tmp_path, policy=policy) as harness,
    ):
        accepted = await harness.engine.accept(message("1.0"))
        task = await harness.until(accepted.task)

        assert (task.state, task.reason) == (State.EXPIRED, "there was no answer in time")
        assert harness.threads.delivered[task.id][-1].state is State.EXPIRED


async def test_a_task_without_progress_is_ended(database_url: str, tmp_path: Path) -> None:
    policy = TaskPolicy(stalled=0.5, timing=TASK_TIMING)
    gate = Gate()
    async with (
        ScriptedModel(gate) as model,
        task_harness(database_url, model, tmp_path, policy=policy) as harness,
    ):
        accepted = await harness.engine.accept(message("1.0"))
        task = await harness.until(accepted.task)

        assert task.state is State.FAILED
        assert "made no progress" in task.reason


async def test_a_task_that_waited_to_be_begun_has_not_stood_still(database_url: str, tmp_path: Path) -> None:
    gate = Gate(Say("Done."), Say("Done."))
    async with ScriptedModel(gate) as model, task_harness(database_url, model, tmp_path) as harness:
        while not harness.engine._maintenance._cleaned_at:  # noqa: ASYNC110 (its first round would place the ticket)
            await asyncio.sleep(0.01)
        tickets = Tickets(harness.database)
        await harness.engine.store.accept(message("1.0"))
        (ticket,) = tickets.pop()
        runner = harness.engine._runner
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            cut = group.create_task(runner.run(ticket, Signals(ticket.task)))
            await gate.reached.wait()
            cut.cancel()
            await asyncio.wait([cut])
            gate.reached.clear()
            signals = Signals(ticket.task)
            signals.progress_at -= TaskPolicy().stalled  # for so long its database was away
            group.create_task(runner.run(ticket, signals))
            await gate.reached.wait()
            assert time.monotonic() - signals.progress_at < TaskPolicy().stalled
            gate.opened.set()
        assert (await harness.until(ticket.task)).answer == "Done."


async def test_a_clock_that_jumps_back_hides_no_task(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(Say("First."), Say("never said"))
    gate.opened.set()
    async with ScriptedModel(gate) as model, task_harness(database_url, model, tmp_path) as harness:
        first = await harness.engine.accept(message("1.0"))
        await harness.until(first.task)
        gate.opened.clear()
        gate.reached.clear()
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() - 86_400)
        second = await harness.engine.accept(message("1.1", thread="1.0"))
        await gate.reached.wait()
        current = await harness.engine.store.current(ThreadAddress(TEAM, CHANNEL, "1.0"))
        assert current is not None
        assert current.id == second.task, "a stop in the thread is meant for what is under way"
        await harness.engine.stop(current.id, "Ann stopped it")
        await harness.until(second.task, State.STOPPED)


async def test_a_clock_that_jumps_ahead_ends_no_task(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day is more than a run may stand still, and less than a person may take."""
    gate = Gate(Say("Done."), Say("Red it is."))
    parks = ScriptedModel([ASK])
    async with parks, task_harness(database_url, parks, tmp_path) as harness:
        parked = await harness.engine.accept(message("1.0"))
        await harness.until(parked.task, State.WAITING)
    async with ScriptedModel(gate) as model, task_harness(database_url, model, tmp_path) as harness:
        running = await harness.engine.accept(message("2.0"))
        await gate.reached.wait()
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + 86_400)
        await harness.engine._maintenance.run_once()
        await harness.engine._signal_runs()
        states = [task.state for task in await harness.engine.store.recent()]
        assert sorted(states) == [State.RUNNING, State.WAITING]

        gate.opened.set()
        assert (await harness.until(running.task)).answer == "Done."
        await harness.engine.accept(message("1.1", "red", thread="1.0"))
        assert (await harness.until(parked.task)).answer == "Red it is."


async def test_a_task_on_a_full_disk_waits_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    gate = Gate(Say("A long answer. " * 5000))
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    async with ScriptedModel(gate) as model, task_harness(url, model, tmp_path) as harness:
        accepted = await harness.engine.accept(message("1.0"))
        await gate.reached.wait()
        await limit_pages(harness.database, free=0)
        gate.opened.set()
        async with asyncio.timeout(30):
            while harness.engine.running and not await harness.engine.problems():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert await harness.engine.problems() == ["the disk of the database is full"]
        await limit_pages(harness.database, free=100_000)
        task = await harness.until(accepted.task)

        assert (task.state, await harness.engine.problems()) == (State.ANSWERED, [])
        assert len(model.requests) == 1


async def test_a_task_that_a_later_version_began_waits_for_such_a_process(
    database_url: str, tmp_path: Path
) -> None:
    async with ScriptedModel([ASK]) as model, task_harness(database_url, model, tmp_path) as harness:
        accepted = await harness.engine.accept(message("1.0"))
        await harness.until(accepted.task, State.WAITING)
        async with harness.database.write() as connection:
            await connection.execute(update(schema.event).values(version=VERSION + 1))
        await harness.engine.accept(message("1.1", "red", thread="1.0"))
        await harness.until(accepted.task, State.DELIVERING)

        assert len(model.requests) == 1
        assert len(harness.threads.delivered[accepted.task]) == 1, "the question, and no word of failure"
