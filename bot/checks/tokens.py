"""Checks the tokens of the settings with Slack. Posts nothing and shows no token."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import CheckFailed, TokenRefused
from bot.settings import Settings
from bot.wire.api_errors import TOKEN_REFUSALS, token_refused, unreachable
from bot.wire.native_blocks import Block

#: Seconds that a start waits for Slack's word: without one the bot starts and connects when Slack is back.
PATIENCE = 5.0


async def refused(settings: Settings) -> tuple[str, ...]:
    """A sentence for each token that Slack says can't be used; nothing while Slack can't be asked."""
    asked: list[Awaitable[object]] = []
    if settings.slack_bot_token is not None:
        asked.append(identity(settings, settings.slack_bot_token.get_secret_value()))
    if settings.slack_app_token is not None:
        asked.append(opens_socket_mode(settings, settings.slack_app_token.get_secret_value()))
    return tuple(sentence for sentence in await asyncio.gather(*map(_refusal, asked)) if sentence)


async def _refusal(asked: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            await asked
    except TokenRefused as refusal:
        return str(refusal)
    except (CheckFailed, TimeoutError):
        return ""  # a start must not wait for Slack: what was taken in before goes on without it
    return ""


async def identity(settings: Settings, token: str) -> AsyncSlackResponse:
    """Who the bot token is of, with the granted scopes in the headers. Raises `CheckFailed`."""
    client = AsyncWebClient(token, base_url=settings.slack_api_url)
    return await _asked("SLACK_BOT_TOKEN", client, client.auth_test())


def granted_scopes(answer: AsyncSlackResponse) -> set[str] | None:
    """The scopes that Slack names in an answer's headers; None where it names none, as stand-ins do."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")} - {""} or None


async def takes_block(settings: Settings, token: str, block: Block) -> bool:
    """Whether the workspace takes a block, as Slack's `blocks.validate` says."""
    client = AsyncWebClient(token, base_url=settings.slack_api_url)
    try:
        await client.blocks_validate(blocks=[block])
    except (SlackClientError, aiohttp.ClientError, OSError):
        return False
    return True


async def opens_socket_mode(settings: Settings, token: str) -> None:
    """Raises `CheckFailed` when the app-level token opens no connection."""
    client = AsyncWebClient(base_url=settings.slack_api_url)
    await _asked("SLACK_APP_TOKEN", client, client.apps_connections_open(app_token=token))


async def _asked(
    variable: str, client: AsyncWebClient, call: Awaitable[AsyncSlackResponse]
) -> AsyncSlackResponse:
    try:
        return await call
    except SlackApiError as error:
        word = str(error.response.get("error", "an unknown error"))
        kind = TokenRefused if word in TOKEN_REFUSALS else CheckFailed
        raise kind(token_refused(variable, word)) from error
    except (SlackClientError, aiohttp.ClientError, OSError) as error:
        raise CheckFailed(unreachable(client.base_url, error)) from error
