"""Tasks without Slack: real engine, database, agents and model, and a thread that is a list.

The sandbox is real but not used: the workers run no code.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agents.events import Event
from agents.orchestrator import AgentDeps
from sandbox.files import SandboxFile
from sandbox.sandbox import Sandbox
from tasks.engine import TaskEngine
from tasks.files.thread_files import ThreadFiles, ThreadFolders
from tasks.message import FileRef, Message, ThreadAddress
from tasks.policy import TaskPolicy
from tasks.run.runner import Runner
from tasks.run.thread import FileNotFetched, NotDelivered, Surroundings
from tasks.store.database import Database
from tasks.store.tasks import TaskStore
from tasks.task import Outcome, State, Task
from tests.support.scripted_model import Asked, Reply, ScriptedModel
from tests.support.team import endpoint_of
from tests.support.timing import TASK_TIMING

TEAM, CHANNEL = "T1", "C1"
#: Seconds that a test waits for something to happen, with both cores busy.
PATIENCE = 30


@dataclass
class InMemoryThreads:
    """Stands for Slack: every thread's deliveries, by the task's id."""

    delivered: dict[str, list[Outcome]] = field(default_factory=dict)
    marked_read: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    """Files that can be fetched, by name."""
    fetched: list[str] = field(default_factory=list)
    transcripts: dict[str, str] = field(default_factory=dict)
    """What is said in clips, by name."""
    before: Sequence[Message] = ()
    """Earlier messages of the thread."""
    closed: str = ""
    """Why nothing can be delivered now; empty if it can."""

    @asynccontextmanager
    async def open(self, task: Task) -> AsyncIterator[InMemoryThread]:
        yield InMemoryThread(self, task)


@dataclass
class InMemoryThread:
    """A `tasks.run.thread.Thread`."""

    threads: InMemoryThreads
    task: Task

    def emit(self, event: Event) -> None: ...

    async def fetch(self, file: FileRef, *, quiet: bool = False) -> SandboxFile:
        if file.name not in self.threads.files:
            raise FileNotFetched(f"{file.name} is not in these threads")
        self.threads.fetched.append(file.name)
        return SandboxFile.of(self.threads.files[file.name])

    async def transcript(self, file: FileRef) -> str:
        return self.threads.transcripts.get(file.name, "")

    async def surroundings(self, history: Sequence[Task]) -> Surroundings:
        is_new = not history and self.task.thread.ts != self.task.message_ts
        return Surroundings(messages=self.threads.before if is_new else ())

    async def mark_read(self, message_ts: str) -> None:
        self.threads.marked_read.append(message_ts)

    async def deliver(self, outcome: Outcome) -> None:
        if self.threads.closed:
            raise NotDelivered(self.threads.closed)
        self.threads.delivered.setdefault(self.task.id, []).append(outcome)


@dataclass
class TaskHarness:
    """A running engine and its threads."""

    engine: TaskEngine
    database: Database
    threads: InMemoryThreads

    async def until(self, id_: str, *states: State) -> Task:
        """The task once it is in one of these states; any end unless given."""
        wanted = states or tuple(state for state in State if state.is_over)
        return await eventually(lambda task: task.state in wanted, id_, self.engine.store)


async def eventually(is_so: Callable[[Task], bool], id_: str, store: TaskStore) -> Task:
    task = None
    for _ in range(PATIENCE * 50):
        task = await store.task(id_)
        if task is not None and is_so(task):
            return task
        await asyncio.sleep(0.02)
    raise TimeoutError(f"the task {id_} never got so far: {task}")


class Gate:
    """A model whose first reply waits until the test opens it."""

    def __init__(self, *replies: Reply) -> None:
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()
        self._replies = list(replies)

    async def __call__(self, asked: Asked) -> Reply | None:
        self.reached.set()
        await self.opened.wait()
        return self._replies.pop(0)


@asynccontextmanager
async def task_harness(
    url: str,
    model: ScriptedModel,
    folder: Path,
    *,
    policy: TaskPolicy | None = None,
    threads: InMemoryThreads | None = None,
    files: ThreadFiles | None = None,
) -> AsyncIterator[TaskHarness]:
    """Tasks running on the database `url`, with their files below `folder`."""
    policy, threads = policy or TaskPolicy(timing=TASK_TIMING), threads or InMemoryThreads()
    database = Database(url, policy.timing)
    await database.open()
    endpoint = endpoint_of(model)
    deps = AgentDeps(endpoint=endpoint, sandbox=Sandbox(ready=0), model="m", worker_model="m")
    runner = Runner(database, deps, threads, files=files or ThreadFolders(folder), policy=policy)
    try:
        async with endpoint, TaskEngine(database, runner, policy=policy) as engine:
            yield TaskHarness(engine, database, threads)
    finally:
        await database.close()


def message(
    ts: str, text: str = "please", *, thread: str = "", user: str = "U1", name: str = "Ann",
    team: str = TEAM, channel: str = CHANNEL, files: Sequence[str] = (),
) -> Message:  # fmt: skip
    """What a person wrote, at `ts`, in the thread `thread` or as the first of its own."""
    attached = tuple(FileRef(id=f"F{name}", name=name, size=1) for name in files)
    return Message(
        thread=ThreadAddress(team, channel, thread or ts), ts=ts, user=user, user_name=name, text=text,
        files=attached,
    )  # fmt: skip
