"""The base of both APIs' assemblers of streamed replies.

It bounds a reply, and repairs what a database or an endpoint would refuse.
"""

from __future__ import annotations

import json
import math
import uuid
from abc import ABC, abstractmethod
from typing import Any

from pydantic_core import from_json

from agents.conversation import MAX_ARGUMENTS, Json, ModelReply, TokenUsage, ToolCall
from agents.model.wire.stream import MAX_REPLY, CutStream, ErrorInside, RunawayReply, Unreadable

#: Bound of a token count; the sum of a task still fits into a four-byte integer of PostgreSQL.
MAX_TOKENS = 10_000_000
#: Finish reasons for a length limit and for a content filter (Mistral, Z.ai, Gemini).
_LENGTH = ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded")
_FILTERED = (
    "content_filter", "sensitive", "safety", "recitation", "prohibited_content", "blocklist", "refusal",
)  # fmt: skip
#: Finish reasons of a failed reply: DeepSeek, Z.ai, Mistral and OpenRouter, SGLang, Gemini.
_BROKEN = (
    "insufficient_system_resource", "network_error", "error", "abort", "malformed_function_call",
)  # fmt: skip
#: What reading a value of an unexpected shape raises.
_SHAPE_ERRORS = (AttributeError, TypeError, KeyError, ValueError, RecursionError)


_CUT = (
    "your reply reached the model's length limit before these arguments were complete. Nothing was run. Send "
    "less at once: have a program write long text in several calls, and leave out what is not needed."
)


class Assembler(ABC):
    """Collects one streamed reply, value by value."""

    def __init__(self) -> None:
        self.text_length = 0
        """Characters of `text`."""
        self.grace: float | None = None
        """None until the reply is complete, then the seconds to wait for the end of the stream."""
        self._length = 0

    @property
    @abstractmethod
    def text(self) -> str:
        """The text of the reply so far."""

    def add(self, value: Any) -> None:
        """Add one value of the stream.

        Raises `Unreadable` for an unexpected value, `ErrorInside` for the endpoint's own error, and
        `RunawayReply` past `MAX_REPLY`.
        """
        try:
            if isinstance(value, dict) and (error := _error(value)):
                raise error
            self._add(value)
        except _SHAPE_ERRORS as error:
            raise Unreadable("a value of an unexpected shape") from error
        if self._length > MAX_REPLY:
            raise RunawayReply(f"the reply did not end within {MAX_REPLY:,} characters")

    def reply(self) -> ModelReply:
        """The complete reply; raises `CutStream` when the endpoint did not finish it."""
        try:
            return self._reply()
        except _SHAPE_ERRORS as error:
            raise Unreadable("a reply of an unexpected shape") from error

    @abstractmethod
    def _add(self, value: Any) -> None: ...

    @abstractmethod
    def _reply(self) -> ModelReply: ...


def _error(value: Json) -> ErrorInside | None:
    """The error in a value, in any of the forms in use, or None."""
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


def finish_reason(word: str) -> str:
    """The finish reason in OpenAI's terms, where it has one; raises `CutStream` for a failed reply.

    Gemini puts OpenAI's term before its own: `content_filter: RECITATION`.
    """
    low = word.lower()
    first, _, last = low.partition(": ")
    if (last or first) in _BROKEN:
        raise CutStream(f"the model service ended it with {word[:60]}")
    if low in _LENGTH:
        return "length"
    return "content_filter" if first in _FILTERED else word


def new_id() -> str:
    """An id for a call: nine letters and digits, the only form that Mistral takes."""
    return uuid.uuid4().hex[:9]


def unique_id(id_: object, others: set[str]) -> str:
    """A call's id, or a new one where the endpoint gave none, or gave it to another call of the reply."""
    found = id_ if isinstance(id_, str) and id_ and id_ not in others else new_id()
    others.add(found)
    return found


def valid_arguments(arguments: str) -> str:
    """A call's arguments as a JSON object. vLLM, SGLang and llama.cpp parse the arguments in the history, and
    refuse each later turn over others."""
    if is_object(arguments or "{}"):
        return arguments or "{}"
    return json.dumps({"not_json": arguments}, ensure_ascii=False)


def is_object(arguments: str) -> bool:
    try:
        return isinstance(from_json(arguments, allow_inf_nan=False), dict)
    except ValueError:
        return False


def parse_call(id_: str, name: object, arguments: object, *, is_cut: bool = False) -> ToolCall:
    """A call; one with unusable arguments has a refusal for the model instead of them. `is_cut` means that
    the length limit ended the reply."""
    name = name if isinstance(name, str) else ""
    if not isinstance(arguments, str):  # some endpoints send the object itself
        arguments = json.dumps(arguments, ensure_ascii=False) if arguments is not None else ""
    if is_cut and not is_object(arguments):
        return ToolCall(id_, name, "{}", refused=_CUT)
    if len(arguments) <= MAX_ARGUMENTS:
        return ToolCall(id_, name, _repaired(arguments))
    refusal = (
        f"the arguments have {len(arguments):,} characters, more than {MAX_ARGUMENTS:,}. "
        "Nothing was run. Have a program make large data, or send it in parts."
    )
    return ToolCall(id_, name, "{}", refused=refusal)


def _repaired(arguments: str) -> str:
    """The arguments without what some gateways do to them: sent twice, or an object in a JSON string."""
    if is_object(arguments):
        return arguments
    half, odd = divmod(len(arguments), 2)
    if not odd and arguments[:half] == arguments[half:] and is_object(arguments[:half]):
        return arguments[:half]
    if arguments.startswith('"'):
        try:
            inner = from_json(arguments)
        except ValueError:
            return arguments
        return inner if isinstance(inner, str) and is_object(inner) else arguments
    return arguments


def parse_usage(usage: Json, *, sent: str, said: str) -> TokenUsage:
    """The endpoint's token counts; `sent` and `said` are its fields for input and output. Some endpoints
    leave cached tokens out of the input, so they are bounded by it."""
    input_ = _count(usage, sent)
    cached = _count(part(usage, f"{sent}_details"), "cached_tokens")
    # Gemini and xAI leave reasoning out of the output; only their total has it.
    output = max(_count(usage, said), _count(usage, "total_tokens") - input_)
    return TokenUsage(input_, output, min(cached, input_), _cost(usage))


def _cost(usage: Json) -> float | None:
    """USD that the endpoint says: OpenRouter, Perplexity, xAI. With a key of one's own at a provider,
    OpenRouter's `cost` is its fee alone."""
    said = usage.get("cost")
    cost = _amount(said.get("total_cost") if isinstance(said, dict) else said)
    if cost is None and (ticks := _amount(usage.get("cost_in_usd_ticks"))) is not None:
        return ticks / 10_000_000_000
    if cost is None or not usage.get("is_byok"):
        return cost
    return cost + (_amount(part(usage, "cost_details").get("upstream_inference_cost")) or 0)


def _amount(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < MAX_TOKENS * 1e6 else None


def _count(usage: Json, key: str) -> int:
    """A token count; 0 where the endpoint sends none that is valid."""
    found = usage.get(key)
    return min(found, MAX_TOKENS) if isinstance(found, int) and found > 0 else 0


def part(usage: Json, key: str) -> Json:
    """The object at a key; an empty one where there is none."""
    found = usage.get(key)
    return found if isinstance(found, dict) else {}
