"""Socket Mode with two connections, so that one being renewed loses nothing.

Slack closes each connection every few hours and the client opens the new one after the old is gone; events of
that moment go to the other connection. Never reads an envelope: Bolt does.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.wire.app import SHAPE

log = structlog.get_logger(__name__)

CONNECTIONS = 2
#: Seconds between two pings: a connection that stays silent for half as long is dead, and opened anew.
PING = 10.0


class Sockets:
    """The bot's connections to Slack."""

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self._handlers = [_Handler(app, app_token, ping_interval=PING) for _ in range(CONNECTIONS)]
        self._since: dict[int, float] = {}
        for number, handler in enumerate(self._handlers):
            handler.client.message_listeners.append(self._note(number))

    async def start(self) -> None:
        for handler in self._handlers:
            await handler.connect_async()  # type: ignore[no-untyped-call]
        log.info("connected to Slack", connections=len(self._handlers))

    async def stop(self) -> None:
        """Close cleanly: Slack keeps sending events to a connection it believes open."""
        for handler in self._handlers:
            await handler.close_async()  # type: ignore[no-untyped-call]

    async def connected(self) -> int:
        """How many connections are up."""
        return sum([await handler.client.is_connected() for handler in self._handlers])

    def ages(self) -> Mapping[int, float]:
        """Seconds since each connection that is up was opened, by its number."""
        now = time.monotonic()
        sessions = [handler.client.current_session for handler in self._handlers]
        up = [number for number, session in enumerate(sessions) if session is not None and not session.closed]
        return {number: now - self._since[number] for number in up if number in self._since}

    def _note(self, number: int) -> Callable[..., Awaitable[None]]:
        """Slack says hello once on each new connection."""

        async def note(_: object, message: Mapping[str, Any], __: object = None) -> None:
            if message.get("type") == "hello":
                self._since[number] = time.monotonic()

        return note


class _Handler(AsyncSocketModeHandler):
    """Bolt's handler, which also acks what Bolt can't read: it would come again for nothing."""

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        try:
            await super().handle(client, req)
        except SHAPE as error:
            log.warning("payload not understood, acked and dropped", problem=repr(error))
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))
