"""The HTTP server: health checks, metrics, install pages, and Slack's events in HTTP mode."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.observability.metrics import CONTENT_TYPE
from bot.wire.app import SHAPE_ERRORS, BoltApp

log = structlog.get_logger(__name__)

#: Bytes of a request. Slack's events are far smaller, and files arrive by other ways.
LARGEST_BODY = 2 * 1024 * 1024
#: Seconds that open requests get at shutdown, and again after they are cancelled.
LAST_ANSWERS = 2.0
#: What Slack signs each request with (docs.slack.dev, verifying requests from Slack).
_SIGNED = {"X-Slack-Request-Timestamp": "[0-9]{1,12}", "X-Slack-Signature": "v0=[0-9a-f]{64}"}
#: Sentences about what is missing; empty when the bot is ready (`bot.checks.readiness`).
Missing = Callable[[], Awaitable[list[str]]]
#: The page of `/metrics`.
Figures = Callable[[], Awaitable[bytes]]


class WebServer:
    """The bot's own HTTP server."""

    def __init__(
        self, app: BoltApp, missing: Missing, figures: Figures, *, takes_events: bool,
        routes: Sequence[web.RouteDef] = (),
    ) -> None:  # fmt: skip
        self._app = app
        self._missing = missing
        self._figures = figures
        self._takes_events = takes_events
        self._routes = routes
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._metrics)
        application.add_routes(self._routes)
        if self._takes_events:
            application.router.add_post("/slack/events", self._events)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=LAST_ANSWERS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop accepting requests, and let open ones finish."""
        if self._runner is not None:
            await self._runner.cleanup()

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
        if body is None:
            return web.json_response({"error": "invalid request"}, status=401)
        try:
            asked = AsyncBoltRequest(body=body, query=request.query_string, headers=dict(request.headers))
        except SHAPE_ERRORS as error:
            log.warning("payload not understood", problem=repr(error))
            is_slacks = self._app.is_signed(body, request.headers)
            return web.Response(status=200 if is_slacks else 401)
        return await to_aiohttp_response(await self._app.async_dispatch(asked))


async def _body(request: web.Request) -> str | None:
    """The request's text; None if its headers or encoding are not Slack's, on which Bolt would fail."""
    if any(not re.fullmatch(form, request.headers.get(name, "")) for name, form in _SIGNED.items()):
        return None
    try:
        return (await request.read()).decode()
    except UnicodeDecodeError:
        return None
