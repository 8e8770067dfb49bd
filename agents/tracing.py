"""Spans of tasks, agents, turns and tools, named after OpenTelemetry's conventions for generative AI.

Owns what a span is called and what it says. Never sends one, and imports nothing of OpenTelemetry: that is
`agents.collector`. Without a tracer, each of these functions costs one look at a context variable.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol

import structlog

from agents.conversation import Json, ModelReply, ToolCall, ToolResult, UserTurn
from agents.conversation import Turn as Said

Value = str | int | float | bool | Sequence[str]


class Span(Protocol):
    """Something under way."""

    def set(self, attributes: Mapping[str, Value]) -> None: ...


class Tracer(Protocol):
    """Makes spans below the one that is under way here. `provider` is whose models are asked; `takes_content`
    says whether spans may hold what people, models and tools said."""

    provider: str
    takes_content: bool

    def span(
        self, name: str, attributes: Mapping[str, Value], *, calls_out: bool = False
    ) -> AbstractContextManager[Span]: ...


class _Nothing:
    def set(self, attributes: Mapping[str, Value]) -> None:
        pass


_NOTHING = _Nothing()
_tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)
#: The trace that a span without a parent begins.
trace_here: ContextVar[str] = ContextVar("trace", default="")


def trace_id(task: str) -> str:
    """The trace of a task, 32 hexadecimal digits: the same after a restart, and wherever it is looked up."""
    return hashlib.sha256(f"handoff task {task}".encode()).hexdigest()[:32]


@contextmanager
def task(tracer: Tracer | None, id_: str) -> Iterator[None]:
    """One run of a task; all that happens inside belongs to it, log lines too."""
    if tracer is None:
        yield
        return
    trace = trace_id(id_)
    tokens = _tracer.set(tracer), trace_here.set(trace)
    attributes = {
        "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "handoff", "handoff.task.id": id_,
    }  # fmt: skip
    try:
        with (
            structlog.contextvars.bound_contextvars(trace_id=trace),
            tracer.span("invoke_workflow handoff", attributes),
        ):
            yield
    finally:
        _tracer.reset(tokens[0])
        trace_here.reset(tokens[1])


@contextmanager
def agent(name: str, id_: str) -> Iterator[None]:
    """One agent at work; `id_` tells it from others of its name in the task."""
    if (tracer := _tracer.get()) is None:
        yield
        return
    attributes = {
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name, "gen_ai.agent.id": id_,
        "gen_ai.provider.name": tracer.provider,
    }  # fmt: skip
    with tracer.span(f"invoke_agent {name}", attributes):
        yield


class Turn:
    """A turn under way, to be told what came of it."""

    def __init__(self, span: Span, *, takes_content: bool) -> None:
        self._span = span
        self._takes_content = takes_content

    def replied(self, reply: ModelReply) -> None:
        usage = reply.usage
        self._span.set({
            "gen_ai.response.model": reply.model, "gen_ai.response.finish_reasons": [reply.finish],
            "gen_ai.usage.input_tokens": usage.input, "gen_ai.usage.output_tokens": usage.output,
            "gen_ai.usage.cache_read.input_tokens": usage.cached,
        })  # fmt: skip
        if self._takes_content:
            said = _message(reply) | {"finish_reason": reply.finish}
            self._span.set({"gen_ai.output.messages": json.dumps([said])})


_UNSEEN = Turn(_NOTHING, takes_content=False)


@contextmanager
def turn(model: str, asked: Said) -> Iterator[Turn]:
    """One question to a model, its retries included; `asked` is the newest of what it is sent."""
    if (tracer := _tracer.get()) is None:
        yield _UNSEEN
        return
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": tracer.provider,
        "gen_ai.request.model": model, "gen_ai.request.stream": True,
    }  # fmt: skip
    if tracer.takes_content:
        attributes["gen_ai.input.messages"] = json.dumps([_message(asked)])
    with tracer.span(f"chat {model}", attributes, calls_out=True) as span:
        yield Turn(span, takes_content=tracer.takes_content)


def _message(turn: Said) -> Json:
    """The conventions' own form of what was said (`gen-ai-input-messages.json`)."""
    match turn:
        case ToolResult(call_id, text):
            return {
                "role": "tool",
                "parts": [{"type": "tool_call_response", "id": call_id, "response": text}],
            }
        case UserTurn(text):
            return {"role": "user", "parts": [{"type": "text", "content": text}]}
    parts: list[Json] = [{"type": "text", "content": turn.text}] if turn.text else []
    parts += [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in turn.calls
    ]
    return {"role": "assistant", "parts": parts}


class Use:
    """A tool's call under way."""

    def __init__(self, span: Span, *, takes_content: bool) -> None:
        self._span = span
        self._takes_content = takes_content

    def returned(self, text: str) -> None:
        if self._takes_content:
            self._span.set({"gen_ai.tool.call.result": text})


_UNUSED = Use(_NOTHING, takes_content=False)


@contextmanager
def tool(call: ToolCall) -> Iterator[Use]:
    """One call of a tool, as the model made it."""
    if (tracer := _tracer.get()) is None:
        yield _UNUSED
        return
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call.name,
        "gen_ai.tool.call.id": call.id, "gen_ai.tool.type": "function",
    }  # fmt: skip
    if tracer.takes_content:
        attributes["gen_ai.tool.call.arguments"] = call.arguments
    with tracer.span(f"execute_tool {call.name}", attributes) as span:
        yield Use(span, takes_content=tracer.takes_content)
