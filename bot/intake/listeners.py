"""What runs after Slack has its ack: the signs that a message was seen, help, whispers, and arrivals.

Nothing here may be lost for good: what must not be is written down by `bot.intake.intake` before the ack.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp, AsyncBoltContext

from bot.intake.intake import Received, Sign
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from bot.wire.clients import Clients
from bot.wire.events import SlackMessage
from bot.wire.manifest import PROMPTS
from bot.wire.text import silence_mentions
from tasks.engine import TaskEngine
from tasks.store.queries import TaskQueries

log = structlog.get_logger(__name__)

HELP = (
    "Mention me with a task and I get it done with a team of workers, in this thread. For example:\n"
    "• _Execute hello world in Python_\n"
    "• _Analyse the attached CSV and plot the main trends_\n"
    "Write here to steer me while I work, and `stop` to stop me. `!mute` makes me wait for a mention, and "
    "`/handoff help` tells the rest."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageListeners:
    """The listeners for what people say and for where the bot is."""

    clients: Clients
    engine: TaskEngine
    queries: TaskQueries
    signed: Callable[[float], None] = lambda _: None
    """Told how many seconds after it was written a message had its sign."""

    def register(self, app: AsyncApp) -> None:
        app.event("message")(self.show_sign)
        app.event("app_mention")(self.show_sign)
        app.event("member_joined_channel")(self.joined)
        app.event("channel_unarchive")(self.opened)
        app.event("group_unarchive")(self.opened)

    async def show_sign(self, context: AsyncBoltContext) -> None:
        await self.show(context["received"])

    async def show(self, received: Received) -> None:
        """Tell the writer at once that the message was seen, or why nothing follows."""
        message = received.message
        if message is None or received.sign is Sign.NONE:
            return
        client = await self.clients.of(message.thread.team)
        for tell in (self._post, self._react, self._whisper):
            try:
                await tell(client, received, message)
            except SLACK_ERRORS as error:
                log.info("sign not shown", sign=received.sign.value, why=error_text(error))

    async def _post(self, client: SlackClient, received: Received, message: SlackMessage) -> None:
        text = {Sign.HELP: HELP, Sign.SAID: silence_mentions(received.words)}.get(received.sign)
        if text is not None:
            thread = message.thread
            await client.chat_postMessage(channel=thread.channel, thread_ts=thread.ts, text=text)

    async def _react(self, client: SlackClient, received: Received, message: SlackMessage) -> None:
        if received.sign is Sign.SEEN:
            await client.reactions_add(channel=message.thread.channel, timestamp=message.ts, name="eyes")
            self.signed(time.time() - float(message.ts))

    async def _whisper(self, client: SlackClient, received: Received, message: SlackMessage) -> None:
        if received.words and received.sign is not Sign.SAID and not message.by_bot:
            thread = message.thread
            root = thread.ts if message.is_reply else None
            await client.chat_postEphemeral(
                channel=thread.channel, user=message.user, text=received.words, thread_ts=root
            )

    async def joined(self, event: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext) -> None:
        """The bot is (again) in a channel."""
        if event.get("user") == context.bot_user_id:
            await self.opened(event, body)

    async def opened(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """What could not be told in a channel is told now."""
        team, channel = body.get("team_id"), event.get("channel")
        if isinstance(team, str) and isinstance(channel, str):
            for task in await self.queries.undelivered(team=team, channel=channel):
                await self.engine.store.redeliver(task)


async def suggest_prompts(clients: Clients, team: str, channel: str) -> None:
    """What the messages tab offers to somebody who has not written yet."""
    prompts = [{"title": title, "message": message} for title, message in PROMPTS.items()]
    try:
        client = await clients.of(team)
        await client.api_call(
            "assistant.threads.setSuggestedPrompts", json={"channel_id": channel, "prompts": prompts}
        )
    except SLACK_ERRORS as error:
        log.info("prompts not suggested", why=error_text(error))
