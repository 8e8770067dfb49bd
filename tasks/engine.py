"""The engine: takes messages in, has tasks run, stops them.

Ties the store (what is known), the placement (who runs what) and the runner (how) together. Never talks to
people and never reads Slack's JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import structlog

from tasks.database import Database
from tasks.message import Message, ThreadAddress
from tasks.placement import Placement
from tasks.runner import Runner, Stop
from tasks.store import Accepted, Store, Taken
from tasks.task import Task

log = structlog.get_logger(__name__)


class Engine:
    """Durable tasks on one database. An async context manager: inside it, tasks run."""

    def __init__(self, database: Database, runner: Runner, *, at_once: int) -> None:
        self.store = Store(database)
        self._database = database
        self._runner = runner
        self._placement = Placement(database.url, self._run, at_once=at_once)
        self._running: dict[str, Stop] = {}

    async def __aenter__(self) -> Self:
        await self._placement.open()
        for task in await self.store.unplaced():
            await self._placement.place(task.id, task.attempt)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._placement.close()

    async def accept(self, message: Message) -> Accepted:
        """Write a message down and have it worked on; returns when it can't be lost any more."""
        accepted = await self.store.accept(message)
        if accepted.taken in (Taken.NEW, Taken.ANSWER):
            await self._placement.place(accepted.task, accepted.attempt)
        log.info("message accepted", task=accepted.task, taken=accepted.taken.value)
        return accepted

    async def claim(self, message: Message) -> bool:
        """Take a message that needs no task; False when it was taken before."""
        return await self.store.claim(message)

    async def stop(self, task: str, reason: str) -> bool:
        """Stop a task wherever it stands; `reason` is shown to people. False when it was over already."""
        stopped = await self.store.stop(task, reason)
        if stopped is None:
            return False
        log.info("task stopped", task=task, reason=reason)
        await self._placement.place(stopped.task, stopped.attempt)
        if task in self._running:
            self._running[task].ring()
        return True

    async def release(self, team: str, channel: str) -> None:
        """Deliver what waited for a channel to be open to us again."""
        for held in await self.store.release(team, channel):
            await self._placement.place(held.task, held.attempt)

    async def current(self, thread: ThreadAddress) -> Task | None:
        return await self.store.current(thread)

    @property
    def running(self) -> Sequence[str]:
        """Ids of the tasks that run in this process."""
        return list(self._running)

    async def _run(self, id_: str) -> None:
        with structlog.contextvars.bound_contextvars(task=id_):
            task = await self.store.begin(id_)
            if task is None:
                return
            stop = self._running[id_] = Stop()
            try:
                following = await self._runner.run(task, stop)
            finally:
                del self._running[id_]
        if following is not None:
            await self._placement.place(following.task, following.attempt)
