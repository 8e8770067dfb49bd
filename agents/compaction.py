"""Compaction of a conversation that outgrows the model's context window.

It leaves out old pictures first and old results next, then replaces old turns with a summary, and last
drops the newest pictures and cuts the newest results.
The journal keeps everything; only the requests get shorter. A call stays with its result, because endpoints
refuse one without the other.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.conversation import Json, ModelReply, TokenUsage, ToolResult, Turn, UserTurn
from agents.errors import ContextTooLong
from agents.model.endpoint import Endpoint
from agents.model.wire import ModelRequest
from agents.prompts import prompt
from text.excerpt import excerpt

#: Share of the window at which compaction begins, and the share to get below.
START_SHARE, TARGET_SHARE = 0.7, 0.5
#: Share of the window above which the newest results are cut too.
_CUT_SHARE = 0.9
#: Tries at a summary, each with half the text of the one before: the estimate of what fits may be far off.
_SUMMARY_TRIES = 4
#: Characters per token: an estimate for text that the endpoint has not counted.
CHARS_PER_TOKEN = 4
#: Turns at the end that stay, and the length up to which a result is not worth leaving out.
_KEPT, _SHORT = 6, 400


@dataclass(frozen=True, slots=True)
class Compaction:
    """A step of compaction: the journal entry to write, and the tokens that it took."""

    entry: Json
    model: str = ""
    served: str = ""
    usage: TokenUsage = field(default_factory=TokenUsage)


async def compact(
    turns: Sequence[Turn], endpoint: Endpoint, model: str, window: int, *, urgent: bool = False
) -> Compaction | None:
    """The next step, or None when there is no need, or nothing left to shorten.

    `window` is in tokens. `urgent` means that the endpoint has refused the request as too long, whatever the
    estimate says.
    """
    size = estimate_tokens(turns)
    if not urgent and size < START_SHARE * window:
        return None
    before = _boundary(turns)
    if _have_pictures(turns[:before]):
        return _without_pictures(before)
    saved = sum(len(t.text) - _SHORT for t in turns[:before] if _can_be_left_out(t)) // CHARS_PER_TOKEN
    if saved > 0 and (urgent or size - saved < TARGET_SHARE * window):
        return Compaction({"before": before, "longer_than": _SHORT})
    if before >= 3 and (summary := await _summarize(turns[:before], endpoint, model, window)):
        return summary
    is_full = urgent or size > _CUT_SHARE * window
    if is_full and _have_pictures(turns):
        return _without_pictures(len(turns))
    longest = max((len(turn.text) for turn in turns if isinstance(turn, ToolResult)), default=0)
    if longest > 2 * _SHORT and is_full:
        most = max(longest // 2, _SHORT)
        # `longer_than` is for processes of an earlier release: they leave the results out.
        return Compaction({"before": len(turns), "cut_to": most, "longer_than": most})
    return None


def _have_pictures(turns: Sequence[Turn]) -> bool:
    return any(not isinstance(turn, ModelReply) and turn.pictures for turn in turns)


def _without_pictures(before: int) -> Compaction:
    # `longer_than` is for processes of an earlier release: they change nothing.
    return Compaction({"before": before, "drops_pictures": True, "longer_than": sys.maxsize})


async def _summarize(turns: Sequence[Turn], endpoint: Endpoint, model: str, window: int) -> Compaction | None:
    """A summary of the turns, or None when the model writes none."""
    room = min(window * CHARS_PER_TOKEN // 2, sum(map(_length, turns)))
    for _ in range(_SUMMARY_TRIES):
        asked = ModelRequest(model=model, instructions=prompt("summary"), turns=[_as_text(turns, room)])
        try:
            reply = await endpoint.complete(asked)
        except ContextTooLong:
            room //= 2
            continue
        if not reply.text.strip():
            return None
        summary = f"[Summary of the work so far, made to save room]\n{reply.text}"
        return Compaction({"before": len(turns), "summary": summary}, reply.model, reply.served, reply.usage)
    return None


def estimate_tokens(turns: Sequence[Turn]) -> int:
    """Tokens of a conversation: the endpoint's count at the newest reply, and an estimate of the rest."""
    uncounted = 0
    for turn in reversed(turns):
        if isinstance(turn, ModelReply) and turn.usage.total:
            return turn.usage.total + uncounted // CHARS_PER_TOKEN
        uncounted += _length(turn)
    return uncounted // CHARS_PER_TOKEN


def _boundary(turns: Sequence[Turn]) -> int:
    """The index of the first turn that stays, which is not a result: its call would be lost."""
    before = max(len(turns) - _KEPT, 0)
    while before > 0 and isinstance(turns[before], ToolResult):
        before -= 1
    return before


def _can_be_left_out(turn: Turn) -> bool:
    return isinstance(turn, ToolResult) and not turn.only_once and len(turn.text) > _SHORT


def _length(turn: Turn) -> int:
    if isinstance(turn, ModelReply):
        return len(turn.text) + sum(len(call.name) + len(call.arguments) for call in turn.calls)
    return len(turn.text) + sum(picture.tokens for picture in turn.pictures) * CHARS_PER_TOKEN


def _as_text(turns: Sequence[Turn], room: int) -> UserTurn:
    """The turns as one text of at most about `room` characters."""
    lines = [_line(turn) for turn in turns]
    most = max(_share([len(line) for line in lines], room), 200)
    return UserTurn("\n\n".join(excerpt(line, most) for line in lines))


def _share(lengths: Sequence[int], room: int) -> int:
    """The fair share of the room for each length; short ones leave theirs to the others."""
    for number, length in enumerate(sorted(lengths)):
        share = room // (len(lengths) - number)
        if length > share:
            return share
        room -= length
    return max(lengths)


def _line(turn: Turn) -> str:
    match turn:
        case UserTurn(text):
            return f"USER: {text}"
        case ToolResult(_, text):
            return f"RESULT: {text}"
    calls = [f"CALL {call.name}: {call.arguments}" for call in turn.calls]
    return "\n".join([f"AGENT: {turn.text}", *calls])
