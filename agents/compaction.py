"""Room in a model's window: old results are left out first, then old turns are told in a summary, and where
the newest turns alone are too much, their results are cut.

Owns when and what. The journal keeps everything; only what the model is sent changes. Never parts a call from
its result, which every endpoint refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.conversation import Json, ModelReply, TokenUsage, ToolResult, Turn, UserTurn
from agents.endpoint import Endpoint
from agents.errors import ContextTooLong
from agents.excerpt import excerpt
from agents.prompts import prompt
from agents.wire import ModelRequest

#: Share of the window at which room is made, and the share that has to be free of it afterwards.
FULL, ROOMY = 0.7, 0.5
#: Share of the window past which even the newest results are cut.
_BURSTING = 0.9
#: Tries at a summary, each told half of the one before: our guess at what fits may be far off.
_SUMMARIES = 4
#: Characters for one token: an estimate for what the endpoint has not counted yet.
PER_TOKEN = 4
#: Turns at the end that stay as they are, and the results that are too short to be worth leaving out.
_KEPT, _SHORT = 6, 400


@dataclass(frozen=True, slots=True)
class Compaction:
    """What `Transcript.make_room` is to write, and what making it took."""

    entry: Json
    model: str = ""
    usage: TokenUsage = field(default_factory=TokenUsage)


async def compact(
    turns: Sequence[Turn], endpoint: Endpoint, model: str, window: int, *, urgent: bool = False
) -> Compaction | None:
    """The next step that makes room, or None when there is no need, or nothing more to leave out.

    `window` is in tokens. `urgent` is for a refusal by the endpoint: its word counts more than our estimate.
    """
    size = estimate_tokens(turns)
    if not urgent and size < FULL * window:
        return None
    before = _boundary(turns)
    spared = sum(len(t.text) - _SHORT for t in turns[:before] if _can_be_left_out(t)) // PER_TOKEN
    if spared > 0 and (urgent or size - spared < ROOMY * window):
        return Compaction({"before": before, "longer_than": _SHORT})
    if before >= 3 and (summed_up := await _summed_up(turns[:before], endpoint, model, window)):
        return summed_up
    longest = max((len(turn.text) for turn in turns if isinstance(turn, ToolResult)), default=0)
    if longest > 2 * _SHORT and (urgent or size > _BURSTING * window):
        most = max(longest // 2, _SHORT)
        # A process from before results were cut reads the last of these, and leaves them out.
        return Compaction({"before": len(turns), "cut_to": most, "longer_than": most})
    return None


async def _summed_up(turns: Sequence[Turn], endpoint: Endpoint, model: str, window: int) -> Compaction | None:
    """A summary in place of the turns, or None where the model gives none."""
    room = min(window * PER_TOKEN // 2, sum(map(_length, turns)))
    for _ in range(_SUMMARIES):
        asked = ModelRequest(model=model, instructions=prompt("summary"), turns=[_told(turns, room)])
        try:
            reply = await endpoint.complete(asked)
        except ContextTooLong:
            room //= 2
            continue
        if not reply.text.strip():
            return None
        summary = f"[Summary of the work so far, made to save room]\n{reply.text}"
        return Compaction({"before": len(turns), "summary": summary}, reply.model, reply.usage)
    return None


def estimate_tokens(turns: Sequence[Turn]) -> int:
    """What a conversation takes: the endpoint's count of the newest reply, and an estimate of the rest."""
    uncounted = 0
    for turn in reversed(turns):
        if isinstance(turn, ModelReply) and turn.usage.total:
            return turn.usage.total + uncounted // PER_TOKEN
        uncounted += _length(turn)
    return uncounted // PER_TOKEN


def _boundary(turns: Sequence[Turn]) -> int:
    """The first turn that stays: no result, so that its call stays with it."""
    before = max(len(turns) - _KEPT, 0)
    while before > 0 and isinstance(turns[before], ToolResult):
        before -= 1
    return before


def _can_be_left_out(turn: Turn) -> bool:
    return isinstance(turn, ToolResult) and not turn.only_once and len(turn.text) > _SHORT


def _length(turn: Turn) -> int:
    calls = turn.calls if isinstance(turn, ModelReply) else ()
    return len(turn.text) + sum(len(call.name) + len(call.arguments) for call in calls)


def _told(turns: Sequence[Turn], room: int) -> UserTurn:
    """The turns as one text of about `room` characters at most, whatever they hold."""
    lines = [_line(turn) for turn in turns]
    most = max(_share([len(line) for line in lines], room), 200)
    return UserTurn("\n\n".join(excerpt(line, most) for line in lines))


def _share(lengths: Sequence[int], room: int) -> int:
    """What each may have of the room, where those that need less leave it to the others."""
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
