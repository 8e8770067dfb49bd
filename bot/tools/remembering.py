"""The orchestrator's tool that proposes a note. Only a person's press makes it one."""

from __future__ import annotations

from dataclasses import dataclass

from agents.errors import ToolFailure
from agents.tools import Tool
from tasks.store.notes import LONGEST
from tasks.store.proposals import MOST_PROPOSED, NoteProposals
from tasks.task import Task

_PROPOSED = (
    "Proposed. The person sees it below your answer with the buttons Keep and Discard. It is not kept before "
    "someone presses Keep, so don't say that it is."
)


@dataclass(frozen=True, slots=True)
class Remembering:
    """The tool of one task's orchestrator."""

    proposals: NoteProposals
    task: Task

    def tools(self) -> list[Tool]:
        return [Tool.from_function(self.remember)]

    async def remember(self, text: str) -> str:
        """Propose a note for later tasks in this channel, when the person asks to remember something.

        Args:
            text: The note: one fact or rule in a sentence.
        """
        note = note_text(text)
        if not 0 < len(note) <= LONGEST:
            raise ToolFailure(f"a note has 1 to {LONGEST} characters, and this one has {len(note)}.")
        if not await self.proposals.propose(self.task.id, note):
            raise ToolFailure(f"this task has proposed {MOST_PROPOSED} notes, which is the limit.")
        return _PROPOSED


def note_text(text: str) -> str:
    """The text in one line, without characters that the person who decides could not see."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
