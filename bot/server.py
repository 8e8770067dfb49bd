"""The whole bot in one process: opens every part in order and closes them in reverse.

The only place that knows all the rooms. Never does work of its own.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp
import structlog
from pydantic import SecretStr
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import make_url

from agents.budget import Budget
from agents.endpoint import Endpoint
from agents.orchestrator import Limits, Means
from bot.app import build
from bot.controls import Controls
from bot.files import MIB
from bot.intake import Intake
from bot.people import People
from bot.sandboxes import sandbox_from
from bot.settings import Settings
from bot.sockets import Sockets
from bot.terms import terms_from
from bot.thread import SlackThreads
from bot.web import Web
from sandbox.sandbox import Sandbox
from tasks.database import Database
from tasks.engine import Engine
from tasks.runner import PATIENCE, Runner
from tasks.store import Store

log = structlog.get_logger(__name__)


class Server:
    """An async context manager: inside it, the bot is up."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._sockets: Sockets | None = None
        self.engine: Engine
        self.sandbox: Sandbox
        self.web: Web

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        log.info("stopping", running_tasks=len(self.engine.running))
        await self._stack.aclose()

    async def _open(self) -> None:
        settings, stack = self._settings, self._stack
        database = Database(make_url(settings.database_url).render_as_string(hide_password=False))
        stack.push_async_callback(database.close)
        await database.open()
        http = await stack.enter_async_context(aiohttp.ClientSession())
        client = _client(settings)
        self.sandbox = await stack.enter_async_context(sandbox_from(settings))
        endpoint = await stack.enter_async_context(_endpoint(settings))
        threads = SlackThreads(
            client, http, Store(database, patience=PATIENCE),
            largest_in=settings.limit_attachment_mb * MIB, largest_out=settings.limit_artifact_mb * MIB,
        )  # fmt: skip
        terms = terms_from(settings)
        runner = Runner(
            database, _means(settings, endpoint, self.sandbox), threads,
            workspaces=settings.data_dir / "work", terms=terms,
        )  # fmt: skip
        self.engine = Engine(database, runner, terms=terms)
        await stack.enter_async_context(self.engine)
        await self._face_slack(client)

    async def _face_slack(self, client: AsyncWebClient) -> None:
        """Last in, first out: nothing is taken in before it can be worked on, or while that ends."""
        settings = self._settings
        people = People(client)
        secret = "" if settings.slack_app_token else _said(settings.slack_signing_secret)
        app = build(client, secret, Intake(self.engine, people), Controls(self.engine, people))
        self.web = Web(app, self._missing, takes_events=bool(secret))
        self._stack.push_async_callback(self.web.stop)
        await self.web.start(settings.host, settings.port)
        if settings.slack_app_token:
            self._sockets = Sockets(app, settings.slack_app_token.get_secret_value())
            self._stack.push_async_callback(self._sockets.stop)
            await self._sockets.start()

    async def _missing(self) -> list[str]:
        missing = await self.engine.problems()
        if self._sockets is not None and not await self._sockets.connected():
            missing.append("no connection to Slack")
        return missing


def _client(settings: Settings) -> AsyncWebClient:
    """Slack's client. It waits out rate limits and repeats nothing else: that could post twice."""
    return AsyncWebClient(
        token=_said(settings.slack_bot_token),
        base_url=settings.slack_api_url,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=5)],
    )


def _endpoint(settings: Settings) -> Endpoint:
    return Endpoint(
        api_key=_said(settings.openai_api_key) or "none",
        base_url=settings.openai_base_url,
        api=settings.model_api,
    )


def _means(settings: Settings, endpoint: Endpoint, sandbox: Sandbox) -> Means:
    budget = Budget(settings.limit_task_turns, settings.limit_task_seconds, settings.limit_task_tokens)
    return Means(
        endpoint=endpoint,
        sandbox=sandbox,
        model=settings.model,
        worker_model=settings.worker_model or settings.model,
        limits=Limits(task=budget, at_once=settings.limit_workers_at_once, workers=settings.limit_workers),
    )


def _said(secret: object) -> str:
    return secret.get_secret_value() if isinstance(secret, SecretStr) else ""
