"""People's names, asked of Slack once each and kept for a while."""

from __future__ import annotations

import asyncio
import time

import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

#: Seconds that a name is kept: people rename themselves, but rarely.
KEPT = 3600.0
#: Seconds to wait for a name while Slack waits for an ack; without one the person is "someone".
PATIENCE = 1.0


class People:
    """Names by user id."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._names: dict[str, tuple[float, str]] = {}

    def known(self, user: str) -> str:
        """A name without asking; "someone" when it was never asked."""
        return self._names.get(user, (0.0, "someone"))[1]

    async def name(self, user: str) -> str:
        """The display name; what is known when Slack does not tell in time."""
        asked, name = self._names.get(user, (-KEPT, "someone"))
        if time.monotonic() - asked < KEPT:
            return name
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client.users_info(user=user)
        except (SlackClientError, TimeoutError) as error:
            log.info("name not known", user=user, why=str(error))
            return name
        found = answer.get("user") or {}
        profile = found.get("profile") or {}
        name = profile.get("display_name") or found.get("real_name") or found.get("name") or name
        self._names[user] = (time.monotonic(), name)
        return str(name)
