"""Periodic maintenance, in every process: requeue orphaned tasks, expire questions, delete old rows.

Several processes may do all of it at once, and each step may be interrupted at any point.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy import ColumnElement, delete, select

from sandbox.errors import FileRefused
from tasks.errors import FilesUnavailable
from tasks.files.removal import Removal, delete_ended
from tasks.files.retention import Place, expired
from tasks.policy import TaskPolicy
from tasks.queue.placement import Placement
from tasks.store import schema
from tasks.store.admission import TAKING_ROOM, admit, lock_workspace
from tasks.store.database import Database
from tasks.store.retry import describe_outage
from tasks.store.tasks import TaskStore
from tasks.task import State, Ticket

log = structlog.get_logger(__name__)

#: Parked tasks that one round resumes.
BATCH = 200
_EXPIRED = "there was no answer in time"


class Maintenance:
    """`removal` deletes the files of threads whose tasks are all deleted. `kept_in` has how long ended tasks
    are kept in places that have a value of their own."""

    def __init__(
        self, database: Database, placement: Placement, policy: TaskPolicy, removal: Removal | None = None,
        kept_in: Callable[[], Mapping[Place, float]] = dict,
    ) -> None:  # fmt: skip
        self._database = database
        self._store = TaskStore(database, limits=policy.limits)
        self._placement = placement
        self._policy = policy
        self._removal = removal
        self._kept_in = kept_in
        self._cleaned_at = 0.0
        #: Why the last round failed, in a sentence for the operator; empty when it did not.
        self.problem = ""
        #: The processes that run tasks on this database.
        self.bots = 1

    async def run(self) -> None:
        """Run rounds until cancelled. A round that fails is logged and tried again."""
        seconds = self._policy.timing.maintenance
        while True:
            try:
                await self.run_once()
            except Exception as error:
                outage = describe_outage(error)
                self.problem = outage or "the maintenance of the tasks fails; the log says why"
                if outage:
                    log.warning("maintenance failed, tried again", why=outage, seconds=seconds)
                else:
                    log.exception("maintenance failed, tried again", seconds=seconds)
                await asyncio.sleep(min(seconds, self._policy.timing.maintenance_retry))
            else:
                self.problem = ""
                await asyncio.sleep(seconds)

    async def run_once(self) -> None:
        await self._take_over()
        await self._requeue_lost()
        await self._admit_waiting()
        await self._resume_due()
        if time.monotonic() - self._cleaned_at > self._policy.timing.cleanup or not self._cleaned_at:
            await self._clean_up()
            self._cleaned_at = time.monotonic()

    async def _requeue_lost(self) -> None:
        """Queue tasks that DBOS does not know, and requeue those whose run vanished."""
        task = schema.task.c
        query = select(task.id, task.attempt).where(task.state.in_(TAKING_ROOM), task.admitted)
        async with self._database.read() as connection:
            tickets = [Ticket(row.id, row.attempt) for row in await connection.execute(query)]
        known = await self._placement.known(tickets)
        for ticket in tickets:
            if ticket not in known:
                await self._placement.place(ticket)
            elif known[ticket]:
                await self._store.requeue_lost(ticket)

    async def _admit_waiting(self) -> None:
        """Admit tasks where room came from raised limits: there, no task ends and admits the next."""
        task = schema.task.c
        query = select(task.team).distinct().where(task.state == State.QUEUED.value, task.admitted.is_(False))
        async with self._database.read() as connection:
            teams = (await connection.execute(query)).scalars().all()
        for team in teams:
            async with self._database.write() as connection:
                await lock_workspace(connection, team)
                await admit(connection, team, self._policy.limits)

    async def _resume_due(self) -> None:
        """Expire questions without an answer, and retry deliveries."""
        task = schema.task.c
        parked = [state.value for state in State if state.is_parked]
        due = task.state.in_(parked) & (task.due_at < time.time())
        async with self._database.read() as connection:
            rows = (await connection.execute(select(task.id, task.state).where(due).limit(BATCH))).all()
        for id_, state in rows:
            if state == State.WAITING.value:
                await self._store.expire(id_, _EXPIRED)
            else:
                await self._store.redeliver(id_)

    async def _take_over(self) -> None:
        """Requeue the tasks of dead processes: on SQLite all before this one; on PostgreSQL those that
        claimed something after they were declared dead."""
        # Read first: a process joins as a node before it claims anything, and stays one while it is alive.
        holders = set(await self._placement.holders())
        async with self._database.read() as connection:
            nodes = set((await connection.execute(select(schema.node.c.id))).scalars())
        self.bots = max(1, len(nodes))
        for node in holders - nodes - {self._placement.node}:
            tasks = await self._placement.take_over(node)
            log.warning("tasks of a dead process requeued", node=node, tasks=tasks)
        if orphans := await self._placement.requeue_orphans():
            log.warning("tasks requeued whose end the database refused to record", tasks=orphans)

    async def _clean_up(self) -> None:
        """Delete the rows of tasks that ended long ago, and DBOS's rows of tasks that ended at all."""
        placements = await self._placement.delete_ended(time.time() - self._policy.timing.placements)
        count = 0
        for where in expired({(): self._policy.kept, **self._kept_in()}, time.time()):
            while deleted := await self._delete_batch(*where):
                count += deleted
        if self._policy.kept:
            await self._delete_claims(time.time() - self._policy.kept)
        threads = await self._delete_unused_files()
        if placements or count or threads:
            log.info("old rows deleted", tasks=count, placements=placements, threads_with_files=threads)

    async def _delete_unused_files(self) -> int:
        try:
            return await self._removal.delete_unused_files() if self._removal else 0
        except (FilesUnavailable, FileRefused) as error:
            log.warning("files of deleted threads not deleted, tried again later", why=str(error))
            return 0

    async def _delete_batch(self, *where: ColumnElement[bool]) -> int:
        async with self._database.write() as connection:
            return await delete_ended(connection, *where)

    async def _delete_claims(self, before: float) -> None:
        """Delete the claims of messages that started no task."""
        claims = (schema.message.c.task == "") & (schema.message.c.at < before)
        async with self._database.write() as connection:
            await connection.execute(delete(schema.message).where(claims))
