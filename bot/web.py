"""The HTTP server: health checks, metrics, install pages, and Slack's events in HTTP mode."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.observability.metrics import CONTENT_TYPE
from bot.wire.app import SHAPE_ERRORS, BoltApp
from bot.wire.http_site import HEADER_SECONDS, BoundedSite, ConnectionGuard

log = structlog.get_logger(__name__)

#: Bytes of a request. Slack's events are far smaller, and files arrive by other ways.
LARGEST_BODY = 2 * 1024 * 1024
#: Seconds that open requests get at shutdown, and again after they are cancelled.
LAST_ANSWERS = 2.0
#: Seconds that a request's body may take.
BODY_SECONDS = 10.0
#: What Slack signs each request with (docs.slack.dev, verifying requests from Slack).
_SIGNED = {"X-Slack-Request-Timestamp": "[0-9]{1,12}", "X-Slack-Signature": "v0=[0-9a-f]{64}"}
#: Sentences about what is missing; empty when the bot is ready (`bot.checks.readiness`).
Missing = Callable[[], Awaitable[list[str]]]
#: The page of `/metrics`.
Figures = Callable[[], Awaitable[bytes]]


class WebServer:
    """The bot's own HTTP server, on one port, or with health checks and metrics on another."""

    def __init__(
        self, app: BoltApp, missing: Missing, figures: Figures, *, takes_events: bool,
        routes: Sequence[web.RouteDef] = (), header_seconds: float = HEADER_SECONDS,
        last_answers: float = LAST_ANSWERS,
    ) -> None:  # fmt: skip
        self._app = app
        self._missing = missing
        self._figures = figures
        self._header_seconds, self._last_answers = header_seconds, last_answers
        self._for_slack = [*routes, *([web.post("/slack/events", self._events)] if takes_events else [])]
        self._for_operators = [
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics),
        ]
        self._runners: list[web.AppRunner] = []
        self.port = 0
        self.health_port = 0

    async def start(self, host: str, port: int, health_port: int | None = None) -> None:
        """Listen; with `health_port`, the health checks and metrics are on that port only."""
        if health_port is None:
            self.port = self.health_port = await self._listen(
                host, port, [*self._for_operators, *self._for_slack]
            )
            return
        self.port = await self._listen(host, port, self._for_slack)
        self.health_port = await self._listen(host, health_port, self._for_operators)

    async def _listen(self, host: str, port: int, routes: Sequence[web.RouteDef]) -> int:
        guard = ConnectionGuard(header_seconds=self._header_seconds)
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=[guard.middleware])
        application.add_routes(routes)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=self._last_answers)
        self._runners.append(runner)
        await runner.setup()
        await BoundedSite(runner, host, port, guard).start()
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop accepting requests, and let open ones finish."""
        for runner in self._runners:
            await runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, _: web.Request) -> web.Response:
        missing = await self._missing()
        body = {"status": "waiting" if missing else "ready", "missing": missing}
        return web.json_response(body, status=503 if missing else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=await self._figures(), headers={"Content-Type": CONTENT_TYPE})

    async def _events(self, request: web.Request) -> web.Response:
        body = await _body(request)
        # Before anything else: parsing another's large or deep body costs CPU.
        if body is None or not self._app.is_signed(body, request.headers):
            return web.json_response({"error": "invalid request"}, status=401)
        try:
            asked = AsyncBoltRequest(body=body, query=request.query_string, headers=dict(request.headers))
        except (*SHAPE_ERRORS, RecursionError) as error:
            log.warning("payload not understood", problem=repr(error))
            return web.Response(status=200)
        return await to_aiohttp_response(await self._app.async_dispatch(asked))


async def _body(request: web.Request) -> str | None:
    """The request's text; None if it is slow, or its headers or encoding are not Slack's, on which Bolt would
    fail."""
    if any(not re.fullmatch(form, request.headers.get(name, "")) for name, form in _SIGNED.items()):
        return None
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return (await request.read()).decode()
    except (UnicodeDecodeError, TimeoutError):
        return None
