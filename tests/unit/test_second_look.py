"""The second look at a worker's result. Needs no services: the sandbox answers at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from agents.budget import AgentLimits, Budget, Meter
from agents.conversation import UserTurn
from agents.events import WorkerEnded, WorkerStarted
from agents.journal import Incoming
from agents.second_look import is_asked_for
from bot.thread.replay import replay_events
from tests.support.scripted_model import Asked, Call, Fault, Reply, Say, ScriptedModel, Turn
from tests.support.team import CutJournal, Instant, ListInbox, Team, bodies, endpoint_of

BRIEF = {"task_description": "Count the cats", "title": "Cats", "effort": "deep"}
DEEP = Call("create_worker", BRIEF)
RUN = Call("execute_python_code", {"code": "print('the first way')"})
FIRST = Call("report", {"status": "done", "summary": "There are 42.", "evidence": "len(cats) printed 42"})
AGREES = Call("report", {"status": "done", "summary": "agrees: a recount finds 42."})

Script = Callable[[Asked], Coroutine[Any, Any, Reply]]


def team_of(*second: Reply, brief: Call = DEEP, first: Reply = FIRST) -> Script:
    """The first worker runs a program and reports; the second one does `second`, one reply per turn."""

    async def script(asked: Asked) -> Reply:
        if not asked.is_worker:
            return Say("It is 42.") if asked.results else brief
        if "second look" in asked.brief:
            return second[min(len(asked.results), len(second) - 1)]
        return first if asked.results else RUN

    return script


async def result_of(script: Script, team: Team, opening: str = "Ann: How many?") -> dict[str, Any]:
    """What the orchestrator reads of its worker."""
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await team.run(endpoint, [UserTurn(opening)])
    assert model.problems == []
    found: dict[str, Any] = json.loads(bodies(team.journal, "result")[0]["text"])
    return found


async def test_a_deep_result_is_found_again_without_the_first_worker_s_code() -> None:
    team = Team(sandbox=Instant())
    async with ScriptedModel(team_of(RUN, AGREES)) as model, endpoint_of(model) as endpoint:
        await team.run(endpoint, [UserTurn("Ann: How many?")])
    found = json.loads(model.requests[-1].results[0])
    assert (found["worker"], found["summary"]) == ("w1", "There are 42.")
    assert found["second_look"] == "agrees: a recount finds 42."
    assert "one line of the answer" in found["advice"]
    opening = next(asked.last_user for asked in model.requests if "second look" in asked.last_user)
    assert "Count the cats" in opening
    assert "There are 42." in opening
    assert "Ann: How many?" in opening
    assert "the first way" not in opening
    assert "len(cats)" not in opening
    rows = [event for event in team.events if isinstance(event, WorkerStarted | WorkerEnded)]
    assert [(type(event), event.worker) for event in rows] == [
        (WorkerStarted, "w1"), (WorkerEnded, "w1"), (WorkerStarted, "w2"), (WorkerEnded, "w2"),
    ]  # fmt: skip
    assert bodies(team.journal, "worker")[1] == {
        "worker": "w2", "call": bodies(team.journal, "worker")[0]["call"], "title": "Second look: Cats",
        "checks": "w1",
    }  # fmt: skip
    facts = bodies(team.journal, "result")[0]["facts"]
    replies = [body for name in ("w1", "w2") for body in bodies(await team.journal.for_agent(name), "reply")]
    assert facts["tokens"] == sum(body["usage"]["input"] + body["usage"]["output"] for body in replies) > 0


@pytest.mark.parametrize(
    ("second", "wanted", "advice"),
    [
        ([RUN, Call("report", {"status": "done", "summary": "**Differs:** 41, not 42."})],
         "differs: 41, not 42.", "Find out which is right"),
        ([RUN, Say("Agrees. I counted the names.")], "agrees: I counted the names.", "agrees"),
        ([Call("report", {"status": "done", "summary": "agrees: it looks fine"})],
         "none: the second worker ran nothing", "no second look"),
        ([RUN, Call("report", {"status": "partial", "summary": "agrees: in half of it"})],
         "none: the second worker reported partial: agrees: in half of it", "no second look"),
        ([RUN, Call("report", {"status": "done", "summary": "42"})],
         "none: the second worker reported done: 42", "no second look"),
        ([Fault(422)], "none: the second worker reported failed: ", "no second look"),
    ],
    ids=["differs", "plain words", "ran nothing", "partial", "no verdict", "fails"],
)  # fmt: skip
async def test_the_orchestrator_reads_the_verdict(second: list[Reply], wanted: str, advice: str) -> None:
    found = await result_of(team_of(*second), Team(sandbox=Instant()))
    assert found["second_look"].startswith(wanted)
    assert advice in found["advice"]
    assert found["status"] == "done"


@pytest.mark.parametrize("where", ["request", "follow-up", "nowhere", "not done"])
async def test_a_normal_result_is_looked_at_again_only_where_a_person_asks(where: str) -> None:
    brief = Call("create_worker", {"task_description": "Count the cats"})
    first = Call("report", {"status": "partial", "summary": "About 42."}) if where == "not done" else FIRST
    inbox = ListInbox()

    async def script(asked: Asked) -> Reply:
        if asked.is_worker and where == "follow-up" and not inbox.messages:
            inbox.messages.append(Incoming("9.1", "Ann: and check it, please"))
        return await team_of(RUN, AGREES, brief=brief, first=first)(asked)

    asks = where in ("request", "not done")
    request = "Ann: How many? Double-check." if asks else "Ann: How many?"
    found = await result_of(script, Team(sandbox=Instant(), inbox=inbox), request)
    assert ("second_look" in found) is (where in ("request", "follow-up"))


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (AgentLimits(task=Budget(tokens=60_000)), "none: too little of the task's budget is left for one"),
        (AgentLimits(task=Budget(seconds=120)), "none: too little of the task's budget is left for one"),
        (AgentLimits(workers=1), "none: this task has used its 1 workers. Answer with what there is."),
    ],
    ids=["tokens", "seconds", "workers"],
)
async def test_without_enough_budget_the_answer_says_so(limits: AgentLimits, why: str) -> None:
    found = await result_of(team_of(RUN, AGREES), Team(sandbox=Instant(), limits=limits))
    assert found["second_look"] == why
    assert "no second look, and why" in found["advice"]


def test_a_second_look_may_take_half_of_what_is_left() -> None:
    meter = Meter(Budget(seconds=600, tokens=100_000, usd=1.0))
    meter.spend(20_000, 0.5)
    share = meter.share(Budget(40, 900, 500_000))
    assert (share.turns, share.tokens, share.usd) == (40, 40_000, 0.25)
    assert 0 < share.seconds <= 300


def replies(team: Team) -> int:
    """Of all agents together."""
    return sum(entry.kind == "reply" for entries in team.journal.agents.values() for entry in entries)


async def test_a_second_look_goes_on_wherever_its_process_died() -> None:
    whole = Team(sandbox=Instant())
    script = team_of(RUN, AGREES)
    await result_of(script, whole)
    length = sum(map(len, whole.journal.agents.values()))
    for cut in range(length):
        journal = CutJournal(cut)
        async with ScriptedModel(script) as model:
            async with endpoint_of(model) as endpoint:
                with pytest.raises(BaseException) as died:  # noqa: PT011 (a group may hold it)
                    await Team(sandbox=Instant(), journal=journal).run(endpoint, [UserTurn("Ann: How many?")])
            assert not isinstance(died.value, AssertionError)
            survivor, before = Team(sandbox=Instant(), journal=journal.survived()), len(model.requests)
            paid = replies(survivor)
            async with endpoint_of(model) as endpoint:
                assert (await survivor.run(endpoint, [UserTurn("Ann: How many?")])).text == "It is 42."
        assert len(model.requests) - before == replies(survivor) - paid, f"cut after {cut} entries"
        assert len(bodies(survivor.journal, "worker")) == 2, f"cut after {cut} entries"
        (result,) = bodies(survivor.journal, "result")
        assert json.loads(result["text"])["second_look"] == "agrees: a recount finds 42."


async def test_parts_of_one_turn_are_each_looked_at_again() -> None:
    briefs = Turn(calls=tuple(Call("create_worker", {**BRIEF, "title": t}) for t in ("A", "B")))

    async def script(asked: Asked) -> Reply:
        if not asked.is_worker and not asked.results:
            return briefs
        return await team_of(RUN, AGREES)(asked)

    team = Team(sandbox=Instant())
    await result_of(script, team)
    titles = {body["title"] for body in bodies(team.journal, "worker")}
    assert titles == {"A", "B", "Second look: A", "Second look: B"}


async def test_a_restarted_bot_shows_the_end_of_a_second_look_without_a_report() -> None:
    team = Team(sandbox=Instant())
    await result_of(team_of(RUN, Say("agrees: a recount finds 42.")), team)
    rows = [
        {"agent": agent, "kind": entry.kind, "body": entry.body}
        for agent, entries in team.journal.agents.items()
        for entry in entries
    ]
    events = list(replay_events(rows))
    assert WorkerStarted("w2", "Second look: Cats") in events
    assert WorkerEnded("w2", "done", "") in events


@pytest.mark.parametrize(
    "words",
    [
        "Sum it and double-check", "Please cross check the total.", "check it", "Check that again",
        "check this!", "verify your numbers", "I'd like a second opinion", "Rechne das bitte nach",
        "Bitte gegenprüfen", "Vérifie-le", "vérifie tes calculs", "Compruébalo",
        "请再检查一下", "検算してください",
    ],
)  # fmt: skip
def test_a_check_is_asked_for_in_several_languages(words: str) -> None:
    assert is_asked_for([f"Ann: {words}"])


@pytest.mark.parametrize(
    "words",
    [
        "Check whether the file has duplicates", "Check this file for typos", "check it for typos",
        "Check the numbers in a.csv for outliers", "Verify that the totals match", "No need to double-check",
        "Don't check it", "> please double-check", "Write a checklist",
        "Prüfe die Datei", "Vérifie le fichier",
    ],
)  # fmt: skip
def test_other_checks_are_the_task_itself(words: str) -> None:
    assert not is_asked_for([f"Ann: look\n{words}"])
