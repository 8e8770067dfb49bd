"""The append-only log of a task in SQL (an `agents.journal.Journal`): one stream of entries per agent.

An append is refused for a runner that was replaced. What the entries mean is defined in `agents.transcript`.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Insert, bindparam, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from agents.charts import Chart, charts
from agents.conversation import Json
from agents.journal import Entry
from agents.report import reached_hosts, total_cost
from tasks.errors import StaleRunner
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.stopwatch import Stopwatch
from tasks.store.upcast import VERSION, upcast
from tasks.task import Spent

#: Seconds that a write may go on after its run was cancelled.
_CANCELLED_WRITE_SECONDS = 5.0


def _append_statement() -> Insert:
    """Adds a row if its runner still has the task: another run that begins waits, and then sees the row."""
    new = {column.name: bindparam(f"new_{column.name}", type_=column.type) for column in schema.event.columns}
    fence = select(*new.values()).where(
        schema.task.c.id == new["task"], schema.task.c.runner == new["runner"]
    )
    return insert(schema.event).from_select(list(new), fence.with_for_update(read=True))


#: Built once: one statement for each entry.
_APPEND = _append_statement()


@dataclass(frozen=True, slots=True)
class _Run:
    """The state that the streams of one task share during one run."""

    database: Database
    task: str
    runner: str
    rows: dict[str, list[Entry]]
    stopwatch: Stopwatch
    patience: float
    on_append: Callable[[], None]


class TaskLog:
    """One agent's stream of one task, written only by the run `runner`. `patience` is for how many seconds an
    append retries while the database is away."""

    def __init__(self, run: _Run, agent: str) -> None:
        self._run = run
        self._agent = agent
        self._in_order = asyncio.Lock()

    @classmethod
    async def load(
        cls,
        database: Database,
        task: str,
        runner: str,
        *,
        patience: float = 0.0,
        on_append: Callable[[], None] = lambda: None,
    ) -> TaskLog:
        """The orchestrator's stream, with those of all workers loaded; `on_append` is called after every
        entry of any of them. Raises `NewerRow` for entries of a later release."""
        rows, worked = await database.persist(lambda: _read(database, task), patience)
        return cls(_Run(database, task, runner, rows, Stopwatch(worked), patience, on_append), "")

    @property
    def entries(self) -> Sequence[Entry]:
        return self._run.rows[self._agent]

    async def append(self, kind: str, body: Json) -> None:
        """Write one entry; raises `StaleRunner` when another run has taken the task over."""
        # Results of one turn arrive together, and a gap in the sequence would defeat the fence.
        async with self._in_order:
            row: dict[str, Any] = {
                "task": self._run.task, "agent": self._agent, "seq": len(self.entries), "kind": kind,
                "body": body, "version": VERSION, "runner": self._run.runner, "at": time.time(),
                "worked": self._run.stopwatch.read(),
            }  # fmt: skip
            await _finish_write(self._write(row, Entry(kind, body)))

    async def _write(self, row: dict[str, Any], entry: Entry) -> None:
        await self._run.database.persist(lambda: self._insert(row), self._run.patience)
        self._run.rows[self._agent].append(entry)
        self._run.on_append()

    async def _insert(self, row: dict[str, Any]) -> None:
        try:
            new = {f"new_{name}": value for name, value in row.items()}
            async with self._run.database.statement() as connection:
                done = await connection.execute(_APPEND, new)
            if not done.rowcount:
                raise StaleRunner(f"task {self._run.task} is run by another process now")
        except IntegrityError as error:
            # An earlier try may have been committed as its connection broke: then the row is our own.
            async with self._run.database.read() as connection:
                if not await _is_written(connection, row):
                    raise StaleRunner(f"task {self._run.task} is run by another process now") from error

    async def for_agent(self, agent: str) -> TaskLog:
        return TaskLog(self._run, agent)

    @property
    def agents(self) -> Mapping[str, Sequence[Entry]]:
        """Every agent's entries: the orchestrator under "", workers under their names."""
        return self._run.rows

    @property
    def spent(self) -> Spent:
        """What the task has used so far, over all its runs and agents."""
        bodies = [e.body for entries in self._run.rows.values() for e in entries if "usage" in e.body]
        return Spent(
            seconds=self._run.stopwatch.seconds,
            workers=sum(e.kind == "worker" for e in self._run.rows[""]),
            tokens=sum(body["usage"]["input"] + body["usage"]["output"] for body in bodies),
            cost=total_cost(body.get("cost") for body in bodies),
        )

    @property
    def charts(self) -> tuple[Chart, ...]:
        """The charts that the task's workers show."""
        return charts(self._run.rows)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that the task's programs have reached."""
        return reached_hosts(e.body for entries in self._run.rows.values() for e in entries)


async def _read(database: Database, task: str) -> tuple[dict[str, list[Entry]], float]:
    """Every agent's entries, and the seconds of work recorded with the newest."""
    columns = schema.event.c
    query = select(columns.agent, columns.kind, columns.body, columns.version, columns.worked)
    query = query.where(columns.task == task).order_by(columns.agent, columns.seq)
    rows: dict[str, list[Entry]] = defaultdict(list)
    longest = 0.0
    async with database.read() as connection:
        for agent, kind, body, version, worked in await connection.execute(query):
            rows[agent].append(Entry(kind, upcast(kind, body, version)))
            longest = max(longest, worked or 0.0)
    return rows, longest


async def _finish_write(writing: Coroutine[Any, Any, None]) -> None:
    """Finish a write even when cancelled: a stop must not leave an entry in the database that this run does
    not know, and would take for another run's. Waits only briefly for a database that is away."""
    running = asyncio.ensure_future(writing)
    try:
        await asyncio.wait([running])
    except asyncio.CancelledError:
        try:
            await asyncio.wait([running], timeout=_CANCELLED_WRITE_SECONDS)
        finally:
            running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        raise
    await running


async def _is_written(connection: AsyncConnection, row: dict[str, Any]) -> bool:
    columns = schema.event.c
    same = [columns[name] == row[name] for name in ("task", "agent", "seq", "runner", "at")]
    return (await connection.execute(select(columns.kind).where(*same))).first() is not None
