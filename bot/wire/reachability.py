"""Whether Slack's Web API can be reached in HTTP mode, where no connection shows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bot.wire.client import SLACK_ERRORS, error_code, error_text

#: Seconds that a call may take, and for which a success counts.
PATIENCE, FRESH = 3.0, 15.0


class Reachability:
    """Without a client nothing is checked."""

    def __init__(self, client: AsyncWebClient | None) -> None:
        self._client = client
        self._reached_at = float("-inf")

    async def problems(self) -> Sequence[str]:
        """What is wrong, in a sentence for the operator."""
        if self._client is None or time.monotonic() - self._reached_at < FRESH:
            return []
        try:
            async with asyncio.timeout(PATIENCE):
                await self._client.api_test()
        except SLACK_ERRORS as error:
            if not error_code(error):
                return [f"Slack can't be reached at {self._client.base_url} ({error_text(error)})"]
        self._reached_at = time.monotonic()
        return []
