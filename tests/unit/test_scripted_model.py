"""The scripted endpoint, through the public client: what it sends on both wires, well and badly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import openai
import pytest
from openai import AsyncStream

from tests.support.public_client import USER, Json, call_message, chat_body, client_of, events, tool, whole
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
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 (the server counts and does not signal)
            await asyncio.sleep(0.01)
