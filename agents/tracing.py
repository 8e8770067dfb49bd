"""OpenTelemetry spans of tasks, agents, turns and tools, by the conventions for generative AI.

Only the API is imported here: without an SDK its spans record nothing. `agents.otlp` sets one up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import structlog
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue

from agents.conversation import Json, ModelReply, ToolCall, ToolResult, Turn, UserTurn
from agents.errors import Parked


@dataclass(frozen=True, slots=True)
class Tracing:
    """Where a task's spans go, and what they may hold."""

    tracer: Tracer = field(default_factory=lambda: trace.get_tracer("handoff"))
    model_provider: str = ""
    """The model service, by OpenTelemetry's name for it."""
    takes_content: bool = False
    """Whether spans hold what people, models and tools said."""


NO_TRACING = Tracing()
_tracing: ContextVar[Tracing] = ContextVar("tracing", default=NO_TRACING)
#: The id of the trace that a span without a parent begins; empty for a random one.
root_trace: ContextVar[str] = ContextVar("root_trace", default="")


def trace_id(task: str) -> str:
    """The trace of a task, 32 hexadecimal digits: the same after a restart and in every process."""
    return hashlib.sha256(f"handoff task {task}".encode()).hexdigest()[:32]


@contextmanager
def task(tracing: Tracing, id_: str) -> Iterator[None]:
    """One run of a task: the spans inside belong to it, and its log lines get the trace's id."""
    trace = trace_id(id_)
    tokens = _tracing.set(tracing), root_trace.set(trace)
    attributes = {
        "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "handoff", "handoff.task.id": id_,
    }  # fmt: skip
    try:
        with _span("invoke_workflow handoff", attributes) as span:
            bound = {"trace_id": trace} if span.is_recording() else {}
            with structlog.contextvars.bound_contextvars(**bound):
                yield
    finally:
        _tracing.reset(tokens[0])
        root_trace.reset(tokens[1])


def agent(name: str, id_: str) -> AbstractContextManager[Span]:
    """One agent at work; `id_` is unique within the task."""
    attributes = {
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name, "gen_ai.agent.id": id_,
        "gen_ai.provider.name": _tracing.get().model_provider,
    }  # fmt: skip
    return _span(f"invoke_agent {name}", attributes)


def turn(model: str, newest: Turn) -> AbstractContextManager[Span]:
    """One request to a model, its retries included; `newest` is the last turn of the conversation."""
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": _tracing.get().model_provider,
        "gen_ai.request.model": model, "gen_ai.request.stream": True,
    }  # fmt: skip
    if _tracing.get().takes_content:
        attributes["gen_ai.input.messages"] = json.dumps([_message(newest)])
    return _span(f"chat {model}", attributes, SpanKind.CLIENT)


def record_reply(span: Span, reply: ModelReply) -> None:
    """Set what a turn came to."""
    if not span.is_recording():
        return
    span.set_attributes({
        "gen_ai.response.model": reply.model, "gen_ai.response.finish_reasons": [reply.finish],
        "gen_ai.usage.input_tokens": reply.usage.input, "gen_ai.usage.output_tokens": reply.usage.output,
        "gen_ai.usage.cache_read.input_tokens": reply.usage.cached,
    })  # fmt: skip
    if _tracing.get().takes_content:
        message = _message(reply) | {"finish_reason": reply.finish}
        span.set_attribute("gen_ai.output.messages", json.dumps([message]))


def tool(call: ToolCall) -> AbstractContextManager[Span]:
    """One call of a tool."""
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call.name,
        "gen_ai.tool.call.id": call.id, "gen_ai.tool.type": "function",
    }  # fmt: skip
    if _tracing.get().takes_content:
        attributes["gen_ai.tool.call.arguments"] = call.arguments
    return _span(f"execute_tool {call.name}", attributes)


def record_result(span: Span, text: str) -> None:
    """Set what a tool returned, where spans may hold it."""
    if _tracing.get().takes_content:
        span.set_attribute("gen_ai.tool.call.result", text)


@contextmanager
def _span(
    name: str, attributes: Mapping[str, AttributeValue], kind: SpanKind = SpanKind.INTERNAL
) -> Iterator[Span]:
    with _tracing.get().tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Parked:
            span.set_attribute("handoff.parked", True)
            raise
        except BaseException as error:
            # The class alone: an error's message may quote what people wrote.
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def _message(turn: Turn) -> Json:
    """A turn in the form of the conventions (`gen-ai-input-messages.json`)."""
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
