"""Changes to a request's body for services that refuse it as it is: pure functions, for either API."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from agents.conversation import Json

Rewrite = Callable[[Json], Json]
Content = str | list[Json]
#: An assistant message between a result and a user message, where a service requires one.
_BETWEEN = "I have the results."
_SHORT_ID = re.compile(r"[a-zA-Z0-9]{9}")
#: Keywords of a schema without which it says something else.
_NEEDED = {"type", "properties", "items", "required", "enum", "anyOf", "oneOf", "allOf", "not", "description"}


def alternate_roles(messages: Sequence[Json]) -> list[Json]:
    """The messages with roles that alternate: user messages in a row are joined, and an assistant message
    follows each result."""
    found: list[Json] = []
    for message in messages:
        last = found[-1]["role"] if found else ""
        if message["role"] == "user" and last == "user":
            found[-1] = {"role": "user", "content": _joined(found[-1]["content"], message["content"])}
            continue
        if message["role"] == "user" and last == "tool":
            found.append({"role": "assistant", "content": _BETWEEN})
        found.append(message)
    return found


def _joined(first: Content, second: Content, kind: str = "text") -> Content:
    """Two contents as one; `kind` is that of a part with text."""
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    parts = [[{"type": kind, "text": one}] if isinstance(one, str) else one for one in (first, second)]
    return [part for several in parts for part in several]


def with_alternate_roles(body: Json) -> Json:
    return body | {"messages": alternate_roles(body["messages"])} if "messages" in body else body


def with_short_ids(body: Json) -> Json:
    """Calls with ids of nine letters and digits, the only ones that Mistral takes. An id stays the same for
    each request."""
    return _mapped(body, _with_short_id)


def without_empty_content(body: Json) -> Json:
    """Messages with calls and no text have no `content`."""
    return _mapped(body, lambda m: m if m.get("content") or "tool_calls" not in m else _without(m, "content"))


def without_system_role(body: Json) -> Json:
    """The instructions as the beginning of the first user message."""
    key = "messages" if "messages" in body else "input"
    turns = list(body[key])
    instructions = turns.pop(0)["content"] if key == "messages" else body["instructions"]
    if turns and turns[0].get("role") == "user":
        kind = "text" if key == "messages" else "input_text"
        turns[0] = turns[0] | {"content": _joined(instructions, turns[0]["content"], kind)}
    else:
        turns.insert(0, {"role": "user", "content": instructions})
    return _without(body, "instructions") | {key: turns}


def without_keyword(keyword: str) -> Rewrite:
    """Leaves a keyword out of the schemas of all tools."""

    def rewrite(body: Json) -> Json:
        return body | {"tools": [_schemas_without(tool, keyword) for tool in body.get("tools", ())]}

    return rewrite


def without_tool(name: str) -> Rewrite:
    """Leaves a tool out."""

    def rewrite(body: Json) -> Json:
        return body | {"tools": [tool for tool in body["tools"] if tool_name(tool) != name]}

    return rewrite


def tool_name(tool: Json) -> str:
    """The name of a tool in either API's form."""
    return str(tool.get("function", tool)["name"])


def keywords(tools: Sequence[Json]) -> set[str]:
    """The keywords of the tools' schemas that can be left out."""
    return {key for tool in tools for key in _keys(tool.get("function", tool)["parameters"])} - _NEEDED


def _mapped(body: Json, change: Callable[[Json], Json]) -> Json:
    key = "messages" if "messages" in body else "input"
    return body | {key: [change(turn) for turn in body[key]]}


def _with_short_id(turn: Json) -> Json:
    changed: Json = {key: _short(turn[key]) for key in ("tool_call_id", "call_id") if key in turn}
    if calls := turn.get("tool_calls"):
        changed["tool_calls"] = [call | {"id": _short(call["id"])} for call in calls]
    return turn | changed


def _short(id_: str) -> str:
    return id_ if _SHORT_ID.fullmatch(id_) else hashlib.sha256(id_.encode()).hexdigest()[:9]


def _without(value: Json, key: str) -> Json:
    return {name: one for name, one in value.items() if name != key}


def _schemas_without(tool: Json, keyword: str) -> Json:
    if "function" in tool:
        return tool | {"function": _schemas_without(tool["function"], keyword)}
    return tool | {"parameters": _schema_without(tool["parameters"], keyword)}


def _schema_without(schema: Any, keyword: str) -> Any:
    if isinstance(schema, list):
        return [_schema_without(one, keyword) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _schema_without(one, keyword) for name, one in value.items()}
        if key == "properties"
        else _schema_without(value, keyword)
        for key, value in schema.items()
        if key != keyword
    }


def _keys(schema: Any) -> Collection[str]:
    if isinstance(schema, list):
        return {key for one in schema for key in _keys(one)}
    if not isinstance(schema, dict):
        return set()
    inner = {
        key
        for name, value in schema.items()
        for one in (value.values() if name == "properties" and isinstance(value, dict) else [value])
        for key in _keys(one)
    }
    return {*schema, *inner}
