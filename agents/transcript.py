"""One agent's journal, read as a conversation.

All state is derived from the entries, so an agent in a new process has the same state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from agents.conversation import (
    Json,
    ModelReply,
    Picture,
    TokenUsage,
    ToolCall,
    ToolResult,
    Turn,
    UserTurn,
    pictures_from_json,
    pictures_to_json,
    reply_from_json,
    reply_to_json,
)
from agents.journal import Journal
from agents.tools import ToolOutput
from text.excerpt import excerpt
from text.sanitize import sanitize_text

#: Notes to an agent whose reply was empty, or cut by the model's length limit.
EMPTY = "Your reply was empty. Go on: call a tool, or write your final answer."
MARKUP = (
    "Your reply holds a tool call as text, which was not run. Call the tool through the API, or write your "
    "answer without such markup."
)
ONLY_COMMENTARY = "You have only said what you are doing. Go on: call a tool, or write your final answer."
NO_CALL = "Your reply announces a tool call and holds none. Call the tool, or write your final answer."
CUT = "Your reply was cut by the length limit. Go on exactly where it stopped, without repeating anything."
#: Added to a result that comes in a third turn.
SAME_AGAIN = "\n\n(Note: this same call has now given this same result three times. Do something else.)"
_LEFT_OUT = "\n\n(Note: {count:,} more calls of this turn were not run. Send at most {kept} in one turn.)"
_CLEARED = "[A result of {count:,} characters was left out here to save room. Call again if it is needed.]"
_DROPPED = (
    "[The picture /work/{path} was left out here to save room. See it again with view_image if needed.]"
)
#: Facts of results that a second call can't bring.
_ONLY_ONCE = ("worker", "inbox")

Signature = tuple[str, str, str]


class Transcript:
    """The conversation of one agent, kept in its journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.turns: list[Turn] = []
        """The turns to send: all, or what `agents.compaction` has left of them."""
        self.ending: Json | None = None
        self.limit = ""
        """The limit that ended the work; only the last turn may follow."""
        self.offers: list[str] = []
        """Tools that searches have found."""
        self.has_text_calls = False
        """Whether the model has written tool calls as text."""
        self._reply: ModelReply | None = None
        self._results: dict[str, Json] = {}
        self._nudges = 0
        self._pieces: list[str] = []
        self._taken: set[str] = set()
        self._seen: Counter[Signature] = Counter()
        self._request = 0
        for entry in journal.entries:
            self._read(entry.kind, entry.body)

    @property
    def is_new(self) -> bool:
        return not self._journal.entries

    @property
    def reply(self) -> ModelReply | None:
        """The newest reply, until another user turn follows it."""
        return self._reply

    @property
    def open_calls(self) -> tuple[ToolCall, ...]:
        """Calls of the newest reply that have no result yet."""
        calls = self._reply.calls if self._reply else ()
        return tuple(call for call in calls if call.id not in self._results)

    @property
    def results(self) -> Sequence[Json]:
        """The stored results of the newest reply's calls, in the order they came."""
        return list(self._results.values())

    @property
    def nudges(self) -> int:
        """How often in a row the agent was asked to continue."""
        return self._nudges

    @property
    def text(self) -> str:
        """The newest reply's text, after the pieces of it that the length limit had cut."""
        return "".join(self._pieces)

    async def write_opening(self, turns: Sequence[Turn]) -> None:
        """Write the turns before the agent's first one, as one entry."""
        await self._append("opening", {"turns": [_opening(turn) for turn in turns]})

    async def add(self, reply: ModelReply, **measured: object) -> None:
        """Write a reply, with `cost` in USD and `clock` in seconds of work."""
        await self._append("reply", reply_to_json(reply) | measured)

    async def nudge(self, words: str) -> None:
        """Ask the agent to continue. Only a reply that was `CUT` is part of the next one."""
        await self._append("user", {"text": words, "goes_on": True, "drops": words != CUT})

    async def stop(self, limit: str, words: str) -> None:
        """Write, once, that a limit ends the work."""
        if not self.limit:
            await self._append("user", {"text": words, "limit": limit})

    async def follow_up(self, id_: str, text: str, pictures: Sequence[Picture] = ()) -> bool:
        """Write a person's message; False when the message with this id is in the journal already."""
        if id_ in self._taken:
            return False
        body = {"text": sanitize_text(text), "inbox": id_}
        await self._append("user", body | _pictures_field(pictures))
        return True

    async def result(self, call: ToolCall, output: ToolOutput, **measured: object) -> None:
        """Write a call's result; its `times` counts the turns in which this call had this result."""
        signature = (call.name, call.arguments, output.same_as or output.text)
        times = 1 + self._seen[signature]
        body = {
            "call": call.id, "text": sanitize_text(output.text), "note": SAME_AGAIN if times == 3 else "",
            "facts": output.facts, "ends": output.ends, "times": times, "same_as": output.same_as,
        }  # fmt: skip
        await self._append("result", body | _pictures_field(output.pictures) | measured)

    async def compact(self, body: Json) -> None:
        """Shorten `turns` from here on; the journal keeps all of them."""
        await self._append("context", body)

    async def end(self, body: Json) -> None:
        await self._append("ended", body)

    async def _append(self, kind: str, body: Json) -> None:
        await self._journal.append(kind, body)
        self._read(kind, body)

    def _read(self, kind: str, body: Json) -> None:
        match kind:
            case "opening":
                self.turns += [_turn(spelled) for spelled in body["turns"]]
                self._request = len(self.turns) - 1
            case "user":
                self._read_user(body)
            case "reply":
                self._read_reply(reply_from_json(body))
            case "result":
                self._read_result(body)
            case "context":
                self._read_context(body)
            case "ended":
                self.ending = body

    def _read_user(self, body: Json) -> None:
        is_note = "limit" in body or "goes_on" in body
        self.turns.append(UserTurn(body["text"], pictures_from_json(body.get("pictures", ())), is_note))
        self.has_text_calls |= body["text"] == MARKUP
        self._taken.add(body.get("inbox", ""))
        self.limit = body.get("limit", self.limit)
        self._nudges += bool(body.get("goes_on"))
        if body.get("drops"):
            self._pieces = []
        self._close_turn()

    def _read_reply(self, reply: ModelReply) -> None:
        if not self._nudges:
            self._pieces = []
        if reply.calls:
            self._nudges = 0
            self.has_text_calls |= not reply.api
        self._pieces.append(reply.text)
        self._close_turn()
        self._reply = reply
        self.turns.append(reply)

    def _close_turn(self) -> None:
        """Count each different result of a turn once: five equal calls in one turn are no repetition."""
        calls = {call.id: call for call in self._reply.calls} if self._reply else {}
        done = [(calls[id_], result) for id_, result in self._results.items()]
        self._seen.update({(c.name, c.arguments, r.get("same_as") or r["text"]) for c, r in done})
        self._reply, self._results = None, {}

    def _read_result(self, body: Json) -> None:
        self._results[body["call"]] = body
        self._taken.update(body["facts"].get("inbox", ()))
        self.offers += body["facts"].get("offers", ())
        text = body["text"] + body["note"]
        if self._reply and self._reply.left_out and not self.open_calls:
            text += _LEFT_OUT.format(count=self._reply.left_out, kept=len(self._reply.calls))
        only_once = not body["facts"].keys().isdisjoint(_ONLY_ONCE)
        pictures = pictures_from_json(body.get("pictures", ()))
        self.turns.append(ToolResult(body["call"], text, only_once=only_once, pictures=pictures))

    def _read_context(self, body: Json) -> None:
        before = self.turns[: body["before"]]
        if body.get("drops_pictures"):
            self.turns[: body["before"]] = map(_without_pictures, before)
        elif most := body.get("cut_to"):
            self.turns = [_cut(turn, most) for turn in self.turns]
        elif summary := body.get("summary"):
            self.turns = [self.turns[self._request], UserTurn(summary), *self.turns[body["before"] :]]
            self._request = 0
        else:
            self.turns[: body["before"]] = [_cleared(turn, body["longer_than"]) for turn in before]
        # The endpoint's count was for the conversation before.
        self.turns = [replace(t, usage=TokenUsage()) if isinstance(t, ModelReply) else t for t in self.turns]


def _without_pictures(turn: Turn) -> Turn:
    if isinstance(turn, ModelReply) or not turn.pictures:
        return turn
    lines = [_DROPPED.format(path=picture.path) for picture in turn.pictures]
    return replace(turn, text="\n".join([turn.text, *lines]), pictures=())


def _cut(turn: Turn, most: int) -> Turn:
    return replace(turn, text=excerpt(turn.text, most)) if isinstance(turn, ToolResult) else turn


def _cleared(turn: Turn, longer_than: int) -> Turn:
    if isinstance(turn, ToolResult) and not turn.only_once and len(turn.text) > longer_than:
        return ToolResult(turn.call_id, _CLEARED.format(count=len(turn.text)))
    return turn


def _opening(turn: Turn) -> Json:
    if isinstance(turn, ToolResult):
        raise TypeError("a conversation can't begin with a tool result")
    text = sanitize_text(turn.text)
    if isinstance(turn, ModelReply):
        return {"who": "assistant", "text": text}
    return {"who": "user", "text": text} | _pictures_field(turn.pictures)


def _turn(spelled: Json) -> Turn:
    text: str = spelled["text"]
    if spelled["who"] == "user":
        return UserTurn(text, pictures_from_json(spelled.get("pictures", ())))
    return ModelReply(text=text)


def _pictures_field(pictures: Sequence[Picture]) -> Json:
    return {"pictures": pictures_to_json(pictures)} if pictures else {}
