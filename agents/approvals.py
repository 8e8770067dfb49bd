"""Calls that a person has to allow first: the question, what it is bound to, what follows from the answer.

A question is bound to one call with exactly these arguments, and its answer is used once. Fails closed: what
nobody has clearly allowed is not run, and neither is what was under way when its process died.
Never knows how people are asked.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from agents.conversation import ToolCall
from agents.errors import ToolFailure
from agents.journal import Entry, Journal
from agents.tools import ToolOutput

#: Characters of the arguments that a person can be shown; more can't be judged, so it is not asked for.
MOST_SHOWN = 2_500
OPTIONS = ("Approve", "Deny")


class Verdict(StrEnum):
    """Where a question stands."""

    OPEN = "open"
    APPROVED = "approved"  # told once: whoever hears it may run the call, now
    DENIED = "denied"
    USED = "used"  # it was approved, and begun by a process that did not live to tell its result
    UNCLEAR = "unclear"  # a message came while it was shown, or it is of another task or other arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked."""

    id: str
    tool: str
    text: str
    digest: str
    """Of the tool's name and the arguments: an answer to other arguments is none to these."""


class ApprovalStore(Protocol):
    """Where a task's questions and their answers are kept."""

    async def record(self, question: Question) -> None:
        """Write a question down; returns when it can't be lost."""
        ...

    async def consume(self, id_: str, digest: str) -> Verdict:
        """The answer; `APPROVED` is given out once."""
        ...


class DenyAll:
    """For agents without people: everything that asks first is denied."""

    async def record(self, question: Question) -> None:
        pass

    async def consume(self, id_: str, digest: str) -> Verdict:
        return Verdict.DENIED


_REFUSED = {
    Verdict.DENIED: "a person denied this call. Nothing was run. Do not send it again: go on without it, or "
    "say what is missing",
    Verdict.USED: "this call was approved and begun, then Handoff was interrupted, so nobody knows how far "
    "it came. It was not run again. Say so",
    Verdict.UNCLEAR: "nobody clearly allowed this call, which counts as denied. Nothing was run. Go on "
    "without it, or say what is missing",
}


@dataclass(frozen=True, slots=True)
class ApprovalGate:
    """Asks about the calls of one worker; what it has asked stands in the worker's journal."""

    worker: str
    journal: Journal
    approvals: ApprovalStore

    async def check(self, call: ToolCall) -> ToolOutput | None:
        """None when the call may be run now; else what parks the task until a person has answered.

        Raises `ToolFailure` when it may not be run.
        """
        digest = _digest(call)
        asked = self._asked(call)
        if asked is None:
            return await self._ask(call, digest)
        verdict = await self.approvals.consume(asked.body["approval"], digest)
        if verdict is Verdict.APPROVED:
            return None
        if verdict is Verdict.OPEN:
            return _parks(asked.body["question"], asked.body["approval"], digest)
        raise ToolFailure(f"{_REFUSED[verdict]}.")

    async def _ask(self, call: ToolCall, digest: str) -> ToolOutput:
        shown = _shown(call)
        if len(shown) > MOST_SHOWN:
            raise ToolFailure(
                f"a person has to allow this call, and {len(shown):,} characters of arguments are more than "
                f"they can be shown ({MOST_SHOWN:,}). Nothing was run. Send less at a time."
            )
        text = f"May {self.worker} call **{call.name}** with these arguments?\n```json\n{shown}\n```"
        question = Question(id=uuid.uuid4().hex, tool=call.name, text=text, digest=digest)
        await self.approvals.record(question)
        await self.journal.append(
            "asked", {"call": call.id, "question": text, "approval": question.id, "digest": digest}
        )
        return _parks(text, question.id, digest)

    def _asked(self, call: ToolCall) -> Entry | None:
        """The question of this very call; some endpoints use the ids of their calls again in later turns."""
        for entry in reversed(self.journal.entries):
            if entry.kind == "reply":
                return None
            if entry.kind == "asked" and entry.body["call"] == call.id:
                return entry
        return None


def _parks(text: str, approval: str, digest: str) -> ToolOutput:
    return ToolOutput("", parks=(text, OPTIONS), asked=approval, approval=f"{approval}:{digest}")


def _shown(call: ToolCall) -> str:
    """The arguments as they will be sent. Escaped are backticks, which could end their block, and characters
    that are invisible or turn the direction of text, which could make them look like others."""
    arguments = json.loads(call.arguments or "{}")
    plain = json.dumps(arguments, indent=2, ensure_ascii=False).replace("`", "\\u0060")
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in plain)


def _digest(call: ToolCall) -> str:
    whole = json.dumps([call.name, json.loads(call.arguments or "{}")], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()
