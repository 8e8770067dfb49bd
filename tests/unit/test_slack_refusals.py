"""Slack's words for a token that does not serve: known alike before a start and while the bot is up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.checks import tokens
from bot.settings import Settings
from bot.wire.client import SlackClient
from playground.slack import SlackStandIn


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("account_inactive", "the app was uninstalled or its bot was deactivated"),
        ("invalid_auth", "Slack does not know it"),
        ("not_allowed_token_type", "it is a token of another kind"),
        ("not_authed", "it is empty"),
        ("token_expired", "it has expired"),
        ("token_revoked", "it was revoked"),
    ],
)
async def test_a_token_that_does_not_serve_is_reported_at_a_start_and_later(
    slack: SlackStandIn, tmp_path: Path, word: str, why: str
) -> None:
    token = SecretStr(slack.bot_token)
    settings = Settings(slack_api_url=slack.api_url, slack_bot_token=token, data_dir=tmp_path)
    client = SlackClient(slack.bot_token, slack.api_url)
    slack.fail("auth.test", word, times=2)

    assert await tokens.refused(settings) == (
        f"SLACK_BOT_TOKEN can't be used: {why}. Copy it again from the app's pages.",
    )
    with pytest.raises(SlackApiError):
        await client.auth_test()
    assert client.refused == word


@pytest.mark.parametrize(("word", "status"), [("unknown_method", 200), (None, 404)])
async def test_a_method_that_does_not_exist_is_called_once(
    slack: SlackStandIn, word: str | None, status: int
) -> None:
    """A proxy answers 404 without Slack's JSON."""
    client = SlackClient(slack.bot_token, slack.api_url)
    slack.fail("agents.sessions.setStatus", word, status=status, times=9)
    for _ in range(3):
        assert not await client.attempt("agents.sessions.setStatus", channel_id="C0GENERAL", status="active")
    assert [call.method for call in slack.calls].count("agents.sessions.setStatus") == 1
