"""A person's notes in App Home: what they wrote, with *Edit* and *Delete*."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from bot.controls import texts
from bot.controls.forms import FIELD, text_form
from bot.intake.texts import note_too_long
from bot.thread.blocks import Block, actions_block, button, section_block
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.interactions import ClickPayload, SubmittedForm
from bot.wire.text import escape
from bot.wire.users import UserDirectory
from tasks.store.notes import LONGEST, ChannelNotes, Note

log = structlog.get_logger(__name__)
audit = structlog.get_logger("audit")

EDIT, DELETE, FORM = "handoff_home_edit_note", "handoff_home_delete_note", "handoff_note"
#: Notes that App Home shows: each takes two of its 100 blocks.
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeNotes:
    """Shows and changes only notes that the person wrote."""

    notes: ChannelNotes
    clients: Clients
    people: UserDirectory

    async def rows(self, team: str, user: str) -> list[Block]:
        own = await self.notes.own(team, user, limit=SHOWN)
        return [block for channel, note in own for block in _row(channel, note)]

    async def delete(self, click: ClickPayload) -> None:
        team, user = click.team.id, click.user.id
        channel, note = await self._mine(team, user, click.pressed.value)
        if note is not None and await self.notes.delete(team, channel, note.number):
            audit.info("note deleted", team=team, channel=channel, user=user)

    async def edit(self, click: ClickPayload) -> None:
        """Open the form; Slack does not some seconds after the click."""
        _, note = await self._mine(click.team.id, click.user.id, click.pressed.value)
        if note is None:
            return
        form = text_form(
            FORM, click.pressed.value, title=texts.NOTE_TITLE, label=texts.NOTE_LABEL, send=texts.NOTE_SAVE,
            close=texts.NOTE_CANCEL, longest=LONGEST, text=note.text,
        )  # fmt: skip
        try:
            client = await self.clients.of(click.team.id)
            await client.views_open(trigger_id=click.trigger_id, view=form)
        except SLACK_ERRORS as fault:
            log.info("form not opened", why=error_text(fault))

    async def edited(self, form: SubmittedForm) -> str:
        """The form was sent; returns a sentence for the person when the note was not changed."""
        team, user, text = form.team.id, form.user.id, form.view.value(FIELD).strip()
        channel, note = await self._mine(team, user, form.view.private_metadata)
        if note is None or not text:
            return texts.NOTE_GONE if note is None else ""
        if len(text) > LONGEST:
            return note_too_long(len(text), LONGEST)
        name = await self.people.name(team, user)
        if not await self.notes.change(team, channel, note.number, text, user=user, user_name=name):
            return texts.NOTE_GONE
        audit.info("note changed", team=team, channel=channel, user=user)
        return ""

    async def _mine(self, team: str, user: str, key: str) -> tuple[str, Note | None]:
        """The channel and the note that a button names, if the person wrote it."""
        channel, _, number = key.partition(":")
        own = await self.notes.own(team, user, limit=1_000)
        found = (note for place, note in own if place == channel and str(note.number) == number)
        return channel, next(found, None)


def _row(channel: str, note: Note) -> list[Block]:
    place = "" if channel.startswith("D") else f"<#{channel}> · "
    key = f"{channel}:{note.number}"
    buttons = actions_block(button(texts.EDIT, EDIT, key), button(texts.DELETE, DELETE, key))
    return [section_block(f"{place}{escape(note.text)}"), buttons]
