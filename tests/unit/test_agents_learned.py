"""What a refusal teaches about a model: ids, roles, schemas and tools that it does not take.

Each refusal has the words of its service. Needs no services.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.conversation import Json, ToolCall, ToolResult, Turn, UserTurn
from agents.conversation import ModelReply as Said
from agents.errors import RequestRefused
from agents.model.wire import ModelRequest
from agents.tools import Tool
from agents.tools.team_tools import WORKER_TOOLS, TeamTool
from tests.support.scripted_model import Asked, Call, Fault, Reply, Say, ScriptedModel
from tests.support.scripted_model import Turn as Scripted
from tests.support.team import Agent, Team, endpoint_of

ANSWER = "Forty-two."
APIS = pytest.mark.parametrize("api", ["chat", "responses"])


async def look(word: str) -> str:
    """Look."""
    return f"saw {word}"


def in_error(status: int, message: str, **more: Any) -> Fault:
    return Fault(status, {"error": {"message": message, **more}})


def ids(asked: Asked) -> list[str]:
    found = [call["id"] for m in asked.messages for call in m.get("tool_calls") or ()]
    found += [m[key] for m in asked.messages for key in ("tool_call_id", "call_id") if key in m]
    return found


NINE = {
    "Mistral": Fault(400, {
        "object": "error", "type": "invalid_request_error", "param": None, "code": "3280",
        "message": "Tool call id was call_8f14e45fceea but must be a-z, A-Z, 0-9, with a length of 9."}),
    "its template in vLLM": in_error(400, "Tool call IDs should be alphanumeric strings with length 9!"),
    "OpenAI": in_error(
        400, "Invalid 'input[3].call_id': string too long. Expected a string with maximum length 64, but got "
        "a string with length 70 instead.", param="input[3].call_id", code="string_above_max_length"),
}  # fmt: skip


@APIS
@pytest.mark.parametrize("service", NINE)
async def test_ids_that_a_service_refuses_are_nine_letters_and_digits(service: str, api: str) -> None:
    async def answering(asked: Asked) -> Reply:
        if any(len(id_) != 9 or not id_.isalnum() for id_ in ids(asked)):
            return NINE[service]
        return (
            Say(ANSWER)
            if asked.results
            else Scripted(calls=(Call("look", {"word": "a"}, id="call_8f14e45f"),))
        )

    async with ScriptedModel(answering) as model, endpoint_of(model, api=api) as endpoint:
        for _ in range(2):
            assert (await Agent([look]).run(endpoint)).text == ANSWER
        assert endpoint.learned("m") == ["ids of nine letters and digits"]
    assert len(model.requests) == 5, "the second agent knows"
    assert model.requests[-1].results == ("saw a",)


@APIS
async def test_ids_of_our_own_are_nine_letters_and_digits(api: str) -> None:
    as_text = '<tool_call>{"name": "look", "arguments": {"word": "a"}}</tool_call>'
    script: list[Reply] = [Say(as_text), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        await Agent([look]).run(endpoint)
    assert ids(model.requests[-1])
    assert all(len(id_) == 9 and id_.isalnum() for id_ in ids(model.requests[-1]))


EMPTY = {
    "Anthropic behind a gateway": in_error(400, "messages: text content blocks must be non-empty"),
    "Bedrock": in_error(400, "The text field in the ContentBlock object at messages.1.content.0 is blank. "
        "Add text to the text field, and try again."),
    "older Mistral": in_error(400, "Assistant message must have either content or tool_calls, but not both."),
}  # fmt: skip


@pytest.mark.parametrize("service", EMPTY)
async def test_empty_content_beside_calls_is_left_out(service: str) -> None:
    async def answering(asked: Asked) -> Reply:
        if any(m.get("content") == "" and "tool_calls" in m for m in asked.messages):
            return EMPTY[service]
        return Say(ANSWER) if asked.results else Call("look", {"word": "a"})

    async with ScriptedModel(answering) as model, endpoint_of(model, api="chat") as endpoint:
        for _ in range(2):
            assert (await Agent([look]).run(endpoint)).text == ANSWER
    assert len(model.requests) == 5


SYSTEM = {
    "Gemma's template": ("chat", in_error(400, "System role not supported")),
    "llama.cpp": ("chat", in_error(500, "System role not supported", code=500)),
    "OpenAI's o1-mini": ("chat", in_error(
        400, "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        param="messages[0].role", code="unsupported_value")),
    "Gemma at Google": ("chat", Fault(400, json.dumps([{"error": {
        "code": 400, "message": "Developer instruction is not enabled for models/gemma-3-27b-it",
        "status": "INVALID_ARGUMENT"}}]), {"Content-Type": "application/json"})),
    "a Responses API without instructions": (
        "responses", in_error(400, "Unsupported parameter: 'instructions'.", param="instructions")),
}  # fmt: skip


@pytest.mark.parametrize("service", SYSTEM)
async def test_instructions_go_into_the_first_user_message(service: str) -> None:
    api, refusal = SYSTEM[service]

    async def answering(asked: Asked) -> Reply:
        if "instructions" in asked.body or asked.messages[0].get("role") == "system":
            return refusal
        return Say(ANSWER) if asked.results else Call("look", {"word": "a"})

    async with ScriptedModel(answering) as model, endpoint_of(model, api=api) as endpoint:
        for _ in range(2):
            assert (await Agent([look]).run(endpoint)).text == ANSWER
    assert len(model.requests) == 5
    assert model.requests[-1].brief == "Work.\n\nAnn: please"


GEMINI = Fault(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message":
    "Invalid JSON payload received. Unknown name \"additionalProperties\" at 'tools[0].function_declarations"
    "[0].parameters': Cannot find field."}})  # fmt: skip


@APIS
async def test_a_keyword_of_schemas_that_a_gateway_does_not_know_is_left_out(api: str) -> None:
    async def answering(asked: Asked) -> Reply:
        if "additionalProperties" in str(asked.body["tools"]):
            return GEMINI
        return Say(ANSWER) if asked.results else Call("look", {"word": "a"})

    lenient = ScriptedModel(answering, allows="additionalProperties")
    async with lenient as model, endpoint_of(model, api=api) as endpoint:
        for _ in range(2):
            assert (await Agent([look]).run(endpoint)).text == ANSWER
    assert len(model.requests) == 5
    assert '"word"' in str(model.requests[-1].body["tools"]).replace("'", '"')


def offered(name: str, schema: Mapping[str, Any]) -> TeamTool:
    async def run(arguments: Json) -> str:
        return "ran"

    return TeamTool(Tool.from_schema(name, "A tool of the team.", dict(schema), run))


NAMED = {
    "OpenAI": in_error(400, "Invalid schema for function 'crm_find': In context=('properties', 'a'), array "
        "schema missing items.", param="tools[5].function.parameters", code="invalid_function_parameters"),
    "Anthropic": in_error(400, "tools.5.custom.input_schema: JSON schema is invalid. It must match JSON "
        "Schema draft 2020-12"),
    "Gemini": in_error(400, "* GenerateContentRequest.tools[0].function_declarations[5].parameters.properties"
        "[a].items: missing field."),
}  # fmt: skip


@APIS
@pytest.mark.parametrize("service", NAMED)
async def test_one_tool_that_is_refused_is_left_out_and_named(service: str, api: str) -> None:
    """Without it every worker fails in its first turn."""
    tools = [offered("crm_open", {"type": "object"}), offered("crm_find", {"type": "object"})]
    brief = Call("create_worker", {"task_description": "Write"})

    async def worker(asked: Asked) -> Reply:
        return NAMED[service] if "crm_find" in asked.tools else Say("Written.")

    async def answering(asked: Asked) -> Reply:
        if asked.is_worker:
            return await worker(asked)
        return Say(ANSWER) if asked.results else brief

    team = Team(toolbox=lambda: tools)
    async with ScriptedModel(answering) as model, endpoint_of(model, api=api) as endpoint:
        with capture_logs() as logs:
            assert (await team.run(endpoint)).text == ANSWER
        assert endpoint.learned("m") == ["without the tool crm_find"]
    assert model.requests[-2].tools == (*WORKER_TOOLS, "crm_open")
    assert "without the tool crm_find" in str(logs)


async def test_a_tool_that_every_worker_needs_is_not_left_out() -> None:
    refusal = in_error(400, "Invalid schema for function 'look': no.", code="invalid_function_parameters")
    async with ScriptedModel([refusal]) as model, endpoint_of(model) as endpoint:
        with pytest.raises(RequestRefused):
            await Agent([look]).run(endpoint)


async def test_what_one_model_refuses_another_is_sent() -> None:
    call = ToolCall("call_8f14e45f", "look", '{"word": "a"}')
    turns: list[Turn] = [UserTurn("Go"), Said(calls=(call,), model="m"), ToolResult("call_8f14e45f", "saw a")]

    async def answering(asked: Asked) -> Reply:
        return NINE["Mistral"] if asked["model"] == "a" and len(ids(asked)[0]) != 9 else Say(ANSWER)

    async with ScriptedModel(answering) as model, endpoint_of(model, api="chat") as endpoint:
        for name in ("a", "b"):
            await endpoint.complete(ModelRequest(model=name, instructions="", turns=turns))
        assert endpoint.learned("b") == []
    assert [len(ids(asked)[0]) for asked in model.requests] == [13, 9, 13]
