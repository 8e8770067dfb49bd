"""What is done from time to time, by every process: mending, what is due, and deleting what is old.

Everything here may be done by several processes at once, or be cut at any point. Never runs a task.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import delete, select

from tasks.policy import TaskPolicy
from tasks.queue.placement import Placement
from tasks.store import schema
from tasks.store.admission import HOLDING_ROOM, admit, alone
from tasks.store.database import Database
from tasks.store.removal import Removal, forget
from tasks.store.retry import trouble
from tasks.store.tasks import TaskStore
from tasks.task import State, Ticket

log = structlog.get_logger(__name__)

#: Parked tasks that one round goes on with.
BATCH = 200
_EXPIRED = "nobody answered in time"


class Maintenance:
    """`place` takes what is to be placed; `placement` is asked what became of what was; `removal` deletes the
    files of threads that no task is kept of."""

    def __init__(
        self, database: Database, placement: Placement, terms: TaskPolicy, place: Callable[[Ticket], None],
        removal: Removal | None = None,
    ) -> None:  # fmt: skip
        self._database = database
        self._store = TaskStore(database, limits=terms.limits)
        self._placement = placement
        self._terms = terms
        self._place = place
        self._removal = removal
        self._swept_at = 0.0
        #: Why the last round failed, in words for the operator.
        self.problem = ""

    async def run(self) -> None:
        """Keep up until cancelled; a round that fails is told, and the next one tries again."""
        while True:
            try:
                await self.once()
            except Exception as error:
                words = trouble(error)
                self.problem = words or "the upkeep of the tasks fails; the log says why"
                if words:
                    log.warning(
                        "upkeep failed, tried again", why=words, seconds=self._terms.timing.maintenance
                    )
                else:
                    log.exception("upkeep failed, tried again", seconds=self._terms.timing.maintenance)
            else:
                self.problem = ""
            await asyncio.sleep(self._terms.timing.maintenance)

    async def once(self) -> None:
        """One round."""
        await self._take_over()
        await self._mend()
        await self._let_in()
        await self._do_what_is_due()
        if time.monotonic() - self._swept_at > self._terms.timing.cleanup or not self._swept_at:
            await self._sweep()
            self._swept_at = time.monotonic()

    async def _mend(self) -> None:
        """Place what was written down and never placed, and what has lost its run without an end."""
        task = schema.task.c
        query = select(task.id, task.attempt).where(task.state.in_(HOLDING_ROOM), task.admitted)
        async with self._database.read() as connection:
            held = [Ticket(row.id, row.attempt) for row in await connection.execute(query)]
        known = await self._placement.known(held)
        for ticket in held:
            if ticket not in known:
                self._place(ticket)
            elif known[ticket]:
                self._place_all(await self._store.rescue(ticket))

    async def _let_in(self) -> None:
        """Admit where there is room for another reason than a task's end: the limits were raised."""
        task = schema.task.c
        query = select(task.team).distinct().where(task.state == State.QUEUED.value, task.admitted.is_(False))
        async with self._database.read() as connection:
            teams = (await connection.execute(query)).scalars().all()
        for team in teams:
            async with self._database.write() as connection:
                await alone(connection, team)
                self._place_all(await admit(connection, team, self._terms.limits))

    async def _do_what_is_due(self) -> None:
        task = schema.task.c
        parked = [state.value for state in State if state.is_parked]
        due = task.state.in_(parked) & (task.due_at < time.time())
        async with self._database.read() as connection:
            rows = (await connection.execute(select(task.id, task.state).where(due).limit(BATCH))).all()
        for id_, state in rows:
            if state == State.WAITING.value:
                self._place_all(await self._store.expire(id_, _EXPIRED) or ())
            else:
                self._place_all(await self._store.redeliver(id_))

    async def _take_over(self) -> None:
        """Take over from processes that hold tasks and are gone: on SQLite every one before this, on
        PostgreSQL those that were taken for dead and went on for a moment when they woke."""
        # Asked for first: who holds something has entered itself before, and stays entered while it lives.
        holders = set(await self._placement.holders())
        async with self._database.read() as connection:
            living = set((await connection.execute(select(schema.node.c.id))).scalars())
        for node in holders - living - {self._placement.node}:
            tasks = await self._placement.take_over(node)
            log.warning("tasks without a process go on", node=node, tasks=tasks)
        if astray := await self._placement.gather_astray():
            log.warning("tasks whose end the database refused to be told go on", tasks=astray)

    async def _sweep(self) -> None:
        """Delete the rows of tasks that ended long ago, and the placement's of those that ended at all."""
        placed = await self._placement.forget(time.time() - self._terms.timing.placements)
        count = 0
        while self._terms.kept and (old := await self._delete_some(time.time() - self._terms.kept)):
            count += old
        threads = await self._removal.files() if self._removal else 0
        if placed or count or threads:
            log.info("old rows deleted", tasks=count, placements=placed, threads_with_files=threads)

    async def _delete_some(self, before: float) -> int:
        async with self._database.write() as connection:
            count = await forget(connection, schema.task.c.ended_at < before)
            old = (schema.message.c.task == "") & (schema.message.c.at < before)
            await connection.execute(delete(schema.message).where(old))
        return count

    def _place_all(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            self._place(ticket)
