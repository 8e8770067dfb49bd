"""The endpoint: which model and API is asked, at what pace, with which fields. Needs no services."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from agents.conversation import ModelReply as Said
from agents.conversation import ToolCall, ToolResult, Turn, UserTurn
from agents.errors import ModelUnavailable, UnknownModel
from agents.model.concurrency import ConcurrencyLimiter
from agents.model.endpoint import Endpoint
from agents.model.wire import ModelRequest, Options, Wire
from agents.model.wire.chat import ChatWire
from agents.model.wire.responses import ResponsesWire
from agents.tools import Tool
from tests.support.scripted_model import (
    Asked,
    Call,
    Fault,
    Reply,
    Roles,
    Say,
    ScriptedModel,
    openai_error,
)
from tests.support.team import Team, endpoint_of


def request(model: str = "m", **more: Any) -> ModelRequest:
    return ModelRequest(model=model, instructions="Be brief.", turns=[UserTurn("Go")], **more)


def unknown(model: str) -> Fault:
    return openai_error(404, f"The model `{model}` does not exist", "model_not_found")


def by_model(**replies: Reply) -> Any:
    async def answering(asked: Asked) -> Reply:
        return replies[asked["model"]]

    return answering


DOWN = Fault(503, "down")


@pytest.mark.parametrize("fault", [DOWN, unknown("a"), openai_error(402, "Insufficient Balance")])
async def test_a_later_model_stands_in(fault: Reply) -> None:
    async with ScriptedModel(by_model(a=fault, b=Say("Here."))) as model, endpoint_of(model) as endpoint:
        reply = await endpoint.complete(request("a, b"))
        again = await endpoint.complete(request("a, b"))
    assert (reply.text, reply.model, again.model) == ("Here.", "b", "b")
    asked = [str(one["model"]) for one in model.requests]
    assert asked[-2:] == ["b", "b"], "a model that failed a moment ago is asked last"


async def test_when_none_can_be_had_the_last_one_says_why() -> None:
    async with ScriptedModel(by_model(a=DOWN, b=unknown("b"))) as model, endpoint_of(model) as endpoint:
        with pytest.raises(UnknownModel) as caught:
            await endpoint.complete(request("a,b"))
    assert "model b" in str(caught.value)


async def test_a_model_that_stood_in_before_is_asked_first_when_all_failed_once() -> None:
    async with ScriptedModel(by_model(a=DOWN, b=DOWN)) as model, endpoint_of(model, tries=1) as endpoint:
        for _ in range(2):
            with pytest.raises(ModelUnavailable):
                await endpoint.complete(request("a,b"))
    assert len(model.requests) == 4


async def test_a_storm_of_429_slows_down_and_fails_nothing() -> None:
    allowed = 2

    async def answering(asked: Asked) -> Reply:
        if model._running > allowed:
            return Fault(429, "slow down")
        await asyncio.sleep(0.01)
        return Say("Here.")

    async with ScriptedModel(answering) as model, endpoint_of(model, first_wait=0.02) as endpoint:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(endpoint.complete(request())) for _ in range(40)]
        limit = endpoint._limiters["m"].limit
    assert [one.result().text for one in asked] == ["Here."] * 40
    assert limit < 40


async def test_patience_with_429_ends() -> None:
    async with (
        ScriptedModel([Fault(429, "slow down", times=50)]) as model,
        endpoint_of(model, patience=0.05, first_wait=0.01) as endpoint,
    ):
        with pytest.raises(ModelUnavailable, match="slow down"):
            await endpoint.complete(request())


async def test_retry_after_is_waited_for() -> None:
    waits: list[float] = []
    fault = openai_error(429, "slow down", retry_after_ms="70")
    async with ScriptedModel([fault, Say("Here.")]) as model, endpoint_of(model) as endpoint:
        began = asyncio.get_running_loop().time()
        await endpoint.complete(request(), lambda why, wait: waits.append(wait))
        assert asyncio.get_running_loop().time() - began >= 0.07
    assert waits[0] == pytest.approx(0.07, abs=0.01)


async def test_all_that_is_under_way_learns_the_other_api() -> None:
    strict = ScriptedModel(by_model(m=Say("Here.")), chat_refuses_tools=True, latency=0.05)
    async with strict as model, endpoint_of(model) as endpoint, asyncio.TaskGroup() as group:
        tool = [Tool.from_function(look)]
        asked = [group.create_task(endpoint.complete(request(tools=tool))) for _ in range(8)]
    assert [one.result().api for one in asked] == ["responses"] * 8


async def look(word: str) -> str:
    """Look."""
    return word


async def test_responses_that_is_not_there_is_left_for_chat() -> None:
    async with ScriptedModel([Say("Here.")], no_responses=True) as model, endpoint_of(model) as endpoint:
        endpoint._compatibility.first = ResponsesWire()  # as for a host that is known to speak Responses
        assert (await endpoint.complete(request())).api == "chat"


async def test_an_api_that_was_chosen_is_kept() -> None:
    async with ScriptedModel([], no_responses=True) as model, endpoint_of(model, api="responses") as endpoint:
        with pytest.raises(UnknownModel):
            await endpoint.complete(request())
    assert [one.api for one in model.requests] == ["responses"]


HOSTS = {
    "https://api.openai.com/v1": ("responses", "max_completion_tokens", True),
    "https://eu.api.openai.com/v1": ("responses", "max_completion_tokens", True),
    "https://mine.openai.azure.com/openai/v1": ("responses", "max_completion_tokens", True),
    "https://api.openai.com.evil.example/v1": ("chat", "max_tokens", False),
    "http://127.0.0.1:11434/v1": ("chat", "max_tokens", False),
}


@pytest.mark.parametrize("base_url", HOSTS)
async def test_the_host_decides_what_it_is_sent(base_url: str) -> None:
    async with Endpoint(api_key="none", base_url=base_url) as endpoint:
        options = endpoint._compatibility.options
        found = (endpoint._compatibility.first.name, options.output_field, options.takes_cache_key)
    assert found == HOSTS[base_url]


async def test_nothing_is_reported_of_the_machine_we_run_on() -> None:
    async with ScriptedModel([Say("Here.")]) as model, endpoint_of(model) as endpoint:
        await endpoint.complete(request())
    sent = {name.lower() for name in model.requests[0].headers}
    assert "authorization" in sent
    assert not [name for name in sent if name.startswith("x-stainless")]


@pytest.mark.parametrize(
    ("wire", "field"), [(ChatWire(), "max_completion_tokens"), (ResponsesWire(), "max_output_tokens")]
)
def test_options_are_sent_where_they_are_set_and_nowhere_else(wire: Wire, field: str) -> None:
    options = Options(
        most_output=99, output_field="max_completion_tokens", takes_cache_key=True, extra={"seed": 7}
    )
    body = wire.body(request(cache_key="t1"), options)
    assert (body[field], body["prompt_cache_key"], body["seed"]) == (99, "t1", 7)
    plain = wire.body(request(cache_key="t1"), Options())
    assert not {field, "prompt_cache_key", "parallel_tool_calls", "max_tokens"} & set(plain)


@pytest.mark.parametrize("wire", [ChatWire(), ResponsesWire()], ids=["chat", "responses"])
def test_what_is_about_tools_is_sent_with_tools_only(wire: Wire) -> None:
    options = Options(extra={"parallel_tool_calls": True, "seed": 7})
    assert wire.body(request(tools=[Tool.from_function(look)]), options)["parallel_tool_calls"] is True
    bare = wire.body(request(), options)
    assert ("parallel_tool_calls" in bare, bare["seed"]) == (False, 7)


@pytest.mark.parametrize("wire", [ChatWire(), ResponsesWire()], ids=["chat", "responses"])
def test_another_models_reply_is_reported_without_its_vendors_fields(wire: Wire) -> None:
    raw = {"role": "assistant", "content": "", "tool_calls": [], "reasoning_content": "sealed"}
    call = ToolCall("c1", "look", '{"word": "a"}')
    turns: list[Turn] = [
        UserTurn("Go"),
        Said(calls=(call,), model="a", api=wire.name, raw=(raw,)),
        ToolResult("c1", "a"),
    ]
    body = wire.body(ModelRequest(model="b", instructions="", turns=turns), Options())
    assert "sealed" not in str(body)
    assert "look" in str(body)
    same = wire.body(ModelRequest(model="a", instructions="", turns=turns), Options())
    assert "sealed" in str(same)


@pytest.mark.parametrize("wire", [ChatWire(), ResponsesWire()], ids=["chat", "responses"])
def test_another_models_broken_call_is_reported_as_every_endpoint_takes_it(wire: Wire) -> None:
    call = ToolCall("c1", "look up!", '{"word": "a')
    turns: list[Turn] = [UserTurn("Go"), Said(calls=(call,), model="a"), ToolResult("c1", "Error")]
    body = json.dumps(wire.body(ModelRequest(model="b", instructions="", turns=turns), Options()))
    assert '"name": "look_up_"' in body
    assert json.dumps(json.dumps({"not_json": call.arguments})) in body


async def test_all_agents_of_a_role_have_one_cache_key() -> None:
    """They share instructions and tools, which is what an endpoint caches."""
    brief = Call("create_worker", {"task_description": "Go"})
    async with (
        ScriptedModel(Roles([brief, Say("Done.")] * 2, [Say("Good.")] * 2)) as model,
        endpoint_of(model) as endpoint,
    ):
        endpoint._compatibility.options = replace(endpoint._compatibility.options, takes_cache_key=True)
        for _ in range(2):
            await Team().run(endpoint)
    keys = [asked["prompt_cache_key"] for asked in model.requests]
    assert keys == ["handoff-orchestrator", "handoff-worker", "handoff-orchestrator"] * 2


async def test_a_limiter_serves_in_order_and_forgets_those_who_left() -> None:
    limiter, served = ConcurrencyLimiter(1), []

    async def use(name: str) -> None:
        async with limiter.slot():
            served.append(name)
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(use(name)) for name in "abcd"]
        await asyncio.sleep(0)
        tasks[1].cancel()
    assert served == ["a", "c", "d"]
    assert limiter._running == 0


async def test_a_limiter_halves_once_per_storm_and_grows_back() -> None:
    limiter = ConcurrencyLimiter(16)
    async with limiter.slot(), limiter.slot(), limiter.slot(), limiter.slot():
        for _ in range(4):
            limiter.slow_down(0.01)
        assert limiter.limit == 2
    for _ in range(200):
        limiter.speed_up()
    assert limiter.limit == 16
