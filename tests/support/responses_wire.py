"""A turn as the Responses API sends it: one JSON body, or the typed events of a stream.

Encodes whole turns only; what a faulty endpoint does with the bytes is `scripted_model`'s business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.chat_wire import pieces
from tests.support.model_replies import Call, Turn, Usage

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def usage_object(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt + usage.completion,
    }


def body(turn: Turn, model: str, number: int, usage: Usage | None) -> dict[str, Any]:
    """The whole response: what a plain request gets, and what the last event of a stream carries."""
    reason = _INCOMPLETE.get(turn.finish_reason)
    return {
        **_head(model, number),
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": _items(turn, number),
        "usage": usage_object(usage) if usage else None,
    }


def frames(
    turn: Turn, model: str, number: int, size: int, usage: Usage | None
) -> tuple[list[bytes], list[bytes]]:
    """The events that carry the reply, and the one that ends it."""
    whole = body(turn, model, number, usage)
    started = {**whole, "status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    events = [{"type": f"response.{name}", "response": started} for name in ("created", "in_progress")]
    for index, item in enumerate(whole["output"]):
        events.extend(_item_events(item, index, size))
    content = [_frame(event, sequence) for sequence, event in enumerate(events)]
    return content, [_frame({"type": f"response.{whole['status']}", "response": whole}, len(content))]


def error_frame(message: str, code: str | int, after: int) -> bytes:
    return _frame({"type": "error", "message": message, "code": str(code), "param": None}, after)


def _items(turn: Turn, number: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = [dict(item) for item in turn.ran]
    if thought := turn.extra.get("reasoning_content"):
        sealed = {"id": f"rs_{number}", "type": "reasoning", "summary": []}
        items.append({**sealed, "encrypted_content": f"sealed:{thought}"})
    if turn.text:
        part = {"type": "output_text", "text": turn.text, "annotations": turn.extra.get("annotations", [])}
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": "completed"}
        items.append({**message, "content": [part]})
    items.extend(_call_item(call) for call in turn.calls)
    return items


def _call_item(call: Call) -> dict[str, Any]:
    named = {"id": f"fc_{call.id}", "type": "function_call", "status": "completed", "call_id": call.id}
    return {**named, "name": call.name, "arguments": call.wire_arguments, **call.extra}


def _item_events(item: Mapping[str, Any], index: int, size: int) -> Iterator[dict[str, Any]]:
    where = {"output_index": index, "item_id": item["id"]}
    if item["type"] == "function_call":
        empty = {**item, "arguments": "", "status": "in_progress"}
        inner = _call_events(item["arguments"], where, size)
    elif item["type"] == "message":
        empty = {**item, "content": [], "status": "in_progress"}
        inner = _text_events(item["content"][0], where, size)
    else:
        empty, inner = dict(item), iter(())
    yield {"type": "response.output_item.added", "output_index": index, "item": empty}
    yield from inner
    yield {"type": "response.output_item.done", "output_index": index, "item": dict(item)}


def _call_events(arguments: str, where: Mapping[str, Any], size: int) -> Iterator[dict[str, Any]]:
    for part in pieces(arguments, size):
        yield {"type": "response.function_call_arguments.delta", **where, "delta": part}
    yield {"type": "response.function_call_arguments.done", **where, "arguments": arguments}


def _text_events(part: Mapping[str, Any], where: Mapping[str, Any], size: int) -> Iterator[dict[str, Any]]:
    here = {**where, "content_index": 0}
    yield {"type": "response.content_part.added", **here, "part": {**part, "text": ""}}
    for delta in pieces(part["text"], size):
        yield {"type": "response.output_text.delta", **here, "delta": delta, "logprobs": []}
    yield {"type": "response.output_text.done", **here, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **here, "part": dict(part)}


def _frame(event: Mapping[str, Any], sequence: int) -> bytes:
    data = json.dumps({**event, "sequence_number": sequence})
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


def _head(model: str, number: int) -> dict[str, Any]:
    return {"id": f"resp_{number}", "object": "response", "created_at": 0, "model": model, "error": None}
