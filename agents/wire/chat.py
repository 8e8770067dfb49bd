"""Chat Completions, the API that every OpenAI-compatible endpoint speaks.

A stream's unknown fields are kept and sent back on the next turn: DeepSeek demands its `reasoning_content`,
Gemini its `extra_content.google.thought_signature`, and both answer 400 without them.
"""

from __future__ import annotations

import uuid
from typing import Any

from agents.conversation import Json, Reply, ToolCall, ToolResult, Turn, Usage, UserTurn
from agents.tools import Tool
from agents.wire import CutStream, Request

#: Fields of a delta that are repeated whole in each chunk, so a later value replaces an earlier one.
_WHOLE = {"role", "id", "type", "name", "index"}


class ChatWire:
    """`POST /chat/completions`, always streamed."""

    name = "chat"
    path = "/chat/completions"

    def body(self, request: Request) -> Json:
        messages: list[Json] = [{"role": "system", "content": request.instructions}]
        for turn in request.turns:
            messages.append(_message(turn))
        body: Json = {
            "model": request.model,
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            body["tools"] = [_tool(tool) for tool in request.tools]
            if not request.may_call:
                body["tool_choice"] = "none"
        return body

    def assembler(self) -> ChatAssembler:
        return ChatAssembler()


def _tool(tool: Tool) -> Json:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": function}


def _message(turn: Turn) -> Json:
    match turn:
        case UserTurn(text):
            return {"role": "user", "content": text}
        case ToolResult(call_id, text):
            return {"role": "tool", "tool_call_id": call_id, "content": text}
        case Reply(api="chat", raw=(message,)):
            return message
    message = {"role": "assistant", "content": turn.text}
    if turn.calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in turn.calls
        ]
    return message


class ChatAssembler:
    """Puts the deltas of one choice together."""

    def __init__(self) -> None:
        self.text = ""
        self._message: Json = {"role": "assistant", "content": ""}
        self._calls: list[Json] = []
        self._finish = ""
        self._usage = Usage()

    def add(self, chunk: Any) -> None:
        if not isinstance(chunk, dict):
            raise CutStream(f"the stream carries a {type(chunk).__name__} where a chunk belongs")
        if isinstance(usage := chunk.get("usage"), dict):
            self._usage = _usage(usage)
        for choice in chunk.get("choices") or ():
            delta = dict(choice.get("delta") or choice.get("message") or {})
            for part in delta.pop("tool_calls", None) or ():
                _merge(self._call(part), part)
            _merge(self._message, delta)
            if isinstance(said := self._message.get("content"), str):
                self.text = said
            self._finish = choice.get("finish_reason") or self._finish

    def reply(self) -> Reply:
        if not self._finish:
            raise CutStream("the stream ended without a finish reason")
        for call in self._calls:
            call["id"] = call.get("id") or f"call_{uuid.uuid4().hex[:12]}"
            call.setdefault("type", "function")
            call.pop("index", None)
        calls = tuple(_tool_call(call) for call in self._calls)
        message = self._message | ({"tool_calls": self._calls} if calls else {})
        return Reply(
            text=message.get("content") or "", calls=calls, finish=self._finish, usage=self._usage,
            api="chat", raw=(message,),
        )  # fmt: skip

    def _call(self, part: Json) -> Json:
        """The call a delta belongs to; some endpoints give no index, some reuse one for a second call."""
        index, id_ = part.get("index"), part.get("id")
        for call in reversed(self._calls):
            same_place = call.get("index") == index if index is not None else not id_
            if (same_place and (not id_ or not call.get("id"))) or (id_ and call.get("id") == id_):
                return call
        self._calls.append({})
        return self._calls[-1]


def _tool_call(call: Json) -> ToolCall:
    function = call.setdefault("function", {})
    return ToolCall(call["id"], function.setdefault("name", ""), function.setdefault("arguments", ""))


def _merge(into: Json, delta: Json) -> None:
    for key, value in delta.items():
        old = into.get(key)
        if value is None:
            continue
        if isinstance(value, str) and isinstance(old, str) and key not in _WHOLE:
            into[key] = old + value
        elif isinstance(value, dict) and isinstance(old, dict):
            _merge(old, value)
        elif isinstance(value, list) and isinstance(old, list):
            into[key] = old + value
        elif value != "" or old is None:
            into[key] = value


def _usage(usage: Json) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        usage.get("prompt_tokens") or 0,
        usage.get("completion_tokens") or 0,
        details.get("cached_tokens") or 0,
    )
