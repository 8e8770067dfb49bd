"""The scripted endpoint, through the public client: what it sends on both wires, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, AsyncStream

from tests.support.scripted_model import (
    Asked,
    BadJson,
    BadUtf8,
    Call,
    Cut,
    Empty,
    Endless,
    Fault,
    Hang,
    Html502,
    Polite,
    Reply,
    Roles,
    Say,
    ScriptedModel,
    StreamError,
    Turn,
    Usage,
    openai_error,
)

Json = dict[str, Any]
USER = {"role": "user", "content": "Print hello."}


def tool(name: str, schema: Json | None = None) -> Json:
    closed = {"type": "object", "properties": {"code": {"type": "string"}}, "additionalProperties": False}
    return {
        "type": "function",
        "function": {"name": name, "parameters": closed if schema is None else schema},
    }


def chat_body(*messages: Json, stream: bool = True, **more: Any) -> Json:
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return {"model": "m", "messages": list(messages) or [USER], **options, **more}


@asynccontextmanager
async def client_of(model: ScriptedModel) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=model.base_url, api_key="sk-test", max_retries=0, timeout=5) as client:
        yield client


async def events(client: AsyncOpenAI, body: Json, path: str = "/chat/completions") -> list[Json]:
    stream = await client.post(path, cast_to=object, body=body, stream=True, stream_cls=AsyncStream[object])
    found: list[Any] = [event async for event in stream]
    return found


async def whole(client: AsyncOpenAI, body: Json, path: str = "/chat/completions") -> Json:
    found: Any = await client.post(path, cast_to=object, body=body)
    return dict(found)


def deltas(found: list[Json]) -> list[Json]:
    return [event["choices"][0]["delta"] for event in found if event["choices"]]


def finish(found: list[Json]) -> str | None:
    return next((c["finish_reason"] for e in found for c in e["choices"] if c["finish_reason"]), None)


async def test_a_chat_answer_streams_in_pieces_and_ends_with_finish_and_usage() -> None:
    async with ScriptedModel([Say("Hello, wide world!")]) as model, client_of(model) as client:
        found = await events(client, chat_body())
        model.assert_complete()
    texts = [delta["content"] for delta in deltas(found) if delta.get("content")]
    assert texts == ["Hello, ", "wide wo", "rld!"]
    assert finish(found) == "stop"
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["completion_tokens"] > 0


async def test_arguments_of_parallel_calls_arrive_split_and_add_up() -> None:
    calls = (Call("a", {"code": "print(1)"}), Call("b", {"code": "print(2)"}))
    async with ScriptedModel([Turn(text="I will.", calls=calls)]) as model, client_of(model) as client:
        found = await events(client, chat_body(tools=[tool("a"), tool("b")]))
    parts = [call for delta in deltas(found) for call in delta.get("tool_calls", ())]
    joined = {n: "".join(p["function"]["arguments"] for p in parts if p["index"] == n) for n in (0, 1)}
    assert {n: json.loads(text)["code"] for n, text in joined.items()} == {0: "print(1)", 1: "print(2)"}
    assert [p["id"] for p in parts if "id" in p] == ["call_1_0", "call_1_1"]
    assert len(parts) > 4
    assert finish(found) == "tool_calls"


async def test_without_stream_the_same_turn_is_one_body() -> None:
    turn = Turn(
        "ok", (Call("a", "{broken"),), usage=Usage(10, 5, cached=4), extra={"reasoning_content": "hm"}
    )
    async with ScriptedModel([turn]) as model, client_of(model) as client:
        found = await whole(client, chat_body(stream=False, tools=[tool("a")]))
    message = found["choices"][0]["message"]
    assert message["tool_calls"][0]["function"] == {"name": "a", "arguments": "{broken"}
    assert message["reasoning_content"] == "hm"
    assert found["usage"]["prompt_tokens_details"] == {"cached_tokens": 4}


async def test_responses_stream_has_typed_events_that_add_up() -> None:
    turn = Turn("I will.", (Call("a", {"code": "print(1)"}),))
    async with ScriptedModel([turn]) as model, client_of(model) as client:
        body = {
            "model": "m",
            "input": [USER],
            "stream": True,
            "tools": [{**tool("a")["function"], "type": "function"}],
        }
        found = await events(client, body, "/responses")
    kinds = [event["type"] for event in found]
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert kinds.count("response.output_item.added") == kinds.count("response.output_item.done") == 2
    said = "".join(e["delta"] for e in found if e["type"] == "response.output_text.delta")
    arguments = "".join(e["delta"] for e in found if e["type"] == "response.function_call_arguments.delta")
    assert (said, json.loads(arguments)) == ("I will.", {"code": "print(1)"})
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert found[-1]["response"]["output"][1]["call_id"] == "call_1_0"
    assert found[-1]["response"]["usage"]["input_tokens"] > 0


async def test_responses_without_stream_and_cut_by_length() -> None:
    async with ScriptedModel([Turn("half", finish="length")]) as model, client_of(model) as client:
        found = await whole(client, {"model": "m", "input": "hi"}, "/responses")
    assert found["status"] == "incomplete"
    assert found["incomplete_details"] == {"reason": "max_output_tokens"}


async def test_models_are_listed() -> None:
    async with ScriptedModel([]) as model, client_of(model) as client:
        assert [found.id async for found in client.models.list()] == ["scripted-1"]


async def test_a_fault_is_repeated_as_often_as_it_says() -> None:
    slow_down = openai_error(429, "Slow down.", "rate_limit_exceeded", Retry_After="2")
    faults: list[Reply] = [Fault(500, "oops", times=2), slow_down, Say("ok")]
    async with ScriptedModel(faults) as model, client_of(model) as client:
        for _ in range(2):
            with pytest.raises(openai.InternalServerError):
                await events(client, chat_body())
        with pytest.raises(openai.RateLimitError, match="Slow down") as caught:
            await events(client, chat_body())
        assert caught.value.response.headers["Retry-After"] == "2"
        assert finish(await events(client, chat_body())) == "stop"
        model.assert_complete()


async def test_a_proxys_page_is_html() -> None:
    async with ScriptedModel([Html502()]) as model, client_of(model) as client:
        with pytest.raises(openai.InternalServerError, match="502") as caught:
            await events(client, chat_body())
    assert caught.value.response.headers["Content-Type"].startswith("text/html")
    assert "Bad Gateway" in caught.value.response.text


@pytest.mark.parametrize("stream", [True, False])
async def test_a_cut_answer_breaks_the_connection(stream: bool) -> None:
    async with ScriptedModel([Cut(after_chunks=3)]) as model, client_of(model) as client:
        with pytest.raises(openai.APIConnectionError):
            await (events if stream else whole)(client, chat_body(stream=stream))


async def test_a_polite_end_has_text_and_no_finish_reason() -> None:
    async with ScriptedModel([Polite("half an"), Polite("half an")]) as model, client_of(model) as client:
        found = await events(client, chat_body())
        typed = await events(client, {"model": "m", "input": "hi", "stream": True}, "/responses")
    assert "".join(delta.get("content", "") for delta in deltas(found)) == "half an"
    assert finish(found) is None
    assert "response.completed" not in [event["type"] for event in typed]


async def test_an_empty_reply_is_complete_and_says_nothing() -> None:
    async with ScriptedModel([Empty()]) as model, client_of(model) as client:
        found = await events(client, chat_body())
    assert (deltas(found)[0]["content"], finish(found)) == ("", "stop")


async def test_a_hanging_stream_sends_its_first_chunks_and_then_nothing() -> None:
    async with ScriptedModel([Hang(60, after_chunks=3)]) as model, client_of(model) as client:
        stream = await client.post(
            "/chat/completions", cast_to=object, body=chat_body(), stream=True, stream_cls=AsyncStream[object]
        )
        iterator = aiter(stream)
        for _ in range(3):
            await anext(iterator)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(iterator), 0.05)
        await stream.close()
        await until(lambda: model.hung_up == 1)


async def test_an_endless_stream_goes_on_until_the_client_leaves() -> None:
    async with ScriptedModel([Endless("on ")]) as model, client_of(model) as client:
        stream = await client.post(
            "/chat/completions", cast_to=object, body=chat_body(), stream=True, stream_cls=AsyncStream[object]
        )
        iterator = aiter(stream)
        for _ in range(100):
            await anext(iterator)
        await stream.close()
        await until(lambda: model.hung_up == 1)


@pytest.mark.parametrize("broken", [BadJson(), BadUtf8()])
async def test_broken_bytes_reach_the_client_as_a_value_error(broken: Reply) -> None:
    async with ScriptedModel([broken]) as model, client_of(model) as client:
        with pytest.raises(ValueError, match=r"Expecting value|utf-8"):
            await events(client, chat_body())


async def test_an_error_inside_a_chat_stream_becomes_the_clients_error() -> None:
    async with ScriptedModel([StreamError("The vendor fell over.")]) as model, client_of(model) as client:
        with pytest.raises(openai.APIError, match="fell over"):
            await events(client, chat_body())


async def test_an_error_inside_a_responses_stream_is_its_last_event() -> None:
    """The public client hands this flat event on as it hands on any other, so callers have to look for it."""
    async with ScriptedModel([StreamError("The vendor fell over.")]) as model, client_of(model) as client:
        found = await events(client, {"model": "m", "input": "hi", "stream": True}, "/responses")
    assert (found[-1]["type"], found[-1]["message"]) == ("error", "The vendor fell over.")


async def test_replies_by_role_reach_the_worker_whose_brief_they_name() -> None:
    script = Roles([Say("final")], {"sine": [Say("a wave")], "sine and bars": [Say("both")]})
    async with ScriptedModel(script) as model, client_of(model) as client:
        for brief, tools, expected in (
            ("plot a sine", ["execute_python_code"], "a wave"),
            ("plot sine and bars", ["execute_python_code"], "both"),
            ("whatever", ["create_worker"], "final"),
        ):
            body = chat_body({"role": "user", "content": brief}, stream=False, tools=[tool(t) for t in tools])
            assert (await whole(client, body))["choices"][0]["message"]["content"] == expected
        model.assert_complete()


async def test_a_function_may_answer_and_sees_who_asks() -> None:
    async def answering(asked: Asked) -> Reply:
        return Say(f"{asked.is_worker} {asked.turn} {asked.results} {asked.brief} {asked.system}")

    async with ScriptedModel(answering) as model, client_of(model) as client:
        history = [
            {"role": "system", "content": "Be brief."},
            USER,
            call_message("c1"),
            {"role": "tool", "tool_call_id": "c1", "content": "1"},
        ]
        found = await whole(client, chat_body(*history, stream=False, tools=[tool("execute_python_code")]))
    assert found["choices"][0]["message"]["content"] == "True 1 ('1',) Print hello. Be brief."


def call_message(*ids: str, **more: Any) -> Json:
    calls = [{"id": i, "type": "function", "function": {"name": "a", "arguments": "{}"}} for i in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}


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


async def test_what_was_not_scripted_or_not_fetched_fails_the_test() -> None:
    async with ScriptedModel([]) as model, client_of(model) as client:
        with pytest.raises(openai.InternalServerError, match="no scripted reply"):
            await events(client, chat_body())
        with pytest.raises(AssertionError, match=r"no scripted reply.*Print hello"):
            model.assert_complete()
    async with ScriptedModel(Roles([], {"sine": [Say("unheard")]})) as model:
        with pytest.raises(AssertionError, match=r"never asked for: worker 'sine': Say\(text='unheard'\)"):
            model.assert_complete()


async def test_it_counts_what_runs_at_once() -> None:
    async with ScriptedModel([Say("ok")] * 3, latency=0.05) as model, client_of(model) as client:
        await asyncio.gather(*(events(client, chat_body()) for _ in range(3)))
        assert model.most_at_once == 3
        assert model.requests[0].headers["Authorization"] == "Bearer sk-test"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (the server counts and does not signal)
            await asyncio.sleep(0.01)
