"""The Bolt app: which of Slack's deliveries go where, and when they are acknowledged.

A message is claimed in a global middleware, which runs before Bolt acks; everything that may wait runs in
listeners, after the ack. What we don't handle is acked too: otherwise Slack would send it again and again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.controls import Controls
from bot.intake import Intake, Received, Sign

log = structlog.get_logger(__name__)

HELP = (
    "Mention me with a task and I get it done with a team of workers, in this thread. For example:\n"
    "• _Execute hello world in Python_\n"
    "• _Analyse the attached CSV and plot the main trends_\n"
    "Write here to steer me while I work, and `stop` to stop me."
)
_ANY = re.compile(".*", re.DOTALL)


def build(client: AsyncWebClient, signing_secret: str, intake: Intake, controls: Controls) -> AsyncApp:
    """The app around one workspace's client. An empty signing secret is for Socket Mode, which has no use
    for one."""
    app = AsyncApp(
        client=client,
        signing_secret=signing_secret or None,
        request_verification_enabled=bool(signing_secret),
        attaching_conversation_kwargs_enabled=False,
        logger=logging.getLogger("slack_bolt"),
    )

    @app.middleware
    async def claim(
        body: dict[str, Any], context: AsyncBoltContext, next: Callable[[], Awaitable[None]]
    ) -> None:
        context["received"] = await intake.receive(body, context.bot_user_id or "")
        await next()

    app.event("message")(_show_sign)
    app.event("app_mention")(_show_sign)
    controls.register(app)
    _acknowledge_the_rest(app)
    app.error(_failed)
    return app


async def _show_sign(context: AsyncBoltContext, client: AsyncWebClient) -> None:
    received: Received = context["received"]
    message = received.message
    if message is None or received.sign is Sign.NONE:
        return
    try:
        if received.sign is Sign.HELP:
            thread = message.thread
            await client.chat_postMessage(channel=thread.channel, thread_ts=thread.ts, text=HELP)
        else:
            await client.reactions_add(channel=message.thread.channel, timestamp=message.ts, name="eyes")
    except SlackClientError as error:
        log.info("sign not shown", sign=received.sign.value, why=str(error))


def _acknowledge_the_rest(app: AsyncApp) -> None:
    for kind in (app.event, app.action, app.command, app.shortcut, app.view, app.options):
        kind(_ANY)(_ack)
    app.view_closed(_ANY)(_ack)


async def _ack(ack: AsyncAck) -> None:
    await ack()


async def _failed(error: Exception, body: dict[str, Any]) -> BoltResponse:
    """A delivery that could not be taken in is refused, so that Slack sends it again; one that nothing
    matches is somebody's mistake and harmless."""
    if isinstance(error, BoltUnhandledRequestError):
        log.warning("delivery not understood, acked and dropped", type=str(body.get("type"))[:50])
        return BoltResponse(status=200, body="")
    log.error("delivery failed", type=str(body.get("type"))[:50], exc_info=error)
    return BoltResponse(status=500, body="")
