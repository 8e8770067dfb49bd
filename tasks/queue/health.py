"""Whether this process should run tasks: one without a Docker Engine stands by while another has one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import select, update

from tasks.store import schema
from tasks.store.database import Database
from tasks.store.retry import DATABASE_ERRORS, describe_outage
from tasks.timing import TaskTiming

log = structlog.get_logger(__name__)

#: Whether this process has what tasks need.
HealthCheck = Callable[[], Awaitable[bool]]


class Health:
    """`check` is asked regularly. A process counts as unhealthy once it failed for `timing.unhealthy`."""

    def __init__(self, database: Database, check: HealthCheck | None, timing: TaskTiming) -> None:
        self._database = database
        self._check = check
        self._timing = timing
        self._well_at = time.monotonic()
        self.is_healthy = True
        self.stands_by = False
        """Whether this process takes no tasks, and hands on those that it has."""

    async def changed(self, node: str) -> None:
        """Return when `stands_by` has changed. Without a check, or on SQLite, it never does."""
        while self._check is None or self._database.is_sqlite:
            await asyncio.Event().wait()
        while True:
            if await self._look(node, self._check):
                return
            await asyncio.sleep(self._timing.health)

    async def _look(self, node: str, check: HealthCheck) -> bool:
        now = time.monotonic()
        if await check():
            self._well_at = now
        is_healthy = now - self._well_at <= self._timing.unhealthy
        try:
            if is_healthy != self.is_healthy:
                await self._record(node, is_healthy=is_healthy)
            stands_by = not is_healthy and await self._has_healthy_peer(node)
        except DATABASE_ERRORS as error:
            log.info("health of the processes not read", why=describe_outage(error))
            return False
        if stands_by == self.stands_by:
            return False
        self.stands_by = stands_by
        if stands_by:
            log.warning("no engine for the sandboxes here, other processes run the tasks")
        else:
            log.info("this process runs tasks again", healthy=is_healthy)
        return True

    async def _record(self, node: str, *, is_healthy: bool) -> None:
        change = update(schema.node).where(schema.node.c.id == node).values(healthy=is_healthy)
        async with self._database.write() as connection:
            await connection.execute(change)
        self.is_healthy = is_healthy

    async def _has_healthy_peer(self, node: str) -> bool:
        peer = schema.node.c
        query = select(peer.id).where(peer.id != node, peer.healthy, peer.left.is_(False)).limit(1)
        async with self._database.read() as connection:
            return (await connection.execute(query)).first() is not None
