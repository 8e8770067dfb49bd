"""The task engine: accepts messages, runs tasks, stops them.

Ties together the store (what is known), the placement (which process runs what), the node (which processes
are alive) and the runner (how a task runs).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import structlog
from sqlalchemy import select

from tasks.files.removal import Removal
from tasks.files.retention import Place
from tasks.message import Message
from tasks.policy import TaskPolicy
from tasks.queue.health import Health, HealthCheck
from tasks.queue.maintenance import Maintenance
from tasks.queue.placement import Placement
from tasks.run.signals import EndReason, Signals
from tasks.store import schema
from tasks.store.approvals import Decision, decide, find_decision
from tasks.store.database import Database
from tasks.store.retry import DATABASE_ERRORS, describe_outage
from tasks.store.tasks import Accepted, AcceptedAs, TaskStore
from tasks.task import State, Ticket

log = structlog.get_logger(__name__)
audit = structlog.get_logger("audit")


class TaskRunner(Protocol):
    """Runs a task: `tasks.run.runner.Runner`."""

    async def run(self, ticket: Ticket, signals: Signals) -> None:
        """Run until the task ends or parks. Catches every error that it can turn into an end of the task."""
        ...


class TaskEngine:
    """Durable tasks on one database. An async context manager: inside it, tasks run. What `store` writes
    starts and resumes them."""

    def __init__(
        self, database: Database, runner: TaskRunner, *, policy: TaskPolicy, removal: Removal | None = None,
        check: HealthCheck | None = None, kept_in: Callable[[], Mapping[Place, float]] = dict,
    ) -> None:  # fmt: skip
        """`check` says whether this process has what tasks need; while it has not, and another process has,
        that one runs the tasks. `kept_in` has how long ended tasks are kept in places that have a value of
        their own."""
        self.store = TaskStore(database, limits=policy.limits)
        self._database = database
        self._runner = runner
        self._policy = policy
        self._placement = Placement(
            database.url, self._run, at_once=policy.limits.process, timing=policy.timing
        )
        self._health = Health(database, check, policy.timing)
        self._maintenance = Maintenance(database, self._placement, policy, removal, kept_in)
        self._running: set[Signals] = set()
        self._is_database_away = False
        self._queued: asyncio.Queue[Ticket] = asyncio.Queue()
        self._news = asyncio.Event()
        self._is_up = asyncio.Event()
        self._closing = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        database.on_queued = self._queued.put_nowait

    async def __aenter__(self) -> Self:
        self._main = asyncio.create_task(self._run_until_closed(), name="engine")
        up = asyncio.create_task(self._is_up.wait())
        await asyncio.wait([self._main, up], return_when=asyncio.FIRST_COMPLETED)
        if self._main.done():
            up.cancel()
            await self._main
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        await self.ended()

    async def ended(self) -> None:
        """Return when the engine has ended: its context was left, or an error ended it, which is in the log.
        The process must then exit: other processes, or its next start, resume its tasks."""
        if self._main is not None:
            # Awaited directly it would be cancelled along with its waiter, and raise what is in the log.
            await asyncio.gather(asyncio.shield(self._main), return_exceptions=True)

    async def accept(self, message: Message, *, release: bool = False) -> Accepted:
        """Store a message and start or resume its task; on return it can't be lost any more. See
        `TaskStore.accept`. Raises the database's error when the message could not be stored."""
        accepted = await self.store.accept(message, release=release)
        log.info("message accepted", task=accepted.task, kind=accepted.kind.value, ahead=accepted.ahead)
        if accepted.kind is not AcceptedAs.REPEATED:
            audit.info(
                "asked", team=message.thread.team, channel=message.thread.channel, user=message.user,
                ts=message.ts, task=accepted.task, kind=accepted.kind.value,
            )  # fmt: skip
        return accepted

    async def decide(self, task: str, approval: str, *, approved: bool, user: str) -> bool:
        """Record a person's decision about a tool call; False when there is nothing to decide any more."""
        decided = await decide(self._database, task, approval, approved=approved, user=user)
        if decided:
            log.info("approval decided", task=task, approved=approved, user=user)
            audit.info("decided", task=task, approval=approval, approved=approved, user=user)
        return decided

    async def decision(self, task: str, approval: str) -> Decision | None:
        """The decision that was taken on a call; None while there is none."""
        return await find_decision(self._database, task, approval)

    async def stop(self, task: str, reason: str) -> bool:
        """Stop a task in any state; `reason` is shown in its thread. False when it was over already."""
        stopped = await self.store.stop(task, reason)
        if stopped:
            log.info("task stopped", task=task, reason=reason)
            self._news.set()
        return stopped

    async def problems(self) -> list[str]:
        """What keeps tasks from being accepted or from running now, in sentences for the operator."""
        stopped = self._main is None or self._main.done()
        checked = await self._database.check()
        waits = [] if checked else [self._maintenance.problem, self._placement.problem]
        found = ["the engine has stopped" if stopped else "", checked, *waits]
        return [words for words in found if words]

    @property
    def running(self) -> Sequence[str]:
        """Ids of the tasks that run in this process."""
        return [signals.task for signals in self._running]

    @property
    def bots(self) -> int:
        """How many processes share the database, as the last maintenance found it."""
        return self._maintenance.bots

    async def _run_until_closed(self) -> None:
        try:
            while not self._closing.is_set():
                await self._run_as_node()
        except Exception:
            log.exception("the engine has stopped, no task runs here any more")
            raise  # to `__aenter__`, if it still waits

    async def _run_as_node(self) -> None:
        """Start the parts in the order in which they need each other, and run them until the engine closes.
        It starts again as a new node when others have declared this one dead, and when it has to stand by or
        must no longer."""
        async with asyncio.TaskGroup() as group:
            closing = group.create_task(self._closing.wait())
            alive = closing if self._database.is_sqlite else await self._start_node(group, closing)
            if closing.done():
                return
            await self._placement.open(takes_tasks=not self._health.stands_by)
            parts = [
                group.create_task(part) for part in (self._place(), self._watch(), self._maintenance.run())
            ]
            changed = group.create_task(self._health.changed(self._placement.node))
            self._is_up.set()
            await asyncio.wait([closing, alive, changed], return_when=asyncio.FIRST_COMPLETED)
            self._is_up.clear()
            parts.append(changed)
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)
            await self._placement.close()
            # Last: other nodes must not take over a task that is still being left here.
            alive.cancel()
            closing.cancel()

    async def _start_node(self, group: asyncio.TaskGroup, closing: asyncio.Task[Any]) -> asyncio.Task[Any]:
        from tasks.queue.node import Node  # needs a driver that an installation on SQLite does without

        node = Node(
            self._database.url, self._placement.node, on_death=self._take_over,
            on_notify=lambda _: self._news.set(), timing=self._policy.timing,
            is_healthy=self._health.is_healthy,
        )  # fmt: skip
        alive, up = group.create_task(node.run()), group.create_task(node.wait_until_up())
        await asyncio.wait([up, closing], return_when=asyncio.FIRST_COMPLETED)
        if closing.done():
            alive.cancel()
            up.cancel()
        return alive

    async def _place(self) -> None:
        """Hand committed tickets to DBOS. Acceptance does not wait for it: the database has them already."""
        while True:
            ticket = await self._queued.get()
            try:
                await self._placement.place(ticket)
            except Exception:
                log.exception("task not queued, maintenance queues it later", task=ticket.task)
                await asyncio.sleep(self._policy.timing.first_database_retry)

    async def _run(self, ticket: Ticket) -> None:
        signals = Signals(ticket.task)
        with structlog.contextvars.bound_contextvars(task=ticket.task):
            self._running.add(signals)
            try:
                await self._runner.run(ticket, signals)
            except asyncio.CancelledError:
                await self._leave(signals)
                raise
            except Exception:
                log.exception("run failed, maintenance requeues the task")
            finally:
                self._running.discard(signals)

    async def _leave(self, signals: Signals) -> None:
        """The process stops and lives: it has not died by this task."""
        try:
            await self.store.deaths.leave(signals.task, signals.runner)
        except DATABASE_ERRORS as error:
            log.warning("run left without notice, it counts as a death", why=describe_outage(error))

    async def _take_over(self, node: str) -> None:
        await self._is_up.wait()
        tasks = await self._placement.take_over(node)
        log.warning("tasks taken over", node=node, tasks=tasks)

    async def _watch(self) -> None:
        while True:
            if self._running:
                await self._signal_runs()
            try:
                async with asyncio.timeout(self._policy.timing.watch):
                    await self._news.wait()
            except TimeoutError:
                continue
            self._news.clear()

    async def _signal_runs(self) -> None:
        """Signal the runs here whose task was stopped, taken over or has stalled."""
        task = schema.task.c
        runs = [signals for signals in self._running if signals.has_begun]
        query = select(task.id, task.state, task.runner).where(task.id.in_([run.task for run in runs]))
        try:
            async with self._database.read() as connection:
                found = {row.id: row for row in await connection.execute(query)}
        except Exception as error:
            # A run that waits for the database does not stall.
            for run in runs:
                run.record_progress()
            if not self._is_database_away:
                why = describe_outage(error)
                log.warning("can't read the state of the running tasks", why=why, exc_info=not why)
            self._is_database_away = True
            return
        self._is_database_away = False
        for run in runs:
            row = found.get(run.task)
            if row is None or row.runner != run.runner:
                run.end(EndReason.REPLACED)
            elif State(row.state).is_ending:
                run.end(EndReason.DECIDED)
            elif time.monotonic() - run.progress_at > self._policy.stalled:
                log.error("task stalled, ending it", task=run.task, seconds=self._policy.stalled)
                run.end(EndReason.STALLED)
