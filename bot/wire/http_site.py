"""A TCP site that bounds connections: how many there are, and how long one may take to send a request."""

from __future__ import annotations

import asyncio
import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

log = structlog.get_logger(__name__)

#: Connections at the same time: Slack and probes need a handful.
MOST = 200
#: Seconds until a connection has sent the headers of a request, and between two log lines about refusals.
HEADER_SECONDS, LOG_SECONDS = 10.0, 60.0


class ConnectionGuard:
    """Watches the connections of one application, which needs its `middleware`."""

    def __init__(self, *, header_seconds: float = HEADER_SECONDS, most: int = MOST) -> None:
        self._header_seconds, self._most = header_seconds, most
        #: The deadlines of the connections from which a request is due.
        self._due: dict[web.RequestHandler, asyncio.TimerHandle] = {}
        self._logged_at = -LOG_SECONDS
        self._refused = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Called when a connection has sent the headers of a request."""
        if deadline := self._due.pop(request.protocol, None):
            deadline.cancel()
        try:
            return await handler(request)
        finally:
            self._expect_request(request.protocol)

    def connection(self, server: web.Server) -> asyncio.BaseProtocol:
        """The protocol of a new connection."""
        if len(server.connections) >= self._most:
            self._log_refusal()
            return _Refusal()
        connection = server()
        self._expect_request(connection)
        return connection

    def _expect_request(self, connection: web.RequestHandler) -> None:
        loop = asyncio.get_running_loop()
        self._due[connection] = loop.call_later(self._header_seconds, self._close_silent, connection)

    def _close_silent(self, connection: web.RequestHandler) -> None:
        self._due.pop(connection, None)
        if connection.transport is not None:
            connection.transport.abort()

    def _log_refusal(self) -> None:
        self._refused += 1
        if time.monotonic() - self._logged_at >= LOG_SECONDS:
            log.warning("too many HTTP connections, refused", open=self._most, refused=self._refused)
            self._logged_at, self._refused = time.monotonic(), 0


class BoundedSite(web.BaseSite):
    """Serves the application of a runner that is set up."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, guard: ConnectionGuard) -> None:
        super().__init__(runner)
        self._host, self._port = host, port
        self._guard = guard

    @property
    def name(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        await super().start()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self._host, self._port)

    def _connection(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        assert isinstance(server, web.Server)
        return self._guard.connection(server)


class _Refusal(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
