"""Chat Completions, the API that every OpenAI-compatible endpoint speaks.

A stream's unknown fields are kept and sent back on the next turn: DeepSeek demands its `reasoning_content`,
Gemini its `extra_content.google.thought_signature`, and both answer 400 without them.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from agents.conversation import MOST_CALLS, Json, Reply, ToolCall, ToolResult, Turn, Usage, UserTurn
from agents.tools import Tool
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

#: Fields of a delta that are repeated whole in each chunk, so a later value replaces an earlier one.
_WHOLE = {"role", "id", "type", "name", "index"}


class ChatWire:
    """`POST /chat/completions`, always streamed."""

    name = "chat"
    path = "/chat/completions"

    def body(self, request: Request, options: Options) -> Json:
        messages: list[Json] = [{"role": "system", "content": request.instructions}]
        messages += [_message(turn, request.model) for turn in request.turns if not _is_empty(turn)]
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
        if options.most_output:
            body[options.output_field] = options.most_output
        if options.takes_cache_key and request.cache_key:
            body["prompt_cache_key"] = request.cache_key
        return with_extra(body, request, options)

    def assembler(self) -> ChatAssembler:
        return ChatAssembler()

    def as_chunk(self, body: Json) -> Json:
        return body


def _tool(tool: Tool) -> Json:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": function}


def _is_empty(turn: Turn) -> bool:
    """A reply with nothing in it, which strict endpoints refuse to hear again."""
    return not turn.text and isinstance(turn, Reply) and not turn.calls


def _message(turn: Turn, model: str) -> Json:
    # Plain tests and no `match`: this runs for the whole history on every turn.
    if isinstance(turn, ToolResult):
        return {"role": "tool", "tool_call_id": turn.call_id, "content": turn.text}
    if isinstance(turn, UserTurn):
        return {"role": "user", "content": turn.text}
    if turn.api == "chat" and turn.raw and turn.model in ("", model):
        return turn.raw[0]
    # Another model's reply, or another API's: its vendor fields would mean nothing here.
    message: Json = {"role": "assistant", "content": turn.text}
    if turn.calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in turn.calls
        ]
    return message


class ChatAssembler:
    """Puts the deltas of one choice together."""

    def __init__(self) -> None:
        self.said = 0
        self._message: Json = {"role": "assistant", "content": Pieces()}
        self._calls: list[Json] = []
        self._left_out: set[object] = set()
        self._finish = ""
        self._usage = Usage()
        self._length = 0

    @property
    def text(self) -> str:
        return str(self._message["content"])

    def add(self, chunk: Any) -> None:
        try:
            self._add(chunk)
        except (AttributeError, TypeError, ValueError) as error:
            raise CutStream(f"the stream carries something that is no chunk of a reply: {error}") from error
        if self._length > LONGEST_REPLY:
            raise RunawayReply(f"the reply did not end within {LONGEST_REPLY:,} characters")

    def _add(self, chunk: Json) -> None:
        if usage := chunk.get("usage"):
            self._usage = _usage(usage)
        for choice in chunk.get("choices") or ():
            delta = dict(choice.get("delta") or choice.get("message") or {})
            for part in delta.pop("tool_calls", None) or ():
                if (call := self._call(part)) is not None:
                    self._length += _merge(call, part)
            content = delta["content"] = _text(delta.get("content"))
            self.said += len(content)
            self._length += _merge(self._message, delta)
            self._finish = choice.get("finish_reason") or self._finish

    def reply(self) -> Reply:
        if not self._finish:
            raise CutStream("the stream ended without a finish reason")
        ids: set[str] = set()
        for call in self._calls:
            if not call.get("id") or call["id"] in ids:
                call["id"] = f"call_{uuid.uuid4().hex[:12]}"
            ids.add(call["id"])
            call.setdefault("type", "function")
            call.pop("index", None)
        whole = [soundly(call) for call in self._calls]
        calls = tuple(_tool_call(call) for call in whole)
        message = soundly(self._message) | ({"tool_calls": whole} if calls else {})
        return Reply(
            text=self.text, calls=calls, finish=self._finish, usage=self._usage,
            left_out=len(self._left_out), api="chat", raw=(message,),
        )  # fmt: skip

    def _call(self, part: Json) -> Json | None:
        """The call a delta belongs to; some endpoints give no index, some reuse one for a second call.

        None for a call beyond the most that are kept.
        """
        index, id_ = part.get("index"), part.get("id")
        for call in reversed(self._calls):
            same_id = not id_ or call.get("id") in (None, "", id_)
            if same_id and (index is None or call.get("index") == index):
                return call
        if len(self._calls) == MOST_CALLS:
            self._left_out.add(id_ if index is None else index)
            return None
        self._calls.append({})
        return self._calls[-1]


def _tool_call(call: Json) -> ToolCall:
    function = call.setdefault("function", {})
    found = taken(call["id"], function.get("name") or "", function.get("arguments") or "")
    # An endpoint refuses a name that no tool could have, so a call without one comes back under another.
    function["name"] = re.sub(r"[^a-zA-Z0-9_-]", "_", found.name)[:64] or "unnamed"
    function["arguments"] = found.arguments
    return found


def _text(content: object) -> str:
    """A message's text; some endpoints send it in parts, as requests may."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _merge(into: Json, delta: Json) -> int:
    """Add what a delta brings; the characters that it brought."""
    length = 0
    for key, value in delta.items():
        old = into.get(key)
        if isinstance(value, str):
            length += len(value)
            if isinstance(old, Pieces):
                old.append(value)
            elif value or old is None:
                into[key] = value if key in _WHOLE else Pieces([value])
        elif isinstance(value, dict):
            if not isinstance(old, dict):
                old = into[key] = {}
            length += _merge(old, value)
        elif isinstance(value, list) and isinstance(old, list):
            old.extend(value)
        elif value is not None:
            into[key] = value
    return length


def _usage(usage: Json) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        usage.get("prompt_tokens") or 0,
        usage.get("completion_tokens") or 0,
        details.get("cached_tokens") or 0,
    )
