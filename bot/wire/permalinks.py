"""Permalinks to threads, built from the workspace's URL, which is fetched once."""

from __future__ import annotations

import structlog

from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from tasks.message import ThreadAddress

log = structlog.get_logger(__name__)


class Permalinks:
    """Permalinks to threads in one or more workspaces."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._homes: dict[str, str] = {}

    async def to(self, thread: ThreadAddress) -> str:
        """The permalink of the thread's first message."""
        home = await self._home(thread.team)
        return f"{home}/archives/{thread.channel}/p{thread.ts.replace('.', '')}"

    async def _home(self, team: str) -> str:
        if team not in self._homes:
            try:
                client = await self._clients.of(team)
                self._homes[team] = str((await client.auth_test())["url"]).rstrip("/")
            except SLACK_ERRORS as error:
                log.info("workspace URL unknown", why=error_text(error))
                return "https://slack.com"
        return self._homes[team]
