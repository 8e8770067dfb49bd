"""Runs one task, from wherever its log stands, to its end: opening, orchestrator, delivery.

Every run ends its task (answered, stopped, failed with a sentence, expired) or parks it. The end is in the
log before it is delivered, so it stays the same in every retry. Agents are not retried here: a task whose
process died is requeued by the engine.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from agents import tracing as traces
from agents.conversation import Turn
from agents.errors import ModelError, Parked, Superseded
from agents.figures import CheckedFigures, check_figures
from agents.model.pictures import Pictures
from agents.orchestrator import AgentDeps, Orchestrator
from agents.tracing import NO_TRACING, Tracing
from sandbox.workspace import Workspace
from tasks.errors import FilesUnavailable, NewerRow
from tasks.files.thread_files import ThreadFiles
from tasks.policy import TaskPolicy
from tasks.run.artifacts import output_files
from tasks.run.attachments import Attachments
from tasks.run.history import History
from tasks.run.outcomes import failed, log_outcome, logged_outcome, progress_summary, to_outcome
from tasks.run.signals import EndReason, Signals
from tasks.run.suspects import Suspects
from tasks.run.thread import NotDelivered, TaskThreads, Thread
from tasks.store.approvals import TaskApprovals
from tasks.store.database import Database
from tasks.store.log import TaskLog
from tasks.store.tasks import TaskStore
from tasks.task import LOST, QUARANTINED, Outcome, State, Task, Ticket

log = structlog.get_logger(__name__)

#: A run waits without limit for a database that is away: its work was paid for.
PATIENCE = math.inf


class Runner:
    """Runs tasks with the agents' dependencies; `files` are those of all threads.

    `deps_of` returns a task's own dependencies where it has some; it is called at each start and resume.
    """

    def __init__(
        self, database: Database, deps: AgentDeps, threads: TaskThreads, *, files: ThreadFiles,
        policy: TaskPolicy, deps_of: Callable[[Task], Awaitable[AgentDeps]] | None = None,
        tracing: Tracing = NO_TRACING,
    ) -> None:  # fmt: skip
        self._database = database
        self._store = TaskStore(database, patience=PATIENCE, limits=policy.limits)
        self._deps = deps
        self._deps_of = deps_of
        self._threads = threads
        self._files = files
        self._policy = policy
        self._tracing = tracing
        self._suspects = Suspects(policy.timing.probation)

    async def run(self, ticket: Ticket, signals: Signals) -> None:
        """Run a task until it ends or parks. After a cancelled run it can be resumed from its log."""
        deaths = await self._store.deaths.count(ticket)
        async with self._suspects.admitting(is_suspect=0 < deaths == self._policy.deaths - 1):
            task = await self._store.begin(ticket, signals.runner)
            if task is not None:
                await self._run(task, signals)

    async def _run(self, task: Task, signals: Signals) -> None:
        if task.deaths > self._policy.deaths + 1:
            # Even the run that only says so in the thread died, twice.
            await self._store.end(task, replace(self._quarantined(task), text=task.answer))
            return
        signals.begin()
        if task.state.is_ending:
            signals.end(EndReason.DECIDED)
        try:
            journal = await TaskLog.load(
                self._database, task.id, task.runner, patience=PATIENCE, on_append=signals.record_progress
            )
            with traces.task(self._tracing, task.id):
                await self._finish(task, *await self._work_and_deliver(task, journal, signals))
        except FilesUnavailable as away:
            wait = self._retry_wait(task.deliveries)
            log.warning("task waits for the bucket of its files", why=str(away), seconds=wait)
            await self._store.postpone(task, seconds=wait)
        except Superseded:
            log.warning("task taken over by another process")
            await self._store.deaths.leave(task.id, signals.runner)
        except NewerRow:
            wait = self._policy.timing.first_retry
            log.exception("task left for a process of a later release", seconds=wait)
            await self._store.postpone(task, seconds=wait)

    async def _work_and_deliver(
        self, task: Task, journal: TaskLog, signals: Signals
    ) -> tuple[Outcome, NotDelivered | None]:
        """The outcome, and why it could not be delivered if it could not."""
        async with self._threads.open(task) as thread:
            try:
                async with self._files.open(task) as workspace:
                    outcome = await self._outcome(task, journal, workspace, thread, signals)
                    if outcome.state is State.WAITING:
                        await self._store.set_question(task, outcome.asked)
                    elif task.deaths < self._policy.deaths:  # else the processes may have died by the files
                        outcome = replace(outcome, files=await output_files(journal, workspace, outcome))
                    figures = await _checked_figures(task, outcome, journal)
                    outcome = replace(
                        outcome,
                        spent=journal.spent,
                        hosts=journal.hosts,
                        figures=figures,
                        charts=journal.charts,
                    )
                    return outcome, await self._deliver(thread, outcome)
            except FilesUnavailable as away:
                if (end := await self._end_without_files(task, journal, signals, away)) is not None:
                    return end, await self._deliver(thread, end)
                error: Exception = away
            except Superseded as superseded:
                error = superseded
        raise error  # not inside: the thread's task group would wrap it

    async def _end_without_files(
        self, task: Task, journal: TaskLog, signals: Signals, away: FilesUnavailable
    ) -> Outcome | None:
        """The end of a task whose files can't be reached; None while it waits for them."""
        if task.state.is_ending or signals.reason is not None:
            return await log_outcome(journal, await self._cancelled(task, journal, signals))
        if self._waited(task) < self._policy.timing.bucket_gone:
            return None
        return logged_outcome(journal) or await log_outcome(journal, failed(journal, _NO_FILES.format(away)))

    async def _finish(self, task: Task, outcome: Outcome, failure: NotDelivered | None) -> None:
        log.info("run ended", state=outcome.state.value, reason=outcome.reason, delivered=failure is None)
        if failure is not None:
            if not failure.for_good and self._waited(task) < self._policy.undelivered:
                wait = self._retry_wait(task.deliveries)
                log.warning("delivery failed, tried again later", why=str(failure), seconds=wait)
                await self._store.postpone(task, seconds=wait)
                return
            log.error("delivery failed, given up", why=str(failure))
            reason = f"It could not be posted in the thread: {failure}"
            outcome = replace(outcome, state=State.FAILED, reason=reason)
        if outcome.state is State.WAITING:
            await self._store.park(task, seconds=self._policy.waiting)
        else:
            await self._store.end(task, outcome)

    def _waited(self, task: Task) -> float:
        """Seconds for which a task was postponed so far."""
        return sum(map(self._retry_wait, range(task.deliveries)))

    def _retry_wait(self, tries: int) -> float:
        """Seconds before the next try of a delivery: exponential backoff, up to the longest."""
        timing = self._policy.timing
        return min(timing.first_retry * 2.0 ** min(tries, 10), timing.longest_retry)  # 2**10 is past it

    async def _deliver(self, thread: Thread, outcome: Outcome) -> NotDelivered | None:
        try:
            async with asyncio.timeout(self._policy.timing.delivery):
                await thread.deliver(outcome)
        except NotDelivered as failure:
            return failure
        except TimeoutError:
            return NotDelivered("Slack is away.")
        return None

    async def _outcome(
        self, task: Task, journal: TaskLog, workspace: Workspace, thread: Thread, signals: Signals
    ) -> Outcome:
        """The task's end, in its log; or the question that it waits with."""
        logged = logged_outcome(journal)
        if task.deaths >= self._policy.deaths and not task.state.is_ending:
            text = progress_summary(journal) if logged is None else logged.text
            return replace(self._quarantined(task), text=text)
        if logged is not None:
            return logged
        if task.is_lost and not task.state.is_ending:
            log.error("task given up, its runs keep vanishing", times=task.rescues)
            return await log_outcome(journal, failed(journal, LOST))
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._work(task, journal, workspace, thread))
            signals.on_end(work.cancel)
        if signals.reason is EndReason.REPLACED:
            raise Superseded("another process has the task")
        outcome = await self._cancelled(task, journal, signals) if work.cancelled() else work.result()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome if outcome.state is State.WAITING else await log_outcome(journal, outcome)

    def _quarantined(self, task: Task) -> Outcome:
        log.error("task quarantined, the processes that ran it died", times=task.deaths)
        reason = QUARANTINED.format(times=task.deaths, task=task.id)
        return Outcome(state=State.FAILED, reason=reason, quarantined=True)

    async def _cancelled(self, task: Task, journal: TaskLog, signals: Signals) -> Outcome:
        if signals.reason is EndReason.STALLED:
            return failed(journal, _STALLED.format(f"{self._policy.stalled / 60:.0f}"))
        found = await self._store.task(task.id)
        expired = found is not None and found.state is State.EXPIRING
        return Outcome(
            state=State.EXPIRED if expired else State.STOPPED,
            text=progress_summary(journal),
            reason=found.reason if found else "",
        )

    async def _work(
        self, task: Task, journal: TaskLog, workspace: Workspace, thread: Thread
    ) -> Outcome | Superseded | FilesUnavailable:
        """The agents' work; every failure becomes an outcome for people."""
        try:
            return await self._orchestrate(task, journal, workspace, thread)
        except Parked as parked:
            return Outcome(
                state=State.WAITING, text=parked.question, options=parked.options, asked=parked.asked,
                approval=parked.approval,
            )  # fmt: skip
        except ModelError as error:
            log.warning("task failed, model error", detail=error.detail)
            return Outcome(state=State.FAILED, reason=str(error))
        except (Superseded, FilesUnavailable) as ended:
            return ended
        except Exception:
            log.exception("task failed")
            return Outcome(state=State.FAILED, reason=_BROKEN.format(task=task.id))

    async def _orchestrate(
        self, task: Task, journal: TaskLog, workspace: Workspace, thread: Thread
    ) -> Outcome:
        deps = self._deps if self._deps_of is None else await self._deps_of(task)
        queue = (f"{task.thread.team}:{task.user}", task.id)
        pictures = Pictures(deps.sandbox, workspace, queue)
        inbox = Attachments(self._store, task, workspace, thread, pictures)
        orchestrator = Orchestrator(
            deps, workspace=workspace, journal=journal, inbox=inbox, emit=thread.emit,
            approvals=TaskApprovals(self._database, task, patience=PATIENCE), queue=queue,
        )  # fmt: skip
        opening: Sequence[Turn] = ()
        if not journal.entries:
            history = History(self._database, self._store)
            opening = await history.opening(task, thread, inbox, workspace)
        outcome = to_outcome(await orchestrator.answer(opening), journal)
        return replace(outcome, reason=" ".join(filter(None, [outcome.reason, *workspace.problems])))


_BROKEN = (
    "Something broke inside Handoff, not in your request. Its operator finds the cause in the log under "
    "{task}. You can ask again."
)

_NO_FILES = "The files of this thread can't be reached, so I stopped: {}. You can ask again later."
_STALLED = "This made no progress for {} minutes, so I stopped it. You can ask again."


async def _checked_figures(task: Task, outcome: Outcome, journal: TaskLog) -> CheckedFigures | None:
    """In a thread: an answer may have 200 KB."""
    if outcome.state is not State.ANSWERED:
        return None
    return await asyncio.to_thread(check_figures, outcome.text, task.request, journal.agents)
