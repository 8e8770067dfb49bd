"""What of a worker is left at a limit where its last words come as a call. Needs no services."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.scripted_model import Call, Roles, Say, ScriptedModel
from tests.support.team import Team, endpoint_of

LIMIT = "Stopped: the limit of 6 turns is reached."
LAST: dict[str, tuple[Call, dict[str, Any]]] = {
    "a report": (
        Call("report", {"status": "done", "summary": "Up to 17.", "open_points": "The rest."}),
        {"status": "partial", "summary": "Up to 17.", "open_points": f"The rest. {LIMIT}"},
    ),
    "a report of a failure": (
        Call("report", {"status": "failed", "summary": "No way."}),
        {"status": "failed", "summary": "No way.", "open_points": LIMIT},
    ),
    "a report that is none": (
        Call("report", {"status": "finished"}),
        {"status": "failed", "summary": "The work was cut before there was a result.", "open_points": LIMIT},
    ),
    "another call": (
        Call("nothing", {}),
        {"status": "failed", "summary": "The work was cut before there was a result.", "open_points": LIMIT},
    ),
}


@pytest.mark.parametrize("kind", LAST)
async def test_last_words_that_come_as_a_call_are_taken_for_what_they_are(kind: str) -> None:
    """Ollama does not know `tool_choice`."""
    last, expected = LAST[kind]
    brief = Call("create_worker", {"task_description": "Count", "effort": "quick"})
    calls = [Call("nothing", {"n": n}) for n in range(6)]
    async with (
        ScriptedModel(Roles([brief, Say("So far.")], [*calls, last])) as model,
        endpoint_of(model, api="chat") as endpoint,
    ):
        await Team().run(endpoint)
        model.assert_complete()
    report = json.loads(model.requests[-1].results[0])
    assert {key: report[key] for key in expected} == expected
