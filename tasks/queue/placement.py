"""Places tasks on processes with DBOS Transact: one queue, and one workflow per attempt.

The workflow has nothing but the task's id. What has happened is in the task's own log, so DBOS's replay rules
do not concern agent code, and a deploy with changed code strands no task.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import sqlalchemy
import structlog
from dbos import DBOS, SetWorkflowID

from sandbox.daemon_threads import run_in_thread
from tasks.queue.dbos_config import THREADS, dbos_config
from tasks.queue.queue_log import QueueLog
from tasks.task import Ticket
from tasks.timing import STANDARD, TaskTiming

log = structlog.get_logger(__name__)

QUEUE = "tasks"
#: A task may live through many deploys; DBOS's default of 100 recoveries would end it.
RECOVERIES = 1000
#: DBOS's rows that one statement reads or deletes.
BATCH = 500
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class Placement:
    """Runs `body(ticket)` for each placed ticket, in one process at a time, until it returns.

    A body that is cancelled (the process exits) or killed runs again after a `take_over` of its process. One
    that raises ends its placement for good, so it must not raise.
    """

    def __init__(
        self, url: sqlalchemy.URL, body: Callable[[Ticket], Awaitable[None]], *, at_once: int,
        timing: TaskTiming = STANDARD,
    ) -> None:  # fmt: skip
        self._url = url
        self._timing = timing
        self._body = body
        self._at_once = at_once
        #: The ids of the workflows that run here.
        self._workflows: dict[asyncio.Task[Any], str] = {}
        self._suspects: set[str] = set()
        self._bodies = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._workflow: Any = None
        self._places = asyncio.Semaphore(at_once)
        self._urgent: set[str] = set()
        self._takes_tasks = True
        self._queued_at = float("-inf")
        self._destroying: asyncio.Future[None] | None = None
        self._is_closing = False
        self._is_closed = asyncio.Event()
        self._log = QueueLog()
        #: This process for DBOS. An id that is used twice would strand the workflows of its first use.
        self.node = uuid.uuid4().hex

    async def open(self, *, takes_tasks: bool = True) -> None:
        """Launch DBOS. Must run inside the loop that the bodies are to run on: launched before it, DBOS would
        run them on a loop of its own, where the clients of this process do not work.

        With `takes_tasks` False it queues tickets, and starts only urgent ones.
        """
        if self._destroying is not None:
            await asyncio.wait([self._destroying])  # the process has one DBOS at a time
        DBOS(config=dbos_config(self._url, self.node, self._timing))
        self._takes_tasks = takes_tasks
        if not takes_tasks:
            DBOS.listen_queues([])
        self._is_closing = False
        self._is_closed.clear()

        @DBOS.workflow(name="run_task", max_recovery_attempts=RECOVERIES)
        async def run_task(task: str) -> None:
            self._register()
            if self._is_closing:
                # DBOS polls until it is destroyed. What it still claims takes a place, so that it claims no
                # more than fit, and is left unfinished for the next process.
                await self._is_closed.wait()
                raise asyncio.CancelledError
            id_ = DBOS.workflow_id or f"{task}:1"
            # What DBOS claims from the queue comes beside what was started here.
            async with nullcontext() if id_ in self._urgent else self._places:
                await self._run(_ticket(id_))

        self._workflow = run_task
        DBOS.launch()
        self._log.open()
        await DBOS.register_queue_async(
            QUEUE, worker_concurrency=self._at_once, polling_interval_sec=self._timing.poll
        )

    async def _run(self, ticket: Ticket) -> None:
        self._bodies += 1
        self._is_idle.clear()
        try:
            await self._body(ticket)
        finally:
            self._bodies -= 1
            if not self._bodies:
                self._is_idle.set()

    async def close(self) -> None:
        """Cancel what runs here; it resumes from its log, here under a new id or elsewhere.

        DBOS retries without limit to record an end in a database that is away: it is not waited for, and what
        it did not record is found again like the work of a killed process."""
        self._is_closing = True
        self._log.close()
        for workflow in self._workflows:
            workflow.cancel()
        last_words, farewell = self._timing.last_words, self._timing.farewell
        if not await _in_time(self._is_idle.wait(), last_words):
            log.warning("tasks did not end in time, they resume from their logs", seconds=last_words)
        self._is_closed.set()
        left = asyncio.wait(list(self._workflows)) if self._workflows else asyncio.sleep(0)
        is_recorded = await _in_time(left, farewell)
        _use_own_executor()
        # In a thread: it joins DBOS's own threads, which may be waiting for this loop.
        self._destroying = run_in_thread(self._destroy, "destroy DBOS")
        is_destroyed = await _in_time(asyncio.shield(self._destroying), farewell)
        if not (is_recorded and is_destroyed):
            log.warning("the database does not answer, left without recording all ends", seconds=farewell)
        _use_own_executor()  # a call in the meantime may have set DBOS's again
        self.node = uuid.uuid4().hex

    @property
    def problem(self) -> str:
        """What keeps queued tasks from starting, in a sentence for the operator."""
        return self._log.problem

    async def place(self, ticket: Ticket) -> None:
        """Start a ticket here if it is urgent or there is room, else queue it for a process with room.
        Placing it again changes nothing."""
        with SetWorkflowID(id_ := _id(ticket)):
            if ticket.urgent:
                self._urgent.add(id_)
            if ticket.urgent or self._has_room():
                await DBOS.start_workflow_async(self._workflow, ticket.task)
            else:
                self._queued_at = time.monotonic()
                await DBOS.enqueue_workflow_async(QUEUE, self._workflow, ticket.task)

    def _has_room(self) -> bool:
        """Whether a ticket may start here: at most half of the places are taken, so that a burst is shared
        with other processes, and what this one has queued is claimed, since each has polled the queue."""
        is_queue_empty = time.monotonic() - self._queued_at > 2 * self._timing.poll
        is_free = self._takes_tasks and not self._is_closing and 2 * len(self._workflows) < self._at_once
        return is_free and is_queue_empty

    async def take_over(self, node: str) -> int:
        """Requeue what a dead process has claimed; returns how many tasks that is."""
        count = 0
        while claimed := await _claimed(node, limit=BATCH):
            await self._requeue(claimed)
            count += len(claimed)
        return count

    async def requeue_orphans(self) -> int:
        """Requeue what this process has claimed and does not run; returns how many tasks that is.

        They are workflows whose end the database refused to record. One that is found once may only just be
        starting, so it counts when two calls in a row find it; the calls must be seconds apart."""
        claimed = set(await _claimed(self.node)) - set(self._workflows.values())
        orphans, self._suspects = claimed & self._suspects, claimed
        if orphans:
            await self._requeue(list(orphans))
        return len(orphans)

    async def _requeue(self, ids: list[str]) -> None:
        # Without the queue's name they would go to DBOS's internal queue, which has no limit.
        self._queued_at = time.monotonic()
        await DBOS.resume_workflows_async(ids, queue_name=QUEUE)

    async def known(self, tickets: Collection[Ticket]) -> dict[Ticket, bool]:
        """Those of the tickets that were placed, and whether their run is over, however it ended."""
        ids = [_id(ticket) for ticket in tickets]
        found = {}
        for start in range(0, len(ids), BATCH):
            workflows = await DBOS.list_workflows_async(
                workflow_ids=ids[start : start + BATCH], load_input=False, load_output=False
            )
            found.update({_ticket(w.workflow_id): w.status in _ENDED for w in workflows})
        return found

    async def holders(self) -> Collection[str]:
        """The processes that have claimed something and not ended it."""
        claimed = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        return {workflow.executor_id for workflow in claimed if workflow.executor_id}

    async def delete_ended(self, before: float) -> int:
        """Delete DBOS's rows of placements that ended before a time, in seconds since 1970."""
        count = 0
        until = datetime.fromtimestamp(before, UTC).isoformat()
        while old := await DBOS.list_workflows_async(
            completed_before=until, status=list(_ENDED), limit=BATCH, load_input=False, load_output=False
        ):
            await DBOS.delete_workflows_async([found.workflow_id for found in old])
            count += len(old)
        return count

    def _register(self) -> None:
        """Keep the current workflow until DBOS has recorded its end, which it does in the same task."""
        workflow = asyncio.current_task()
        if workflow is None:
            raise RuntimeError("a workflow runs in a task of the loop")
        self._workflows[workflow] = DBOS.workflow_id or ""
        workflow.add_done_callback(self._forget)

    def _forget(self, workflow: asyncio.Task[Any]) -> None:
        self._urgent.discard(self._workflows.pop(workflow, ""))

    @staticmethod
    def _destroy() -> None:
        DBOS.destroy(destroy_registry=True)


async def _in_time(ending: Awaitable[Any], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await ending
    except TimeoutError:
        return False
    return True


async def _claimed(node: str, limit: int | None = None) -> list[str]:
    """The ids of the workflows that a process has claimed and not ended."""
    claimed = await DBOS.list_workflows_async(
        executor_id=node, status="PENDING", limit=limit, load_input=False, load_output=False
    )
    return [workflow.workflow_id for workflow in claimed]


def _id(ticket: Ticket) -> str:
    return f"{ticket.task}:{ticket.attempt}"


def _use_own_executor() -> None:
    """DBOS replaces the loop's executor by its own, which it shuts down: others of this process need one."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))


def _ticket(id_: str) -> Ticket:
    task, _, attempt = id_.rpartition(":")
    return Ticket(task, int(attempt))
