"""Socket Mode with two connections, so that events arrive on one while Slack renews the other.

Slack closes each connection every few hours, and an app may open a new one only afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiohttp import ClientWSTimeout
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.timing import STANDARD, BotTiming
from bot.wire.app import SHAPE_ERRORS
from bot.wire.client import SLACK_ERRORS, error_text, retry_after
from bot.wire.outage_log import OutageLog
from bot.wire.proxy import proxy_for

log = structlog.get_logger(__name__)

CONNECTIONS = 2


class SocketMode:
    """The bot's connections to Slack."""

    def __init__(self, app: AsyncApp, app_token: str, timing: BotTiming = STANDARD) -> None:
        self._timing = timing
        self._app, self._app_token = app, app_token
        self._handlers: list[_SocketModeHandler] = []
        self._since: dict[int, float] = {}

    async def start(self) -> None:
        """Open all connections, and wait as long as Slack is unreachable. Cancel with `stop`."""
        outage = OutageLog(self._timing.outage_reminder)
        for number in range(CONNECTIONS):
            handler = _SocketModeHandler(self._app, self._app_token, outage, self._timing)
            self._handlers.append(handler)
            handler.client.message_listeners.append(self._record_hello(number))
            await handler.connect_async()  # type: ignore[no-untyped-call]
        log.info("connected to Slack", connections=len(self._handlers))

    async def stop(self) -> None:
        """Close the connections properly; otherwise Slack keeps sending events to them."""
        await asyncio.gather(*(handler.close_async() for handler in self._handlers))  # type: ignore[no-untyped-call]

    async def connected(self) -> int:
        """The number of open connections."""
        return sum([await handler.client.is_connected() for handler in self._handlers])

    def ages(self) -> Mapping[int, float]:
        """Seconds since each open connection was opened, by its number."""
        now = time.monotonic()
        sessions = [handler.client.current_session for handler in self._handlers]
        up = [number for number, session in enumerate(sessions) if session is not None and not session.closed]
        return {number: now - self._since[number] for number in up if number in self._since}

    def _record_hello(self, number: int) -> Callable[..., Awaitable[None]]:
        """Slack sends `hello` once on each new connection."""

        async def record(_: object, message: Mapping[str, Any], __: object = None) -> None:
            if message.get("type") == "hello":
                self._since[number] = time.monotonic()

        return record


class _SocketModeClient(SocketModeClient):
    """The SDK's client with another `connect`. The SDK's logs a traceback for each failure and reuses a URL
    that Slack accepts only once."""

    def __init__(self, outage: OutageLog, timing: BotTiming, **arguments: Any) -> None:
        self._timing = timing
        super().__init__(**arguments)
        self._outage = outage

    async def issue_new_wss_url(self) -> str:
        """Unused: each attempt of `connect` fetches its own URL."""
        return ""

    async def connect(self) -> None:
        """Retry until the connection is open or the client is closed. Raises unexpected errors."""
        while not self.closed:
            url = self.web_client.base_url
            try:
                await self._close_previous()
                answer = await self.web_client.apps_connections_open(app_token=self.app_token)
                url = str(answer["url"])
                await self._open(url)
            except Exception as error:
                if self.closed:
                    return
                if not isinstance(error, SLACK_ERRORS):
                    raise
                self._outage.met(self, url, error)
                await asyncio.sleep(retry_after(error) or self.ping_interval)
            else:
                self._outage.over(self)
                return

    async def _close_previous(self) -> None:
        """Close first, then open: Slack limits the number of connections of an app."""
        self.auto_reconnect_enabled = False
        if self.current_session is not None:
            try:
                await self.current_session.close()
            except SLACK_ERRORS as error:
                log.info("connection failed while closing", why=error_text(error))

    async def _open(self, url: str) -> None:
        self.current_session = await self.aiohttp_client_session.ws_connect(
            url, autoping=False, heartbeat=self.ping_interval, proxy=proxy_for(url),
            timeout=ClientWSTimeout(ws_close=self._timing.socket_close),
            ssl=True if self.web_client.ssl is None else self.web_client.ssl,
        )  # fmt: skip
        self.auto_reconnect_enabled, self.stale = self.default_auto_reconnect_enabled, False
        await self.current_session.ping(f"sdk-ping-pong:{time.time()}".encode())
        self._watch_session()

    def _watch_session(self) -> None:
        """Restart both background tasks. It does not await them, because it may run in one of them."""
        for former in (self.current_session_monitor, self.message_receiver):
            if former is not None:
                former.cancel()
        self.current_session_monitor = asyncio.ensure_future(self.monitor_current_session())
        self.message_receiver = asyncio.ensure_future(self.receive_messages())


class _SocketModeHandler(AsyncSocketModeHandler):
    """Bolt's handler with our client. It also acks payloads that Bolt can't read."""

    def __init__(self, app: AsyncApp, app_token: str, outage: OutageLog, timing: BotTiming) -> None:
        # Without Bolt's own, which opens a client of the SDK's.
        self.app, self.app_token = app, app_token
        self.client = _SocketModeClient(
            outage, timing, app_token=app_token, logger=app.logger, web_client=app.client,
            ping_interval=timing.ping,
        )  # fmt: skip
        self.client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        try:
            await super().handle(client, req)
        except SHAPE_ERRORS as error:
            log.warning("payload not understood, acked and dropped", problem=repr(error))
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))
