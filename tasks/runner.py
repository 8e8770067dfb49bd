"""Runs one task from wherever its log stands to its end: opening, orchestrator, delivery.

Owns the ends: whatever happens inside, a task that began comes out answered, stopped, failed with a sentence,
or parked. Never retries agents by itself: a task that lost its process is run again by the engine.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import structlog

from agents.errors import ModelError, Parked, Superseded
from agents.loop import Ending
from agents.orchestrator import Means, Orchestrator
from sandbox.workspace import Workspace
from tasks.artifacts import made_for_people
from tasks.attachments import Attachments
from tasks.database import Database
from tasks.log import TaskLog
from tasks.opening import opening
from tasks.store import Accepted, Store
from tasks.task import Outcome, State, Task
from tasks.thread import Delivery, NotDelivered, Thread, Threads

log = structlog.get_logger(__name__)


class Stop:
    """How a person's stop reaches a running task: rung once, heard whether it comes before or after."""

    def __init__(self) -> None:
        self._rung = False
        self._hear: Callable[[], object] = lambda: None

    def ring(self) -> None:
        self._rung = True
        self._hear()

    def on_ring(self, hear: Callable[[], object]) -> None:
        self._hear = hear
        if self._rung:
            hear()


class Runner:
    """Brings tasks to their ends with the given means; each thread's files live below `workspaces`."""

    def __init__(self, database: Database, means: Means, threads: Threads, *, workspaces: Path) -> None:
        self._database = database
        self._store = Store(database)
        self._means = means
        self._threads = threads
        self._workspaces = workspaces
        self._name = uuid.uuid4().hex[:12]

    async def run(self, task: Task, stop: Stop) -> Accepted | None:
        """Run a task to its end or until it parks; returns what has to be placed next, if anything.

        Cancelling this leaves the task as its log has it, to be run again.
        """
        journal = await TaskLog.load(self._database, task.id, self._name)
        address = task.thread
        folder = self._workspaces / address.team / address.channel / address.ts
        workspace = Workspace(folder, limits=self._means.sandbox.limits)
        if task.state is State.STOPPING:
            stop.ring()
        async with self._threads.open(task) as thread:
            try:
                outcome = await self._outcome(task, journal, workspace, thread, stop)
            except Superseded:
                log.warning("task taken over by another process")
                return None
            delivery = await _delivery(task, journal, workspace, outcome)
            try:
                await thread.deliver(delivery)
            except NotDelivered as problem:
                log.error("the thread can't be written to", channel=address.channel, problem=str(problem))
                if outcome.state is State.ANSWERED:
                    await self._store.hold(task.id, str(problem))
                    return None
        log.info("task left", state=outcome.state.value, reason=outcome.reason)
        if outcome.state is State.WAITING:
            return await self._store.park(task.id)
        return await self._store.end(task.id, outcome, workers=delivery.workers, tokens=delivery.tokens)

    async def _outcome(
        self, task: Task, journal: TaskLog, workspace: Workspace, thread: Thread, stop: Stop
    ) -> Outcome:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._work(task, journal, workspace, thread))
            stop.on_ring(work.cancel)
        if work.cancelled():
            stopped = await self._store.task(task.id)
            reason = stopped.reason if stopped else ""
            return Outcome(state=State.STOPPED, text=_so_far(journal), reason=reason)
        outcome = work.result()
        if isinstance(outcome, Superseded):
            raise outcome
        return outcome

    async def _work(
        self, task: Task, journal: TaskLog, workspace: Workspace, thread: Thread
    ) -> Outcome | Superseded:
        """The agents' work, with every failure turned into the outcome that people are told."""
        try:
            return await self._orchestrate(task, journal, workspace, thread)
        except Parked as parked:
            return Outcome(state=State.WAITING, text=parked.question, options=parked.options)
        except ModelError as error:
            log.warning("task failed by the model", detail=error.detail)
            return Outcome(state=State.FAILED, reason=str(error))
        except Superseded as superseded:
            return superseded
        except Exception:
            log.exception("task failed")
            return Outcome(state=State.FAILED, reason=_BROKEN.format(task=task.id))

    async def _orchestrate(
        self, task: Task, journal: TaskLog, workspace: Workspace, thread: Thread
    ) -> Outcome:
        inbox = Attachments(self._store, task, workspace, thread)
        orchestrator = Orchestrator(
            self._means, workspace=workspace, journal=journal, inbox=inbox, emit=thread.emit
        )
        if journal.entries:
            return _of(await orchestrator.run(()))
        notes = await inbox.put(task.files)
        history = await self._store.history(task.thread, task)
        return _of(await orchestrator.run(opening(task, history, await workspace.names(), notes)))


_BROKEN = (
    "Something broke inside Handoff, not in your request. Whoever runs it finds the cause in the log "
    "under {task}. You can ask again."
)


def _of(ending: Ending) -> Outcome:
    if ending.text:
        reason = f"Stopped early: {ending.reason}." if ending.reason else ""
        return Outcome(state=State.ANSWERED, text=ending.text, reason=reason)
    return Outcome(state=State.FAILED, reason=f"There is no answer: {ending.reason}. You can ask again.")


def _so_far(journal: TaskLog) -> str:
    """What a stopped task had done, from its log alone."""
    named = {e.body["worker"]: e.body["title"] for e in journal.agents.get("", ()) if e.kind == "worker"}
    ended = {name for name in named if any(e.kind == "ended" for e in journal.agents.get(name, ()))}
    done = ", ".join(title for name, title in named.items() if name in ended)
    left = ", ".join(title for name, title in named.items() if name not in ended)
    lines = [f"Done: {done}." if done else "", f"Not finished: {left}." if left else ""]
    return " ".join(filter(None, lines)) or "No worker had begun."


async def _delivery(task: Task, journal: TaskLog, workspace: Workspace, outcome: Outcome) -> Delivery:
    files = [] if outcome.state is State.WAITING else await made_for_people(journal, workspace, outcome)
    return Delivery(
        outcome=outcome,
        files=files,
        workers=journal.spent.workers,
        tokens=journal.spent.tokens,
        seconds=time.time() - (task.started_at or time.time()),
    )
