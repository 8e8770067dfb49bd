"""How a conversation is spelled on the two APIs that OpenAI-compatible endpoints speak.

Owns the request bodies and the reading of what comes back. Never opens a connection: that is
`agents.endpoint`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agents.conversation import Json, Turn
from agents.tools import Tool
from agents.wire.assembler import Assembler


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One model turn to be made."""

    model: str
    instructions: str
    turns: Sequence[Turn]
    tools: Sequence[Tool] = ()
    may_call: bool = True
    """False asks for words only: the last turn at a limit."""
    cache_key: str = ""
    """What turns with the same beginning have in common; sent to OpenAI only, for its cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an endpoint is told with every request, beyond the conversation."""

    most_output: int | None = None
    """Tokens of one reply; None leaves it to the endpoint."""
    output_field: str = "max_tokens"
    """How Chat Completions spells that: OpenAI's newer models want `max_completion_tokens`."""
    takes_cache_key: bool = False
    extra: Json = field(default_factory=dict)
    """Further fields of the body, sent as they are; they win over ours."""


class Wire(Protocol):
    """One API's spelling."""

    name: str
    path: str

    def body(self, request: ModelRequest, options: Options) -> Json: ...

    def assembler(self) -> Assembler: ...


def with_extra(body: Json, request: ModelRequest, options: Options) -> Json:
    """The body with the operator's own fields, but for those about tools where none are offered."""
    if request.tools:
        return body | options.extra
    return body | {k: v for k, v in options.extra.items() if k not in ("parallel_tool_calls", "tool_choice")}
