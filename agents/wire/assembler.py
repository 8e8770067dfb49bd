"""What both APIs have in common in putting a streamed reply together.

Owns the bounds of a reply, and that nothing leaves it which a database or an endpoint would refuse, whatever
came in. Never knows how an API spells a reply.
"""

from __future__ import annotations

import json
import re
import uuid
from abc import ABC, abstractmethod
from typing import Any

from pydantic_core import from_json

from agents.conversation import LONGEST_ARGUMENTS, Json, Reply, ToolCall, Usage
from agents.wire.stream import LONGEST_REPLY, ErrorInside, RunawayReply, Unreadable

#: More tokens than any reply has; the sum of a task still fits into four bytes, as PostgreSQL keeps it.
MOST_TOKENS = 10_000_000
#: What code that reads an object raises when it is given something else.
_MISFITS = (AttributeError, TypeError, KeyError, ValueError, RecursionError)


class Assembler(ABC):
    """Collects one streamed reply, value by value."""

    def __init__(self) -> None:
        self.said = 0
        """Characters of `text`."""
        self.lingers: float | None = None
        """None until the reply is whole, then the seconds that it is worth waiting for the stream's end."""
        self._length = 0

    @property
    @abstractmethod
    def text(self) -> str:
        """What the reply says so far."""

    def add(self, value: Any) -> None:
        """Take in one value of the stream.

        Raises `Unreadable` for what can't be one, `ErrorInside` for the endpoint's own error, and
        `RunawayReply` past `LONGEST_REPLY`.
        """
        try:
            if isinstance(value, dict) and (error := value.get("error")):
                raise _told(error)
            self._add(value)
        except _MISFITS as error:
            raise Unreadable("a value that is no part of a reply") from error
        if self._length > LONGEST_REPLY:
            raise RunawayReply(f"the reply did not end within {LONGEST_REPLY:,} characters")

    def reply(self) -> Reply:
        """The whole reply; raises `CutStream` when the endpoint did not say that it was finished."""
        try:
            return self._reply()
        except _MISFITS as error:
            raise Unreadable("a reply that is put together wrongly") from error

    @abstractmethod
    def _add(self, value: Any) -> None: ...

    @abstractmethod
    def _reply(self) -> Reply: ...


def _told(error: object) -> ErrorInside:
    if isinstance(error, dict):
        return ErrorInside(error.get("code"), error.get("message"))
    return ErrorInside("", error)


def named(id_: object, others: set[str]) -> str:
    """A call's id, or one of ours where the endpoint gave none, or gave it to another call of the reply."""
    found = id_ if isinstance(id_, str) and id_ and id_ not in others else f"call_{uuid.uuid4().hex[:12]}"
    others.add(found)
    return found


def spelled(name: str) -> str:
    """A tool's name as endpoints take it in a conversation; a refusal of another would end the work."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64] or "unnamed"


def readable(arguments: str) -> str:
    """A call's arguments as endpoints take them in a conversation: vLLM, SGLang and llama.cpp parse them, and
    refuse every later turn where they are no JSON object."""
    try:
        if isinstance(from_json(arguments or "{}", allow_inf_nan=False), dict):
            return arguments or "{}"
    except ValueError:
        pass
    return json.dumps({"not_json": arguments}, ensure_ascii=False)


def taken(id_: str, name: object, arguments: object) -> ToolCall:
    """A call as it may be run; arguments that are too long are left out, and the model is told."""
    name = name if isinstance(name, str) else ""
    if not isinstance(arguments, str):  # some endpoints send the object itself
        arguments = json.dumps(arguments, ensure_ascii=False) if arguments is not None else ""
    if len(arguments) <= LONGEST_ARGUMENTS:
        return ToolCall(id_, name, arguments)
    refusal = (
        f"the arguments have {len(arguments):,} characters, and {LONGEST_ARGUMENTS:,} are the most. "
        "Nothing was run. Have a program make large data, or send it in parts."
    )
    return ToolCall(id_, name, "{}", refused=refusal)


def counted(usage: Json, *, sent: str, said: str) -> Usage:
    """The endpoint's count of tokens; `sent` and `said` are its names for what went in and what came out.
    More from the cache than was sent can't be: some endpoints leave it out of what was sent."""
    input_ = _count(usage, sent)
    cached = _count(part(usage, f"{sent}_details"), "cached_tokens")
    return Usage(input_, _count(usage, said), min(cached, input_))


def _count(usage: Json, key: str) -> int:
    """A number of tokens; 0 where the endpoint says nothing that can be one."""
    found = usage.get(key)
    return min(found, MOST_TOKENS) if isinstance(found, int) and found > 0 else 0


def part(usage: Json, key: str) -> Json:
    """An object inside another; an empty one where there is none."""
    found = usage.get(key)
    return found if isinstance(found, dict) else {}
