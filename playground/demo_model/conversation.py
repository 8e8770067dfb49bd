"""Parses a chat completions request: tools offered, messages, tool calls and their results.

The modules that use these values don't see the wire format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ValidationError

from playground.demo_model.message import read_all
from playground.demo_model.picture import SeenPicture, look

Json = Mapping[str, Any]

_ASKED_ON = re.compile(r"\[Asked on [^\d\]]*(\d{4}-\d\d-\d\d)")


class BadRequest(Exception):
    """The body is not a chat completions request. The message is the sentence to answer with."""


@dataclass(frozen=True)
class MessageEntry:
    """A message from a person, or the model's final answer.

    `text` is the raw text; `words` and `files` are parsed from a person's message.
    """

    by_person: bool
    text: str
    words: str = ""
    files: tuple[str, ...] = ()
    pictures: tuple[SeenPicture, ...] = ()


@dataclass(frozen=True)
class CallEntry:
    """A tool call that the model made. `result` is None until it has one."""

    name: str
    arguments: Json
    result: str | None


@dataclass(frozen=True)
class ToolUse:
    """A tool call to make next."""

    name: str
    arguments: Json


@dataclass(frozen=True)
class Reply:
    """The model's next turn. Without calls it is a final answer."""

    text: str
    calls: tuple[ToolUse, ...] = ()


@dataclass(frozen=True)
class Conversation:
    """One request. `tools` maps the tools that may be called now to the schemas of their arguments."""

    entries: tuple[MessageEntry | CallEntry, ...]
    tools: Mapping[str, Json] = field(default_factory=dict)

    @property
    def task(self) -> tuple[MessageEntry | CallEntry, ...]:
        """The current task: the entries since the model's last final answer."""
        ends = [
            n
            for n, entry in enumerate(self.entries)
            if isinstance(entry, MessageEntry) and not entry.by_person
        ]
        return self.entries[ends[-1] + 1 :] if ends else self.entries

    @property
    def earlier_requests(self) -> tuple[str, ...]:
        """What people wrote before the current task, oldest first."""
        before = self.entries[: len(self.entries) - len(self.task)]
        return tuple(entry.words for entry in before if isinstance(entry, MessageEntry) and entry.by_person)

    def calls(self, name: str) -> tuple[CallEntry, ...]:
        """The calls of one tool in the current task."""
        return tuple(entry for entry in self.task if isinstance(entry, CallEntry) and entry.name == name)

    @property
    def asked_on(self) -> date | None:
        """The day of the current task's newest request, by the note below it."""
        texts = (entry.text for entry in self.task if isinstance(entry, MessageEntry))
        days = [day for text in texts for day in _ASKED_ON.findall(text)]
        return date.fromisoformat(days[-1]) if days else None

    def arguments(self, tool: str, **wanted: Any) -> ToolUse:
        """A tool call with those of the wanted arguments that its schema has."""
        known = self.tools[tool].get("properties", {})
        return ToolUse(tool, {name: value for name, value in wanted.items() if name in known})


class _Address(BaseModel):
    url: str


class _ContentPart(BaseModel):
    text: str | None = None
    image_url: _Address | None = None


class _Function(BaseModel):
    name: str
    arguments: str = "{}"


class _Call(BaseModel):
    id: str
    function: _Function


class _Message(BaseModel):
    role: str
    content: str | list[_ContentPart] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str = ""

    @property
    def text(self) -> str:
        parts = self.content if isinstance(self.content, list) else [_ContentPart(text=self.content)]
        labels = [part for part, after in pairwise(parts) if after.image_url]
        return "".join(part.text or "" for part in parts if part not in labels)

    @property
    def pictures(self) -> tuple[SeenPicture, ...]:
        """The pictures, each by the name that stands before it."""
        parts = self.content if isinstance(self.content, list) else []
        return tuple(
            look((before.text or "").removeprefix("/work/").removesuffix(":"), part.image_url.url)
            for before, part in pairwise(parts)
            if part.image_url
        )


class _Schema(BaseModel):
    properties: dict[str, dict[str, Any]] = {}


class _Offer(BaseModel):
    name: str
    parameters: _Schema = _Schema()


class _Tool(BaseModel):
    function: _Offer


class _Body(BaseModel):
    """The fields of a chat completions request that the demo model reads."""

    messages: list[_Message]
    tools: list[_Tool] | None = None
    tool_choice: Any = None


def read(body: object) -> Conversation:
    """Validates and parses a request body. Raises `BadRequest` with what is wrong."""
    try:
        request = _Body.model_validate(body)
    except ValidationError as error:
        raise BadRequest(_sentence(error)) from None
    if not any(message.role == "user" for message in request.messages):
        raise BadRequest("'messages' must hold at least one message with the role 'user'.")
    tools = [] if request.tool_choice == "none" else request.tools or []
    offered = {tool.function.name: tool.function.parameters.model_dump() for tool in tools}
    return Conversation(tuple(_entries(request.messages)), offered)


def _sentence(error: ValidationError) -> str:
    found = error.errors()[0]
    where = ".".join(map(str, found["loc"])) or "The request body"
    return f"{where}: {found['msg']}."


def _entries(messages: Sequence[_Message]) -> Iterator[MessageEntry | CallEntry]:
    spoken = iter(read_all(message.text for message in messages if message.role == "user"))
    results = {message.tool_call_id: message.text for message in messages if message.role == "tool"}
    for message in messages:
        if message.role == "user":
            said = next(spoken)
            yield MessageEntry(True, message.text, said.words, said.files, message.pictures)
        elif message.role == "assistant":
            for call in message.tool_calls or ():
                yield CallEntry(call.function.name, _object(call.function.arguments), results.get(call.id))
            if not message.tool_calls:
                yield MessageEntry(False, message.text)


def _object(text: str) -> Json:
    """The JSON object in a text. Empty if there is none, as a model's own arguments may be broken."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
