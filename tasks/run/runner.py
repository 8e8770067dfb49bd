"""Runs one task from wherever its log stands to its end: opening, orchestrator, delivery.

Owns the ends: whatever happens inside, a task that began comes out answered, stopped, failed with a sentence,
expired, or parked. Its end is in its log before anybody is told, so it has one however often it is run. Never
retries agents by itself: a task that lost its process is run again by the engine.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from agents import tracing as traces
from agents.errors import ModelError, Parked, Superseded
from agents.loop import LoopResult
from agents.orchestrator import AgentDeps, Orchestrator
from agents.tracing import NO_TRACING, Tracing
from sandbox.workspace import Workspace
from tasks.errors import NewerRow
from tasks.policy import TaskPolicy
from tasks.run.artifacts import made_for_people
from tasks.run.attachments import Attachments
from tasks.run.history import History
from tasks.run.signals import EndReason, Signals
from tasks.run.thread import Delivery, NotDelivered, TaskThreads, Thread
from tasks.store.approvals import TaskApprovals
from tasks.store.database import Database
from tasks.store.log import TaskLog
from tasks.store.removal import folder_of
from tasks.store.tasks import TaskStore
from tasks.task import LOST, Outcome, State, Task, Ticket

log = structlog.get_logger(__name__)

#: A run waits for a database that is away as long as it takes: what it holds was paid for.
PATIENCE = math.inf
#: The log's entry of a task's end, in the orchestrator's stream.
_OUTCOME = "outcome"


class Runner:
    """Runs tasks to their ends with the agents' dependencies; each thread's files live below `workspaces`.

    `deps_of` returns a task's own dependencies where it has some; it is called at each start and resume.
    """

    def __init__(
        self, database: Database, deps: AgentDeps, threads: TaskThreads, *, workspaces: Path,
        terms: TaskPolicy, deps_of: Callable[[Task], AgentDeps] | None = None, tracing: Tracing = NO_TRACING,
    ) -> None:  # fmt: skip
        self._database = database
        self._store = TaskStore(database, patience=PATIENCE, limits=terms.limits)
        self._deps = deps
        self._deps_of = deps_of or (lambda _: deps)
        self._threads = threads
        self._workspaces = workspaces
        self._terms = terms
        self._tracing = tracing

    async def run(self, ticket: Ticket, signals: Signals) -> Sequence[Ticket]:
        """Run a task to its end or until it parks; returns what is to be placed next.

        Cancelling this leaves the task as its log has it, to be run again.
        """
        task = await self._store.begin(ticket, signals.runner)
        if task is None:
            return ()
        signals.begin()
        if task.state.is_ending:
            signals.ring(EndReason.DECIDED)
        try:
            journal = await TaskLog.load(
                self._database, task.id, task.runner, patience=PATIENCE, on_append=signals.move
            )
            with traces.task(self._tracing, task.id):
                return await self._leave(task, *await self._tell(task, journal, signals))
        except Superseded:
            log.warning("task taken over by another process")
        except NewerRow:
            wait = self._terms.timing.first_retry
            log.exception("task left for a process of a later version", seconds=wait)
            return await self._store.postpone(task, seconds=wait)
        return ()

    def workspace(self, task: Task) -> Path:
        """The folder of a task's thread."""
        return self._workspaces / folder_of(task.thread)

    async def _tell(
        self, task: Task, journal: TaskLog, signals: Signals
    ) -> tuple[Delivery, NotDelivered | None]:
        """Work, have the end written down, tell it; with the fault if it could not be told."""
        workspace = Workspace(self.workspace(task), limits=self._deps.sandbox.limits)
        async with self._threads.open(task) as thread:
            try:
                outcome = await self._outcome(task, journal, workspace, thread, signals)
                if outcome.state is State.WAITING:
                    await self._store.show(task, outcome.asked)
                delivery = await _delivery(journal, workspace, outcome)
                return delivery, await self._deliver(thread, delivery)
            except Superseded as superseded:
                # Raised outside: the thread's task group would wrap it.
                fault = superseded
        raise fault

    async def _leave(self, task: Task, delivery: Delivery, reason: NotDelivered | None) -> Sequence[Ticket]:
        outcome = delivery.outcome
        log.info("task left", state=outcome.state.value, reason=outcome.reason, told=reason is None)
        if reason is not None:
            if not reason.for_good and not self._tried_long_enough(task):
                wait = self._wait_after(task.deliveries)
                log.warning("end not told, tried again later", why=str(reason), seconds=wait)
                return await self._store.postpone(task, seconds=wait)
            log.error("end not told, given up", why=str(reason))
            outcome = Outcome(
                state=State.FAILED, text=outcome.text, reason=f"It could not be told in the thread: {reason}"
            )
        if outcome.state is State.WAITING:
            return await self._store.park(task, seconds=self._terms.waiting)
        return await self._store.end(task, outcome, delivery.spent)

    def _tried_long_enough(self, task: Task) -> bool:
        return sum(map(self._wait_after, range(task.deliveries))) >= self._terms.undelivered

    def _wait_after(self, tries: int) -> float:
        """Seconds before the next try to tell an end."""
        timing = self._terms.timing
        return min(
            timing.first_retry * 2.0 ** min(tries, 10), timing.longest_retry
        )  # ten are past the longest

    async def _deliver(self, thread: Thread, delivery: Delivery) -> NotDelivered | None:
        try:
            async with asyncio.timeout(self._terms.timing.delivery):
                await thread.deliver(delivery)
        except NotDelivered as reason:
            return reason
        except TimeoutError:
            return NotDelivered("Slack is away.")
        return None

    async def _outcome(
        self, task: Task, journal: TaskLog, workspace: Workspace, thread: Thread, signals: Signals
    ) -> Outcome:
        """The task's end, in its log; or the question that it waits with."""
        if (written := _written(journal)) is not None:
            return written
        if task.is_lost and not task.state.is_ending:
            log.error("task given up: its run vanished again and again", times=task.rescues)
            return await _write(journal, Outcome(state=State.FAILED, text=_so_far(journal), reason=LOST))
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._work(task, journal, workspace, thread))
            signals.on_ring(work.cancel)
        if signals.why is EndReason.REPLACED:
            raise Superseded("another process has the task")
        outcome = await self._cut(task, journal, signals) if work.cancelled() else work.result()
        if isinstance(outcome, Superseded):
            raise outcome
        return outcome if outcome.state is State.WAITING else await _write(journal, outcome)

    async def _cut(self, task: Task, journal: TaskLog, signals: Signals) -> Outcome:
        if signals.why is EndReason.STALLED:
            minutes = f"{self._terms.stalled / 60:.0f}"
            return Outcome(state=State.FAILED, text=_so_far(journal), reason=_STALLED.format(minutes))
        found = await self._store.task(task.id)
        expired = found is not None and found.state is State.EXPIRING
        return Outcome(
            state=State.EXPIRED if expired else State.STOPPED,
            text=_so_far(journal),
            reason=found.reason if found else "",
        )

    async def _work(
        self, task: Task, journal: TaskLog, workspace: Workspace, thread: Thread
    ) -> Outcome | Superseded:
        """The agents' work, with every failure turned into the outcome that people are told."""
        try:
            return await self._orchestrate(task, journal, workspace, thread)
        except Parked as parked:
            return Outcome(
                state=State.WAITING, text=parked.question, options=parked.options, asked=parked.asked,
                approval=parked.approval,
            )  # fmt: skip
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
            self._deps_of(task), workspace=workspace, journal=journal, inbox=inbox, emit=thread.emit,
            approvals=TaskApprovals(self._database, task, patience=PATIENCE),
        )  # fmt: skip
        if journal.entries:
            return _of(await orchestrator.answer(()))
        memory = History(self._database, self._store)
        return _of(await orchestrator.answer(await memory.opening(task, thread, inbox, workspace)))


_BROKEN = (
    "Something broke inside Handoff, not in your request. Whoever runs it finds the cause in the log "
    "under {task}. You can ask again."
)

_STALLED = "Nothing happened for {} minutes, so it was ended. You can ask again."


def _written(journal: TaskLog) -> Outcome | None:
    """The end that an earlier run of the task came to, and may not have told."""
    for entry in journal.entries:
        if entry.kind == _OUTCOME:
            body = entry.body
            return Outcome(state=State(body["state"]), text=body["text"], reason=body["reason"])
    return None


async def _write(journal: TaskLog, outcome: Outcome) -> Outcome:
    body = {"state": outcome.state.value, "text": outcome.text, "reason": outcome.reason}
    await journal.append(_OUTCOME, body)
    return outcome


def _of(ending: LoopResult) -> Outcome:
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


async def _delivery(journal: TaskLog, workspace: Workspace, outcome: Outcome) -> Delivery:
    files = [] if outcome.state is State.WAITING else await made_for_people(journal, workspace, outcome)
    return Delivery(outcome=outcome, files=files, spent=journal.spent)
