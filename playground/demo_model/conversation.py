"""A chat completions request, read once: tools offered, what was said, what was called and what came of it.

Decides nothing. Everything behind it works on these values and never sees the wire.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playground.demo_model.message import read_all

Json = Mapping[str, Any]


class BadRequest(Exception):
    """A request that is not a chat completions request; the message is the sentence to answer with."""


@dataclass(frozen=True)
class Said:
    """Words of a person, or of the model when they ended its work.

    `text` is as it came; a person's `words` and `files` are what a message says and brings."""

    by_person: bool
    text: str
    words: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Called:
    """A tool call of the model. `result` is None while it has none."""

    name: str
    arguments: Json
    result: str | None


@dataclass(frozen=True)
class ToolUse:
    """A tool call to make now."""

    name: str
    arguments: Json


@dataclass(frozen=True)
class Reply:
    """The model's next turn; without calls it is a final answer."""

    text: str
    calls: tuple[ToolUse, ...] = ()


@dataclass(frozen=True)
class Conversation:
    """One request. `tools` maps the tools that may be called now to the schemas of their arguments."""

    entries: tuple[Said | Called, ...]
    tools: Mapping[str, Json] = field(default_factory=dict)

    @property
    def task(self) -> tuple[Said | Called, ...]:
        """The entries since the model last gave a final answer: the work in hand."""
        ends = [n for n, entry in enumerate(self.entries) if isinstance(entry, Said) and not entry.by_person]
        return self.entries[ends[-1] + 1 :] if ends else self.entries

    @property
    def earlier_requests(self) -> tuple[str, ...]:
        """What people said before the work in hand, oldest first."""
        before = self.entries[: len(self.entries) - len(self.task)]
        return tuple(entry.words for entry in before if isinstance(entry, Said) and entry.by_person)

    def calls(self, name: str) -> tuple[Called, ...]:
        """The calls of one tool within the work in hand."""
        return tuple(entry for entry in self.task if isinstance(entry, Called) and entry.name == name)

    def arguments(self, tool: str, **wanted: Any) -> ToolUse:
        """A call of a tool with those of the wanted arguments that its schema knows."""
        known = self.tools[tool].get("properties", {})
        return ToolUse(tool, {name: value for name, value in wanted.items() if name in known})


def read(body: object) -> Conversation:
    """Check a request body and read it; raises `BadRequest` with what is wrong."""
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object.")
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise BadRequest("'messages' must be a list of objects.")
    if not any(message.get("role") == "user" for message in messages):
        raise BadRequest("'messages' must hold at least one message with the role 'user'.")
    tools = {} if body.get("tool_choice") == "none" else _tools(body.get("tools") or [])
    return Conversation(tuple(_entries(messages)), tools)


def _tools(offered: object) -> dict[str, Json]:
    if not isinstance(offered, list):
        raise BadRequest("'tools' must be a list.")
    functions = [tool.get("function") for tool in offered if isinstance(tool, dict)]
    return {
        function["name"]: function.get("parameters") or {}
        for function in functions
        if isinstance(function, dict) and isinstance(function.get("name"), str)
    }


def _entries(messages: Sequence[Json]) -> Iterator[Said | Called]:
    spoken = iter(read_all(text_of(message) for message in messages if message.get("role") == "user"))
    results = {str(m.get("tool_call_id")): text_of(m) for m in messages if m.get("role") == "tool"}
    for message in messages:
        if message.get("role") == "user":
            said = next(spoken)
            yield Said(True, text_of(message), said.words, said.files)
        elif message.get("role") == "assistant":
            calls = message.get("tool_calls") or []
            yield from (_called(call, results) for call in calls)
            if not calls:
                yield Said(False, text_of(message))


def _called(call: Json, results: Mapping[str, str]) -> Called:
    function = call.get("function") or {}
    return Called(
        str(function.get("name")), _object(function.get("arguments")), results.get(str(call.get("id")))
    )


def _object(text: object) -> Json:
    """The JSON object in a text; empty when there is none, as a model's own arguments may be broken."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def text_of(message: Json) -> str:
    """The text of a message whose content is a string, a list of parts, or absent."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
