"""The Responses API: OpenAI's own, and needed by its models that refuse tools on Chat Completions.

Nothing is kept on the server (`store: false`): output items, encrypted reasoning among them, are replayed
verbatim, so a conversation survives a restart and accounts with zero data retention.
"""

from __future__ import annotations

from typing import Any

from agents.conversation import Json, Reply, ToolCall, ToolResult, Turn, Usage, UserTurn
from agents.wire import CutStream, Request


class ResponsesWire:
    """`POST /responses`, always streamed."""

    name = "responses"
    path = "/responses"

    def body(self, request: Request) -> Json:
        items: list[Json] = []
        for turn in request.turns:
            items.extend(_items(turn))
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
        return body

    def assembler(self) -> ResponsesAssembler:
        return ResponsesAssembler()


def _items(turn: Turn) -> list[Json]:
    match turn:
        case UserTurn(text):
            return [{"role": "user", "content": text}]
        case ToolResult(call_id, text):
            return [{"type": "function_call_output", "call_id": call_id, "output": text}]
        case Reply(api="responses", raw=items):
            return list(items)
    said: list[Json] = [{"role": "assistant", "content": turn.text}] if turn.text else []
    return said + [
        {"type": "function_call", "call_id": c.id, "name": c.name, "arguments": c.arguments}
        for c in turn.calls
    ]


class ResponsesAssembler:
    """Keeps finished output items; only the closing event makes them a reply."""

    def __init__(self) -> None:
        self.text = ""
        self._items: list[Json] = []
        self._final: Json | None = None

    def add(self, chunk: Any) -> None:
        if not isinstance(chunk, dict):
            raise CutStream(f"the stream carries a {type(chunk).__name__} where an event belongs")
        match chunk.get("type"):
            case "response.output_text.delta":
                self.text += str(chunk.get("delta") or "")
            case "response.output_item.done":
                self._items.append(chunk.get("item") or {})
            case "response.completed" | "response.incomplete":
                self._final = chunk.get("response") or {}
            case "response.failed" | "error":
                raise CutStream(str(chunk.get("response", chunk).get("error") or chunk))

    def reply(self) -> Reply:
        if self._final is None:
            raise CutStream("the stream ended without response.completed")
        items = tuple(self._final.get("output") or self._items)
        calls = tuple(
            ToolCall(item.get("call_id") or "", item.get("name") or "", item.get("arguments") or "")
            for item in items
            if item.get("type") == "function_call"
        )
        return Reply(
            text=_text(items), calls=calls, finish=_finish(self._final, calls),
            usage=_usage(self._final.get("usage") or {}), api="responses", raw=items,
        )  # fmt: skip


def _text(items: tuple[Json, ...]) -> str:
    parts = [p for item in items if item.get("type") == "message" for p in item.get("content") or ()]
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts)


def _finish(final: Json, calls: tuple[ToolCall, ...]) -> str:
    reason = (final.get("incomplete_details") or {}).get("reason", "")
    if reason:
        return "length" if reason == "max_output_tokens" else str(reason)
    return "tool_calls" if calls else "stop"


def _usage(usage: Json) -> Usage:
    details = usage.get("input_tokens_details") or {}
    return Usage(
        usage.get("input_tokens") or 0, usage.get("output_tokens") or 0, details.get("cached_tokens") or 0
    )
