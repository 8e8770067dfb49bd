"""A task goes on from wherever its process died: the same answer, and no finished reply is asked for again.

Every third prefix of a run's journal is tried, and every one in the soak. Needs no services.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from agents.errors import Parked
from agents.journal import Incoming, MemoryJournal
from tests.support.scripted_model import Asked, Call, Empty, Reply, Say, ScriptedModel, Turn
from tests.support.team import CutJournal, ListInbox, Team, endpoint_of

ANSWER = "Both are done: north 3, south 4."


def report(summary: str) -> Call:
    return Call("report", {"status": "done", "summary": summary})


async def colleague(asked: Asked) -> Reply:
    """Answers by what was said so far and by nothing else, as a model does."""
    if asked.is_worker:
        half = "north" if "north" in asked.brief else "south"
        steps: Sequence[Reply] = (
            Call("execute_python_code", {"kode": half}),
            Empty(),
            report(f"{half}: done"),
        )
        return (
            steps[min(asked.turn, 2)] if not asked.last_user.startswith("Your reply was empty") else steps[2]
        )
    match len(asked.results):
        case 0:
            return Call("plan", {"steps": [{"text": "Count both halves"}]})
        case 1:
            return Call("ask_user", {"question": "Which halves?", "options": ["both", "north"]})
        case 2:
            halves = [
                Call("create_worker", {"task_description": f"Count the {h}"}) for h in ("north", "south")
            ]
            return Turn(calls=tuple(halves))
        case 4 if asked.last_user.startswith("Your reply was cut"):
            return Say("north 3, south 4.")
        case _:
            return Turn("Both are done: ", finish="length")


async def run_to_the_end(team: Team, model: ScriptedModel) -> str:
    """As a process does that is started again whenever a person has answered."""
    assert isinstance(team.inbox, ListInbox)
    while True:
        async with endpoint_of(model) as endpoint:
            try:
                return (await team.run(endpoint)).text
            except Parked:
                if not team.inbox.messages:
                    team.inbox.messages.append(Incoming("9.1", "Ann: both"))


def replies(journal: MemoryJournal) -> int:
    """Of all agents together."""
    return sum(entry.kind == "reply" for entries in journal._entries.values() for entry in entries)


@pytest.mark.parametrize("stride", [3, pytest.param(1, marks=pytest.mark.soak)])
async def test_prefixes_of_a_journal_are_continued_to_the_same_answer(stride: int) -> None:
    whole = Team(inbox=ListInbox())
    async with ScriptedModel(colleague) as model:
        assert await run_to_the_end(whole, model) == ANSWER
        assert len(model.requests) == replies(whole.journal)
    length = sum(len(entries) for entries in whole.journal._entries.values())
    assert length > 25
    for cut in range(0, length, stride):
        await _dies_after(cut)


async def _dies_after(cut: int) -> None:
    journal, inbox = CutJournal(cut), ListInbox()
    async with ScriptedModel(colleague) as model:
        with pytest.raises(BaseException) as died:  # noqa: PT011 (a group may hold it)
            await run_to_the_end(Team(journal=journal, inbox=inbox), model)
        assert not isinstance(died.value, AssertionError)
        paid = replies(journal)
        before = len(model.requests)
        survivor = Team(journal=journal.survived(), inbox=inbox)
        answer = await run_to_the_end(survivor, model)
        after = len(model.requests) - before
    assert answer == ANSWER, f"cut after {cut} entries"
    assert after == replies(survivor.journal) - paid, f"cut after {cut} entries: something was asked again"
    workers = [e.body["worker"] for e in survivor.journal.entries if e.kind == "worker"]
    assert workers == ["w1", "w2"], f"cut after {cut} entries"
    assert model.problems == []


async def test_an_answer_that_came_before_a_crash_is_not_lost() -> None:
    inbox = ListInbox(Incoming("9.1", "Ann: both"))
    journal = CutJournal(6)  # opening, reply, result, reply, asked; the next is the answer as a result
    async with ScriptedModel(colleague) as model, endpoint_of(model) as endpoint:
        with pytest.raises(Parked):
            await Team(journal=journal, inbox=ListInbox()).run(endpoint)
        journal._left[0] = 0
        with pytest.raises(BaseException):  # noqa: B017, PT011
            await Team(journal=journal, inbox=inbox).run(endpoint)
        assert inbox.marked == []
        assert (await Team(journal=journal.survived(), inbox=inbox).run(endpoint)).text == ANSWER
    assert inbox.marked == ["9.1"]


async def test_an_ended_task_answers_again_without_a_request() -> None:
    team = Team()
    async with ScriptedModel([Say("Hello.")]) as model, endpoint_of(model) as endpoint:
        first = await team.run(endpoint)
        second = await Team(journal=team.journal).run(endpoint)
    assert first == second
    assert len(model.requests) == 1


async def test_a_question_takes_no_time_while_it_waits() -> None:
    journal = MemoryJournal()
    async with (
        ScriptedModel([Call("ask_user", {"question": "Blue?"}), Say("Blue.")]) as model,
        endpoint_of(model) as endpoint,
    ):
        with pytest.raises(Parked):
            await Team(journal=journal).run(endpoint)
        await asyncio.sleep(0.3)
        inbox = ListInbox(Incoming("9.1", "Ann: yes"))
        assert (await Team(journal=journal, inbox=inbox).run(endpoint)).text == "Blue."
    clocks = [e.body["clock"] for e in journal.entries if "clock" in e.body]
    assert clocks == sorted(clocks)
    assert model.requests[-1].results == ("Ann: yes",)
