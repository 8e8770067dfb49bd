"""Approve and Deny: who may, and what a click does.

Whoever clicks is looked up anew, and everything that is not clearly a yes leaves the call not run. What a
decision is bound to, and that it is used once, is `tasks.store.approvals`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pydantic
import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.controls.replies import FOREIGN, ClickReplies
from bot.intake.access import AccessPolicy
from bot.thread.answer import APPROVE, DENY
from bot.wire.interactions import ClickPayload, SlackReference, parse_interaction
from bot.wire.text import escape
from bot.wire.users import UserDirectory
from tasks.engine import TaskEngine

log = structlog.get_logger(__name__)

OLD = "This has been decided, or its task is over or about to be. Nothing was changed."


class _Decision(pydantic.BaseModel):
    """What both buttons carry: the task, and the question with the digest of what it is about."""

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
        await ack()
        click = parse_interaction(ClickPayload, body)
        if click is None or click.message is None or click.channel is None:
            return
        if words := await self._decide(click, click.channel):
            await self.replies.whisper(click, words)

    async def _decide(self, click: ClickPayload, channel: SlackReference) -> str:
        """Take the decision; a sentence for the person when it was not taken."""
        try:
            decision = _Decision.model_validate_json(click.pressed.value)
        except pydantic.ValidationError as error:
            log.warning("button not understood", problem=str(error))
            return FOREIGN
        task = await self.engine.store.task(decision.task)
        if task is None or (task.thread.team, task.thread.channel) != (click.team.id, channel.id):
            return FOREIGN
        if refusal := await self.access.decision_refusal(task, click.user.id):
            return refusal
        approved = click.pressed.action_id == APPROVE
        if not await self.engine.decide(task.id, decision.approval, approved=approved, user=click.user.id):
            return OLD
        name = await self.people.name(click.team.id, click.user.id)
        await self.replies.settle(click, f"*{'Approved' if approved else 'Denied'} by {escape(name)}*")
        return ""
