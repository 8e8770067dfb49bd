"""One agent's journal read as a conversation, and the questions the loop asks of it.

Everything is derived from the entries, so an agent that lost its process knows the same as one that did not.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.conversation import (
    Json,
    Reply,
    ToolCall,
    ToolResult,
    Turn,
    UserTurn,
    reply_from_json,
    reply_to_json,
)
from agents.journal import Journal
from agents.tools import ToolOutput

#: What an agent is told when its reply was empty, or cut by the model's length limit.
EMPTY = "Your reply was empty. Go on: call a tool, or write your final answer."
CUT = "Your reply was cut by the length limit. Go on exactly where it stopped, without repeating anything."
#: What is added to a result that came the third time in a row of turns.
SAME_AGAIN = "\n\n(Note: this same call has now given this same result three times. Do something else.)"


class Transcript:
    """The conversation of one agent, kept in its journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.turns: list[Turn] = []
        self.ending: Json | None = None
        self._taken: set[str] = set()
        self._signatures: list[set[tuple[str, str, str]]] = []
        self._calls: dict[str, ToolCall] = {}
        for entry in journal.entries:
            self._read(entry.kind, entry.body)

    @property
    def is_new(self) -> bool:
        return not self._journal.entries

    async def open(self, turns: Sequence[Turn]) -> None:
        """Write what the agent is to know before its first turn: one entry, so never half of it."""
        spelled = [_opening(turn) for turn in turns]
        await self._append("opening", {"turns": spelled})

    async def reply(self, reply: Reply) -> None:
        await self._append("reply", reply_to_json(reply))

    async def say(self, text: str) -> None:
        """A note of the system to the agent."""
        await self._append("user", {"text": text})

    async def follow_up(self, id_: str, text: str) -> None:
        """A person's message; the same `id_` is taken once, however often it is offered."""
        if id_ not in self._taken:
            await self._append("user", {"text": text, "inbox": id_})

    async def result(self, call: ToolCall, output: ToolOutput) -> int:
        """Write a call's result; answers in how many turns this same call has now had this same result."""
        signature = (call.name, call.arguments, output.text)
        times = 1 + sum(signature in seen for seen in self._signatures[:-1])
        note = SAME_AGAIN if times == 3 else ""
        body = {"call": call.id, "text": output.text, "note": note, "facts": output.facts}
        await self._append("result", body)
        return times

    async def end(self, body: Json) -> None:
        await self._append("ended", body)

    @property
    def open_calls(self) -> tuple[ToolCall, ...]:
        """Calls of the newest reply that have no result yet."""
        for number in range(len(self.turns) - 1, -1, -1):
            if isinstance(reply := self.turns[number], Reply):
                answered = {t.call_id for t in self.turns[number:] if isinstance(t, ToolResult)}
                return tuple(call for call in reply.calls if call.id not in answered)
        return ()

    @property
    def nudges(self) -> int:
        """How often in a row, up to the newest reply, the agent has been asked to go on."""
        count = 0
        while self.turns[-2 - 2 * count : -1 - 2 * count] in ([UserTurn(EMPTY)], [UserTurn(CUT)]):
            count += 1
        return count

    @property
    def text(self) -> str:
        """The newest reply's text, with the pieces before it that the length limit had cut off."""
        pieces = [turn.text for turn in self.turns[-1 - 2 * self.nudges :] if isinstance(turn, Reply)]
        return "".join(pieces)

    async def _append(self, kind: str, body: Json) -> None:
        await self._journal.append(kind, body)
        self._read(kind, body)

    def _read(self, kind: str, body: Json) -> None:
        match kind:
            case "opening":
                self.turns += [_turn(spelled) for spelled in body["turns"]]
            case "user":
                self.turns.append(UserTurn(body["text"]))
                self._taken.add(body.get("inbox", ""))
            case "reply":
                reply = reply_from_json(body)
                self.turns.append(reply)
                self._calls.update((call.id, call) for call in reply.calls)
                self._signatures.append(set())
            case "result":
                self.turns.append(ToolResult(body["call"], body["text"] + body["note"]))
                call = self._calls[body["call"]]
                self._signatures[-1].add((call.name, call.arguments, body["text"]))
            case "ended":
                self.ending = body


def _opening(turn: Turn) -> Json:
    if isinstance(turn, ToolResult):
        raise TypeError("a conversation can't open with a tool result")
    return {"who": "user" if isinstance(turn, UserTurn) else "assistant", "text": turn.text}


def _turn(spelled: Json) -> Turn:
    text: str = spelled["text"]
    return UserTurn(text) if spelled["who"] == "user" else Reply(text=text)
