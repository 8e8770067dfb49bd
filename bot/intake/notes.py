"""The commands for a channel's notes: `!note`, `!note add …`, `!note edit 2 …`, `!note delete 2`."""

from __future__ import annotations

import re
from dataclasses import dataclass

import structlog

from bot.intake import texts
from bot.wire.text import escape
from tasks.message import ThreadAddress
from tasks.store.notes import LONGEST, MOST, ChannelNotes

NOTE = re.compile(r"!notes?\b\s*(?P<verb>\w*)\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_NUMBERED = re.compile(r"#?(\d{1,6})\s*(.*)", re.DOTALL)

audit = structlog.get_logger("audit")


@dataclass(frozen=True, slots=True)
class NoteCommands:
    """Runs them. Everyone in the thread sees the answer, and so who changed what."""

    notes: ChannelNotes

    async def answer(self, thread: ThreadAddress, text: str, *, user: str, user_name: str) -> str:
        """Do what `text` says; returns the answer in Slack's mrkdwn."""
        match = NOTE.fullmatch(text)
        verb, rest = (match["verb"].lower(), match["rest"].strip()) if match else ("help", "")
        place, writer, name = (thread.team, thread.channel), (user, user_name), escape(user_name)
        if verb in ("", "list") and not rest:
            return await self._list(*place)
        if verb == "add":
            _audit(place, user, "added")
            return _problem(rest) or await self._add(place, rest, writer)
        numbered = _NUMBERED.fullmatch(rest)
        number, words = (int(numbered[1]), numbered[2]) if numbered else (0, "")
        if verb == "edit" and numbered and words:
            if problem := _problem(words):
                return problem
            found = await self.notes.change(*place, number, words, user=user, user_name=user_name)
            _audit(place, user, "changed")
            return texts.note_changed(name, number, escape(words)) if found else texts.note_unknown(number)
        if verb == "delete" and numbered and not words:
            found = await self.notes.delete(*place, number)
            _audit(place, user, "deleted")
            return texts.note_deleted(name, number) if found else texts.note_unknown(number)
        return texts.NOTE_USAGE

    async def _list(self, team: str, channel: str) -> str:
        notes = await self.notes.of(team, channel)
        lines = [texts.note_line(note.number, escape(note.text), escape(note.user_name)) for note in notes]
        return "\n".join([texts.NOTES, *lines]) if lines else texts.NO_NOTES

    async def _add(self, place: tuple[str, str], text: str, writer: tuple[str, str]) -> str:
        user, name = writer
        number = await self.notes.add(*place, text, user=user, user_name=name)
        if number is None:
            return texts.too_many_notes(MOST)
        return texts.note_added(escape(name), number, escape(text))


def _audit(place: tuple[str, str], user: str, what: str) -> None:
    team, channel = place
    audit.info(f"note {what}", team=team, channel=channel, user=user)


def _problem(text: str) -> str:
    if not text:
        return texts.NOTE_USAGE
    return texts.note_too_long(len(text), LONGEST) if len(text) > LONGEST else ""
