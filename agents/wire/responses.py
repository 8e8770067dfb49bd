"""The Responses API: OpenAI's own, and needed by its models that refuse tools on Chat Completions.

Nothing is kept on the server (`store: false`): output items, encrypted reasoning among them, are replayed
verbatim, so a conversation survives a restart and accounts with zero data retention.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from agents.conversation import MOST_CALLS, Json, Reply, ToolCall, ToolResult, Turn, Usage, UserTurn
from agents.wire import (
    LONGEST_REPLY,
    CutStream,
    Options,
    Pieces,
    Request,
    RunawayReply,
    soundly,
    taken,
    with_extra,
)


class ResponsesWire:
    """`POST /responses`, always streamed."""

    name = "responses"
    path = "/responses"

    def body(self, request: Request, options: Options) -> Json:
        items = [item for turn in request.turns for item in _items(turn, request.model)]
        body: Json = {
            "model": request.model,
            "instructions": request.instructions,
            "input": items,
            "stream": True,
            "store": False,
            "include": ["reasoning.encrypted_content"],
        }
        if request.tools:
            body["tools"] = [
                {"type": "function", "name": t.name, "description": t.description, "parameters": t.schema,
                 "strict": False}
                for t in request.tools
            ]  # fmt: skip
            if not request.may_call:
                body["tool_choice"] = "none"
        if options.most_output:
            body["max_output_tokens"] = options.most_output
        if options.takes_cache_key and request.cache_key:
            body["prompt_cache_key"] = request.cache_key
        return with_extra(body, request, options)

    def assembler(self) -> ResponsesAssembler:
        return ResponsesAssembler()

    def as_chunk(self, body: Json) -> Json:
        return {"type": f"response.{body.get('status')}", "response": body}


def _items(turn: Turn, model: str) -> list[Json]:
    match turn:
        case UserTurn(text):
            return [{"role": "user", "content": text}]
        case ToolResult(call_id, text):
            return [{"type": "function_call_output", "call_id": call_id, "output": text}]
        case Reply(api="responses", raw=items) if turn.model in ("", model):
            return list(items)
    # Another model's reply, or another API's: its sealed reasoning can't be opened here.
    said: list[Json] = [{"role": "assistant", "content": turn.text}] if turn.text else []
    return said + [
        {"type": "function_call", "call_id": c.id, "name": c.name, "arguments": c.arguments}
        for c in turn.calls
    ]


class ResponsesAssembler:
    """Keeps finished output items; only the closing event makes them a reply."""

    def __init__(self) -> None:
        self.said = 0
        self._text = Pieces()
        self._items: list[Json] = []
        self._final: Json | None = None
        self._length = 0

    @property
    def text(self) -> str:
        return str(self._text)

    def add(self, chunk: Any) -> None:
        try:
            self._add(chunk)
        except (AttributeError, TypeError, KeyError) as error:
            raise CutStream(f"the stream carries something that is no event of a reply: {error}") from error
        if self._length > LONGEST_REPLY:
            raise RunawayReply(f"the reply did not end within {LONGEST_REPLY:,} characters")

    def _add(self, event: Json) -> None:
        delta = event.get("delta") or ""
        self._length += len(delta)
        match event.get("type"):
            case "response.output_text.delta":
                self._text.append(delta)
                self.said += len(delta)
            case "response.output_item.done":
                self._items.append(event.get("item") or {})
            case "response.completed" | "response.incomplete":
                self._final = event.get("response") or {}
            case "response.failed" | "error":
                raise CutStream(str(event.get("response", event).get("error") or event))

    def reply(self) -> Reply:
        if self._final is None:
            raise CutStream("the stream ended without response.completed")
        items: list[Json] = []
        calls: list[ToolCall] = []
        left_out = 0
        for item in soundly(self._final.get("output") or self._items):
            if item.get("type") == "function_call":
                if len(calls) == MOST_CALLS:
                    left_out += 1
                    continue
                calls.append(_tool_call(item, {call.id for call in calls}))
            items.append(item)
        return Reply(
            text=_text(items), calls=tuple(calls), finish=_finish(self._final, calls), left_out=left_out,
            usage=_usage(self._final.get("usage") or {}), api="responses", raw=tuple(items),
        )  # fmt: skip


def _tool_call(item: Json, ids: set[str]) -> ToolCall:
    if not item.get("call_id") or item["call_id"] in ids:
        item["call_id"] = f"call_{uuid.uuid4().hex[:12]}"
    found = taken(item["call_id"], item.get("name") or "", item.get("arguments") or "")
    item["name"] = found.name or "unnamed"
    item["arguments"] = found.arguments
    return found


def _text(items: Sequence[Json]) -> str:
    parts = [p for item in items if item.get("type") == "message" for p in item.get("content") or ()]
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts)


def _finish(final: Json, calls: Sequence[ToolCall]) -> str:
    reason = (final.get("incomplete_details") or {}).get("reason", "")
    if reason:
        return "length" if reason == "max_output_tokens" else str(reason)
    return "tool_calls" if calls else "stop"


def _usage(usage: Json) -> Usage:
    details = usage.get("input_tokens_details") or {}
    return Usage(
        usage.get("input_tokens") or 0, usage.get("output_tokens") or 0, details.get("cached_tokens") or 0
    )
