"""Traces in a real collector: OTLP over HTTP, parsed, from real agents on a scripted model."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence

import pytest
import structlog

from agents import tracing
from agents.errors import CredentialsRefused
from agents.otlp import otlp_tracing
from agents.tools import Tool
from agents.tools.team_tools import TeamTool
from tests.support.otlp import OtlpCollector
from tests.support.scripted_model import Call, Fault, Reply, Roles, Say, ScriptedModel, openai_error
from tests.support.team import Team, endpoint_of

TASK = "tabcdefghijk"
SECRET = "the launch is on Friday"


async def look_up(word: str) -> str:
    """Look a word up."""
    return f"{SECRET}: {word}"


async def fail(word: str) -> str:
    """Fail."""
    raise RuntimeError(f"about {word}")


def _script(*more: Reply) -> Roles:
    brief = Call("create_worker", {"task_description": SECRET})
    return Roles([brief, Say(SECRET)], [*more, Call("report", {"status": "done", "summary": SECRET})])


async def _traced(
    script: Roles | Sequence[Reply], *, takes_content: bool = False
) -> tuple[OtlpCollector, list[str]]:
    """The spans of one task, and the trace ids that log lines of it would have."""
    seen: list[str] = []

    async def note(word: str) -> str:
        """Look a word up."""
        seen.append(structlog.contextvars.get_contextvars().get("trace_id", ""))
        return await look_up(word)

    note.__name__ = "look_up"
    tools = [TeamTool(Tool.from_function(note)), TeamTool(Tool.from_function(fail))]
    async with (
        OtlpCollector() as taken,
        ScriptedModel(script) as model,
        endpoint_of(model) as endpoint,
        otlp_tracing(
            taken.endpoint, model_provider="openai", version="1", takes_content=takes_content
        ) as tracer,
    ):
        with tracing.task(tracer, TASK):
            await Team(toolbox=lambda: tools).run(endpoint)
    return taken, seen


async def test_a_task_is_a_tree_of_agents_turns_and_tools() -> None:
    calls = [Call("look_up", {"word": "ack"}, id="c7"), Call("fail", {"word": "x"})]
    taken, logged = await _traced(_script(*calls))
    root = "invoke_workflow handoff"
    top = f"{root} > invoke_agent orchestrator"
    inside = f"{top} > execute_tool create_worker > invoke_agent worker"
    assert sorted(map(taken.path, taken.spans)) == sorted([
        root, top, f"{top} > chat m", f"{top} > chat m", f"{top} > execute_tool create_worker",
        inside, *[f"{inside} > chat m"] * 3, f"{inside} > execute_tool look_up",
        f"{inside} > execute_tool fail", f"{inside} > execute_tool report",
    ])  # fmt: skip
    assert {span.trace for span in taken.spans} == {tracing.trace_id(TASK)}
    assert logged == [tracing.trace_id(TASK)]
    assert taken.resource["service.name"] == "handoff"


async def test_spans_say_what_the_conventions_name_and_nothing_that_was_said() -> None:
    taken, _ = await _traced(_script(Call("look_up", {"word": "ack"}, id="c7"), Call("fail", {"word": "x"})))
    (workflow,) = taken.named("invoke_workflow handoff")
    assert workflow.attributes == {
        "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "handoff",
        "handoff.task.id": TASK,
    }  # fmt: skip
    (worker,) = taken.named("invoke_agent worker")
    assert worker.attributes["gen_ai.agent.id"] == "w1"
    chat = taken.named("chat m")[0].attributes
    assert chat["gen_ai.operation.name"] == "chat"
    assert chat["gen_ai.provider.name"] == "openai"
    assert chat["gen_ai.request.model"] == chat["gen_ai.response.model"] == "m"
    assert chat["gen_ai.response.finish_reasons"] in (["tool_calls"], ["stop"])
    assert chat["gen_ai.usage.input_tokens"] > 0
    assert chat["gen_ai.usage.output_tokens"] > 0
    (tool,) = taken.named("execute_tool look_up")
    assert tool.attributes == {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look_up", "gen_ai.tool.call.id": "c7",
        "gen_ai.tool.type": "function",
    }  # fmt: skip
    (failed,) = taken.named("execute_tool fail")
    assert failed.is_error
    assert failed.attributes["error.type"] == "RuntimeError"
    assert not tool.is_error
    assert SECRET not in str(taken.spans)
    assert "about x" not in str(taken.spans)


async def test_what_was_said_goes_along_when_asked_for() -> None:
    taken, _ = await _traced(_script(Call("look_up", {"word": "ack"})), takes_content=True)
    (tool,) = taken.named("execute_tool look_up")
    assert tool.attributes["gen_ai.tool.call.arguments"] == '{"word": "ack"}'
    assert SECRET in tool.attributes["gen_ai.tool.call.result"]
    read = [json.loads(span.attributes["gen_ai.input.messages"]) for span in taken.named("chat m")]
    said = [json.loads(span.attributes["gen_ai.output.messages"]) for span in taken.named("chat m")]
    assert [{"role": "user", "parts": [{"type": "text", "content": "Ann: please"}]}] in read
    assert any(message["parts"][0]["type"] == "tool_call_response" for (message,) in read)
    answer = {"role": "assistant", "parts": [{"type": "text", "content": SECRET}], "finish_reason": "stop"}
    assert [answer] in said
    calls = [message["parts"][0] for (message,) in said if message["parts"][0]["type"] == "tool_call"]
    assert {"look_up", "create_worker", "report"} == {call["name"] for call in calls}


async def test_a_refusal_marks_every_span_it_ends() -> None:
    refused: Fault = openai_error(401, f"Incorrect API key {SECRET}")
    async with (
        OtlpCollector() as taken,
        ScriptedModel([refused]) as model,
        endpoint_of(model) as endpoint,
        otlp_tracing(taken.endpoint, model_provider="openai", version="1") as tracer,
    ):
        with pytest.raises(CredentialsRefused), tracing.task(tracer, TASK):
            await Team().run(endpoint)
    assert {span.attributes["error.type"] for span in taken.spans} == {"CredentialsRefused"}
    assert len(taken.spans) == 3
    assert SECRET not in str(taken.spans)


async def test_a_collector_that_is_away_costs_its_spans_and_nothing_else() -> None:
    async with (
        asyncio.timeout(30),
        ScriptedModel(_script()) as model,
        endpoint_of(model) as endpoint,
        otlp_tracing("http://127.0.0.1:1", model_provider="openai", version="1") as tracer,
    ):
        with tracing.task(tracer, TASK):
            ending = await Team().run(endpoint)
    assert ending.text == SECRET


async def test_without_a_collector_no_sdk_is_imported() -> None:
    code = (
        "import sys, bot.server, bot.commands.serve, agents.orchestrator\n"
        "extras = 'opentelemetry.sdk', 'opentelemetry.exporter', 'mcp'\n"
        "print([name for name in sys.modules if name.startswith(extras)])"
    )
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_task_keeps_its_trace_wherever_it_runs() -> None:
    assert tracing.trace_id(TASK) == tracing.trace_id(TASK)
    assert tracing.trace_id(TASK) != tracing.trace_id("tother")
    assert len(tracing.trace_id(TASK)) == 32
