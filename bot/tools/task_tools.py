"""Makes the tools that read Slack for each task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.tools import Tool
from bot.tools.action_tokens import ActionTokens
from bot.tools.channel_access import ChannelAccess
from bot.tools.slack_reading import SlackReading
from bot.wire.clients import Clients
from bot.wire.permalinks import Permalinks
from bot.wire.reader import MessageReader
from tasks.store.queries import TaskQueries
from tasks.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTools:
    """The tools of all tasks' orchestrators, by task."""

    clients: Clients
    reader: MessageReader
    links: Permalinks
    queries: TaskQueries
    tokens: ActionTokens

    async def of(self, task: Task) -> Sequence[Tool]:
        client = await self.clients.of(task.thread.team)
        access = ChannelAccess(
            client=client, people=self.reader.people, task=task, writers=self.queries.writers
        )
        reading = SlackReading(
            client=client, reader=self.reader, links=self.links, access=access, task=task, tokens=self.tokens
        )
        return await reading.tools()
