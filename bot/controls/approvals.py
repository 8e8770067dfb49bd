"""The Approve and Deny buttons.

Slack is asked about the person at each click, and everything but a clear yes leaves the call not run.
`tasks.store.approvals` binds a decision to one call and uses it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pydantic
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.controls import texts
from bot.controls.clicks import button_value, click_below_message, task_of
from bot.controls.replies import ClickReplies
from bot.intake.access import AccessPolicy
from bot.thread.blocks import APPROVE, DENY
from bot.wire.interactions import ClickPayload
from bot.wire.text import escape
from bot.wire.users import UserDirectory
from tasks.engine import TaskEngine


class _Decision(pydantic.BaseModel):
    """What both buttons carry: the task, and the question's id with the digest of the call."""

    task: str
    approval: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalButtons:
    """The listeners for both buttons."""

    engine: TaskEngine
    people: UserDirectory
    replies: ClickReplies
    access: AccessPolicy

    def register(self, app: AsyncApp) -> None:
        app.action(APPROVE)(self.decided)
        app.action(DENY)(self.decided)

    async def decided(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        if (click := await click_below_message(ack, body)) is not None:
            await self.replies.whisper(click, await self._decide(click))

    async def _decide(self, click: ClickPayload) -> str:
        """Write the decision down; returns a sentence for the person when there is one to say."""
        decision = button_value(_Decision, click)
        task = await task_of(self.engine.store, click, decision.task) if decision else None
        if decision is None or task is None:
            return texts.NOT_MY_BUTTON
        if refusal := await self.access.decision_refusal(task, click.user.id):
            return refusal
        approved = click.pressed.action_id == APPROVE
        if not await self.engine.decide(task.id, decision.approval, approved=approved, user=click.user.id):
            return await self._already_decided(click, task.id, decision.approval, approved=approved)
        name = await self.people.name(click.team.id, click.user.id)
        await self.replies.settle(click, texts.decided_by(escape(name), approved=approved))
        return ""

    async def _already_decided(self, click: ClickPayload, task: str, approval: str, *, approved: bool) -> str:
        """Who decided before; empty for the second click of a double click."""
        made = await self.engine.decision(task, approval)
        if made is None or not made.user:
            return texts.QUESTION_CLOSED
        if (made.user, made.approved) == (click.user.id, approved):
            return ""
        name = await self.people.name(click.team.id, made.user)
        return texts.already_decided(escape(name), approved=made.approved)
