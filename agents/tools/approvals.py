"""Approval of tool calls by a person, before they run.

An approval is bound to one call with exactly its arguments and is used once. It fails closed: a call runs
only after a clear yes, and not again when its process died in the middle.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from agents.conversation import ToolCall
from agents.errors import ToolFailure
from agents.journal import Entry, Journal
from agents.tools import ToolOutput
from text.excerpt import one_line

#: Characters of arguments that a person can judge in a message; longer calls are refused.
MAX_SHOWN = 2_500
OPTIONS = ("Approve", "Deny")


class Verdict(StrEnum):
    """The state of a question."""

    OPEN = "open"
    APPROVED = "approved"  # returned once, to the caller that runs the call now
    DENIED = "denied"
    USED = "used"  # approved, and begun by a process that died before it had the result
    UNCLEAR = "unclear"  # answered by a message, or for another task or other arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to a person."""

    id: str
    tool: str
    text: str
    digest: str
    """Hash of the tool's name and arguments."""


class ApprovalStore(Protocol):
    """A store of one task's questions and answers."""

    async def record(self, question: Question) -> None:
        """Store a question durably."""
        ...

    async def consume(self, id_: str, digest: str) -> Verdict:
        """The answer; `APPROVED` is returned once."""
        ...

    async def was_allowed(self, digest: str) -> bool:
        """Whether a person has allowed this call in the thread, in this task or an earlier one."""
        ...


class DenyAll:
    """Denies all calls: for agents without people."""

    async def record(self, question: Question) -> None:
        pass

    async def consume(self, id_: str, digest: str) -> Verdict:
        return Verdict.DENIED

    async def was_allowed(self, digest: str) -> bool:
        return False


#: A title is a model's words: in it, nothing may look like the end of it or like a call.
_MARKUP = re.compile(r"[*_`~\"<>\[\]]")
_REFUSED = {
    Verdict.DENIED: "a person denied this call. Nothing was run. Do not send it again: go on without it, or "
    "say what is missing",
    Verdict.USED: "this call was approved and begun, then Handoff was interrupted, so it is unknown how far "
    "it came. It was not run again. Say so",
    Verdict.UNCLEAR: "this call was not clearly allowed, which counts as denied. Nothing was run. Go on "
    "without it, or say what is missing",
}


@dataclass(frozen=True, slots=True)
class ApprovalGate:
    """Checks the calls of one worker; its questions are entries of the worker's journal."""

    title: str
    """The worker's title, which people know from the plan."""
    journal: Journal
    approvals: ApprovalStore

    async def check(self, call: ToolCall, *, wants: str = "") -> ToolOutput | None:
        """None when the call may run now, else an output that parks the task until a person has answered.

        `wants`: the question in words, in place of the call. Raises `ToolFailure` when it may not run.
        """
        digest = _digest(call)
        asked = self._asked(call)
        if asked is None:
            return await self._ask(call, digest, wants)
        verdict = await self.approvals.consume(asked.body["approval"], digest)
        if verdict is Verdict.APPROVED:
            return None
        if verdict is Verdict.OPEN:
            return _parks(asked.body["question"], asked.body["approval"], digest)
        raise ToolFailure(f"{_REFUSED[verdict]}.")

    async def was_allowed(self, call: ToolCall) -> bool:
        """Whether a person has allowed the very same call in this thread."""
        return await self.approvals.was_allowed(_digest(call))

    async def _ask(self, call: ToolCall, digest: str, wants: str) -> ToolOutput:
        shown = _shown(call)
        if len(shown) > MAX_SHOWN:
            raise ToolFailure(
                f"a person has to allow this call, and its arguments have {len(shown):,} characters, more "
                f"than fit in a message ({MAX_SHOWN:,}). Nothing was run. Send less at a time."
            )
        title = one_line(_MARKUP.sub("", self.title), 80)
        wants = wants or f"wants to run **{call.name}**:\n```json\n{shown}\n```"
        text = f'"{title}" {wants}'
        question = Question(id=uuid.uuid4().hex, tool=call.name, text=text, digest=digest)
        await self.approvals.record(question)
        await self.journal.append(
            "asked", {"call": call.id, "question": text, "approval": question.id, "digest": digest}
        )
        return _parks(text, question.id, digest)

    def _asked(self, call: ToolCall) -> Entry | None:
        """The question about this call. Only this turn counts: some endpoints reuse the ids of calls."""
        for entry in reversed(self.journal.entries):
            if entry.kind == "reply":
                return None
            if entry.kind == "asked" and entry.body["call"] == call.id:
                return entry
        return None


def _parks(text: str, approval: str, digest: str) -> ToolOutput:
    return ToolOutput("", parks=(text, OPTIONS), asked=approval, approval=f"{approval}:{digest}")


def _shown(call: ToolCall) -> str:
    """The arguments as they will be sent. Backticks, which could end the block, and characters that are
    invisible or change the direction of text are escaped."""
    arguments = json.loads(call.arguments or "{}")
    plain = json.dumps(arguments, indent=2, ensure_ascii=False).replace("`", "\\u0060")
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in plain)


def _digest(call: ToolCall) -> str:
    whole = json.dumps([call.name, json.loads(call.arguments or "{}")], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()
