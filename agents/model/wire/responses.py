"""The Responses API of OpenAI, whose newest models refuse tools on Chat Completions.

The server stores nothing (`store: false`): output items, with encrypted reasoning, are sent back unchanged,
so a conversation survives a restart and works with zero data retention.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from agents.conversation import MAX_CALLS, Json, ModelReply, ToolCall, ToolResult, Turn, UserTurn
from agents.model.wire import ModelRequest, Options, UserContent, user_turns, with_extra
from agents.model.wire.assembler import (
    Assembler,
    finish_reason,
    parse_call,
    parse_usage,
    part,
    unique_id,
    valid_arguments,
)
from agents.model.wire.reasoning import strip_reasoning
from agents.model.wire.stream import DONE, CutStream, ErrorInside
from agents.model.wire.web_search import searching_usd, sources
from agents.tools.schema import safe_name
from text.sanitize import TextBuffer, sanitize


class ResponsesWire:
    """`POST /responses`, always streamed."""

    name = "responses"
    path = "responses"

    def body(self, request: ModelRequest, options: Options) -> Json:
        users = UserContent(request, _text_part, _picture_part)
        items = [item for turn in user_turns(request.turns) for item in _items(turn, request.model, users)]
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


def _items(turn: Turn, model: str, users: UserContent) -> list[Json]:
    match turn:
        case UserTurn():
            return [{"role": "user", "content": users.of(turn)}]
        case ToolResult(call_id, text):
            return [{"type": "function_call_output", "call_id": call_id, "output": text}]
        case ModelReply(api="responses", raw=items) if turn.model in ("", model):
            return list(items)
    # Another model's or API's reply: its encrypted reasoning can't be read here.
    text = turn.text or turn.commentary
    said: list[Json] = [{"role": "assistant", "content": text}] if text else []
    return said + [
        {
            "type": "function_call",
            "call_id": c.id,
            "name": safe_name(c.name),
            "arguments": valid_arguments(c.arguments),
        }
        for c in turn.calls
    ]


def _text_part(text: str) -> Json:
    return {"type": "input_text", "text": text}


def _picture_part(url: str) -> Json:
    return {"type": "input_image", "image_url": url, "detail": "auto"}


class ResponsesAssembler(Assembler):
    """Collects finished output items; the closing event completes the reply."""

    def __init__(self) -> None:
        super().__init__()
        self._text = TextBuffer()
        self._commentary: set[object] = set()
        self._items: list[Json] = []
        self._final: Json | None = None
        self._is_done = False

    @property
    def text(self) -> str:
        return strip_reasoning(str(self._text))

    def _add(self, value: Any) -> None:
        if value is DONE:
            self._is_done = True
            return
        if value.get("object") == "response":  # the endpoint does not stream
            value = {"type": f"response.{value.get('status')}", "response": value}
        delta = value.get("delta") or ""
        self._length += len(delta)
        match value.get("type"):
            case "response.output_item.added" if _is_commentary(value["item"]):
                self._commentary.add(value.get("output_index"))
            case "response.output_text.delta" | "response.refusal.delta":
                if value.get("output_index") not in self._commentary:
                    self._text.append(delta)
                    self.text_length += len(delta)
            case "response.output_item.done":
                self._items.append(value["item"])
            case "response.completed" | "response.incomplete":
                self._final = part(value, "response")
                self.grace = 0.1
            case "response.failed" | "error":
                error = part(part(value, "response"), "error") or value
                raise ErrorInside(error.get("code"), error.get("message"))

    def _reply(self) -> ModelReply:
        if self._final is None:
            self._final = self._implied_final()
        items: list[Json] = []
        calls: list[ToolCall] = []
        ids: set[str] = set()
        left_out = 0
        output = self._final.get("output") or self._items
        finish = _finish(self._final, output)
        for item in sanitize(output):
            if item.get("type") == "function_call":
                if len(calls) == MAX_CALLS:
                    left_out += 1
                    continue
                calls.append(_tool_call(item, ids, is_cut=finish == "length"))
            items.append(item)
        text = strip_reasoning(_text(i for i in items if not _is_commentary(i)))
        usage = parse_usage(part(self._final, "usage"), sent="input_tokens", said="output_tokens")
        return ModelReply(
            text=text if calls else text + sources(_annotations(items), text),
            commentary=_text(filter(_is_commentary, items)), calls=tuple(calls), finish=finish,
            left_out=left_out,
            usage=replace(usage, fees=searching_usd(items)),
            api="responses", raw=tuple(items), served=str(self._final.get("model") or "")[:200],
        )  # fmt: skip

    def _implied_final(self) -> Json:
        """The closing event of a reply that ends with `[DONE]` alone."""
        if not self._is_done or not (self._items or self._text):
            raise CutStream("the stream ended without response.completed")
        said = {"type": "output_text", "text": str(self._text)}
        return {"output": self._items or [{"type": "message", "role": "assistant", "content": [said]}]}


def _tool_call(item: Json, ids: set[str], *, is_cut: bool) -> ToolCall:
    id_ = unique_id(item.get("call_id"), ids)
    found = parse_call(id_, item.get("name"), item.get("arguments"), is_cut=is_cut)
    item["call_id"] = found.id
    item["name"] = safe_name(found.name)
    item["arguments"] = valid_arguments(found.arguments)
    return found


def _is_commentary(item: Json) -> bool:
    """Whether a message is about the progress; those of models before gpt-5.4 have no phase."""
    return item.get("type") == "message" and item.get("phase") == "commentary"


def _text(items: Iterable[Json]) -> str:
    said = [one for item in items if item.get("type") == "message" for one in item.get("content") or ()]
    return "".join(one.get("text") or one.get("refusal") or "" for one in said)


def _annotations(items: Iterable[Json]) -> Iterator[Any]:
    for item in items:
        for one in (item.get("content") or ()) if item.get("type") == "message" else ():
            yield from one.get("annotations") or ()


def _finish(final: Json, output: Sequence[Json]) -> str:
    if reason := part(final, "incomplete_details").get("reason"):
        return finish_reason(str(reason))
    return "tool_calls" if any(item.get("type") == "function_call" for item in output) else "stop"
