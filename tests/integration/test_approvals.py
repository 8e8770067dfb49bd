"""Decisions in the database, on both kinds: taken once, given out once, and only a clear yes counts."""

from __future__ import annotations

import asyncio

import pytest

from agents.tools.approvals import Question, Verdict
from tasks.errors import StaleRunner
from tasks.store.approvals import Decision, TaskApprovals, decide, find_decision
from tasks.store.database import Database
from tasks.store.notes import MOST, ChannelNotes
from tasks.store.tasks import AcceptedAs, TaskStore
from tasks.task import State, Task, Ticket
from tests.support.task_harness import message
from tests.support.tickets import Tickets

ASKED = Question(id="q1", tool="send", text="May w1 call send?", digest="d1")
BUTTON = "q1:d1"


class Desk:
    """A task under way, and its questions."""

    def __init__(self, database: Database, task: Task) -> None:
        self.database, self.task = database, task
        self.store = TaskStore(database)
        self.tickets = Tickets(database)
        self.approvals = TaskApprovals(database, task, patience=0)

    async def press(self, button: str = BUTTON, *, approved: bool = True, task: str = "") -> bool:
        return await decide(self.database, task or self.task.id, button, approved=approved, user="U1")


@pytest.fixture
async def desk(database: Database) -> Desk:
    store = TaskStore(database)
    ticket = Ticket((await store.accept(message("1.0"))).task, 1)
    task = await store.begin(ticket, "me")
    assert task is not None
    found = Desk(database, task)
    await found.approvals.record(ASKED)
    await found.approvals.record(ASKED)  # its end may not have been seen
    return found


async def test_a_yes_is_given_out_once(desk: Desk) -> None:
    assert await desk.approvals.consume("q1", "d1") is Verdict.OPEN
    assert await desk.press()
    assert not await desk.press(approved=False), "decided is decided"
    assert await desk.approvals.consume("q1", "d1") is Verdict.APPROVED
    assert await desk.approvals.consume("q1", "d1") is Verdict.USED


async def test_a_yes_counts_for_the_thread_where_a_call_is_asked_for_once(desk: Desk) -> None:
    async def allowed(ts: str, digest: str = "d1", thread: str = "") -> bool:
        task = (await desk.store.accept(message(ts, thread=thread))).task
        begun = await desk.store.begin(Ticket(task, 1), "me") or desk.task
        return await TaskApprovals(desk.database, begun, patience=0).was_allowed(digest)

    assert not await allowed("1.1", thread="1.0"), "nothing is decided"
    assert await desk.press()
    assert await allowed("1.2", thread="1.0")
    assert not await allowed("1.3", "d2", thread="1.0")
    assert not await allowed("9.0"), "another thread"


async def test_a_no_allows_nothing_in_the_thread(desk: Desk) -> None:
    assert await desk.press(approved=False)
    assert not await desk.approvals.was_allowed("d1")


async def test_a_click_counts_while_the_task_is_in_line_after_a_restart(desk: Desk) -> None:
    await desk.store.park(desk.task, seconds=60)
    await desk.store.accept(message("2.0", "and?", thread="1.0"))
    found = await desk.store.task(desk.task.id)
    assert found is not None
    assert found.state is State.QUEUED
    assert await desk.press()
    assert await desk.approvals.was_allowed("d1")


async def test_a_no_stays_a_no(desk: Desk) -> None:
    assert await desk.press(approved=False)
    assert not await desk.press()
    assert [await desk.approvals.consume("q1", "d1") for _ in range(2)] == [Verdict.DENIED] * 2


async def test_of_many_clicks_at_once_one_counts(desk: Desk) -> None:
    clicks = [desk.press(approved=n % 2 == 0) for n in range(6)]
    assert sum(await asyncio.gather(*clicks)) == 1


@pytest.mark.parametrize("button", ["q1:d2", "q2:d1", "q1", "", ":", "q1:d1:more"])
async def test_another_button_decides_nothing(desk: Desk, button: str) -> None:
    assert not await desk.press(button)
    assert await desk.approvals.consume("q1", "d1") is Verdict.OPEN


async def test_an_answer_is_none_to_other_arguments_or_of_another_task(desk: Desk) -> None:
    assert not await desk.press(task="tother")
    assert await desk.press()
    assert await desk.approvals.consume("q1", "d2") is Verdict.UNCLEAR
    assert await desk.approvals.consume("q1", "d1") is Verdict.APPROVED


@pytest.mark.parametrize("shown", ["", "q2"], ids=["nothing", "another question"])
async def test_what_is_written_while_something_else_is_shown_is_no_answer(desk: Desk, shown: str) -> None:
    await desk.store.set_question(desk.task, shown)
    await desk.store.accept(message("2.0", "sure", thread="1.0"))
    assert await desk.approvals.consume("q1", "d1") is Verdict.OPEN
    await desk.store.set_question(desk.task, "q1")
    await desk.store.park(desk.task, seconds=60)
    assert desk.tickets.pop() == [], "nor does it requeue what waits for an answer"
    assert await desk.press()


async def test_a_message_in_place_of_a_click_decides_nothing_and_waits_for_the_decision(desk: Desk) -> None:
    await desk.store.set_question(desk.task, "q1")
    await desk.store.park(desk.task, seconds=60)
    accepted = await desk.store.accept(message("2.0", "sure", thread="1.0"))
    assert accepted.kind is AcceptedAs.HELD
    assert desk.tickets.pop() == []
    assert await desk.approvals.consume("q1", "d1") is Verdict.OPEN
    assert await find_decision(desk.database, desk.task.id, BUTTON) is None
    assert await desk.press()
    assert await find_decision(desk.database, desk.task.id, BUTTON) == Decision(True, "U1")
    assert [item.text for item in await desk.store.unread(desk.task.id)] == ["sure"]


async def test_a_click_while_the_task_is_about_to_park_wakes_it_once(desk: Desk) -> None:
    assert await desk.press()
    await desk.store.park(desk.task, seconds=60)
    (ticket,) = desk.tickets.pop()
    assert ticket.attempt == 2
    again = await desk.store.begin(ticket, "me")
    assert again is not None
    await desk.store.park(again, seconds=60)
    assert desk.tickets.pop() == [], "an answer that no run reads requeues it no more"
    found = await desk.store.task(desk.task.id)
    assert found is not None
    assert found.state is State.WAITING


async def test_a_click_on_a_parked_task_has_it_go_on(desk: Desk) -> None:
    await desk.store.park(desk.task, seconds=60)
    assert await desk.press()
    assert [ticket.attempt for ticket in desk.tickets.pop()] == [2]


async def test_a_stopped_task_takes_no_decision(desk: Desk) -> None:
    await desk.store.park(desk.task, seconds=60)
    await desk.store.stop(desk.task.id, "enough")
    assert not await desk.press()


async def test_a_run_that_was_replaced_gets_no_answer(desk: Desk) -> None:
    await desk.store.begin(Ticket(desk.task.id, 1), "somebody else")
    assert await desk.press()
    with pytest.raises(StaleRunner):
        await desk.approvals.consume("q1", "d1")


async def test_notes_of_many_writers_get_numbers_of_their_own(database: Database) -> None:
    notes = ChannelNotes(database)
    writing = [notes.add("T1", "C1", f"fact {n}", user="U1", user_name="Ann") for n in range(MOST + 3)]
    numbers = await asyncio.gather(*writing)
    assert sorted(n for n in numbers if n) == list(range(1, MOST + 1))
    assert numbers.count(None) == 3
    assert await notes.of("T1", "C2") == await notes.of("T2", "C1") == []
