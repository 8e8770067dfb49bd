"""What both APIs have in common in putting a streamed reply together.

Owns the bounds of a reply, and that nothing leaves it which a database or an endpoint would refuse, whatever
came in. Never knows how an API spells a reply.
"""

from __future__ import annotations

import json
import re
import uuid
from abc import ABC, abstractmethod
from typing import Any

from pydantic_core import from_json

from agents.conversation import LONGEST_ARGUMENTS, Json, ModelReply, TokenUsage, ToolCall
from agents.wire.stream import LONGEST_REPLY, CutStream, ErrorInside, RunawayReply, Unreadable

#: More tokens than any reply has; the sum of a task still fits into four bytes, as PostgreSQL keeps it.
MOST_TOKENS = 10_000_000
#: Words of services for a reply that a limit of length or a content filter ended (Mistral, Z.ai, Gemini).
_LENGTH = ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded")
_FILTERED = (
    "content_filter", "sensitive", "safety", "recitation", "prohibited_content", "blocklist", "refusal",
)  # fmt: skip
#: And for one that they broke off, which is no reply: DeepSeek, Z.ai, Mistral and OpenRouter, SGLang, Gemini.
_BROKEN = (
    "insufficient_system_resource", "network_error", "error", "abort", "malformed_function_call",
)  # fmt: skip
#: What code that reads an object raises when it is given something else.
_MISFITS = (AttributeError, TypeError, KeyError, ValueError, RecursionError)


_CUT = (
    "your reply reached the model's limit of length before these arguments were whole. Nothing was run. Send "
    "less at once: have a program write long text in several calls, and leave out what is not needed."
)


class Assembler(ABC):
    """Collects one streamed reply, value by value."""

    def __init__(self) -> None:
        self.text_length = 0
        """Characters of `text`."""
        self.grace: float | None = None
        """None until the reply is whole, then the seconds that it is worth waiting for the stream's end."""
        self._length = 0

    @property
    @abstractmethod
    def text(self) -> str:
        """What the reply says so far."""

    def add(self, value: Any) -> None:
        """Take in one value of the stream.

        Raises `Unreadable` for what can't be one, `ErrorInside` for the endpoint's own error, and
        `RunawayReply` past `LONGEST_REPLY`.
        """
        try:
            if isinstance(value, dict) and (error := _error(value)):
                raise error
            self._add(value)
        except _MISFITS as error:
            raise Unreadable("a value that is no part of a reply") from error
        if self._length > LONGEST_REPLY:
            raise RunawayReply(f"the reply did not end within {LONGEST_REPLY:,} characters")

    def reply(self) -> ModelReply:
        """The whole reply; raises `CutStream` when the endpoint did not say that it was finished."""
        try:
            return self._reply()
        except _MISFITS as error:
            raise Unreadable("a reply that is put together wrongly") from error

    @abstractmethod
    def _add(self, value: Any) -> None: ...

    @abstractmethod
    def _reply(self) -> ModelReply: ...


def _error(value: Json) -> ErrorInside | None:
    """What a value says of a failure, in any of the forms in use; None where it says nothing of one."""
    if error := value.get("error"):
        known = isinstance(error, dict)
        return ErrorInside(error.get("code"), error.get("message")) if known else ErrorInside("", error)
    if value.get("choices"):
        return None
    base = part(value, "base_resp")  # MiniMax, with a status of 200
    if base.get("status_code"):
        return ErrorInside(base["status_code"], base.get("status_msg"))
    if value.get("code") and isinstance(value.get("message"), str):  # older vLLM, SiliconFlow
        return ErrorInside(value["code"], value["message"])
    return None


def finished(word: str) -> str:
    """The finish reason in OpenAI's words, where it is one of those; raises `CutStream` for no finish at all.

    Gemini puts a word of OpenAI's before its own: `content_filter: RECITATION`.
    """
    low = word.lower()
    first, _, last = low.partition(": ")
    if (last or first) in _BROKEN:
        raise CutStream(f"the model service ended it with {word[:60]}")
    if low in _LENGTH:
        return "length"
    return "content_filter" if first in _FILTERED else word


def named(id_: object, others: set[str]) -> str:
    """A call's id, or one of ours where the endpoint gave none, or gave it to another call of the reply."""
    found = id_ if isinstance(id_, str) and id_ and id_ not in others else f"call_{uuid.uuid4().hex[:12]}"
    others.add(found)
    return found


def safe_name(name: str) -> str:
    """A tool's name as endpoints take it in a conversation; a refusal of another would end the work."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64] or "unnamed"


def readable(arguments: str) -> str:
    """A call's arguments as endpoints take them in a conversation: vLLM, SGLang and llama.cpp parse them, and
    refuse every later turn where they are no JSON object."""
    if is_object(arguments or "{}"):
        return arguments or "{}"
    return json.dumps({"not_json": arguments}, ensure_ascii=False)


def is_object(arguments: str) -> bool:
    try:
        return isinstance(from_json(arguments, allow_inf_nan=False), dict)
    except ValueError:
        return False


def taken(id_: str, name: object, arguments: object, *, is_cut: bool = False) -> ToolCall:
    """A call as it may be run; arguments that nobody can use are left out, and the model is told. `is_cut` is
    for a reply that a limit of length ended."""
    name = name if isinstance(name, str) else ""
    if not isinstance(arguments, str):  # some endpoints send the object itself
        arguments = json.dumps(arguments, ensure_ascii=False) if arguments is not None else ""
    if is_cut and not is_object(arguments):
        return ToolCall(id_, name, "{}", refused=_CUT)
    if len(arguments) <= LONGEST_ARGUMENTS:
        return ToolCall(id_, name, arguments)
    refusal = (
        f"the arguments have {len(arguments):,} characters, and {LONGEST_ARGUMENTS:,} are the most. "
        "Nothing was run. Have a program make large data, or send it in parts."
    )
    return ToolCall(id_, name, "{}", refused=refusal)


def counted(usage: Json, *, sent: str, said: str) -> TokenUsage:
    """The endpoint's count of tokens; `sent` and `said` are its names for what went in and what came out.
    More from the cache than was sent can't be: some endpoints leave it out of what was sent."""
    input_ = _count(usage, sent)
    cached = _count(part(usage, f"{sent}_details"), "cached_tokens")
    # Gemini and xAI leave thinking out of what came out; only their total has it.
    output = max(_count(usage, said), _count(usage, "total_tokens") - input_)
    return TokenUsage(input_, output, min(cached, input_))


def _count(usage: Json, key: str) -> int:
    """A number of tokens; 0 where the endpoint says nothing that can be one."""
    found = usage.get(key)
    return min(found, MOST_TOKENS) if isinstance(found, int) and found > 0 else 0


def part(usage: Json, key: str) -> Json:
    """An object inside another; an empty one where there is none."""
    found = usage.get(key)
    return found if isinstance(found, dict) else {}
