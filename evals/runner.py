"""Runs a set's tasks through the task engine, with folders in the place of Slack's threads.

Each task is durable: after a kill the same command goes on with what has no result yet.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from agents.events import Event
from agents.orchestrator import AgentDeps
from agents.report import total_cost
from evals.checks import CheckVerdict, Submission
from evals.results import RESULTS, Result, append_result, read_results
from evals.sets import EvalSet, EvalTask
from sandbox.filenames import unique
from sandbox.files import SandboxFile
from tasks.engine import TaskEngine
from tasks.files.thread_files import ThreadFolders
from tasks.message import FileRef, Message, ThreadAddress
from tasks.policy import TaskLimits, TaskPolicy
from tasks.run.runner import Runner
from tasks.run.thread import FileNotFetched, Surroundings
from tasks.store.database import Database
from tasks.store.export import export
from tasks.task import Outcome, State, Task

log = structlog.get_logger(__name__)

#: Seconds between two looks at a running task.
_LOOK = 0.2
#: Questions of one task that are answered.
_MOST_QUESTIONS = 3
_TEAM, _CHANNEL = "T0EVAL", "C0EVAL"
_QUESTION = "question.txt"


@dataclass(frozen=True, slots=True)
class FolderThreads:
    """Threads as folders, by the task's id: the files of its answer, and its question."""

    folder: Path

    @asynccontextmanager
    async def open(self, task: Task) -> AsyncIterator[FolderThread]:
        yield FolderThread(self.folder / task.id)


@dataclass(frozen=True, slots=True)
class FolderThread:
    """A `tasks.run.thread.Thread`."""

    folder: Path

    def emit(self, event: Event) -> None: ...

    async def fetch(self, file: FileRef, *, quiet: bool = False) -> SandboxFile:
        try:
            return SandboxFile.of(await asyncio.to_thread(Path(file.source["path"]).read_bytes))
        except OSError as error:
            raise FileNotFetched(f"{file.name} can't be read ({error.strerror})") from None

    async def transcript(self, file: FileRef) -> str:
        return ""

    async def surroundings(self, history: Sequence[Task]) -> Surroundings:
        return Surroundings()

    async def mark_read(self, message_ts: str) -> None: ...

    async def deliver(self, outcome: Outcome) -> None:
        await asyncio.to_thread(self._write, outcome)

    def _write(self, outcome: Outcome) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if outcome.state is State.WAITING:
            (self.folder / _QUESTION).write_text(outcome.text, "utf-8")
        names: dict[str, str] = {}
        for file in outcome.files:
            stored = unique(Path(file.path).name, names)
            names[stored] = file.path
            (self.folder / stored).write_bytes(file.data.read())


@dataclass(kw_only=True)
class EvalRunner:
    """One run of a set: `folder` has its database, results and traces."""

    eval_set: EvalSet
    deps: AgentDeps
    folder: Path
    repeat: int = 1
    at_once: int = 4
    budget: float | None = None
    """USD after which no further task starts."""
    on_result: Callable[[Result], None] = lambda _: None
    policy: TaskPolicy = field(default_factory=TaskPolicy)
    results: list[Result] = field(default_factory=list)

    async def run(self, tasks: Sequence[EvalTask] = ()) -> bool:
        """Run all tasks, or these, that have no result yet; False when the budget has ended the run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / RESULTS
        self.results = read_results(file) if file.exists() else []
        done = {one.key for one in self.results}
        limits = TaskLimits(process=self.at_once, channel=self.at_once, person=self.at_once)
        policy = TaskPolicy(limits=limits, kept=0, timing=self.policy.timing)
        database = Database(f"sqlite:///{self.folder.resolve() / 'handoff.db'}", policy.timing)
        await database.open()
        runner = Runner(
            database, self.deps, FolderThreads(self.folder / "threads"),
            files=ThreadFolders(self.folder / "workspaces", self.deps.sandbox.limits), policy=policy,
        )  # fmt: skip
        open_places = asyncio.Semaphore(self.at_once)
        try:
            async with TaskEngine(database, runner, policy=policy) as engine, asyncio.TaskGroup() as group:
                for number in range(1, self.repeat + 1):
                    for task in tasks or self.eval_set.tasks:
                        if (self.deps.model, task.id, number) in done:
                            continue
                        await open_places.acquire()
                        if self._is_spent():
                            return False
                        running = group.create_task(self._one(engine, database, task, number))
                        running.add_done_callback(lambda _: open_places.release())
        finally:
            await database.close()
        return True

    def _is_spent(self) -> bool:
        spent = sum(one.cost or 0.0 for one in self.results if one.model == self.deps.model)
        return self.budget is not None and spent >= self.budget

    async def _one(self, engine: TaskEngine, database: Database, task: EvalTask, number: int) -> None:
        thread = ThreadAddress(_TEAM, _CHANNEL, self._ts(task, number))
        paths = [self.eval_set.file(name).resolve() for name in task.files]
        files = tuple(
            FileRef(id=f"F{n}", name=path.name, size=path.stat().st_size, source={"path": str(path)})
            for n, path in enumerate(paths)
        )
        seconds, tokens, costs = 0.0, 0, list[float | None]()
        for step, request in enumerate((task.request, *task.then)):
            message = _message(thread, request, f"{thread.ts}{step}", files if step == 0 else ())
            ended, question = await self._until_over(engine, message, task.reply)
            seconds += ended.seconds or 0.0
            tokens += ended.tokens
            costs.append(ended.cost)
            await self._keep_trace(database, ended, f"{task.id}-{number}-{step + 1}")
            if question or ended.state is not State.ANSWERED:
                break
        verdict = await self._judge(task, ended, question)
        result = Result(
            model=self.deps.model, id=task.id, kind=task.kind, repeat=number, passed=verdict.passed,
            error=verdict.error, why=verdict.why, state=ended.state.value, answer=question or ended.answer,
            seconds=round(seconds, 2), tokens=tokens,
            cost=total_cost(costs),
        )  # fmt: skip
        await asyncio.to_thread(append_result, self.folder / RESULTS, result)
        self.results.append(result)
        self.on_result(result)

    async def _until_over(self, engine: TaskEngine, message: Message, reply: str) -> tuple[Task, str]:
        """The task when it is over, and the question that ended it, if one did. A message that an earlier
        process had accepted changes nothing."""
        await engine.accept(message)
        answered = 0
        while True:
            task = await engine.store.task(message.task_id)
            if task is None:
                raise AssertionError(f"the task {message.task_id} is gone")
            if task.state.is_over:
                return task, ""
            if task.state is State.WAITING and task.attempt > answered:
                question = (self.folder / "threads" / task.id / _QUESTION).read_text("utf-8")
                if not reply or task.attempt > _MOST_QUESTIONS:
                    await engine.stop(task.id, "The question is the answer.")
                    return await _over(engine, task.id), question
                await engine.accept(_message(message.thread, reply, f"{message.ts}9{task.attempt}", ()))
                answered = task.attempt
            await asyncio.sleep(_LOOK)

    async def _judge(self, task: EvalTask, ended: Task, question: str) -> CheckVerdict:
        if not question and ended.state is not State.ANSWERED:
            return CheckVerdict(False, ended.reason or f"it ended {ended.state.value}")
        folder = self.folder / "threads" / ended.id
        names = [path for path in folder.iterdir() if path.name != _QUESTION] if folder.exists() else []
        given = Submission(
            question or ended.answer, {path.name: path.read_bytes() for path in names}, bool(question)
        )
        read = {name: self.eval_set.file(name) for name in task.check.files}
        try:
            return await task.check.judge(given, read, self.deps.sandbox)
        except Exception as error:
            log.exception("check failed", task=task.id)
            return CheckVerdict(False, f"the check failed: {error}", error=True)

    async def _keep_trace(self, database: Database, task: Task, name: str) -> None:
        """The task's log as JSON, to look at."""
        folder = self.folder / "traces" / self.deps.model.replace("/", "_")
        found = await export(database, task.id)
        text = json.dumps(found, ensure_ascii=False, indent=1)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread((folder / f"{name}.json").write_text, text, "utf-8")

    def _ts(self, task: EvalTask, number: int) -> str:
        """The same for each run of a model's task, so that an accepted task is found again."""
        return f"{zlib.crc32(f'{self.deps.model}/{task.id}'.encode())}.{number:04}"


def _message(thread: ThreadAddress, text: str, ts: str, files: tuple[FileRef, ...]) -> Message:
    return Message(thread=thread, ts=ts, user="U0EVAL", user_name="Ada", text=text, files=files)


async def _over(engine: TaskEngine, id_: str) -> Task:
    while True:
        task = await engine.store.task(id_)
        if task is not None and task.state.is_over:
            return task
        await asyncio.sleep(_LOOK)
