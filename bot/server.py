"""The whole bot in one process: it opens every part in order and closes them in reverse."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

import aiohttp
import structlog
from sqlalchemy import make_url

from agents.orchestrator import AgentDeps
from bot.checks import readiness
from bot.checks.readiness import Check, Readiness, SandboxCheck
from bot.factories.database import open_database
from bot.factories.egress import load_host_settings, make_egress
from bot.factories.files import check_shared_files, make_thread_files
from bot.factories.model import agent_deps, agent_deps_in, make_endpoint
from bot.factories.sandbox import make_sandbox
from bot.factories.skills import SkillLibrary
from bot.factories.task_policy import make_order_limits, make_task_policy
from bot.factories.team_tools import make_toolbox
from bot.factories.tracing import make_tracing
from bot.install.store import InstallationStore
from bot.observability.instrumentation import trace_slack_calls
from bot.observability.logging import open_audit_log
from bot.observability.metrics import Metrics
from bot.orders.tools import OrderTools
from bot.settings import Settings
from bot.settings.channels import ChannelSettings
from bot.slack import SlackService, make_clients, make_installation_store
from bot.thread.background import BackgroundCalls
from bot.thread.threads import SlackThreads
from bot.timing import STANDARD, BotTiming
from bot.tools.action_tokens import ActionTokens
from bot.tools.remembering import Remembering
from bot.tools.task_tools import ReadingTools
from bot.web import WebServer
from bot.wire.channels import ChannelDirectory
from bot.wire.clients import Clients
from bot.wire.marks import MessageMarks
from bot.wire.permalinks import Permalinks
from bot.wire.reader import MessageReader
from bot.wire.users import UserDirectory
from sandbox.engine import DockerEngine
from sandbox.limits import MIB
from sandbox.sandbox import Sandbox
from tasks.engine import TaskEngine
from tasks.files.removal import Removal
from tasks.files.thread_buckets import ThreadBuckets
from tasks.orders.store import OrderStore
from tasks.run.runner import PATIENCE, Runner
from tasks.store.database import Database
from tasks.store.key_value import KeyValueStore
from tasks.store.preferences import ChannelPreferences, FiguresMode
from tasks.store.proposals import NoteProposals
from tasks.store.queries import TaskQueries
from tasks.store.tasks import TaskStore
from tasks.task import Task

log = structlog.get_logger(__name__)


class BotServer:
    """The bot, as an async context manager."""

    def __init__(
        self, settings: Settings, timing: BotTiming = STANDARD, *, clock: Callable[[], float] = time.time
    ) -> None:  # fmt: skip
        """`clock` gives the time that standing orders go by, in seconds since 1970."""
        self._clock = clock
        self._timing = timing
        self._settings = settings
        self._stack = AsyncExitStack()
        self.metrics = Metrics()
        self._checks: list[Check] = []
        self.readiness: Readiness
        self.engine: TaskEngine
        self.sandbox: Sandbox
        self.web: WebServer
        self.background: BackgroundCalls

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
        open_audit_log(settings)
        channels = ChannelSettings(settings, settings.channels_file)
        database = Database(
            make_url(settings.database_url).render_as_string(hide_password=False), self._timing.tasks
        )
        stack.push_async_callback(database.close)
        await open_database(database)
        files = make_thread_files(settings, database, patience=PATIENCE, timing=self._timing.tasks)
        await check_shared_files(database, settings, files)
        if isinstance(files, ThreadBuckets):
            await stack.enter_async_context(files)
            self._checks.append(files.problems)
        metrics = self.metrics
        http = await stack.enter_async_context(make_session(metrics, settings.slack_api_url))
        installations = make_installation_store(settings, KeyValueStore(database))
        clients = make_clients(settings, http, installations, bots=lambda: self.engine.bots)
        self.background = await stack.enter_async_context(BackgroundCalls(self._timing.listeners))
        self.sandbox = await stack.enter_async_context(
            make_sandbox(settings, metrics=metrics.sandbox, engine_seconds=self._timing.engine)
        )
        endpoint = await stack.enter_async_context(make_endpoint(settings, metrics=metrics.model))
        reader = MessageReader(UserDirectory(clients, self._timing), ChannelDirectory(clients, self._timing))
        marks = MessageMarks(clients, KeyValueStore(database))
        await stack.enter_async_context(marks.running())
        preferences = ChannelPreferences(KeyValueStore(database, PATIENCE), channels.preference)
        threads = SlackThreads(
            clients=clients, reader=reader, http=http, store=TaskStore(database, patience=PATIENCE),
            preferences=preferences,
            largest_in=settings.limit_attachment_mb * MIB, largest_out=settings.limit_artifact_mb * MIB,
            background=self.background, timing=self._timing, marks=marks,
        )  # fmt: skip
        policy = make_task_policy(settings, self._timing.tasks)
        tracing = await stack.enter_async_context(make_tracing(settings))
        toolbox = await stack.enter_async_context(make_toolbox(settings))
        hosts = load_host_settings(settings)
        reading = ReadingTools(
            clients=clients, reader=reader, links=Permalinks(clients), queries=TaskQueries(database),
            tokens=ActionTokens(KeyValueStore(database)),
        )  # fmt: skip

        skills = SkillLibrary(channels)
        orders = OrderTools(
            clients=clients, reader=reader, queries=TaskQueries(database), store=OrderStore(database),
            limits=make_order_limits(settings), clock=self._clock,
        )  # fmt: skip

        async def deps_of(task: Task) -> AgentDeps:
            thread = task.thread
            figures = await preferences.figures(thread)
            own = channels.settings(thread.team, thread.channel)
            deps = replace(
                agent_deps_in(channels, thread, endpoint, self.sandbox, toolbox),
                reading=await database.persist(lambda: reading.of(task), PATIENCE),
                noting=Remembering(NoteProposals(database, PATIENCE), task).tools(),
                skills=await skills.of(thread),
                checks_figures=figures is not FiguresMode.OFF,
                egress=make_egress(own, task, hosts, metrics.egress),
            )
            return await database.persist(lambda: orders.given_to(task, deps), PATIENCE)

        runner = Runner(
            database, agent_deps(settings, endpoint, self.sandbox, toolbox), threads,
            files=files, policy=policy, tracing=tracing, deps_of=deps_of,
        )  # fmt: skip
        removal = Removal(database, files)
        docker = await stack.enter_async_context(
            DockerEngine(settings.docker_host, seconds=readiness.PATIENCE - 1)
        )
        sandboxes = SandboxCheck(docker, self.sandbox.image)
        self.engine = TaskEngine(
            database, runner, policy=policy, removal=removal, check=sandboxes.is_well,
            kept_in=channels.retention,
        )  # fmt: skip
        await stack.enter_async_context(self.engine)
        await self._open_slack(database, channels, clients, reader, marks, orders, installations, sandboxes)

    async def _open_slack(
        self,
        database: Database,
        channels: ChannelSettings,
        clients: Clients,
        reader: MessageReader,
        marks: MessageMarks,
        orders: OrderTools,
        installations: InstallationStore | None,
        sandboxes: SandboxCheck,
    ) -> None:
        """Opened last and closed first, so that events arrive only while tasks can run."""
        settings = self._settings
        slack = SlackService(
            settings, database, self.engine, channels, clients, reader, marks, orders, installations,
            signed=self.metrics.slack.signed, timing=self._timing,
        )  # fmt: skip
        self._observe(database, slack, sandboxes)
        self.web = WebServer(
            slack.app, self.readiness.missing, self.metrics.page,
            takes_events=not settings.slack_app_token, routes=slack.routes,
        )  # fmt: skip
        self._stack.push_async_callback(self.web.stop)
        await self.web.start(settings.host, settings.port, settings.health_port)
        await self._stack.enter_async_context(slack)

    def _observe(self, database: Database, slack: SlackService, sandboxes: SandboxCheck) -> None:
        """Connect readiness checks and metrics to their sources."""
        checks = (self.engine.problems, sandboxes.problems, slack.problems, *self._checks)
        self.readiness = Readiness(*checks)
        metrics = self.metrics
        metrics.missing = self.readiness.missing
        metrics.counts = TaskQueries(database).counts
        metrics.ages = slack.ages
        metrics.sandbox.idle.set_function(lambda: self.sandbox.idle)
        metrics.tasks.running.set_function(lambda: len(self.engine.running))


def make_session(metrics: Metrics, slack_api_url: str) -> aiohttp.ClientSession:
    """The HTTP session for Slack: its calls are counted, and it keeps to the proxy of the environment."""
    trace = trace_slack_calls(metrics.slack, slack_api_url)
    return aiohttp.ClientSession(trace_configs=[trace], trust_env=True)
