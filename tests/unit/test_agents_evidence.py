"""Facts over words: claims without a run, reports beside a run, endings without words, and workers that all
fail. Needs no services: the sandbox answers at once."""

from __future__ import annotations

import json

import pytest

from agents.budget import AgentLimits, Budget
from agents.conversation import UserTurn
from agents.journal import Incoming
from agents.report import Facts, Report, unproven, warning
from tests.support.scripted_model import Asked, Call, Reply, Roles, Say, ScriptedModel, Turn
from tests.support.team import Instant, ListInbox, Team, endpoint_of

APIS = pytest.mark.parametrize("api", ["chat", "responses"])
BRIEF = Call("create_worker", {"task_description": "Compute 6 times 7"})
RUN = Call("execute_python_code", {"code": "print(6 * 7)"})


def report(**words: str) -> Call:
    return Call("report", {"status": "done", **words})


CLAIMS: dict[str, Reply] = {
    "a report": report(summary="I ran it, it printed 41."),
    "a report with evidence": report(summary="Fine.", evidence="print(6 * 7) printed the product"),
    "a figure": report(summary="The product is 41."),
    "plain words": Say("I ran it, it printed 41."),
}


@APIS
@pytest.mark.parametrize("kind", CLAIMS)
async def test_a_claim_without_a_run_is_asked_about_once(kind: str, api: str) -> None:
    script = Roles([BRIEF, Say("It is 42.")], [CLAIMS[kind], RUN, report(summary="42", evidence="42")])
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        await Team(sandbox=Instant()).run(endpoint)
        model.assert_complete()
    told = json.loads(model.requests[-1].results[0])
    assert (told["summary"], told["facts"]["runs"], told.get("warning")) == ("42", 1, None)
    second = model.requests[2]
    assert "You have run nothing" in "\n".join([*second.results, second.last_user])


@APIS
@pytest.mark.parametrize("kind", CLAIMS)
async def test_a_claim_that_stays_is_warned_about(kind: str, api: str) -> None:
    script = Roles([BRIEF, Say("It is unproven.")], [CLAIMS[kind], CLAIMS[kind]])
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        await Team(sandbox=Instant()).run(endpoint)
        model.assert_complete()
    told = json.loads(model.requests[-1].results[0])
    assert told["warning"] == "it ran nothing, so what it says of runs and figures has no source"
    assert told["status"] == "partial"


async def test_a_figure_of_the_request_needs_no_run() -> None:
    written = Call("create_worker", {"task_description": "Write code comments for the sum of the year"})
    script = Roles([written, Say("Done.")], [report(summary="# The sum of 1984")])
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint, [UserTurn("Ann: comment the sum of 1984")])
        model.assert_complete()
    returned = json.loads(model.requests[-1].results[0])
    assert (returned["status"], returned.get("warning")) == ("done", None)


@APIS
async def test_a_report_beside_a_run_is_refused(api: str) -> None:
    both = Turn(calls=(RUN, report(summary="It printed 41.")))
    script = Roles([BRIEF, Say("It is 42.")], [both, report(summary="It printed 42.")])
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        await Team(sandbox=Instant()).run(endpoint)
        model.assert_complete()
    assert "a report comes alone" in str(model.requests[2].results)
    told = json.loads(model.requests[-1].results[0])
    assert (told["summary"], told.get("warning")) == ("It printed 42.", None)


@pytest.mark.parametrize(
    ("text", "brief", "expected"),
    [
        ("I ran the tests.", "", True), ("The mean is 12.5.", "Compute the mean", True),
        ("It is 42.", "Compute whether 42 is even", False), ("Ein Gedicht in 3 Zeilen.", "", False),
        ("Berechnet: alles gut", "", True), ("A greeting: Good morning!", "Run a greeting", False),
        ("我运行了代码", "", True), ("The rainbow ends here.", "", False),
        ("Founded in 1984.", "Write about the company", False),
    ],
)  # fmt: skip
def test_what_needs_a_run(text: str, brief: str, expected: bool) -> None:
    assert unproven(text, brief) is expected


async def test_figures_without_a_run_are_warned_about_where_no_run_was_called_for() -> None:
    said = Report(status="done", summary="Founded in 1984.")
    assert "has no source" in warning(said, Facts(), "Write about the company")
    assert warning(said, Facts(), "It was founded in 1984. Write about it.") == ""


def test_a_call_of_a_teams_tool_is_a_source() -> None:
    said = Report(status="done", summary="The ticket has 12 comments.", evidence="crm_find")
    assert warning(said, Facts(calls=1)) == ""
    assert warning(said, Facts())


LAST: dict[str, Reply] = {
    "a call": Call("create_worker", {"task_description": "More"}),
    "nothing": Turn(),
    "markup": Say('<tool_call>{"name": "create_worker", "arguments": {"task_description": "x"}}</tool_call>'),
}


@APIS
@pytest.mark.parametrize("kind", LAST)
async def test_a_last_turn_without_words_gives_the_reports(kind: str, api: str) -> None:
    """Ollama does not know `tool_choice`."""
    one = Call("create_worker", {"task_description": "Say yes", "title": "The first part"})
    said = Call("report", {"status": "partial", "summary": "Yes, mostly.", "open_points": "The rest."})
    script = Roles([one, LAST[kind]], [said])
    limits = AgentLimits(task=Budget(turns=1))
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        ending = await Team(limits=limits).run(endpoint)
        model.assert_complete()
    assert ending.text.splitlines()[2:] == ["**The first part** (partial)", "Yes, mostly.", "The rest."]
    assert ending.reason == "the limit of 1 turns is reached"


async def test_without_reports_there_is_still_no_answer() -> None:
    async with ScriptedModel([Turn(), Turn()]) as model, endpoint_of(model) as endpoint:
        ending = await Team().run(endpoint)
    assert ending.text == ""
    assert ending.reason


FAILED = Call("report", {"status": "failed", "summary": "No way."})


async def count_workers(replies: list[Reply], team: Team) -> tuple[int, tuple[str, ...]]:
    """How many workers were asked, and the results that the orchestrator read last."""
    left = list(replies)

    async def answering(asked: Asked) -> Reply:
        if asked.is_worker:
            return FAILED
        return left.pop(0) if left else Say("It can't be done.")

    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        assert (await team.run(endpoint)).text == "It can't be done."
    return sum(asked.is_worker for asked in model.requests), model.requests[-1].results


def brief(number: int) -> Call:
    return Call("create_worker", {"task_description": f"Try {number}"})


async def test_workers_that_fail_turn_after_turn_are_stopped() -> None:
    workers, results = await count_workers([brief(n) for n in range(10)], Team())
    assert workers == 3
    assert "no further one is created" in results[-1]


async def test_workers_of_one_turn_that_all_fail_are_stopped() -> None:
    at_once = [Turn(calls=tuple(brief(n) for n in range(24)))] * 3
    workers, results = await count_workers(list(at_once), Team(limits=AgentLimits(at_once=2)))
    assert workers <= 5 + 2
    assert sum("no further one" in result for result in results) >= 24 - 5


async def test_two_workers_may_try_again_after_a_turn_of_failures() -> None:
    at_once = [Turn(calls=tuple(brief(n) for n in range(8)))] * 3
    workers, _ = await count_workers(list(at_once), Team())
    assert workers == 8 + 2 + 2


async def test_a_message_of_a_person_begins_the_count_anew() -> None:
    inbox = ListInbox()
    left = [brief(n) for n in range(4)]

    async def answering(asked: Asked) -> Reply:
        if asked.is_worker:
            if len(left) == 1:
                inbox.messages.append(Incoming("1", "Ann: try the other file"))
            return FAILED
        return left.pop(0) if left else Say("It can't be done.")

    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        await Team(inbox=inbox).run(endpoint)
    assert sum(asked.is_worker for asked in model.requests) == 4
