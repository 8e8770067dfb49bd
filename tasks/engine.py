"""The engine: takes messages in, has tasks run, stops them.

Ties the store (what is known), the placement (who runs what), the node (who lives) and the runner (how)
together. Never talks to people and never reads Slack's JSON.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import structlog
from sqlalchemy import select

from tasks.message import Message, ThreadAddress
from tasks.policy import TaskPolicy
from tasks.queue.maintenance import Maintenance
from tasks.queue.placement import Placement
from tasks.run.signals import EndReason, Signals
from tasks.store import schema
from tasks.store.approvals import decide
from tasks.store.database import Database
from tasks.store.removal import Removal
from tasks.store.retry import trouble
from tasks.store.tasks import Accepted, TaskStore
from tasks.task import State, Task, Ticket

log = structlog.get_logger(__name__)


class TaskRunner(Protocol):
    """How a task is run: `tasks.run.runner.Runner`."""

    async def run(self, ticket: Ticket, signals: Signals) -> Sequence[Ticket]:
        """Run to an end or to a pause; returns what is to be placed next. Raises only what nobody foresaw."""
        ...


class TaskEngine:
    """Durable tasks on one database. An async context manager: inside it, tasks run."""

    def __init__(
        self, database: Database, runner: TaskRunner, *, terms: TaskPolicy, removal: Removal | None = None
    ) -> None:
        self.store = TaskStore(database, limits=terms.limits)
        self._database = database
        self._runner = runner
        self._terms = terms
        self._placement = Placement(
            database.url, self._run, at_once=terms.limits.process, timing=terms.timing
        )
        self._upkeep = Maintenance(database, self._placement, terms, self._place, removal)
        self._running: set[Signals] = set()
        self._is_blind = False
        self._to_place: asyncio.Queue[tuple[Ticket, bool]] = asyncio.Queue()
        self._bell = asyncio.Event()
        self._placing = asyncio.Event()
        self._closing = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._owner = asyncio.create_task(self._own(), name="engine")
        placing = asyncio.create_task(self._placing.wait())
        await asyncio.wait([self._owner, placing], return_when=asyncio.FIRST_COMPLETED)
        if self._owner.done():
            placing.cancel()
            await self._owner
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        await self.ended()

    async def ended(self) -> None:
        """Return when the engine has ended: when it is left, or before its time, and then the log says why. A
        process that runs no tasks must end too: others, or its next start, go on with them."""
        if self._owner is not None:
            # Awaited plainly it would be cancelled along with whoever waits, and raise what is in the log.
            await asyncio.gather(asyncio.shield(self._owner), return_exceptions=True)

    async def accept(self, message: Message, *, anew: bool = False) -> Accepted:
        """Write a message down and have it worked on; returns when it can't be lost any more. With `anew`,
        one that was taken before and became nothing is taken too.

        Raises the database's error when it could not be written.
        """
        accepted = await self.store.accept(message, anew=anew)
        self._place_all(accepted.tickets)
        log.info("message accepted", task=accepted.task, taken=accepted.taken.value, ahead=accepted.ahead)
        return accepted

    async def claim(self, message: Message) -> bool:
        """Take a message that needs no task; False when it was taken before."""
        return await self.store.claim(message)

    async def decide(self, task: str, approval: str, *, approved: bool, user: str) -> bool:
        """Take a person's word on a call that asks first; False when there is nothing (more) to decide."""
        tickets = await decide(self._database, task, approval, approved=approved, user=user)
        if tickets is None:
            return False
        log.info("call decided", task=task, approved=approved, user=user)
        self._place_all(tickets)
        return True

    async def stop(self, task: str, reason: str) -> bool:
        """Stop a task wherever it stands; `reason` is shown to people. False when it was over already."""
        tickets = await self.store.stop(task, reason)
        if tickets is None:
            return False
        log.info("task stopped", task=task, reason=reason)
        # Somebody waits for it, and there is nothing left to do but to say so.
        for ticket in tickets:
            self._place(ticket, now=True)
        self._bell.set()
        return True

    async def redeliver(self, task: str) -> None:
        """Tell the end of a task again that could not be told."""
        self._place_all(await self.store.redeliver(task))

    async def current(self, thread: ThreadAddress) -> Task | None:
        return await self.store.current(thread)

    async def problems(self) -> list[str]:
        """What keeps tasks from being taken in or going on now, in words for the operator."""
        stopped = self._owner is None or self._owner.done()
        checked = await self._database.check()
        found = ["the engine has stopped" if stopped else "", checked or self._upkeep.problem]
        return [words for words in found if words]

    @property
    def running(self) -> Sequence[str]:
        """Ids of the tasks that run in this process."""
        return [signals.task for signals in self._running]

    async def _own(self) -> None:
        try:
            while not self._closing.is_set():
                await self._go_on()
        except Exception:
            log.exception("the engine has stopped, no task runs here any more")
            raise  # told to whoever is opening it

    async def _go_on(self) -> None:
        """All that goes on beside the tasks, in the order in which each part needs the others. Returns when
        the engine is left, or when others have taken this process for dead: then it starts afresh."""
        async with asyncio.TaskGroup() as group:
            closing = group.create_task(self._closing.wait())
            living = closing if self._database.is_sqlite else await self._come_to_life(group, closing)
            if closing.done():
                return
            await self._placement.open()
            going_on = (self._place_next(), self._watch(), self._upkeep.run())
            parts = [group.create_task(part) for part in going_on]
            self._placing.set()
            await asyncio.wait([closing, living], return_when=asyncio.FIRST_COMPLETED)
            self._placing.clear()
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)
            await self._placement.close()
            # Last, so that nobody takes a task over that is still being left here.
            living.cancel()
            closing.cancel()

    async def _come_to_life(self, group: asyncio.TaskGroup, closing: asyncio.Task[Any]) -> asyncio.Task[Any]:
        from tasks.queue.node import Node  # needs a driver that an installation on SQLite does without

        node = Node(
            self._database.url, self._placement.node,
            on_death=self._take_over, on_bell=lambda _: self._bell.set(), timing=self._terms.timing,
        )  # fmt: skip
        living, up = group.create_task(node.run()), group.create_task(node.wait_until_up())
        await asyncio.wait([up, closing], return_when=asyncio.FIRST_COMPLETED)
        if closing.done():
            living.cancel()
            up.cancel()
        return living

    def _place(self, ticket: Ticket, *, now: bool = False) -> None:
        """What was accepted is safe in the database, so nobody waits until the queue has it too."""
        self._to_place.put_nowait((ticket, now))

    def _place_all(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            self._place(ticket)

    async def _place_next(self) -> None:
        while True:
            ticket, now = await self._to_place.get()
            try:
                await self._placement.place(ticket, now=now)
            except Exception:
                log.exception("task not queued, found again by the upkeep", task=ticket.task)
                await asyncio.sleep(self._terms.timing.first_database_retry)

    async def _run(self, ticket: Ticket) -> None:
        signals = Signals(ticket.task)
        with structlog.contextvars.bound_contextvars(task=ticket.task):
            self._running.add(signals)
            try:
                self._place_all(await self._runner.run(ticket, signals))
            except Exception:
                log.exception("run broke off, begun again by the upkeep")
            finally:
                self._running.discard(signals)

    async def _take_over(self, node: str) -> None:
        await self._placing.wait()
        tasks = await self._placement.take_over(node)
        log.warning("tasks taken over", node=node, tasks=tasks)

    async def _watch(self) -> None:
        while True:
            if self._running:
                await self._look()
            try:
                async with asyncio.timeout(self._terms.timing.watch):
                    await self._bell.wait()
            except TimeoutError:
                continue
            self._bell.clear()

    async def _look(self) -> None:
        """Tell the runs here what has been decided about them elsewhere."""
        task = schema.task.c
        runs = [signals for signals in self._running if signals.begun]
        query = select(task.id, task.state, task.runner).where(task.id.in_([run.task for run in runs]))
        try:
            async with self._database.read() as connection:
                found = {row.id: row for row in await connection.execute(query)}
        except Exception as error:
            # Nobody stalls who waits for the database.
            for run in runs:
                run.move()
            if not self._is_blind:
                words = trouble(error)
                log.warning("can't look after the running tasks", why=words, exc_info=not words)
            self._is_blind = True
            return
        self._is_blind = False
        for run in runs:
            row = found.get(run.task)
            if row is None or row.runner != run.runner:
                run.ring(EndReason.REPLACED)
            elif State(row.state).is_ending:
                run.ring(EndReason.DECIDED)
            elif time.monotonic() - run.moved_at > self._terms.stalled:
                log.error("task stalled, ended", task=run.task, seconds=self._terms.stalled)
                run.ring(EndReason.STALLED)
