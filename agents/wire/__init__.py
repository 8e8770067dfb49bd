"""How a conversation is spelled on the two APIs that OpenAI-compatible endpoints speak.

Owns the request bodies and the reading of streams. Never opens a connection: that is `agents.endpoint`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agents.conversation import Json, Reply, Turn
from agents.tools import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One model turn to be made."""

    model: str
    instructions: str
    turns: Sequence[Turn]
    tools: Sequence[Tool] = ()
    may_call: bool = True
    """False asks for words only: the last turn at a limit."""


class CutStream(Exception):
    """The stream ended before the reply was complete; nothing of it was acted on."""


class Assembler(Protocol):
    """Collects one streamed reply."""

    text: str
    """What the reply says so far."""

    def add(self, chunk: Any) -> None: ...

    def reply(self) -> Reply:
        """The whole reply; raises `CutStream` when the endpoint did not say that it was finished."""
        ...


class Wire(Protocol):
    """One API's spelling."""

    name: str
    path: str

    def body(self, request: Request) -> Json: ...

    def assembler(self) -> Assembler: ...
