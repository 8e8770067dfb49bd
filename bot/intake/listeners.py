"""Bolt's listeners for messages and for the channels that the bot is in. They run after the ack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp, AsyncBoltContext

from bot.intake.intake import Intake
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.manifest import PROMPTS
from tasks.engine import TaskEngine
from tasks.store.queries import TaskQueries

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageListeners:
    """The listeners for what people say and for where the bot is."""

    intake: Intake
    engine: TaskEngine
    queries: TaskQueries

    def register(self, app: AsyncApp) -> None:
        app.event("message")(self.process)
        app.event("app_mention")(self.process)
        app.event("member_joined_channel")(self.joined)
        app.event("channel_unarchive")(self.opened)
        app.event("group_unarchive")(self.opened)

    async def process(self, context: AsyncBoltContext) -> None:
        await self.intake.process(context["received"])

    async def joined(self, event: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext) -> None:
        """The bot is (again) in a channel."""
        if event.get("user") == context.bot_user_id:
            await self.opened(event, body)

    async def opened(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Deliver the answers that the channel refused before."""
        team, channel = body.get("team_id"), event.get("channel")
        if isinstance(team, str) and isinstance(channel, str):
            for task in await self.queries.undelivered(team=team, channel=channel):
                await self.engine.store.redeliver(task)


async def suggest_prompts(clients: Clients, team: str, channel: str) -> None:
    """Offer prompts in the messages tab of a person who has not written yet."""
    prompts = [{"title": title, "message": message} for title, message in PROMPTS.items()]
    try:
        client = await clients.of(team)
        await client.api_call(
            "assistant.threads.setSuggestedPrompts", json={"channel_id": channel, "prompts": prompts}
        )
    except SLACK_ERRORS as error:
        log.info("prompts not suggested", why=error_text(error))
