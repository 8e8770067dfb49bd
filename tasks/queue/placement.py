"""Which process runs a task, kept by DBOS Transact: one queue, one workflow with one step per task.

The workflow holds nothing but the task's id. What has happened is in the task's own log, so no replay rule
of the library touches agent code, and a changed deploy strands no task. Never knows what running means.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import sqlalchemy
import structlog
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID

from sandbox.daemon_threads import run_in_thread
from tasks.store.database import QUEUE_SCHEMA, queue_file, set_pragmas
from tasks.task import Ticket
from tasks.timing import STANDARD, TaskTiming

log = structlog.get_logger(__name__)

QUEUE = "tasks"
#: The library replaces the loop's executor by one without a bound, which grows to hundreds of threads.
THREADS = 16
#: A task may live through many deploys; the library's 100 recoveries would end it.
RECOVERIES = 1000
#: Connections to PostgreSQL that the library may hold, beside those of `tasks.store.database`.
CONNECTIONS = 5
#: What libpq is told, in seconds and milliseconds: without it a connection whose packets are swallowed, as
#: after a failover of the server's address, is waited on for the kernel's quarter of an hour (tcp_retries2).
_NOTICED = {
    "connect_timeout": 5, "tcp_user_timeout": 10_000,
    "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
}  # fmt: skip
#: Rows of the library that are read or deleted with one statement.
BATCH = 500
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class Placement:
    """Runs `body(ticket)` once at a time for each placed ticket, here or elsewhere, until it returns.

    A body that is cancelled (the process stops) or killed runs again, once `take_over` is told of its
    process. A body that raises ends its placement for good, so it must not raise.
    """

    def __init__(
        self, url: sqlalchemy.URL, body: Callable[[Ticket], Awaitable[None]], *, at_once: int,
        timing: TaskTiming = STANDARD,
    ) -> None:  # fmt: skip
        self._url = url
        self._timing = timing
        self._body = body
        self._at_once = at_once
        #: Workflows that run here, by their ids.
        self._places: dict[asyncio.Task[Any], str] = {}
        self._astray: set[str] = set()
        self._bodies = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._workflow: Any = None
        self._is_closing = False
        #: Whose work this is. A name that is used twice would strand what its former bearer held.
        self.node = uuid.uuid4().hex

    async def open(self) -> None:
        """Start the library. Must run inside the loop that the bodies are to run on: started before it, the
        library would run them on a loop of its own, where the clients of this process do not work."""
        DBOS(config=_config(self._url, self.node, self._timing))
        self._is_closing = False

        @DBOS.step(name="advance", preemptible=True)
        async def advance(task: str) -> None:
            self._bodies += 1
            self._is_idle.clear()
            try:
                await self._body(_ticket(DBOS.workflow_id or f"{task}:1"))
            finally:
                self._bodies -= 1
                if not self._bodies:
                    self._is_idle.set()

        @DBOS.workflow(name="run_task", max_recovery_attempts=RECOVERIES)
        async def run_task(task: str) -> None:
            self._take_place()
            if self._is_closing:
                # Keeps its place, so that the queue claims no further one, until `close` cancels it.
                await asyncio.Event().wait()
            await advance(task)

        self._workflow = run_task
        DBOS.launch()
        await DBOS.register_queue_async(
            QUEUE, worker_concurrency=self._at_once, polling_interval_sec=self._timing.poll
        )

    async def close(self) -> None:
        """Cancel what runs here; it goes on from its log, here under a new name or elsewhere.

        The library tries for ever to tell a database that is away what has ended: it is not waited for, and
        what it did not tell is found again like the work of a process that was killed."""
        self._is_closing = True
        self._cancel_places()
        if not await _in_time(self._is_idle.wait(), self._timing.last_words):
            log.warning(
                "tasks did not end in time, left as their logs have them", seconds=self._timing.last_words
            )
        self._cancel_places()
        left = asyncio.wait(list(self._places)) if self._places else asyncio.sleep(0)
        # In a thread: it joins the library's own threads, which may be waiting for this loop.
        is_left = await _in_time(left, self._timing.farewell)
        if (
            not await _in_time(run_in_thread(self._destroy, "leave the library"), self._timing.farewell)
            or not is_left
        ):
            log.warning(
                "the database does not answer, so it was left without a word", seconds=self._timing.farewell
            )
        # What was claimed while the library was shutting down.
        self._cancel_places()
        # The library's executor had taken the place of the loop's own, and is shut down now.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        self.node = uuid.uuid4().hex

    async def place(self, ticket: Ticket, *, now: bool = False) -> None:
        """Queue one attempt of a task, or with `now` run it here whatever else runs; doing so again changes
        nothing."""
        with SetWorkflowID(_id(ticket)):
            if now:
                await DBOS.start_workflow_async(self._workflow, ticket.task)
                return
            await DBOS.enqueue_workflow_async(QUEUE, self._workflow, ticket.task)

    async def take_over(self, node: str) -> int:
        """Queue again what a process that is gone had begun; returns how many tasks that are."""
        count = 0
        while held := await _held(node, limit=BATCH):
            await self._queue_again(held)
            count += len(held)
        return count

    async def gather_astray(self) -> int:
        """Queue again what this process holds and does not run; returns how many tasks that are.

        The database had refused to be told how a workflow ended. What is found once may only just be
        beginning, so it is taken for astray when it is found by two calls; they must be seconds apart."""
        held = set(await _held(self.node)) - set(self._places.values())
        astray, self._astray = held & self._astray, held
        if astray:
            await self._queue_again(list(astray))
        return len(astray)

    async def _queue_again(self, ids: list[str]) -> None:
        # Without the queue's name they would go to one that knows no limit.
        await DBOS.resume_workflows_async(ids, queue_name=QUEUE)

    async def known(self, tickets: Collection[Ticket]) -> dict[Ticket, bool]:
        """Those of the tickets that were placed, and whether that is over, however it ended."""
        ids = [_id(ticket) for ticket in tickets]
        found = {}
        for start in range(0, len(ids), BATCH):
            workflows = await DBOS.list_workflows_async(
                workflow_ids=ids[start : start + BATCH], load_input=False, load_output=False
            )
            found.update({_ticket(w.workflow_id): w.status in _ENDED for w in workflows})
        return found

    async def holders(self) -> Collection[str]:
        """The processes that have begun something and not ended it."""
        held = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        return {workflow.executor_id for workflow in held if workflow.executor_id}

    async def forget(self, before: float) -> int:
        """Delete the library's rows of placements that ended before a time, in seconds since 1970."""
        count = 0
        until = datetime.fromtimestamp(before, UTC).isoformat()
        while old := await DBOS.list_workflows_async(
            completed_before=until, status=list(_ENDED), limit=BATCH, load_input=False, load_output=False
        ):
            await DBOS.delete_workflows_async([found.workflow_id for found in old])
            count += len(old)
        return count

    def _take_place(self) -> None:
        """Held until the library has written down how the workflow ended, which it does in the same task."""
        workflow = asyncio.current_task()
        if workflow is None:
            raise RuntimeError("a workflow runs in a task of the loop")
        self._places[workflow] = DBOS.workflow_id or ""
        workflow.add_done_callback(lambda _: self._places.pop(workflow, None))

    def _cancel_places(self) -> None:
        for place in self._places:
            place.cancel()

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


async def _in_time(ending: Awaitable[Any], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await ending
    except TimeoutError:
        return False
    return True


async def _held(node: str, limit: int | None = None) -> list[str]:
    """What a process has begun and not ended."""
    held = await DBOS.list_workflows_async(
        executor_id=node, status="PENDING", limit=limit, load_input=False, load_output=False
    )
    return [workflow.workflow_id for workflow in held]


def _id(ticket: Ticket) -> str:
    return f"{ticket.task}:{ticket.attempt}"


def _ticket(id_: str) -> Ticket:
    task, _, attempt = id_.rpartition(":")
    return Ticket(task, int(attempt))


def _config(url: sqlalchemy.URL, node: str, timing: TaskTiming) -> DBOSConfig:
    config = DBOSConfig(
        name="handoff",
        # A version taken from the code would strand what an earlier deploy began.
        application_version="1",
        executor_id=node,
        max_executor_threads=THREADS,
        serializer=_Json(),
        log_level="WARNING",
        run_migrations=True,
        # For messages between workflows, of which there are none.
        use_listen_notify=False,
        sys_db_idle_transaction_timeout_sec=timing.standstill,
        notification_listener_polling_interval_sec=timing.library_poll,
    )
    if url.get_backend_name() == "sqlite":
        config["system_database_engine"] = _sqlite(url)
    else:
        config["dbos_system_schema"] = QUEUE_SCHEMA
        config["system_database_url"] = url.set(drivername="postgresql").render_as_string(hide_password=False)
        config["sys_db_pool_size"] = CONNECTIONS
        config["db_engine_kwargs"] = {"connect_args": _NOTICED}
    return config


def _sqlite(url: sqlalchemy.URL) -> sqlalchemy.Engine:
    """A file of its own beside ours; the library's default (rollback journal, 20 connections) is slow."""
    engine = sqlalchemy.create_engine(
        url.set(drivername="sqlite", database=str(queue_file(url))), pool_size=2, max_overflow=0
    )
    set_pragmas(engine)
    return engine
