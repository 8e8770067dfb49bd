"""What the scripted endpoint refuses, through the public client: every rule of the wire that a vendor has."""

from __future__ import annotations

import openai
import pytest

from tests.support.public_client import USER, Json, call_message, chat_body, client_of, events, tool, whole
from tests.support.scripted_model import Call, Reply, Say, ScriptedModel, Turn


def result(call: str) -> Json:
    return {"role": "tool", "tool_call_id": call, "content": "1"}


BROKEN: list[tuple[str, Json]] = [
    ("did not have response messages: c2", chat_body(USER, call_message("c1", "c2"), result("c1"))),
    ("did not have response messages: c1", chat_body(USER, call_message("c1"), USER)),
    ("must be a response to a preceding", chat_body(USER, result("c9"))),
    ("must be a response to a preceding", chat_body(USER, call_message("c1"), result("c1"), result("c1"))),
    ("two calls with the same id", chat_body(USER, call_message("c1", "c1"), result("c1"))),
    ("Invalid value for 'messages\\[0\\].role'", chat_body({"role": "robot", "content": "x"})),
    ("neither content nor tool_calls", chat_body(USER, {"role": "assistant", "content": ""})),
    ("must be a string or a list", chat_body({"role": "user", "content": None})),
    ("'additionalProperties' must be false", chat_body(tools=[tool("a", {"type": "object"})])),
    ("must be 'object'", chat_body(tools=[tool("a", {})])),
    ("must be unique", chat_body(tools=[tool("a"), tool("a")])),
    ("must match", chat_body(tools=[tool("bad name")])),
    ("empty array", chat_body(tools=[])),
    ("'tool_choice' is only allowed", chat_body(tool_choice="none")),
    ("only allowed when 'stream'", chat_body(stream=False, stream_options={})),
    ("at least one message", {"model": "m", "messages": [], "stream": True}),
    ("must provide a model", {"messages": [USER], "stream": True}),
]


@pytest.mark.parametrize(("sentence", "body"), BROKEN)
async def test_a_broken_rule_of_the_wire_is_a_400_and_fails_the_script(sentence: str, body: Json) -> None:
    async with ScriptedModel([]) as model, client_of(model) as client:
        with pytest.raises(openai.BadRequestError, match=sentence):
            await events(client, body)
        with pytest.raises(AssertionError, match=sentence):
            model.assert_complete()


CALL_ITEM = {"type": "function_call", "call_id": "c1", "name": "a", "arguments": "{}"}
OUTPUT_ITEM = {"type": "function_call_output", "call_id": "c1", "output": "1"}


@pytest.mark.parametrize(
    ("sentence", "body"),
    [
        ("No tool output found for function call c1", {"input": [USER, CALL_ITEM]}),
        ("No tool call found", {"input": [USER, OUTPUT_ITEM]}),
        ("moved to 'input'", {"messages": [USER], "input": "x"}),
        ("keeps no state", {"input": "x", "previous_response_id": "r"}),
        ("not inside 'function'", {"input": "x", "tools": [tool("a")]}),
        ("at least one item", {"input": []}),
        ("Supported values", {"input": [{"type": "guess"}]}),
    ],
)
async def test_responses_has_rules_of_its_own(sentence: str, body: Json) -> None:
    async with ScriptedModel([]) as model, client_of(model) as client:
        with pytest.raises(openai.BadRequestError, match=sentence):
            await whole(client, {"model": "m", **body}, "/responses")


async def test_a_sound_conversation_passes_on_responses() -> None:
    async with ScriptedModel([Say("ok")]) as model, client_of(model) as client:
        await whole(client, {"model": "m", "input": [USER, CALL_ITEM, OUTPUT_ITEM]}, "/responses")
        assert model.requests[0].results == ("1",)
        assert model.requests[0].turn == 1
        model.assert_complete()


async def test_reasoning_must_come_back() -> None:
    script: list[Reply] = [Call("a"), Say("ok")]
    async with (
        ScriptedModel(script, require_reasoning_echo=True) as model,
        client_of(model) as client,
    ):
        first = await whole(client, chat_body(stream=False, tools=[tool("a")]))
        message = first["choices"][0]["message"]
        lost = {name: value for name, value in message.items() if name != "reasoning_content"}
        with pytest.raises(openai.BadRequestError, match="reasoning_content"):
            await whole(client, chat_body(USER, lost, result("call_1_0"), stream=False))
        await whole(client, chat_body(USER, message, result("call_1_0"), stream=False))


async def test_sealed_reasoning_must_come_back_on_responses() -> None:
    async with (
        ScriptedModel([Call("a"), Say("ok")], require_reasoning_echo=True) as model,
        client_of(model) as client,
    ):
        first = (await whole(client, {"model": "m", "input": "x"}, "/responses"))["output"]
        output = {**OUTPUT_ITEM, "call_id": "call_1_0"}
        with pytest.raises(openai.BadRequestError, match="required 'reasoning' item"):
            await whole(client, {"model": "m", "input": [USER, first[-1], output]}, "/responses")
        await whole(client, {"model": "m", "input": [USER, *first, output]}, "/responses")


async def test_a_signature_must_come_back() -> None:
    async with (
        ScriptedModel([Turn(calls=(Call("a"), Call("a"))), Say("ok")], require_signature_echo=True) as model,
        client_of(model) as client,
    ):
        first = await whole(client, chat_body(stream=False, tools=[tool("a")]))
        message = first["choices"][0]["message"]
        results = [result("call_1_0"), result("call_1_1")]
        with pytest.raises(openai.BadRequestError, match="thought_signature"):
            await whole(client, chat_body(USER, call_message("call_1_0", "call_1_1"), *results, stream=False))
        await whole(client, chat_body(USER, message, *results, stream=False))


async def test_a_vendor_can_refuse_one_of_the_two_wires() -> None:
    async with (
        ScriptedModel([Say("ok")], chat_refuses_tools=True, no_responses=True) as model,
        client_of(model) as client,
    ):
        with pytest.raises(openai.BadRequestError, match="/v1/responses"):
            await events(client, chat_body(tools=[tool("a")]))
        with pytest.raises(openai.NotFoundError):
            await whole(client, {"model": "m", "input": "x"}, "/responses")
        await events(client, chat_body())
        model.assert_complete()
