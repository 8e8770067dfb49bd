"""The Bolt app: middleware before the ack, listeners after it.

A global middleware stores each message before Bolt acks; everything else runs in listeners, after the ack.
Deliveries without a listener are acked too, or Slack would send them again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.listener.async_listener_completion_handler import AsyncListenerCompletionHandler
from slack_bolt.listener.async_listener_start_handler import AsyncListenerStartHandler
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from bot.errors import EventNotStored
from bot.wire.clients import Clients
from bot.wire.events import bot_user_id

log = structlog.get_logger(__name__)

#: What Bolt raises for a payload whose fields have unexpected types.
SHAPE_ERRORS = (TypeError, AttributeError, KeyError, ValueError, IndexError)
_ANY = re.compile(".*", re.DOTALL)


class Receiver(Protocol):
    """Stores messages before the ack: `bot.intake.intake.Intake`."""

    async def receive(self, body: object, bot_user: str) -> object:
        """Store what the event asks for. Raises only when that failed."""
        ...


class ListenerGroup(Protocol):
    """Listeners that belong together."""

    def register(self, app: AsyncApp) -> None: ...


class BoltApp(AsyncApp):
    """Bolt's app, which also acks payloads that Bolt fails on. In Socket Mode the signing secret is empty."""

    def __init__(self, signing_secret: str, **arguments: Any) -> None:
        super().__init__(
            # Without a name Bolt looks for its caller's, and reads the sources of the whole stack for it.
            name="handoff",
            signing_secret=signing_secret or None,
            request_verification_enabled=bool(signing_secret),
            attaching_conversation_kwargs_enabled=False,
            logger=logging.getLogger("slack_bolt"),
            **arguments,
        )
        self._verifier = SignatureVerifier(signing_secret) if signing_secret else None
        self._in_flight = 0
        self._finished = asyncio.Event()
        runner = self.listener_runner
        runner.listener_start_handler = _ListenerHook(self._begin)
        runner.listener_completion_handler = _ListenerHook(self._end)

    async def finish(self, seconds: float) -> None:
        """Wait `seconds` at most until no delivery is being received or handled. A listener that outlived the
        database would open it again."""
        try:
            async with asyncio.timeout(seconds):
                while self._in_flight:
                    self._finished.clear()
                    await self._finished.wait()
        except TimeoutError:
            log.warning("listeners still run, the next start handles their messages", seconds=seconds)

    def _begin(self) -> None:
        self._in_flight += 1

    def _end(self) -> None:
        self._in_flight -= 1
        self._finished.set()

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Acks payloads whose shape Bolt can't read, so that Slack does not send them again."""
        req.context["event_bot_user"] = bot_user_id(req.body)
        self._begin()
        try:
            response: BoltResponse = await super().async_dispatch(req)
        except SHAPE_ERRORS as error:
            log.warning("payload not understood, acked and dropped", problem=repr(error))
            return BoltResponse(status=200, body="")
        finally:
            self._end()
        if response.status == 404:
            log.warning("unknown kind of delivery, acked and dropped")
            return BoltResponse(status=200, body="")
        return response

    def is_signed(self, body: str, headers: Mapping[str, str]) -> bool:
        """Whether Slack signed the request."""
        return self._verifier is not None and self._verifier.is_valid_request(body, dict(headers))


class _ListenerHook(AsyncListenerStartHandler, AsyncListenerCompletionHandler):
    """Calls a function when a listener starts or ends. Bolt runs listeners in tasks that it does not keep."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    async def handle(self, request: AsyncBoltRequest, response: BoltResponse | None) -> None:
        self._call()


def authorize_by(clients: Clients) -> Callable[..., Awaitable[AuthorizeResult | None]]:
    """Bolt's `authorize`, without a call to Slack before the ack: the event itself names our bot's user."""

    async def authorize(team_id: str | None, event_bot_user: str | None) -> AuthorizeResult | None:
        token = await clients.token(team_id or "")
        if token is None:
            return None
        return AuthorizeResult(
            enterprise_id=None, team_id=team_id, bot_user_id=event_bot_user, bot_token=token
        )

    return authorize


def connect(
    app: AsyncApp, intake: Receiver, listeners: Sequence[ListenerGroup], *, on_refused: Callable[[], None]
) -> None:
    """Register the middleware before the ack, the listeners after it, and an ack for everything else.
    `on_refused` is called when an event could not be stored."""

    @app.middleware
    async def claim(
        body: dict[str, Any], context: AsyncBoltContext, next: Callable[[], Awaitable[None]]
    ) -> None:
        try:
            context["received"] = await intake.receive(body, context.bot_user_id or "")
        except Exception as error:
            on_refused()
            raise EventNotStored("an event could not be stored") from error
        await next()

    for listener in listeners:
        listener.register(app)
    for kind in (app.event, app.action, app.command, app.shortcut, app.view, app.options):
        kind(_ANY)(_ack)
    app.view_closed(_ANY)(_ack)
    app.error(_failed)


async def _ack(ack: AsyncAck) -> None:
    await ack()


async def _failed(error: Exception, body: dict[str, Any]) -> BoltResponse:
    """Refuse an event that was not stored, so that Slack sends it again. Other failures would only repeat."""
    kind = str(body.get("type"))[:50]
    log.error("delivery failed", type=kind, exc_info=error)
    return BoltResponse(status=500 if isinstance(error, EventNotStored) else 200, body="")
