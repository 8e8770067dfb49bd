"""The durable journal: each agent's entries as rows that nobody changes.

Owns the fence between two runners of one task. What the entries mean is `agents.transcript`'s.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from agents.conversation import Json
from agents.journal import Entry
from tasks import schema
from tasks.database import Database
from tasks.errors import StaleRunner

#: The shape of `body`, written with each row; older rows are upcast when they are read.
VERSION = 1


@dataclass(frozen=True, slots=True)
class Spent:
    """What a task has used."""

    workers: int
    tokens: int


class TaskLog:
    """One agent's stream of one task. `runner` names the process, so that a row tells who wrote it."""

    def __init__(
        self, database: Database, task: str, agent: str, runner: str, rows: dict[str, list[Entry]]
    ) -> None:
        self._database = database
        self._task = task
        self._agent = agent
        self._runner = runner
        self._rows = rows
        self._in_order = asyncio.Lock()

    @classmethod
    async def load(cls, database: Database, task: str, runner: str) -> TaskLog:
        """The orchestrator's stream, with every worker's read along."""
        rows: dict[str, list[Entry]] = defaultdict(list)
        query = (
            select(schema.event.c.agent, schema.event.c.kind, schema.event.c.body)
            .where(schema.event.c.task == task)
            .order_by(schema.event.c.agent, schema.event.c.seq)
        )
        async with database.read() as connection:
            for agent, kind, body in await connection.execute(query):
                rows[agent].append(Entry(kind, body))
        return cls(database, task, "", runner, rows)

    @property
    def entries(self) -> Sequence[Entry]:
        return self._rows[self._agent]

    async def append(self, kind: str, body: Json) -> None:
        """Write one entry; raises `StaleRunner` when another process has written its place already."""
        # Results of one turn come at the same time, and a hole in the numbers would defeat the fence.
        async with self._in_order:
            row: dict[str, Any] = {
                "task": self._task, "agent": self._agent, "seq": len(self.entries), "kind": kind,
                "body": body, "version": VERSION, "runner": self._runner, "at": time.time(),
            }  # fmt: skip
            try:
                async with self._database.write() as connection:
                    await connection.execute(insert(schema.event).values(row))
            except IntegrityError as error:
                raise StaleRunner(f"task {self._task} is run by another process now") from error
            self._rows[self._agent].append(Entry(kind, body))

    async def open(self, agent: str) -> TaskLog:
        return TaskLog(self._database, self._task, agent, self._runner, self._rows)

    @property
    def agents(self) -> Mapping[str, Sequence[Entry]]:
        """Every agent's entries: the orchestrator under "", workers under their names."""
        return self._rows

    @property
    def spent(self) -> Spent:
        """What the whole task has used so far."""
        replies = [e.body["usage"] for entries in self._rows.values() for e in entries if e.kind == "reply"]
        return Spent(
            workers=sum(e.kind == "worker" for e in self._rows[""]),
            tokens=sum(usage["input"] + usage["output"] for usage in replies),
        )
