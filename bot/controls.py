"""What people press: Stop in its four forms, an answer's button, a verdict on an answer.

Reads interactivity payloads at the edge and tells the engine. A click on something old says so, in private.
"""

from __future__ import annotations

import re
from typing import Any

import pydantic
import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.answer import ANSWER, FEEDBACK, STOP
from bot.people import People
from bot.text import escape
from tasks.engine import Engine
from tasks.message import Message, ThreadAddress
from tasks.task import State, Task

log = structlog.get_logger(__name__)

STOP_REACTIONS = {"x", "octagonal_sign"}
_OLD = "This question has been answered or its task is over. Nothing was changed."


class _Named(pydantic.BaseModel):
    id: str


class _Action(pydantic.BaseModel):
    action_id: str
    value: str = ""
    action_ts: str = ""


class _Where(pydantic.BaseModel):
    ts: str
    text: str = ""


class _Click(pydantic.BaseModel):
    """A `block_actions` payload (docs.slack.dev/reference/interaction-payloads)."""

    user: _Named
    channel: _Named
    message: _Where
    actions: list[_Action] = pydantic.Field(min_length=1)


class _Choice(pydantic.BaseModel):
    """What an answer's button carries."""

    task: str
    attempt: int
    option: str


class Controls:
    """The listeners for everything that is pressed."""

    def __init__(self, engine: Engine, people: People) -> None:
        self._engine = engine
        self._people = people

    def register(self, app: AsyncApp) -> None:
        app.event("agent_session_stopped")(self.session_stopped)
        app.event("reaction_added")(self.reacted)
        app.action(STOP)(self.stop_pressed)
        app.action(re.compile(rf"{ANSWER}:\d+"))(self.answered)
        app.action(FEEDBACK)(self.rated)

    async def session_stopped(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Slack's own Stop button."""
        team, channel, ts = body.get("team_id"), event.get("channel"), event.get("thread_ts")
        if isinstance(team, str) and isinstance(channel, str) and isinstance(ts, str):
            await self._stop(await self._engine.current(ThreadAddress(team, channel, ts)), event.get("user"))

    async def reacted(self, event: dict[str, Any]) -> None:
        """❌ or 🛑 on the request, on its thread's first message, or on what the bot said."""
        item = event.get("item")
        if event.get("reaction") not in STOP_REACTIONS or not isinstance(item, dict):
            return
        channel, ts = item.get("channel"), item.get("ts")
        if isinstance(channel, str) and isinstance(ts, str):
            await self._stop(await self._engine.store.at(channel, ts), event.get("user"))

    async def stop_pressed(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if click := _read(body):
            await self._stop(await self._engine.store.task(click.actions[0].value), click.user.id)

    async def answered(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """A click on one of a question's options is a message with that text."""
        await ack()
        if (click := _read(body)) is None:
            return
        try:
            choice = _Choice.model_validate_json(click.actions[0].value)
        except pydantic.ValidationError as error:
            log.warning("button not understood", problem=str(error))
            return
        task = await self._engine.store.task(choice.task)
        if task is None or task.state is not State.WAITING or task.attempt != choice.attempt:
            return await _whisper(client, click, _OLD)
        name = await self._people.name(click.user.id)
        answer = Message(
            thread=task.thread, ts=click.actions[0].action_ts or click.message.ts, user=click.user.id,
            user_name=name, text=choice.option,
        )  # fmt: skip
        await self._engine.accept(answer)
        await _show_choice(client, click, f"{click.message.text}\n*{escape(name)}:* {escape(choice.option)}")

    async def rated(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        if click := _read(body):
            verdict, _, task = click.actions[0].value.partition(":")
            if verdict in ("good", "bad") and await self._engine.store.task(task):
                await self._engine.store.rate(task, click.user.id, verdict)
                await _whisper(client, click, "Thank you, noted.")

    async def _stop(self, task: Task | None, user: object) -> None:
        if task is not None and isinstance(user, str):
            await self._engine.stop(task.id, f"{await self._people.name(user)} stopped it")


def _read(body: object) -> _Click | None:
    try:
        return _Click.model_validate(body)
    except pydantic.ValidationError as error:
        log.warning("click not understood, acked and dropped", problem=str(error))
        return None


async def _whisper(client: AsyncWebClient, click: _Click, text: str) -> None:
    try:
        await client.chat_postEphemeral(channel=click.channel.id, user=click.user.id, text=text)
    except SlackClientError as error:
        log.info("whisper not heard", why=str(error))


async def _show_choice(client: AsyncWebClient, click: _Click, text: str) -> None:
    """The question with its answer in place of the buttons."""
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}]
    try:
        await client.chat_update(
            channel=click.channel.id, ts=click.message.ts, text=text[:3000], blocks=blocks
        )
    except SlackClientError as error:
        log.info("choice not shown", why=str(error))
