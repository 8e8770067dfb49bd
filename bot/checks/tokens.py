"""Whether Slack takes the tokens of the settings. Says nothing in a workspace, and never shows a token."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import CheckFailed, TokenRefused
from bot.settings import Settings

#: Seconds that a start waits for Slack's word: without one the bot starts and connects when Slack is back.
PATIENCE = 5.0
#: What Slack answers to a token that can't be used -> why.
_REFUSALS = {
    "account_inactive": "the app was uninstalled or its bot was deactivated",
    "invalid_auth": "Slack does not know it",
    "not_allowed_token_type": "it is a token of another kind",
    "token_expired": "it has expired",
    "token_revoked": "it was revoked",
}


async def refused(settings: Settings) -> tuple[str, ...]:
    """A sentence when Slack says that the bot token can't be used; nothing while Slack can't be asked."""
    if settings.slack_bot_token is None:
        return ()
    try:
        async with asyncio.timeout(PATIENCE):
            await identity(settings, settings.slack_bot_token.get_secret_value())
    except TokenRefused as refusal:
        return (str(refusal),)
    except (CheckFailed, TimeoutError):
        return ()  # a start must not wait for Slack: what was taken in before goes on without it
    return ()


async def identity(settings: Settings, token: str) -> AsyncSlackResponse:
    """Who the bot token is of, with the granted scopes in the headers. Raises `CheckFailed`."""
    client = AsyncWebClient(token, base_url=settings.slack_api_url)
    return await _asked("SLACK_BOT_TOKEN", client.auth_test())


async def opens_socket_mode(settings: Settings, token: str) -> None:
    """Raises `CheckFailed` when the app-level token opens no connection."""
    client = AsyncWebClient(base_url=settings.slack_api_url)
    await _asked("SLACK_APP_TOKEN", client.apps_connections_open(app_token=token))


async def _asked(variable: str, call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    try:
        return await call
    except SlackApiError as error:
        code = str(error.response.get("error", "an unknown error"))
        why = _REFUSALS.get(code, f"Slack answers {code}")
        kind = TokenRefused if code in _REFUSALS else CheckFailed
        raise kind(f"{variable} can't be used: {why}. Copy it again from the app's pages.") from error
    except (SlackClientError, aiohttp.ClientError, OSError) as error:
        raise CheckFailed(
            f"Slack can't be reached ({error}). Look at the network and SLACK_API_URL."
        ) from error
