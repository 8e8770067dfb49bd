"""What a person sees of a press: a word to them alone, or what they pressed on with their choice below it.

Never decides anything. What Slack does not take costs a glance, and is told in the log.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

import structlog

from bot.thread.question import closed
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.interactions import ClickPayload
from bot.wire.text import truncate

log = structlog.get_logger(__name__)

FOREIGN = "This button does not belong to a task of mine. Nothing was changed."
#: Bytes of a message's text that an edit keeps, beside the choice; Slack refuses one of more than 4,000.
_KEPT = 1500


@dataclass(frozen=True, slots=True)
class ClickReplies:
    """Answers to presses, in each workspace."""

    clients: Clients

    async def whisper(self, click: ClickPayload, words: str) -> None:
        """Nothing in App Home, where there is no channel to say it in."""
        if click.channel is not None:
            thread = click.message.thread_ts if click.message else None
            await self.whisper_in(click.team.id, click.channel.id, thread, click.user.id, words)

    async def whisper_in(self, team: str, channel: str, thread_ts: str | None, user: str, words: str) -> None:
        try:
            client = await self.clients.of(team)
            await client.chat_postEphemeral(channel=channel, user=user, text=words, thread_ts=thread_ts)
        except SLACK_ERRORS as error:
            log.info("whisper not heard", why=error_text(error))

    async def settle(self, click: ClickPayload, choice: str) -> None:
        """The message keeps its words, and has `choice` (mrkdwn, to 2,000 bytes) in place of its buttons."""
        if click.channel is None or click.message is None:
            return
        said = click.message
        text = f"{truncate(html.unescape(said.text), _KEPT)}\n{choice}"
        blocks = closed(said.blocks, choice)
        try:
            client = await self.clients.of(click.team.id)
            await client.chat_update(channel=click.channel.id, ts=said.ts, text=text, blocks=blocks)
        except SLACK_ERRORS as error:
            log.info("choice not shown", why=error_text(error))
