"""Chat Completions, the API of all OpenAI-compatible endpoints.

Unknown fields of a reply are kept and sent back on the next turn: DeepSeek requires its `reasoning_content`,
Gemini its `extra_content.google.thought_signature`, and both answer 400 without them.
"""

from __future__ import annotations

from typing import Any

from agents.conversation import MAX_CALLS, Json, ModelReply, TokenUsage, ToolCall, ToolResult, Turn, UserTurn
from agents.model.wire import ModelRequest, Options, UserContent, user_turns, with_extra
from agents.model.wire.assembler import (
    Assembler,
    finish_reason,
    is_object,
    parse_call,
    parse_usage,
    part,
    unique_id,
    valid_arguments,
)
from agents.model.wire.reasoning import strip_reasoning
from agents.model.wire.stream import DONE, CutStream
from agents.model.wire.web_search import sources
from agents.tools import Tool
from agents.tools.schema import safe_name
from text.sanitize import TextBuffer, sanitize

#: Fields that each chunk repeats, so that a later value replaces an earlier one.
_REPEATED = {"role", "id", "type", "index", "format", "signature"}


class ChatWire:
    """`POST /chat/completions`, always streamed."""

    name = "chat"
    path = "chat/completions"

    def body(self, request: ModelRequest, options: Options) -> Json:
        messages: list[Json] = [{"role": "system", "content": request.instructions}]
        users = UserContent(request, _text_part, _picture_part)
        turns = (turn for turn in user_turns(request.turns) if not _is_empty(turn))
        messages += [_message(turn, request.model, users) for turn in turns]
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


def _tool(tool: Tool) -> Json:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": function}


def _is_empty(turn: Turn) -> bool:
    """A reply without calls or text, which strict endpoints refuse in the history (Anthropic: or blank)."""
    return isinstance(turn, ModelReply) and not turn.calls and not (turn.text + turn.commentary).strip()


def _message(turn: Turn, model: str, users: UserContent) -> Json:
    # Faster than `match`: this runs for the whole history on each turn.
    if isinstance(turn, ToolResult):
        return {"role": "tool", "tool_call_id": turn.call_id, "content": turn.text}
    if isinstance(turn, UserTurn):
        return {"role": "user", "content": users.of(turn)}
    if turn.api == "chat" and turn.raw and turn.model in ("", model):
        return turn.raw[0]
    # Another model's or API's reply: its vendor fields have no meaning here.
    message: Json = {"role": "assistant", "content": turn.text or turn.commentary}
    if turn.calls:
        message["tool_calls"] = [
            {
                "id": c.id,
                "type": "function",
                "function": {"name": safe_name(c.name), "arguments": valid_arguments(c.arguments)},
            }
            for c in turn.calls
        ]
    return message


def _text_part(text: str) -> Json:
    return {"type": "text", "text": text}


def _picture_part(url: str) -> Json:
    return {"type": "image_url", "image_url": {"url": url}}


class ChatAssembler(Assembler):
    """Assembles the deltas of one choice."""

    def __init__(self) -> None:
        super().__init__()
        self._message: Json = {"role": "assistant", "content": TextBuffer()}
        self._calls: list[Json] = []
        self._left_out: set[object] = set()
        self._finish = ""
        self._is_done = False
        self._served = ""
        self._usage = TokenUsage()

    @property
    def text(self) -> str:
        return strip_reasoning(str(self._message["content"]))

    def _add(self, value: Any) -> None:
        if value is DONE:
            self.grace = 0.1
            self._is_done = True
            return
        if isinstance(usage := value.get("usage"), dict):
            self._usage = parse_usage(usage, sent="prompt_tokens", said="completion_tokens")
        if not self._served and isinstance(model := value.get("model"), str):
            self._served = model[:200]
        for choice in value.get("choices") or ():
            self._add_delta(dict(choice.get("delta") or choice.get("message") or {}))
            if finish := choice.get("finish_reason"):
                self._finish = str(finish)
                self.grace = 5.0  # the token counts come after it

    def _add_delta(self, delta: Json) -> None:
        parts = delta.pop("tool_calls", None) or []
        if old_form := delta.pop("function_call", None):
            parts = [*parts, {"index": 0, "function": old_form}]
        for one in parts:
            if (call := self._call(one)) is not None:
                self._length += _merge(call, one)
        content = delta["content"] = _text(delta.get("content"))
        self.text_length += len(content)
        self._length += _merge(self._message, delta)

    def _reply(self) -> ModelReply:
        finish = finish_reason(self._finish or self._implied_finish())
        ids: set[str] = set()
        whole = [sanitize(call) for call in self._calls]
        calls = tuple(_tool_call(call, ids, is_cut=finish == "length") for call in whole)
        message = sanitize(self._message) | ({"tool_calls": whole} if calls else {})
        message["content"] = message["content"] or _text(message.get("refusal"))
        cited = "" if calls else sources(message.get("annotations") or (), message["content"])
        return ModelReply(
            text=strip_reasoning(message["content"]) + cited, calls=calls, finish=finish, usage=self._usage,
            left_out=len(self._left_out), api="chat", raw=(message,), served=self._served,
        )  # fmt: skip

    def _implied_finish(self) -> str:
        """The finish reason of a reply that has none and ends with `[DONE]`."""
        arguments = [str(part(call, "function").get("arguments") or "{}") for call in self._calls]
        if not self._is_done or not (self._calls or self.text_length) or not all(map(is_object, arguments)):
            raise CutStream("the stream ended without a finish reason")
        return "tool_calls" if self._calls else "stop"

    def _call(self, one: Json) -> Json | None:
        """The call of a delta; None beyond `MAX_CALLS`.

        Some endpoints send no index, some reuse one for a second call, Gemini without an id.
        """
        index, id_ = one.get("index"), one.get("id")
        among = [call for call in reversed(self._calls) if index is None or call.get("index") == index]
        for call in among:
            if id_ and call.get("id") == id_:
                return call
        if among and _continues(one, among[0]):
            return among[0]
        if len(self._calls) == MAX_CALLS:
            self._left_out.add(id_ if index is None else index)
            return None
        self._calls.append({})
        return self._calls[-1]


def _continues(one: Json, call: Json) -> bool:
    """Whether a delta continues a call whose id it does not have. Some gateways give each piece an id of its
    own; a second call with the index of the first has a name, and the first one's arguments are complete."""
    new, old = part(one, "function"), part(call, "function")
    name, arguments = new.get("name"), new.get("arguments")
    if not name:
        return True
    held = str(old.get("arguments") or "")
    if one.get("id") and call.get("id"):
        is_rest = not is_object(held) if held else name == old.get("name")
        return one.get("index") is not None and is_rest
    if name == old.get("name") and held and arguments == held:
        new["arguments"] = ""  # sent twice
    return not (new.get("arguments") and is_object(held))


def _joined_name(old: object, piece: str) -> str:
    """A name that comes whole, again with each piece, or in pieces."""
    return piece if not isinstance(old, str) or piece.startswith(old) else old + piece


def _tool_call(call: Json, ids: set[str], *, is_cut: bool) -> ToolCall:
    """The call; its message is repaired where the endpoint would refuse it in the history."""
    function = call["function"] = part(call, "function")
    id_ = unique_id(call.get("id"), ids)
    found = parse_call(id_, function.get("name"), function.get("arguments"), is_cut=is_cut)
    call["id"] = found.id
    call["type"] = "function"
    call.pop("index", None)
    function["name"] = safe_name(found.name)
    function["arguments"] = valid_arguments(found.arguments)
    return found


def _text(content: object) -> str:
    """A message's text; some endpoints send it in parts."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _join(parts: list[Any], one: Any) -> int:
    """Append to a list, or to the item that a piece continues; returns the number of characters.

    Pieces are joined because a signature is for the whole reasoning.
    """
    if not isinstance(one, dict):
        parts.append(one)
        return 0
    whole = next((found for found in reversed(parts) if _is_piece(one, found)), None)
    if whole is None:
        whole = {}
        parts.append(whole)
    return _merge(whole, one)


def _is_piece(one: Json, of: Any) -> bool:
    """Whether an item continues another: OpenRouter streams `reasoning_details` by index, LiteLLM
    `thinking_blocks` in order."""
    if not isinstance(of, dict) or of.get("type") != one.get("type"):
        return False
    if isinstance(index := one.get("index"), int):
        return of.get("index") == index
    return one.get("type") == "thinking" and not of.get("signature")


def _merge(into: Json, delta: Json) -> int:
    """Merge a delta into an object; returns the number of characters."""
    length = 0
    for key, value in delta.items():
        old = into.get(key)
        if isinstance(value, str):
            length += len(value)
            if isinstance(old, TextBuffer):
                old.append(value)
            elif key == "name":
                into[key] = _joined_name(old, value)
            elif value or old is None:
                into[key] = value if key in _REPEATED else TextBuffer([value])
        elif isinstance(value, dict):
            if not isinstance(old, dict):
                old = into[key] = {}
            length += _merge(old, value)
        elif isinstance(value, list):
            if not isinstance(old, list):
                old = into[key] = []
            length += sum(_join(old, one) for one in value)
        elif value is not None:
            into[key] = value
    return length
