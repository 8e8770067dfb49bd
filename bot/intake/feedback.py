"""What people get back at once: an ephemeral message, or a message in the thread.

Slack's refusal of one of these is logged and raises nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog

from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from tasks.message import ThreadAddress

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Feedback:
    """Sends it, in each workspace."""

    clients: Clients

    async def whisper(
        self, team: str, channel: str, user: str, text: str, thread_ts: str | None = None
    ) -> None:
        """Post a message that only `user` sees."""
        where = {"channel": channel, "user": user, **({"thread_ts": thread_ts} if thread_ts else {})}
        await self._call(team, "chat.postEphemeral", **where, text=text)

    async def post(self, thread: ThreadAddress, text: str) -> None:
        """Post a message for everyone in the thread."""
        await self._call(
            thread.team, "chat.postMessage", channel=thread.channel, thread_ts=thread.ts, text=text
        )

    async def _call(self, team: str, method: str, **arguments: Any) -> None:
        try:
            client = await self.clients.of(team)
            await client.api_call(method, json=arguments)
        except SLACK_ERRORS as fault:
            log.info("feedback not shown", method=method, why=error_text(fault))
