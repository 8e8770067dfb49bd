"""Answers to clicks, the slash command and the shortcut: an ephemeral message, or the choice in place of the
buttons."""

from __future__ import annotations

import html
from dataclasses import dataclass

import structlog
from slack_bolt.async_app import AsyncRespond

from bot.intake.feedback import Feedback
from bot.thread.question import settled
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.interactions import ClickPayload
from bot.wire.text import truncate

log = structlog.get_logger(__name__)

#: Bytes of a message's text that an edit keeps, beside the choice; Slack refuses one of more than 4,000.
_KEPT = 1500


@dataclass(frozen=True, slots=True)
class ClickReplies:
    """Sends it, in each workspace. Slack's refusal is logged and raises nothing."""

    clients: Clients
    feedback: Feedback

    async def whisper(self, click: ClickPayload, text: str) -> None:
        """Say nothing in App Home, which has no channel."""
        if text and click.channel is not None:
            thread_ts = click.message.thread_ts if click.message else None
            await self.feedback.whisper(click.team.id, click.channel.id, click.user.id, text, thread_ts)

    async def settle(self, click: ClickPayload, choice: str) -> None:
        """Replace the message's buttons by `choice` (mrkdwn, up to 2,000 bytes)."""
        if click.channel is None or click.message is None:
            return
        clicked = click.message
        text = f"{truncate(html.unescape(clicked.text), _KEPT)}\n{choice}"
        blocks = settled(clicked.blocks, choice)
        try:
            client = await self.clients.of(click.team.id)
            await client.chat_update(channel=click.channel.id, ts=clicked.ts, text=text, blocks=blocks)
        except SLACK_ERRORS as fault:
            log.info("choice not shown", why=error_text(fault))


async def respond_ephemerally(respond: AsyncRespond, words: str) -> None:
    """Answer a slash command or a shortcut. Slack's refusal is logged and raises nothing."""
    try:
        await respond(text=words, response_type="ephemeral")
    except SLACK_ERRORS as error:
        log.info("command not answered", why=error_text(error))
