"""What a scripted model answers, and what it was asked: plain values.

Knows nothing of HTTP: `chat_wire` and `responses_wire` turn these into bytes, `scripted_model` serves them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_MODEL_ITEMS = ("function_call", "reasoning")


@dataclass(frozen=True)
class Usage:
    """Token counts of one turn; `cached` is the part of `prompt` that the endpoint had in its cache."""

    prompt: int
    completion: int
    cached: int = 0


@dataclass(frozen=True)
class Call:
    """One tool call. `arguments` as a string is sent as it is, so that it may be broken JSON.

    Without an `id` the endpoint gives one. `extra` holds fields beside `function`, as Gemini's.
    """

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wire_arguments(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Turn:
    """A whole reply. `finish` is the chat finish reason and follows from the calls unless given.

    `extra` holds fields of the message that the standard does not know, as `reasoning_content`; strings among
    them are streamed in pieces. `ran` holds what the service itself did for it, as items of Responses.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str | None = None
    usage: Usage | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    ran: tuple[Mapping[str, Any], ...] = ()

    @property
    def finish_reason(self) -> str:
        return self.finish or ("tool_calls" if self.calls else "stop")


@dataclass(frozen=True)
class Say:
    """A final answer."""

    text: str


@dataclass(frozen=True)
class Empty:
    """A reply that is complete and holds nothing."""


@dataclass(frozen=True)
class Fault:
    """An HTTP error for `times` requests in a row. A dict body goes out as JSON, a string as plain text."""

    status: int
    body: Mapping[str, Any] | str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1


@dataclass(frozen=True)
class Cut:
    """The connection breaks after `after_chunks` stream chunks of `text` (the first holds the role only)."""

    after_chunks: int = 2
    text: str = "This answer will never be complete, however long one waits for it."


@dataclass(frozen=True)
class Polite:
    """The stream is closed properly, but with neither a finish reason nor `[DONE]`: a proxy that restarts."""

    text: str = "This answer is only half"


@dataclass(frozen=True)
class Hang:
    """`after_chunks` chunks of `text` and then silence; after `seconds` the connection breaks."""

    seconds: float
    after_chunks: int = 0
    text: str = "Let me think about it."


@dataclass(frozen=True)
class Endless:
    """A stream that repeats `text` for ever, `delay` seconds apart."""

    text: str = "and on "
    delay: float = 0.0


@dataclass(frozen=True)
class StreamError:
    """Status 200, a little text, and then an error inside the stream, as routers do when a vendor fails."""

    message: str = "The upstream provider is overloaded."
    code: str | int = 502
    text: str = "One moment"


@dataclass(frozen=True)
class BadJson:
    """Status 200 and a body, or a stream chunk, that is not JSON."""


@dataclass(frozen=True)
class BadUtf8:
    """Status 200 and a body, or a stream chunk, with bytes that are not UTF-8."""


@dataclass(frozen=True)
class Raw:
    """Status 200 and these bytes, piece by piece; then the connection stays open for `hold` seconds."""

    pieces: Sequence[bytes]
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})
    hold: float = 0.0


def Html502() -> Fault:
    """The page of a proxy whose model server is away."""
    page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
    return Fault(502, page, {"Content-Type": "text/html"})


def openai_error(status: int, message: str, code: str | None = None, **headers: str) -> Fault:
    """A fault in the form all OpenAI-compatible endpoints share; header names take `_` for `-`."""
    kind = "insufficient_quota" if code == "insufficient_quota" else "invalid_request_error"
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Fault(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


Reply = (
    Say | Call | Turn | Empty | Fault | Cut | Polite | Hang | Endless | StreamError | BadJson | BadUtf8 | Raw
)


@dataclass(frozen=True)
class Asked:
    """One request as it came in. `asked["messages"]` is short for `asked.body["messages"]`."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.body[key]

    @property
    def api(self) -> str:
        """ "responses" or "chat"."""
        return "responses" if self.path.endswith("/responses") else "chat"

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation: chat messages, or the input items of the Responses API."""
        found = self.body.get("messages", self.body.get("input", []))
        return [{"role": "user", "content": found}] if isinstance(found, str) else list(found)

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the tools offered; the type of those that the service itself runs."""
        return tuple(
            tool.get("function", tool).get("name", tool["type"]) for tool in self.body.get("tools") or ()
        )

    @property
    def called(self) -> tuple[str, ...]:
        """Names of the tools called so far in this conversation, in order."""
        chat = [c["function"]["name"] for m in self.messages for c in m.get("tool_calls") or ()]
        return (*chat, *(i["name"] for i in self.messages if i.get("type") == "function_call"))

    @property
    def is_orchestrator(self) -> bool:
        """Whether `create_worker` is offered, or was used when this turn offers no tools at all."""
        return "create_worker" in (self.tools or self.called)

    @property
    def is_worker(self) -> bool:
        """Whether `execute_python_code` is offered, or was used when this turn offers no tools at all; a
        request for words alone is a worker's where it has a brief."""
        if not (self.tools or self.called):
            return "Your part of it is the brief above" in self.last_user
        return "execute_python_code" in (self.tools or self.called) and not self.is_orchestrator

    @property
    def system(self) -> str:
        """The system prompt."""
        said = [text_of(m.get("content")) for m in self.messages if m.get("role") in ("system", "developer")]
        return "\n".join([*said, str(self.body.get("instructions") or "")]).strip()

    @property
    def brief(self) -> str:
        """The first thing a user said: for a worker, its brief, without the request that follows."""
        said = (text_of(m.get("content")) for m in self.messages if m.get("role") == "user")
        return next(said, "").partition("\n\nContext: this is what the person asked for")[0]

    @property
    def last_user(self) -> str:
        """The last thing a user said."""
        said = [text_of(m.get("content")) for m in self.messages if m.get("role") == "user"]
        return said[-1] if said else ""

    @property
    def results(self) -> tuple[str, ...]:
        """All tool results of the conversation, in order."""
        chat = [text_of(m.get("content")) for m in self.messages if m.get("role") == "tool"]
        items = [i for i in self.messages if i.get("type") == "function_call_output"]
        return (*chat, *(text_of(item["output"]) for item in items))

    @property
    def turn(self) -> int:
        """How many model turns came before this one in the conversation."""
        spoken = [m.get("role") == "assistant" or m.get("type") in _MODEL_ITEMS for m in self.messages]
        if self.api == "chat":
            return sum(spoken)
        return sum(now and not before for before, now in zip([False, *spoken], spoken, strict=False))


def text_of(content: object) -> str:
    """The text of a message's content, which is a string, a list of parts, or absent."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part.get("text", "") for part in parts if isinstance(part, dict))
