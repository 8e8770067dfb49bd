"""Phases of the Responses API: commentary is progress, and the final answer the answer. Needs no services."""

from __future__ import annotations

import json
from typing import Any

from agents.events import AnswerText, Notice
from tests.support.scripted_model import Asked, Raw, Reply, ScriptedModel
from tests.support.team import Team, endpoint_of

LOOKING, ANSWER = "I check the table first.", "There are 42 rows."


def phased(*messages: tuple[str, str]) -> Raw:
    """A stream with these messages, each a phase and a text."""
    events: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for index, (phase, text) in enumerate(messages):
        item = {
            "id": f"msg_{index}", "type": "message", "role": "assistant", "phase": phase,
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        }  # fmt: skip
        where = {"output_index": index, "item_id": item["id"], "content_index": 0}
        events.append(
            {"type": "response.output_item.added", "output_index": index, "item": {**item, "content": []}}
        )
        events += [{"type": "response.output_text.delta", **where, "delta": word} for word in text.split(" ")]
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
        items.append(item)
    whole = {"id": "resp_1", "object": "response", "status": "completed", "output": items, "usage": None}
    events.append({"type": "response.completed", "response": whole})
    return Raw([f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events])


async def test_commentary_is_a_line_of_progress_and_no_part_of_the_answer() -> None:
    team = Team()
    reply = phased(("commentary", LOOKING), ("final_answer", ANSWER))
    async with ScriptedModel([reply]) as model, endpoint_of(model, api="responses") as endpoint:
        assert (await team.run(endpoint)).text == ANSWER
    assert Notice(LOOKING) in team.events
    drafts = [event.text for event in team.events if isinstance(event, AnswerText)]
    assert drafts
    assert not any("check" in draft for draft in drafts)


async def test_commentary_alone_is_no_ending_and_is_sent_back_with_its_phase() -> None:
    script: list[Reply] = [phased(("commentary", LOOKING)), phased(("final_answer", ANSWER))]
    async with ScriptedModel(script) as model, endpoint_of(model, api="responses") as endpoint:
        assert (await Team().run(endpoint)).text == ANSWER
    (said,) = [item for item in model.requests[-1]["input"] if item.get("phase")]
    assert (said["phase"], said["content"][0]["text"]) == ("commentary", LOOKING)


async def test_commentary_without_end_ends_with_a_sentence() -> None:
    async def answering(asked: Asked) -> Reply:
        return phased(("commentary", LOOKING))

    async with ScriptedModel(answering) as model, endpoint_of(model, api="responses") as endpoint:
        ending = await Team().run(endpoint)
    assert (ending.text, "gave no answer" in ending.reason) == ("", True)
    assert len(model.requests) == 4
