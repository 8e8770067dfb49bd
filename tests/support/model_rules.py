"""The rules of the wire that strict vendors enforce, as functions from a request to its first violation.

Never answers anything itself, and never looks at what a script wants said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.model_replies import Asked

_ROLES = ("system", "developer", "user", "assistant", "tool")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ITEMS = ("message", "function_call", "function_call_output", "reasoning")


def violation(asked: Asked, allows: str = "") -> str | None:
    """What the request does wrong, as the sentence an endpoint would answer with; None when it is sound.

    Sentences with the word `allows` are no violation.
    """
    check = _responses if asked.api == "responses" else _chat
    found = (sentence for sentence in check(asked.body) if not (allows and allows in sentence))
    return next(found, None)


def _chat(body: Mapping[str, Any]) -> Iterator[str]:
    yield from _common(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "'messages' must be a list with at least one message."
        return
    if "stream_options" in body and not body.get("stream"):
        yield "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    if "max_tokens" in body and "max_completion_tokens" in body:
        yield "Give 'max_tokens' or 'max_completion_tokens', not both."
    for number, message in enumerate(messages):
        yield from _message(message, f"messages[{number}]")
    yield from _chat_pairs(messages)
    for number, tool in enumerate(body.get("tools") or ()):
        if tool == {"type": "openrouter:web_search"}:
            continue
        if tool.get("type") != "function" or not isinstance(tool.get("function"), dict):
            yield f"tools[{number}] must have type 'function' and an object 'function'."
        else:
            yield from _tool(tool["function"], f"tools[{number}].function")


def _common(body: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(body.get("model"), str) or not body["model"]:
        yield "you must provide a model parameter"
    tools = body.get("tools")
    if tools == []:
        yield "Invalid 'tools': empty array. Leave it out instead."
    if "tool_choice" in body and not tools:
        yield "'tool_choice' is only allowed when 'tools' are specified."
    if "parallel_tool_calls" in body and not tools:
        yield "'parallel_tool_calls' is only allowed when 'tools' are specified."
    names = [tool.get("function", tool).get("name") for tool in tools or ()]
    if len(set(names)) != len(names):
        yield f"Tool names must be unique: {names}."


def _message(message: Mapping[str, Any], where: str) -> Iterator[str]:
    role, content = message.get("role"), message.get("content")
    if role not in _ROLES:
        yield f"Invalid value for '{where}.role': {role!r}. Supported values are {_ROLES}."
    elif role == "assistant":
        if not content and not message.get("tool_calls"):
            yield f"'{where}' is an assistant message with neither content nor tool_calls."
    elif not isinstance(content, str | list) or (role == "user" and not content):
        yield f"'{where}.content' must be a string or a list of parts and, from a user, not empty."
    if "tool_calls" in message and (role != "assistant" or not message["tool_calls"]):
        yield f"'{where}.tool_calls' must not be empty and belongs to an assistant message."
    for number, call in enumerate(message.get("tool_calls") or ()):
        yield from _call(call, f"{where}.tool_calls[{number}]")


def _call(call: Mapping[str, Any], where: str) -> Iterator[str]:
    function = call.get("function")
    if not call.get("id") or call.get("type") != "function" or not isinstance(function, dict):
        yield f"'{where}' needs an id, the type 'function' and an object 'function'."
    elif not _TOOL_NAME.fullmatch(str(function.get("name"))):
        yield f"'{where}.function.name' must match {_TOOL_NAME.pattern}: {function.get('name')!r}."
    elif not isinstance(function.get("arguments"), str):
        yield f"'{where}.function.arguments' must be a string."


def _chat_pairs(messages: list[dict[str, Any]]) -> Iterator[str]:
    open_calls: set[str] = set()
    for number, message in enumerate(messages):
        if message.get("role") == "tool":
            call = message.get("tool_call_id")
            if call not in open_calls:
                yield (
                    "Invalid parameter: messages with role 'tool' must be a response to a preceding message "
                    f"with 'tool_calls': messages[{number}] answers {call!r}."
                )
            open_calls.discard(str(call))
            continue
        if open_calls:
            break
        ids = [str(call.get("id")) for call in message.get("tool_calls") or ()]
        open_calls = set(ids)
        if len(open_calls) != len(ids):
            yield f"messages[{number}].tool_calls has two calls with the same id: {ids}."
    if open_calls:
        yield (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following did not have response messages: {', '.join(sorted(open_calls))}"
        )


def _tool(tool: Mapping[str, Any], where: str) -> Iterator[str]:
    schema = tool.get("parameters")
    invalid = f"Invalid schema for function {tool.get('name')!r}"
    if not _TOOL_NAME.fullmatch(str(tool.get("name"))):
        yield f"'{where}.name' must match {_TOOL_NAME.pattern}: {tool.get('name')!r}."
    if not isinstance(schema, dict) or schema.get("type") != "object":
        yield f"{invalid}: the type of '{where}.parameters' must be 'object'."
        return
    if schema.get("additionalProperties") is not False:
        yield f"{invalid}: 'additionalProperties' must be false."
    missing = set(schema.get("required", ())) - set(schema.get("properties", {}))
    if missing:
        yield f"{invalid}: required but not defined: {sorted(missing)}."


def _responses(body: Mapping[str, Any]) -> Iterator[str]:
    yield from _common(body)
    items = body.get("input")
    if "messages" in body:
        yield "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'."
    if "stream_options" in body and "include_usage" in body["stream_options"]:
        yield "Unknown parameter: 'stream_options.include_usage'."
    if body.get("previous_response_id"):
        yield "This endpoint keeps no state: 'previous_response_id' is not supported. Send the items again."
    for number, tool in enumerate(body.get("tools") or ()):
        if tool in ({"type": "web_search"}, {"type": "openrouter:web_search"}):
            continue
        if tool.get("type") != "function" or "function" in tool:
            yield f"tools[{number}] must have type 'function' and its name beside it, not inside 'function'."
        else:
            yield from _tool(tool, f"tools[{number}]")
    if isinstance(items, str) and items:
        return
    if not isinstance(items, list) or not items:
        yield "'input' must be a text or a list with at least one item."
        return
    for number, item in enumerate(items):
        yield from _item(item, f"input[{number}]")
    yield from _item_pairs(items)


def _item(item: Mapping[str, Any], where: str) -> Iterator[str]:
    kind = item.get("type", "message")
    if kind not in _ITEMS:
        yield f"Invalid value for '{where}.type': {kind!r}. Supported values are {_ITEMS}."
    elif kind == "message":
        if item.get("role") not in ("system", "developer", "user", "assistant"):
            yield f"Invalid value for '{where}.role': {item.get('role')!r}."
        if not isinstance(item.get("content"), str | list):
            yield f"'{where}.content' must be a string or a list of parts."
    elif kind == "function_call" and not all(
        isinstance(item.get(k), str) for k in ("call_id", "name", "arguments")
    ):
        yield f"'{where}' needs call_id, name and arguments as strings."
    elif kind == "function_call_output" and not isinstance(item.get("output"), str | list):
        yield f"'{where}.output' must be a string or a list of parts."


def _item_pairs(items: list[dict[str, Any]]) -> Iterator[str]:
    open_calls: set[str] = set()
    for item in items:
        call = str(item.get("call_id"))
        if item.get("type") == "function_call":
            if call in open_calls:
                yield f"Two function calls have the same call_id {call}."
            open_calls.add(call)
        elif item.get("type") == "function_call_output":
            if call not in open_calls:
                yield f"No tool call found for function call output with call_id {call}."
            open_calls.discard(call)
        elif item.get("role") == "user" and open_calls:
            break
    if open_calls:
        yield f"No tool output found for function call {', '.join(sorted(open_calls))}."
