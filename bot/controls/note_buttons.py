"""The Keep and Discard buttons below a proposed note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pydantic
import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.controls import texts
from bot.controls.clicks import button_value, click_below_message, task_of
from bot.controls.replies import ClickReplies
from bot.intake.access import AccessPolicy
from bot.thread.blocks import DISCARD, KEEP
from bot.wire.interactions import ClickPayload
from bot.wire.text import escape
from bot.wire.users import UserDirectory
from tasks.engine import TaskEngine
from tasks.store.notes import MOST
from tasks.store.proposals import Decided, NoteProposals

audit = structlog.get_logger("audit")


class _Proposal(pydantic.BaseModel):
    """What both buttons carry: the task, and the proposal's id."""

    task: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteButtons:
    """The listeners for both buttons. Everyone who may give tasks in the channel may press them."""

    engine: TaskEngine
    people: UserDirectory
    replies: ClickReplies
    access: AccessPolicy
    proposals: NoteProposals

    def register(self, app: AsyncApp) -> None:
        app.action(KEEP)(self.decided)
        app.action(DISCARD)(self.decided)

    async def decided(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        if (click := await click_below_message(ack, body)) is not None:
            await self.replies.whisper(click, await self._decide(click))

    async def _decide(self, click: ClickPayload) -> str:
        """Keep or delete the proposal; returns a sentence for the person when there is one to say."""
        proposal = button_value(_Proposal, click)
        task = await task_of(self.engine.store, click, proposal.task) if proposal else None
        if proposal is None or task is None:
            return texts.NOT_MY_BUTTON
        team, user = click.team.id, click.user.id
        if refusal := await self.access.refusal(task.thread, user):
            return refusal
        name, keep = await self.people.name(team, user), click.pressed.action_id == KEEP
        found = await self.proposals.decide(task, proposal.note, keep=keep, user=user, user_name=name)
        if found is Decided.GONE:
            return texts.QUESTION_CLOSED
        if found is Decided.FULL:
            return texts.no_room_for_note(MOST)
        audit.info(f"note {found.value}", team=team, channel=task.thread.channel, user=user)
        await self.replies.settle(click, texts.note_decided(escape(name), kept=keep))
        return ""
