"""Programs that a worker's model writes as text instead of calling the tool are run. Needs no services."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.events import WorkerEnded
from agents.model.wire.text_calls import program_in
from tests.support.scripted_model import Call, Reply, Roles, Say, ScriptedModel
from tests.support.team import Instant, Team, endpoint_of

WRONG_NAME = (
    '```json\n{\n  "name": "Ada Okafor",\n  "arguments": {\n    "code": "17 / 100 * 2340"\n  }\n}\n```'
)
EXPLAINED = (
    "To compute 17% of 2,340 using Python, you can use the following code:\n\n```python\ntotal = 2340\n"
    "print(total * 17 / 100)\n```\n\nThis code will output:\n\n```\n398.4\n```\n\nSo, 17% of 2,340 is 398.4."
)


@pytest.mark.parametrize(
    ("text", "program"),
    [
        (WRONG_NAME, "17 / 100 * 2340"),
        (EXPLAINED, "total = 2340\nprint(total * 17 / 100)\n"),
        ("```py\nx = 1\n```\nand then\n```Python\nprint(x)\n```", "x = 1\n\n\nprint(x)\n"),
        ("```python\nfor x in:\n```", ""),
        ("```\nprint(1)\n```", ""),
        ("```json\n{}\n```", ""),
        ('{"name": "run", "arguments": {"code": 5, "word": "a"}}', "5"),
        ('{"name": "run", "arguments": {"word": "a"}}', ""),
        ("The answer is `print(1)`.", ""),
        ("```python\n" + "(" * 5000 + "\n```", ""),
    ],
)
def test_the_program_of_a_text_is_found(text: str, program: str) -> None:
    assert program_in(text) == program


@pytest.mark.parametrize("text", [WRONG_NAME, EXPLAINED])
async def test_a_program_that_a_worker_wrote_as_text_is_run(text: str) -> None:
    """Replies of a real model of half a billion parameters to "What is 17 % of 2,340?"."""
    report = await _report([Say(text), Say("It is 397.8.")])
    assert (report["status"], report["facts"]["runs"], report["summary"]) == ("done", 1, "It is 397.8.")


async def test_a_program_is_run_once_and_words_after_it_are_the_report() -> None:
    report = await _report([Say(EXPLAINED), Say(EXPLAINED)])
    assert (report["status"], report["facts"]["runs"], report["summary"]) == ("done", 1, EXPLAINED)


async def test_code_that_is_asked_for_is_no_program_to_run() -> None:
    text = "Here it is:\n```python\ndef twice(n):\n    return 2 * n\n```"
    report = await _report([Say(text)], brief="Write a function that doubles a number.")
    assert (report["status"], report["facts"]["runs"]) == ("done", 0)


async def test_a_worker_that_ends_without_words_reports_what_its_program_printed() -> None:
    torn = '<tool_call>\n{"name": "execute_python_code", "arguments": {"code": '
    report = await _report([Call("execute_python_code", {"code": "print(42)"}), *[Say(torn)] * 3])
    assert report["status"] == "partial"
    assert report["summary"] == "Its last program printed:\n42"


async def test_what_a_program_printed_stands_beside_words_that_leave_it_out() -> None:
    """A real model of half a billion parameters answers "Run this for me" with the program again."""
    run = json.dumps({"name": "execute_python_code", "arguments": {"code": "print(42)"}})
    worker: list[Reply] = [Say(run), Say(run), Say(run), Say("You can use print(42).")]
    team = Team(sandbox=Instant())
    torn = '<tool_call>\n{"name": "ask_user", "arguments": {"question": '
    brief = Say(json.dumps({"name": "create_worker", "arguments": {"task_description": "Run print(42)."}}))
    script = Roles([brief, Say(torn), Say("It printed 42.")], worker)
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await team.run(endpoint)
        model.assert_complete()
    assert "You can use print(42).\nIts last program printed:\n42]" in model.requests[-1].last_user


async def _report(replies: list[Reply], brief: str = "Compute 17 % of 2,340 with Python.") -> dict[str, Any]:
    """The report of a worker with these replies, as the orchestrator reads it."""
    team = Team(sandbox=Instant())
    script = Roles([Call("create_worker", {"task_description": brief}), Say("There.")], replies)
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await team.run(endpoint)
        model.assert_complete()
    assert len([event for event in team.events if isinstance(event, WorkerEnded)]) == 1
    report: dict[str, Any] = json.loads(model.requests[-1].results[0])
    return report
