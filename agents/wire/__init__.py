"""The two APIs of OpenAI-compatible endpoints: request bodies, and assemblers of streamed replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agents.conversation import Json, Turn
from agents.tools import Tool
from agents.wire.assembler import Assembler


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """A request for one model turn."""

    model: str
    instructions: str
    turns: Sequence[Turn]
    tools: Sequence[Tool] = ()
    may_call: bool = True
    """False asks for text only: the last turn at a limit."""
    cache_key: str = ""
    """The same for requests with a common prefix; sent to OpenAI only, for its prompt cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is sent with each request beside the conversation."""

    most_output: int | None = None
    """Maximum tokens of one reply; None for the endpoint's default."""
    output_field: str = "max_tokens"
    """Its field in Chat Completions; OpenAI's newer models want `max_completion_tokens`."""
    takes_cache_key: bool = False
    extra: Json = field(default_factory=dict)
    """The operator's fields of the body; they override ours."""


class Wire(Protocol):
    """One API."""

    name: str
    path: str

    def body(self, request: ModelRequest, options: Options) -> Json: ...

    def assembler(self) -> Assembler: ...


def with_extra(body: Json, request: ModelRequest, options: Options) -> Json:
    """The body with the operator's fields, without those about tools when there are no tools."""
    if request.tools:
        return body | options.extra
    return body | {k: v for k, v in options.extra.items() if k not in ("parallel_tool_calls", "tool_choice")}
