"""The Socket Mode server: tickets, websockets, envelopes and acknowledgements.

Each envelope goes to one connection. Without a connection it is lost, as in Slack.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable
from typing import Literal

from aiohttp import WSMsgType, web

from playground.slack.deliveries import NO_CONNECTION, Delivery, DeliveryFailed
from playground.slack.world import Json

MAX_CONNECTIONS = 10
"""Slack's own limit per app."""
DisconnectReason = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]


class SocketModeServer:
    """One app's connections. Calls `on_connections` when their number changes."""

    def __init__(self, app_id: str, on_connections: Callable[[int], None]) -> None:
        self._app_id = app_id
        self._on_connections = on_connections
        self._tickets: set[str] = set()
        self._sockets: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._turn = 0

    @property
    def connections(self) -> int:
        return len(self._sockets)

    def new_ticket(self) -> str:
        """A ticket for one connection."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Handles one websocket from hello to close."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="The ticket is unknown or was used already.")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=30)
        with contextlib.suppress(ConnectionError):  # the bot has left while it connected
            await socket.prepare(request)
            await self._serve(socket, request)
        return socket

    async def _serve(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        if len(self._sockets) >= MAX_CONNECTIONS:
            await self._say_disconnect(socket, "too_many_websockets")
            await socket.close()
            return
        if request.transport is None:
            return
        self._sockets[socket] = request.transport
        try:
            await socket.send_json(self._hello())
            self._on_connections(len(self._sockets))
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledge(frame.data)
        finally:
            self._forget(socket)

    async def deliver(self, delivery: Delivery, deadline: float) -> Json:
        if not self._sockets:
            # A retry waits for the bot to reconnect. A first attempt is lost, as in Slack.
            raise DeliveryFailed(NO_CONNECTION, final=delivery.attempt == 0)
        self._turn += 1
        socket = tuple(self._sockets)[self._turn % len(self._sockets)]
        envelope_id = secrets.token_hex(16)
        answer = self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(deadline):
                await socket.send_json(_envelope(envelope_id, delivery))
                payload: Json = await answer
                return payload
        except TimeoutError:
            raise DeliveryFailed("timeout") from None
        except ConnectionError:
            raise DeliveryFailed("connection_failed") from None
        finally:
            del self._waiting[envelope_id]

    async def disconnect(self, reason: DisconnectReason) -> None:
        """Asks the bot to close every connection, as Slack does before a refresh."""
        for socket in tuple(self._sockets):
            with contextlib.suppress(ConnectionError):
                await self._say_disconnect(socket, reason)

    def drop(self) -> None:
        """Drops every connection without a close frame, as a lost network does."""
        for socket, transport in tuple(self._sockets.items()):
            self._forget(socket)
            transport.abort()

    def freeze(self) -> None:
        """Stops reading from the current connections but leaves them open, as a lost network can."""
        for transport in self._sockets.values():
            if isinstance(transport, asyncio.ReadTransport):
                transport.pause_reading()

    async def close(self) -> None:
        """Closes every connection when the server stops."""
        for socket in tuple(self._sockets):
            await socket.close()

    async def _say_disconnect(self, socket: web.WebSocketResponse, reason: DisconnectReason) -> None:
        await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "playground"}})

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if self._sockets.pop(socket, None) is not None:
            self._on_connections(len(self._sockets))

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._sockets),
            "debug_info": {"host": "playground", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._app_id},
        }

    def _acknowledge(self, text: str) -> None:
        with contextlib.suppress(json.JSONDecodeError):
            answer = json.loads(text)
            waiting = self._waiting.get(answer.get("envelope_id", "")) if isinstance(answer, dict) else None
            if waiting is not None and not waiting.done():
                payload = answer.get("payload")
                waiting.set_result(payload if isinstance(payload, dict) else {})


def _envelope(envelope_id: str, delivery: Delivery) -> Json:
    envelope: Json = {
        "envelope_id": envelope_id,
        "type": delivery.kind,
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind != "events_api",
    }
    if delivery.kind == "events_api":
        envelope |= {"retry_attempt": delivery.attempt, "retry_reason": delivery.reason}
    return envelope
