"""How a conversation is spelled on the two APIs that OpenAI-compatible endpoints speak.

Owns the request bodies and the reading of streams. Never opens a connection: that is `agents.endpoint`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agents.conversation import LONGEST_ARGUMENTS, Json, Reply, ToolCall, Turn
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


#: Characters of one reply, arguments and vendor fields included; past them it counts as one without end.
LONGEST_REPLY = 8_000_000


class CutStream(Exception):
    """The stream ended before the reply was complete; nothing of it was acted on."""


class RunawayReply(CutStream):
    """The reply went on past `LONGEST_REPLY`."""


class Assembler(Protocol):
    """Collects one streamed reply."""

    said: int
    """Characters of `text`."""

    @property
    def text(self) -> str:
        """What the reply says so far."""
        ...

    def add(self, chunk: Any) -> None:
        """Take in one chunk; raises `CutStream` for what can't be one, `RunawayReply` past the longest."""
        ...

    def reply(self) -> Reply:
        """The whole reply; raises `CutStream` when the endpoint did not say that it was finished."""
        ...


class Wire(Protocol):
    """One API's spelling."""

    name: str
    path: str

    def body(self, request: Request, options: Options) -> Json: ...

    def assembler(self) -> Assembler: ...

    def as_chunk(self, body: Json) -> Json:
        """A reply that came whole, as the one chunk of a stream."""
        ...


class Pieces(list[str]):
    """A string as it grows by streaming; joined once, where adding to a string would copy it every time."""

    def __str__(self) -> str:
        if len(self) > 1:
            self[:] = ["".join(self)]
        return sound(self[0]) if self else ""


def sound(text: str) -> str:
    """The text as it can be stored and sent: halves of a character put together, or replaced where one is
    missing, and without NUL, which databases refuse. Some endpoints cut an emoji between two chunks."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def soundly(value: Any) -> Any:
    """The same value with every string in it sound, and in one piece."""
    match value:
        case Pieces():
            return str(value)
        case str():
            return sound(value)
        case dict():
            return {key: soundly(part) for key, part in value.items()}
        case list():
            return [soundly(part) for part in value]
    return value


def with_extra(body: Json, request: Request, options: Options) -> Json:
    """The body with the operator's own fields, but for those about tools where none are offered."""
    if request.tools:
        return body | options.extra
    return body | {k: v for k, v in options.extra.items() if k not in ("parallel_tool_calls", "tool_choice")}


def taken(id_: str, name: str, arguments: str) -> ToolCall:
    """A call as it may be run: arguments that nobody can use are left out, and said to be."""
    if len(arguments) <= LONGEST_ARGUMENTS:
        return ToolCall(id_, name, arguments)
    refusal = (
        f"the arguments have {len(arguments):,} characters, and {LONGEST_ARGUMENTS:,} are the most. "
        "Nothing was run. Have a program make large data, or send it in parts."
    )
    return ToolCall(id_, name, "{}", refused=refusal)
