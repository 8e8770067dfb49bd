"""Which process runs a task, kept by DBOS Transact: one queue, one workflow with one step per task.

The workflow holds nothing but the task's id. What has happened is in the task's own log, so no replay rule
of the library touches agent code, and a changed deploy strands no task. Never knows what running means.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID

QUEUE = "tasks"
#: Seconds between two looks at the queue: a task starts 80 ms after it was accepted, for 2 % of a core.
POLL = 0.2
#: The library replaces the loop's executor by one without a bound, which grows to hundreds of threads.
THREADS = 16
#: A task may live through many deploys; the library's 100 recoveries would end it.
RECOVERIES = 1000


class Placement:
    """Runs `body(task)` once at a time for each placed task, in this process or another, until it returns.

    A body that is cancelled (the process stops) or killed runs again at the next start. A body that raises
    ends its placement for good, so it must not raise.
    """

    def __init__(self, url: sqlalchemy.URL, body: Callable[[str], Awaitable[None]], *, at_once: int) -> None:
        self._url = url
        self._body = body
        self._at_once = at_once
        self._running: set[asyncio.Task[Any]] = set()
        self._workflow: Any = None

    async def open(self) -> None:
        """Start taking tasks. Must run inside the loop that the bodies are to run on: started before it, the
        library would run them on a loop of its own, where the clients of this process do not work."""
        DBOS(config=_config(self._url))

        @DBOS.step(name="advance", preemptible=True)
        async def advance(task: str) -> None:
            await self._advance(task)

        @DBOS.workflow(name="run_task", max_recovery_attempts=RECOVERIES)
        async def run_task(task: str) -> None:
            await advance(task)

        self._workflow = run_task
        DBOS.launch()
        await DBOS.register_queue_async(QUEUE, worker_concurrency=self._at_once, polling_interval_sec=POLL)

    async def close(self) -> None:
        """Cancel what runs here; it goes on from its log at the next start."""
        for running in self._running:
            running.cancel()
        if self._running:
            await asyncio.wait(self._running)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as outside:
            # In a thread: it joins the library's own threads, which may be waiting for this loop.
            await loop.run_in_executor(outside, self._destroy)
        # The library's executor had taken the place of the loop's own, and is shut down now.
        loop.set_default_executor(ThreadPoolExecutor(THREADS))

    async def place(self, task: str, attempt: int) -> None:
        """Queue one attempt of a task; doing so again changes nothing."""
        with SetWorkflowID(f"{task}:{attempt}"):
            await DBOS.enqueue_workflow_async(QUEUE, self._workflow, task)

    async def _advance(self, task: str) -> None:
        current = asyncio.current_task()
        if current is None:
            raise RuntimeError("a step runs in a task of the loop")
        self._running.add(current)
        try:
            await self._body(task)
        finally:
            self._running.discard(current)

    @staticmethod
    def _destroy() -> None:
        DBOS.destroy(destroy_registry=True)


class _Json(Serializer):
    """Rows that people can read, where the library's own are pickled."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=repr)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "json"


def _config(url: sqlalchemy.URL) -> DBOSConfig:
    config = DBOSConfig(
        name="handoff",
        application_version="1",
        max_executor_threads=THREADS,
        serializer=_Json(),
        log_level="WARNING",
        run_migrations=True,
    )
    if url.get_backend_name() == "sqlite":
        # One process has the file (see `tasks.database`), so what this id left unfinished is ours.
        config["executor_id"] = "local"
        config["system_database_engine"] = _sqlite(url)
    else:
        config["executor_id"] = uuid.uuid4().hex
        config["system_database_url"] = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return config


def _sqlite(url: sqlalchemy.URL) -> sqlalchemy.Engine:
    """A file of its own beside ours; the library's default (rollback journal, 20 connections) is slow."""
    path = (url.database or "handoff.db").removesuffix(".db") + "-engine.db"
    engine = sqlalchemy.create_engine(
        url.set(drivername="sqlite", database=path), pool_size=2, max_overflow=0
    )

    @sqlalchemy.event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
