"""Orchestrator and workers: delegation, reports, limits, failures. Needs no services, as no code is run."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from agents.budget import AgentLimits, Budget
from agents.conversation import ModelReply as Said
from agents.conversation import TokenUsage as Tokens
from agents.conversation import Turn as Conversed
from agents.conversation import UserTurn
from agents.errors import CredentialsRefused, Parked, QuotaExhausted
from agents.events import WAITING_FOR_MODEL, PlanChanged, WorkerEnded, WorkerStarted, WorkerStep
from agents.journal import Incoming
from agents.model.prices import Price, Prices
from agents.report import Facts, Report, total_cost, warning
from agents.tools.team_tools import WORKER_TOOLS
from tests.support.scripted_model import (
    Asked,
    Call,
    Fault,
    Reply,
    Roles,
    Say,
    ScriptedModel,
    Turn,
    Usage,
    openai_error,
)
from tests.support.team import ListInbox, Team, bodies, endpoint_of


def worker(brief: str, **more: Any) -> Call:
    return Call("create_worker", {"task_description": brief, **more})


def report(status: str = "done", summary: str = "42", **more: Any) -> Call:
    return Call("report", {"status": status, "summary": summary, **more})


def result_of(asked: Asked, number: int = -1) -> dict[str, Any]:
    """A worker's result as the orchestrator reads it."""
    found: dict[str, Any] = json.loads(asked.results[number])
    return found


async def test_a_report_comes_back_with_measured_facts() -> None:
    script = Roles(
        [worker("Count", deliverable="a number", boundaries="no plots"), Say("It is 42.")],
        [Turn(calls=(report(),), usage=Usage(100, 10))],
    )
    team = Team()
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        ending = await team.run(endpoint)
        model.assert_complete()
    assert ending.text == "It is 42."
    result = result_of(model.requests[-1])
    assert (result["worker"], result["status"], result["summary"]) == ("w1", "done", "42")
    assert (result["facts"]["runs"], result["facts"]["turns"], result["facts"]["tokens"]) == (0, 1, 110)
    assert "has no source" in result["warning"]
    assert model.requests[1].brief == "Count\n\nDeliverable: a number\n\nOut of scope: no plots"
    assert "word for word. Your part of it is the brief above." in model.requests[1].last_user


async def test_plain_words_count_as_a_report() -> None:
    script = Roles([worker("Count"), Say("Done.")], [Say("There are 42.")])
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
    result = result_of(model.requests[-1])
    assert (result["status"], result["summary"]) == ("done", "There are 42.")


async def test_a_wrong_report_is_reported_and_made_again() -> None:
    script = Roles(
        [worker("Count"), Say("Done.")], [Call("report", {"status": "finished", "summary": "x"}), report()]
    )
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
        model.assert_complete()
    assert result_of(model.requests[-1])["status"] == "done"


async def test_a_worker_at_its_limit_hands_back_what_it_has() -> None:
    names = [Call("nothing", {"n": n}) for n in range(6)]
    script = Roles([worker("Count", effort="quick"), Say("So far.")], [*names, Say("Up to 17.")])
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
        model.assert_complete()
    result = result_of(model.requests[-1])
    assert (result["status"], result["summary"]) == ("partial", "Up to 17.")
    assert result["open_points"] == "Stopped: the limit of 6 turns is reached."


async def test_eight_workers_of_one_turn_work_at_the_same_time() -> None:
    briefs = Turn(calls=tuple(worker(f"Part {n}") for n in range(8)))
    everybody = asyncio.Barrier(8)

    async def answering(asked: Asked) -> Reply:
        if asked.is_worker:
            await asyncio.wait_for(everybody.wait(), 30)
            return report(summary=asked.brief)
        return Say("All.") if asked.results else briefs

    team = Team()
    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        await team.run(endpoint)
    assert model.most_at_once == 8
    assert sorted(result_of(model.requests[-1], n)["summary"] for n in range(8)) == [
        f"Part {n}" for n in range(8)
    ]
    assert sum(isinstance(event, WorkerStarted) for event in team.events) == 8


async def test_workers_beyond_the_limit_at_once_wait_and_beyond_the_limit_in_all_are_refused() -> None:
    briefs = Turn(calls=tuple(worker(f"Part {n}") for n in range(5)))
    script = Roles([briefs, Say("All there is.")], [report() for _ in range(4)])
    limits = AgentLimits(at_once=2, workers=4)
    async with ScriptedModel(script, latency=0.05) as model, endpoint_of(model) as endpoint:
        await Team(limits=limits).run(endpoint)
        model.assert_complete()
    assert model.most_at_once == 2
    refused = [result for result in model.requests[-1].results if result.startswith("Error")]
    assert refused == ["Error: this task has used its 4 workers. Answer with what there is."]


async def test_eight_work_at_once_and_twenty_four_in_all_unless_set_otherwise() -> None:
    briefs = Turn(calls=tuple(worker(f"Part {n}") for n in range(26)))
    script = Roles([briefs, Say("All there is.")], [report() for _ in range(24)])
    async with ScriptedModel(script, latency=0.02) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
        model.assert_complete()
    assert model.most_at_once == 8
    assert sum("has used its 24 workers" in result for result in model.requests[-1].results) == 2


@pytest.mark.parametrize(("effort", "turns"), [("quick", 6), ("normal", 15), ("deep", 40)])
async def test_effort_is_how_long_a_worker_may_go_on(effort: str, turns: int) -> None:
    steps = [Call("nothing", {"n": n}) for n in range(turns)]
    script = Roles([worker("Count", effort=effort), Say("So far.")], [*steps, Say("Up to 17.")])
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
        model.assert_complete()
    assert result_of(model.requests[-1])["open_points"] == f"Stopped: the limit of {turns} turns is reached."


async def test_all_agents_of_a_process_share_one_connection_as_long_as_one_is_enough() -> None:
    turns = [worker(f"Part {n}") for n in range(4)]
    async with (
        ScriptedModel(Roles([*turns, Say("All.")], [report()] * 4)) as model,
        endpoint_of(model) as endpoint,
    ):
        await Team().run(endpoint)
        model.assert_complete()
    assert len(model.requests) == 9
    assert len(model.connections) == 1


async def test_a_worker_is_never_offered_workers() -> None:
    script = Roles([worker("Count"), Say("Done.")], [worker("More"), report()])
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
        model.assert_complete()
    mine = [asked for asked in model.requests if asked.is_worker]
    assert all(asked.tools == WORKER_TOOLS for asked in mine)
    assert mine[-1].results[0].startswith("Error: there is no tool create_worker.")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (openai_error(401, "Incorrect API key provided"), CredentialsRefused),
        (openai_error(429, "You exceeded your current quota", "insufficient_quota"), QuotaExhausted),
    ],
    ids=["auth", "quota"],
)
async def test_what_would_hit_every_worker_ends_the_task(fault: Fault, kind: type[Exception]) -> None:
    briefs = Turn(calls=tuple(worker(f"Part {n}") for n in range(3)))
    async with ScriptedModel(Roles([briefs], [fault] * 3)) as model, endpoint_of(model) as endpoint:
        with pytest.raises(kind) as caught:
            await Team().run(endpoint)
    assert str(caught.value).count(". ") == 1
    assert sum(asked.is_orchestrator for asked in model.requests) == 1


async def test_another_failure_is_that_workers_alone() -> None:
    script = Roles(
        [Turn(calls=(worker("Good part"), worker("Bad part"))), Say("Half of it.")],
        {"Good": [report()], "Bad": [openai_error(400, "not to my taste")]},
    )
    team = Team()
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        assert (await team.run(endpoint)).text == "Half of it."
        model.assert_complete()
    results = [result_of(model.requests[-1], n) for n in range(2)]
    assert {result["status"] for result in results} == {"done", "failed"}
    failed = next(result for result in results if result["status"] == "failed")
    assert "refused the request (400)" in failed["summary"]
    assert "not to my taste" not in failed["summary"]
    assert sum(isinstance(event, WorkerEnded) for event in team.events) == 2


async def test_after_a_failed_retry_the_orchestrator_is_asked_to_turn_to_the_person() -> None:
    script = Roles(
        [worker("Read it"), worker("Read it, better"), Say("It can't be read.")],
        [report("failed", "broken"), report("blocked", "no password")],
    )
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
        model.assert_complete()
    assert "advice" not in result_of(model.requests[-1], 0)
    assert "ask with ask_user" in result_of(model.requests[-1], 1)["advice"]


async def test_two_failures_in_one_turn_leave_a_retry() -> None:
    script = Roles(
        [Turn(calls=(worker("A"), worker("B"))), Say("Neither.")],
        [report("failed", "x"), report("failed", "y")],
    )
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
    assert all("advice" not in result_of(model.requests[-1], n) for n in range(2))


async def test_a_report_of_200_kilobytes_is_reported_as_its_ends_and_a_file() -> None:
    script = Roles([worker("Write"), Say("Done.")], [report(summary="abcdefgh" * 25_000)])
    async with ScriptedModel(script, piece=4096) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
    result = result_of(model.requests[-1])
    assert len(result["summary"]) < 9_000
    assert "[All of it: /work/w1-report.txt]" in result["summary"]


async def test_a_report_is_cut_to_what_an_orchestrator_can_read() -> None:
    long = report(evidence="e" * 100_000, open_points="o" * 100_000, files=[f"{n}.csv" for n in range(5_000)])
    script = Roles([worker("Write"), Say("Done.")], [long])
    async with ScriptedModel(script, piece=4096) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
    result = result_of(model.requests[-1])
    assert len(result["evidence"]) < 5_000 > len(result["open_points"])
    assert len(result["files"]) == 100
    assert len(result["warning"]) < 5_000


async def test_the_plan_and_what_workers_do_is_reported_to_those_who_watch() -> None:
    plan = Call("plan", {"steps": [{"text": "Count", "status": "in_progress"}]})
    script = Roles([plan, worker("Count", title="Counting"), Say("Done.")], [report()])
    team = Team()
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await team.run(endpoint)
    shown = next(event for event in team.events if isinstance(event, PlanChanged))
    assert (shown.steps[0].text, shown.steps[0].status) == ("Count", "in_progress")
    assert WorkerStarted("w1", "Counting") in team.events
    assert WorkerStep("w1", "Writing the report") in team.events


async def test_what_workers_spend_counts_for_the_task() -> None:
    script = Roles(
        [Turn(calls=(worker("A"),), usage=Usage(10, 10)), Turn("Out of money.", usage=Usage(10, 10))],
        [Turn(calls=(report(),), usage=Usage(900_000, 0))],
    )
    team = Team(
        prices=Prices({"m": Price(input=1.0, output=1.0)}), limits=AgentLimits(task=Budget(9, 60, 10**7, 0.5))
    )
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        ending = await team.run(endpoint)
        model.assert_complete()
    assert ending.reason == "the limit of 0.50 USD is reached"
    assert bodies(team.journal, "result")[0]["facts"]["cost"] == pytest.approx(0.9)


async def test_of_two_questions_in_one_turn_a_person_gets_one_at_a_time() -> None:
    both = Turn(calls=(Call("ask_user", {"question": "Blue?"}), Call("ask_user", {"question": "Large?"})))
    inbox = ListInbox()
    team = Team(inbox=inbox)
    async with ScriptedModel([both, Say("Blue.")]) as model, endpoint_of(model) as endpoint:
        with pytest.raises(Parked, match="Blue"):
            await team.run(endpoint)
        inbox.messages.append(Incoming("9.1", "Ann: yes"))
        await team.run(endpoint)
        model.assert_complete()
    assert sorted(model.requests[-1].results) == [
        "Ann: yes",
        "Error: this turn has asked a question already. Ask the next one when it is answered.",
    ]


async def test_what_was_written_before_a_question_is_no_answer_to_it() -> None:
    inbox = ListInbox()

    async def answering(asked: Asked) -> Reply:
        if not asked.results:
            inbox.messages.append(Incoming("9.0", "Ann: by the way, make it large"))
            return Call("ask_user", {"question": "Blue?"})
        return Say("Large.")

    team = Team(inbox=inbox)
    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        assert (await team.run(endpoint)).text == "Large."
    assert model.requests[-1].results[0].startswith("Error: the person has just written.")
    assert model.requests[-1].last_user == "Ann: by the way, make it large"


async def test_earlier_turns_of_the_thread_are_part_of_the_conversation() -> None:
    opening: list[Conversed] = [UserTurn("Ann: 1+1?"), Said(text="2"), UserTurn("Ann: and twice that?")]
    async with ScriptedModel([Say("4")]) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint, opening)
    roles = [(message["role"], message["content"]) for message in model.requests[0].messages[1:]]
    assert roles == [("user", "Ann: 1+1?"), ("assistant", "2"), ("user", "Ann: and twice that?")]


DONE = Report(status="done", summary="All good.")


WARNINGS = [
    (DONE, Facts(), ""),
    (DONE, Facts(runs=1, last_run="error"), "its last run ended with error"),
    (Report(status="done", summary="42", evidence="run 1"), Facts(),
     "it ran nothing, so what it says of runs and figures has no source"),
    (Report(status="done", summary=" "), Facts(), "its summary is empty"),
    (Report(status="done", summary="x", files=("/work/a.csv",)), Facts(runs=1, last_run="ok"),
     "it names files that no run of its made: /work/a.csv"),
    (Report(status="done", summary="x", files=("/work/a.csv",)),
     Facts(runs=1, last_run="ok", files=("a.csv",)), ""),
    (Report(status="done", summary="x", files=("./a.csv", "/work//b/../a.csv")),
     Facts(runs=1, last_run="ok", files=("a.csv",)), ""),
    (Report(status="failed", summary="x"), Facts(runs=1, last_run="error"), ""),
]  # fmt: skip


@pytest.mark.parametrize(("said", "measured", "expected"), WARNINGS)
def test_words_that_the_measurements_deny_get_a_warning(said: Report, measured: Facts, expected: str) -> None:
    assert warning(said, measured) == expected


def test_a_cost_with_an_unknown_part_is_unknown() -> None:
    assert total_cost([0.1, 0.2]) == pytest.approx(0.3)
    assert total_cost([0.1, None]) is None


def test_known_models_have_a_price_and_a_window() -> None:
    prices = Prices()
    assert (prices.cost("gpt-4.1", Tokens(1_000_000, 0)) or 0) > 0
    assert prices.cost("nobody-knows-me", Tokens(1, 1)) is None
    assert (
        prices.window("gpt-4.1") > prices.window("deepseek-chat") == prices.window("gpt-4.1, deepseek-chat")
    )
    assert prices.window("nobody-knows-me") == 128_000
    assert Prices(window=5_000).window("gpt-4.1") == 5_000


async def test_a_wait_for_the_model_is_shown_and_ends() -> None:
    both = Turn(calls=(worker("Count the left half"), worker("Count the right half")))
    script = Roles([both, Say("84.")], [report(), report()])
    team = Team()
    async with ScriptedModel(script) as model, endpoint_of(model, at_once=1) as endpoint:
        await team.run(endpoint)
    steps = [event for event in team.events if isinstance(event, WorkerStep)]
    (waited,) = [step for step in steps if step.text == WAITING_FOR_MODEL]
    mine = [step.text for step in steps if step.worker == waited.worker]
    assert mine == [WAITING_FOR_MODEL, "", "Writing the report"], "it ends"
