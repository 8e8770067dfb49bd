"""The message shortcut "Hand off this message", in each message's menu. Answers are ephemeral."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.controls import texts
from bot.controls.replies import respond_ephemerally
from bot.intake import texts as intake_texts
from bot.intake.access import AccessPolicy
from bot.intake.feedback import Feedback
from bot.wire.client import ABSENT, SLACK_ERRORS, SlackClient, error_text
from bot.wire.clients import Clients
from bot.wire.events import MalformedPayload, parse_message
from bot.wire.interactions import ShortcutPayload, parse_interaction
from bot.wire.manifest import SHORTCUT
from bot.wire.marks import MessageMarks
from bot.wire.reader import MessageReader
from tasks.engine import TaskEngine
from tasks.message import Message
from tasks.store.tasks import AcceptedAs

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageShortcut:
    """The listener for the shortcut."""

    engine: TaskEngine
    reader: MessageReader
    clients: Clients
    access: AccessPolicy
    feedback: Feedback
    marks: MessageMarks

    def register(self, app: AsyncApp) -> None:
        app.shortcut(SHORTCUT)(self.handed_off)

    async def handed_off(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        """Start a task of the person who chose the shortcut, in the message's thread."""
        await ack()
        if (chosen := parse_interaction(ShortcutPayload, body)) is None:
            return
        event = {**body["message"], "type": "message", "channel": chosen.channel.id, "subtype": None}
        try:
            message = parse_message({"team_id": chosen.team.id, "event": event})
        except MalformedPayload as problem:
            log.warning("shortcut on a message that is not understood", problem=str(problem))
            return
        if message is None or not (message.content.whole or message.files):
            return await respond_ephemerally(respond, texts.EMPTY_MESSAGE)
        if refusal := await self.access.refusal(message.thread, chosen.user.id):
            return await respond_ephemerally(respond, refusal)
        name = await self.reader.people.name(chosen.team.id, chosen.user.id)
        text = await self.reader.words(chosen.team.id, message.content.whole)
        client = await self.clients.of(chosen.team.id)
        if not await _is_in(client, chosen.channel.id):
            return await respond_ephemerally(respond, texts.NOT_IN_CHANNEL)
        task = Message(
            thread=message.thread, ts=message.ts, user=chosen.user.id, user_name=name, text=text,
            files=message.files,
        )  # fmt: skip
        # It may be claimed already, for a writer who was refused.
        accepted = await self.engine.accept(task, release=True)
        if accepted.kind is AcceptedAs.REPEATED:
            return await respond_ephemerally(respond, texts.ALREADY_HANDED_OFF)
        if accepted.ahead:
            await respond_ephemerally(respond, intake_texts.queued(accepted.ahead))
        await self.marks.show_eyes(message.thread, message.ts)
        if chosen.user.id != message.user:
            await self.feedback.post(message.thread, texts.handed_off_by(f"<@{chosen.user.id}>"))


async def _is_in(client: SlackClient, channel: str) -> bool:
    """Whether the bot is in a channel; True where Slack does not say."""
    try:
        found = (await client.conversations_info(channel=channel)).get("channel") or {}
    except SLACK_ERRORS as fault:
        log.info("channel not known", why=error_text(fault))
        return error_text(fault) not in ABSENT
    return bool(found.get("is_member", True)) and not found.get("is_archived")
