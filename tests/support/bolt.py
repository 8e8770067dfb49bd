"""A real Bolt app on real connections to the playground's Slack. Knows nothing of Handoff's own bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn


def new_client(slack: SlackStandIn, token: str | None = None) -> AsyncWebClient:
    """A client without retries, so that a test sees each refusal."""
    return AsyncWebClient(token or slack.bot_token, base_url=slack.api_url, retry_handlers=[])


def new_app(slack: SlackStandIn) -> AsyncApp:
    return AsyncApp(client=new_client(slack), signing_secret=slack.signing_secret)


@asynccontextmanager
async def connected(slack: SlackStandIn, app: AsyncApp, connections: int = 1) -> AsyncIterator[None]:
    """The app on that many connections, from the moment the playground counts them all."""
    async with AsyncExitStack() as exits:
        for _ in range(connections):
            handler = AsyncSocketModeHandler(app, slack.app_token, web_client=app.client, ping_interval=1)
            exits.push_async_callback(handler.close_async)
            await handler.connect_async()  # type: ignore[no-untyped-call]
        await slack.wait_for(lambda _: slack.connections == connections)
        yield
