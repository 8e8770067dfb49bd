"""What people press in a thread: Stop in its forms, and an answer's button.

A press that changes nothing is answered with an ephemeral message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pydantic
import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.controls import texts
from bot.controls.clicks import button_value, click_below_message, task_of
from bot.controls.replies import ClickReplies
from bot.intake.access import AccessPolicy
from bot.intake.stopper import TaskStopper
from bot.thread.blocks import ANSWER, STOP
from bot.wire.interactions import ClickPayload, parse_interaction
from bot.wire.text import escape, truncate
from bot.wire.users import UserDirectory
from tasks.engine import TaskEngine
from tasks.message import Message, ThreadAddress
from tasks.store.queries import TaskQueries
from tasks.store.tasks import AcceptedAs
from tasks.task import State, Task

log = structlog.get_logger(__name__)

STOP_REACTIONS = {"x", "octagonal_sign"}


class _Choice(pydantic.BaseModel):
    """What an answer's button carries: the task, the attempt that asked, and the option."""

    task: str
    attempt: int
    option: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadButtons:
    """The listeners for everything that is pressed in a thread."""

    engine: TaskEngine
    queries: TaskQueries
    people: UserDirectory
    replies: ClickReplies
    stopper: TaskStopper
    access: AccessPolicy

    def register(self, app: AsyncApp) -> None:
        app.event("agent_session_stopped")(self.session_stopped)
        app.event("reaction_added")(self.reacted)
        app.action(STOP)(self.stop_pressed)
        app.action(re.compile(rf"{ANSWER}:\d+"))(self.answered)

    async def session_stopped(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Slack's own Stop button."""
        match body.get("team_id"), event:
            case str(team), {"channel": str(channel), "thread_ts": str(ts), "user": str(user)}:
                address = ThreadAddress(team, channel, ts)
                await self._stop(address, user, await self.engine.store.current(address))

    async def reacted(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """❌ or 🛑 on the request, on its thread's first message, or on a message of the bot."""
        match event:
            case {
                "reaction": str(reaction),
                "user": str(user),
                "item": {"channel": str(channel), "ts": str(ts)},
            } if reaction in STOP_REACTIONS:
                task = await self.queries.find_by_message(channel, ts)
                if task is not None and task.thread.team == body.get("team_id") and not task.state.is_over:
                    await self._stop(task.thread, user, task)

    async def stop_pressed(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if (click := parse_interaction(ClickPayload, body)) is None:
            return
        task = await task_of(self.engine.store, click, click.pressed.value)
        if task is None:
            return await self.replies.whisper(click, texts.NOT_MY_BUTTON)
        await self.replies.whisper(click, await self.stopper.stop(task, click.user.id))

    async def answered(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A click on one of a question's options is a message with that text."""
        click = await click_below_message(ack, body)
        if click is None or click.message is None:
            return
        choice = button_value(_Choice, click)
        task = await task_of(self.engine.store, click, choice.task) if choice else None
        if choice is None or task is None:
            return await self.replies.whisper(click, texts.NOT_MY_BUTTON)
        ts = f"{click.message.ts}:answer"
        if task.state is not State.WAITING or task.attempt != choice.attempt:
            return await self.replies.whisper(click, await self._already_answered(task, ts, click.user.id))
        if refusal := await self.access.refusal(task.thread, click.user.id):
            return await self.replies.whisper(click, refusal)
        name = await self.people.name(click.team.id, click.user.id)
        # One question takes one answer: a second click and a repeated outcome find it claimed.
        answer = Message(thread=task.thread, ts=ts, user=click.user.id, user_name=name, text=choice.option)
        accepted = await self.engine.accept(answer)
        if accepted.kind is AcceptedAs.REPEATED:
            return await self.replies.whisper(click, await self._already_answered(task, ts, click.user.id))
        await self.replies.settle(click, texts.option_chosen(escape(name), truncate(choice.option, 1500)))

    async def _already_answered(self, task: Task, ts: str, user: str) -> str:
        """Who answered before; empty for the second click of a double click."""
        answer = await self.queries.inbox_item(task.id, ts)
        if answer is None:
            return texts.QUESTION_CLOSED
        return "" if answer.user == user else texts.already_answered(escape(answer.user_name))

    async def _stop(self, thread: ThreadAddress, user: str, task: Task | None) -> None:
        if words := await self.stopper.stop(task, user):
            await self.replies.feedback.whisper(thread.team, thread.channel, user, words, thread.ts)
