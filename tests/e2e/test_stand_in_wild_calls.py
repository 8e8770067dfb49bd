"""Wild arguments to every method of the Web API: always an answer of Slack's form, never a server error."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.slack import SlackStandIn
from playground.slack.methods import METHODS

GENERAL, ADA = "C0GENERAL", "U0ADA0001"
# fmt: off
NAMES = [
    "channel", "channel_id", "user", "users", "user_id", "text", "ts", "thread_ts", "message_ts",
    "timestamp", "name", "blocks", "attachments", "markdown_text", "metadata", "chunks", "task_display_mode",
    "status", "session_status", "title", "prompts", "view", "view_id", "hash", "trigger_id", "files", "file",
    "filename", "length", "limit", "cursor", "oldest", "latest", "inclusive", "types", "recipient_user_id",
    "recipient_team_id", "loading_messages", "initial_comment", "username", "token", "error", "bot", "query",
    "action_token", "channel_types",
]
# fmt: on
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("method", sorted(METHODS))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
async def test_any_arguments_get_an_answer(method: str, data: st.DataObject) -> None:
    async with SlackStandIn(rate_limits=False) as slack:
        root = await slack.post(ADA, GENERAL, "hello")
        known = st.sampled_from(
            [GENERAL, ADA, root, slack.team_id, "D0ADA0001", "processing", "1", "[]", "{}"]
        )
        wild: dict[str, Any] = data.draw(st.dictionaries(st.sampled_from(NAMES), JSON | known, max_size=8))
        token = slack.app_token if METHODS[method].token == "app" else slack.bot_token
        search = {"query": "hello", "action_token": slack.credentials.action_token(ADA)}
        usual = {"channel": GENERAL, "channel_id": GENERAL, "ts": root, "thread_ts": root, **search}
        answer = await _call(f"{slack.api_url}{method}", token, usual | wild)
    assert answer["ok"] is True or isinstance(answer["error"], str)


async def _call(url: str, token: str, values: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.post(url, json=values, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        body: dict[str, Any] = await answer.json()
        return body
