"""The ratings below an answer. 👎 opens a form that asks why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.controls import texts
from bot.controls.clicks import task_of
from bot.controls.forms import FIELD, text_form
from bot.controls.replies import ClickReplies
from bot.thread.blocks import FEEDBACK
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.interactions import ClickPayload, SubmittedForm, parse_interaction
from tasks.engine import TaskEngine
from tasks.store.ratings import BAD, GOOD, Ratings

log = structlog.get_logger(__name__)

#: The form's id.
FORM = "handoff_why"
#: Characters of a reason.
LONGEST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingButtons:
    """The listeners for the ratings and for the form."""

    engine: TaskEngine
    ratings: Ratings
    clients: Clients
    replies: ClickReplies

    def register(self, app: AsyncApp) -> None:
        app.action(FEEDBACK)(self.rated)
        app.view(FORM)(self.explained)

    async def rated(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if (click := parse_interaction(ClickPayload, body)) is None:
            return
        verdict, _, id_ = click.pressed.value.partition(":")
        if verdict not in (GOOD, BAD) or await task_of(self.engine.store, click, id_) is None:
            return await self.replies.whisper(click, texts.NOT_MY_BUTTON)
        await self.ratings.rate(id_, click.user.id, verdict)
        if verdict == GOOD or not await self._ask_why(click, id_):
            await self.replies.whisper(click, texts.THANKS)

    async def explained(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The form was sent."""
        await ack()
        if (form := parse_interaction(SubmittedForm, body)) is None:
            return
        task = await self.engine.store.task(form.view.private_metadata)
        reason = form.view.value(FIELD).strip()[:LONGEST]
        if reason and task is not None and task.thread.team == form.team.id:
            await self.ratings.explain(task.id, form.user.id, reason)
            log.info("answer rated down", task=task.id, user=form.user.id)

    async def _ask_why(self, click: ClickPayload, task: str) -> bool:
        """Open the form; False when Slack does not, as some seconds after the click."""
        try:
            client = await self.clients.of(click.team.id)
            await client.views_open(trigger_id=click.trigger_id, view=form(task))
        except SLACK_ERRORS as fault:
            log.info("form not opened", why=error_text(fault))
            return False
        return True


def form(task: str) -> dict[str, Any]:
    """The form as Slack's modal."""
    return text_form(
        FORM, task, title=texts.WHY_TITLE, label=texts.WHY_LABEL, send=texts.WHY_SEND, close=texts.WHY_SKIP,
        longest=LONGEST, is_optional=True,
    )  # fmt: skip
