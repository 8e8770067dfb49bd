"""The Bolt app: which of Slack's deliveries go where, and when they are acknowledged.

A message is claimed in a global middleware, which runs before Bolt acks; everything that may wait runs in
listeners, after the ack. What we don't handle is acked too: otherwise Slack would send it again and again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse

from bot.intake import Intake

log = structlog.get_logger(__name__)

_ANY = re.compile(".*", re.DOTALL)


class Registers(Protocol):
    """Something with listeners."""

    def register(self, app: AsyncApp) -> None: ...


def new_app(signing_secret: str, **workspaces: Any) -> AsyncApp:
    """A bare app. `workspaces` is Bolt's `client` for one workspace, or `oauth_settings` for several; an
    empty signing secret is for Socket Mode, which has no use for one."""
    return AsyncApp(
        signing_secret=signing_secret or None,
        request_verification_enabled=bool(signing_secret),
        attaching_conversation_kwargs_enabled=False,
        logger=logging.getLogger("slack_bolt"),
        **workspaces,
    )


def connect(app: AsyncApp, intake: Intake, rooms: Sequence[Registers]) -> None:
    """Claim what is said before the ack, hand the rest to each of `rooms`, and ack what nobody wants."""

    @app.middleware
    async def claim(
        body: dict[str, Any], context: AsyncBoltContext, next: Callable[[], Awaitable[None]]
    ) -> None:
        context["received"] = await intake.receive(body, context.bot_user_id or "")
        await next()

    for room in rooms:
        room.register(app)
    for kind in (app.event, app.action, app.command, app.shortcut, app.view, app.options):
        kind(_ANY)(_ack)
    app.view_closed(_ANY)(_ack)
    app.error(_failed)


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
