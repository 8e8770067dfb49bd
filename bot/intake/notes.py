"""The words of command for pinned notes: `!note`, `!note add …`, `!note edit 2 …`, `!note delete 2`.

Owns how they are written and what is answered, in the thread, where everybody sees who changed what.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.wire.text import escape
from tasks.message import ThreadAddress
from tasks.store.notes import LONGEST, MOST, Note, Notes

#: What a message begins with that is about notes.
NOTE = re.compile(r"!notes?\b\s*(?P<verb>\w*)\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_NUMBERED = re.compile(r"#?(\d{1,6})\s*(.*)", re.DOTALL)
USAGE = (
    "Notes are pinned to this channel, and I read them before every task here. `!note` shows them, `!note "
    "add Amounts are in euros` pins one, `!note edit 2 Other words` changes and `!note delete 2` removes it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who gives a command."""

    user: str
    name: str


@dataclass(frozen=True, slots=True)
class NoteCommands:
    """Carries them out."""

    notes: Notes

    async def answer(self, thread: ThreadAddress, writer: Writer, text: str) -> str:
        """Do what `text` says; returns the answer in Slack's mrkdwn."""
        match = NOTE.fullmatch(text)
        verb, rest = (match["verb"].lower(), match["rest"].strip()) if match else ("help", "")
        if verb in ("", "list") and not rest:
            return _listed(await self.notes.of(thread.team, thread.channel))
        if verb == "add":
            return await self._add(thread, writer, rest)
        numbered = _NUMBERED.fullmatch(rest)
        if verb == "edit" and numbered and numbered[2]:
            return await self._edit(thread, writer, int(numbered[1]), numbered[2])
        if verb == "delete" and numbered and not numbered[2]:
            return await self._delete(thread, writer, int(numbered[1]))
        return USAGE

    async def _add(self, thread: ThreadAddress, writer: Writer, text: str) -> str:
        if problem := _problem(text):
            return problem
        number = await self.notes.add(
            thread.team, thread.channel, text, user=writer.user, user_name=writer.name
        )
        if number is None:
            return f"This channel has {MOST} notes, which are the most. Delete one first: `!note` shows them."
        return f"{escape(writer.name)} pinned note {number}: {escape(text)}"

    async def _edit(self, thread: ThreadAddress, writer: Writer, number: int, text: str) -> str:
        if problem := _problem(text):
            return problem
        found = await self.notes.change(
            thread.team, thread.channel, number, text, user=writer.user, user_name=writer.name
        )
        return f"{escape(writer.name)} changed note {number}: {escape(text)}" if found else _unknown(number)

    async def _delete(self, thread: ThreadAddress, writer: Writer, number: int) -> str:
        found = await self.notes.delete(thread.team, thread.channel, number)
        return f"{escape(writer.name)} deleted note {number}." if found else _unknown(number)


def _problem(text: str) -> str:
    if not text:
        return USAGE
    if len(text) > LONGEST:
        return f"A note has at most {LONGEST} characters, and this has {len(text):,}. Nothing was changed."
    return ""


def _unknown(number: int) -> str:
    return f"There is no note {number} in this channel. `!note` shows those there are."


def _listed(notes: Sequence[Note]) -> str:
    if not notes:
        return f"No notes are pinned to this channel. {USAGE}"
    lines = [f"{note.number}. {escape(note.text)} — {escape(note.user_name)}" for note in notes]
    return "\n".join(["Notes of this channel:", *lines])
