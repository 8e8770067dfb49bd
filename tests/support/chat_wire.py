"""A turn as Chat Completions sends it: one JSON body, or the chunks of a stream.

Encodes whole turns only; what a faulty endpoint does with the bytes is `scripted_model`'s business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.model_replies import Call, Turn, Usage


def pieces(text: str, size: int) -> Iterator[str]:
    """The text in parts of at most `size` characters."""
    return (text[start : start + size] for start in range(0, len(text), size))


def usage_object(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    }


def body(turn: Turn, model: str, number: int, usage: Usage | None) -> dict[str, Any]:
    """The reply to a request that did not ask for a stream."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None, **turn.extra}
    if turn.calls:
        message["tool_calls"] = [_whole_call(call) for call in turn.calls]
    choice = {"index": 0, "message": message, "finish_reason": turn.finish_reason, "logprobs": None}
    found = {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 0, "model": model}
    return {**found, "choices": [choice], **({"usage": usage_object(usage)} if usage else {})}


def frames(
    turn: Turn, model: str, number: int, size: int, usage: Usage | None
) -> tuple[list[bytes], list[bytes]]:
    """The chunks that carry the reply, and those that end it: finish, usage if it is wanted, `[DONE]`."""
    content = [_chunk(model, number, delta, None) for delta in _deltas(turn, size)]
    ending = [_chunk(model, number, {}, turn.finish_reason)]
    if usage:
        ending.append(frame({**_head(model, number), "choices": [], "usage": usage_object(usage)}))
    return content, [*ending, b"data: [DONE]\n\n"]


def error_frame(message: str, code: str | int, after: int) -> bytes:
    return frame({"error": {"message": message, "code": code, "type": "server_error"}})


def frame(value: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _deltas(turn: Turn, size: int) -> Iterator[Mapping[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for name, value in turn.extra.items():
        yield from ({name: part} for part in (pieces(value, size) if isinstance(value, str) else [value]))
    yield from ({"content": part} for part in pieces(turn.text, size))
    for index, call in enumerate(turn.calls):
        yield from ({"tool_calls": [part]} for part in _call_pieces(call, index, size))


def _whole_call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.wire_arguments}
    return {"id": call.id, "type": "function", "function": function, **call.extra}


def _call_pieces(call: Call, index: int, size: int) -> Iterator[dict[str, Any]]:
    function = {"name": call.name, "arguments": ""}
    yield {"index": index, "id": call.id, "type": "function", "function": function, **call.extra}
    for part in pieces(call.wire_arguments, size):
        yield {"index": index, "function": {"arguments": part}}


def _chunk(model: str, number: int, delta: Mapping[str, Any], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return frame({**_head(model, number), "choices": [choice]})


def _head(model: str, number: int) -> dict[str, Any]:
    return {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 0, "model": model}
