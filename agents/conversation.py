"""The turns of a conversation between an agent and a model, and their stored form as JSON.

`agents.model.wire` translates them to the APIs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

Json = dict[str, Any]

#: Calls of one reply that are kept. A model may write thousands, which each later turn would pay for again.
MAX_CALLS = 32
#: Characters of one call's arguments; the sandbox takes programs of 1 MiB.
MAX_ARGUMENTS = 1_200_000


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as the model wrote it; `arguments` is its JSON text, unchecked."""

    id: str
    name: str
    arguments: str
    refused: str = ""
    """Why the call can't run, in a sentence for the model; empty when it can."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one model turn, by the endpoint's count; `cached` is part of `input`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cost: float | None = None
    """USD, where the endpoint says what the turn cost."""
    fees: float = 0.0
    """USD beside the price of the tokens: for web searches."""

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a turn shows. `agents.model.pictures` reads its content by digest for each request."""

    path: str
    """Of its file in `/work`."""
    digest: str
    media_type: str
    width: int
    height: int

    @property
    def tokens(self) -> int:
        """An estimate for the window: services count one token for some 750 pixels."""
        return self.width * self.height // 750


@dataclass(frozen=True, slots=True)
class UserTurn:
    """Text for the agent: the request, a follow-up, or a note of the system; and pictures with it."""

    text: str
    pictures: tuple[Picture, ...] = ()
    is_note: bool = False
    """Whether the system wrote it while the agent was working."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """One complete model turn."""

    text: str = ""
    commentary: str = ""
    """What the model says of its progress, where its API keeps that apart from the answer (`phase`)."""
    calls: tuple[ToolCall, ...] = ()
    finish: str = "stop"
    """`stop`, `tool_calls`, `length` or `content_filter`; other values of an endpoint are kept."""
    usage: TokenUsage = TokenUsage()
    left_out: int = 0
    """Number of calls beyond `MAX_CALLS`, which were dropped."""
    model: str = ""
    """The requested model; empty in rows of earlier releases."""
    blind: bool = False
    """Whether pictures of the request were left out because the model refuses them."""
    served: str = ""
    """The endpoint's own name for the model; not stored."""
    api: str = ""
    """The API that produced `raw`; empty when the reply was written by us (history of an earlier task)."""
    raw: tuple[Json, ...] = ()
    """The message (Chat Completions) or output items (Responses) verbatim, vendor fields included.

    DeepSeek and Gemini answer 400 when their fields do not come back on the next turn."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a call, as the model reads it."""

    call_id: str
    text: str
    only_once: bool = False
    """Whether the call can't bring it again: a worker's report, a person's answer."""
    pictures: tuple[Picture, ...] = ()


Turn = UserTurn | ModelReply | ToolResult


def reply_to_json(reply: ModelReply) -> Json:
    """The stored form of a reply; `reply_from_json` reads it back.

    Not `asdict`, which copies all of `raw`: a tenth of a turn's cost.
    """
    usage = reply.usage
    calls = [
        {"id": c.id, "name": c.name, "arguments": c.arguments, "refused": c.refused} for c in reply.calls
    ]
    return {
        "text": reply.text, "commentary": reply.commentary, "calls": calls, "finish": reply.finish,
        "usage": {"input": usage.input, "output": usage.output, "cached": usage.cached},
        "left_out": reply.left_out, "model": reply.model, "blind": reply.blind, "api": reply.api,
        "raw": list(reply.raw),
    }  # fmt: skip


def reply_from_json(body: Mapping[str, Any]) -> ModelReply:
    """Read a stored reply; unknown keys are ignored so that newer rows do not stop an older process."""
    return ModelReply(
        text=body["text"],
        commentary=body.get("commentary", ""),
        calls=tuple(
            ToolCall(c["id"], c["name"], c["arguments"], c.get("refused", "")) for c in body["calls"]
        ),
        finish=body["finish"],
        usage=TokenUsage(**{k: body["usage"].get(k, 0) for k in ("input", "output", "cached")}),
        left_out=body.get("left_out", 0),
        model=body.get("model", ""),
        blind=body.get("blind", False),
        api=body["api"],
        raw=tuple(body["raw"]),
    )


def pictures_to_json(pictures: Iterable[Picture]) -> list[Json]:
    """The stored form of pictures, without their content."""
    return [asdict(picture) for picture in pictures]


def pictures_from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[Picture, ...]:
    return tuple(Picture(**{key: one[key] for key in Picture.__slots__}) for one in stored)
