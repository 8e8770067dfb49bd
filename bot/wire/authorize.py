"""Who we are in a workspace of our own, asked of Slack once, for Bolt.

Bolt's own question answers Slack's event with an ack when it fails, and the event is lost.
"""

from __future__ import annotations

import asyncio

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize

from bot.errors import EventNotStored
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text


class SingleWorkspaceAuthorize(AsyncAuthorize):
    """Bolt's `authorize`. Raises `EventNotStored` while Slack does not say, so that it sends events again."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self._result: AuthorizeResult | None = None
        self._asking = asyncio.Lock()

    async def __call__(self, **_: object) -> AuthorizeResult:
        async with self._asking:
            if self._result is None:
                self._result = await self._ask()
        return self._result

    async def _ask(self) -> AuthorizeResult:
        try:
            who = await self._client.auth_test()
        except SLACK_ERRORS as fault:
            raise EventNotStored(f"Slack does not tell who the bot is: {error_text(fault)}") from fault
        return AuthorizeResult(
            enterprise_id=who.get("enterprise_id"),
            team_id=who.get("team_id"),
            bot_user_id=who.get("user_id"),
            bot_id=who.get("bot_id"),
            bot_token=self._client.token,
        )
