"""The overhead of durable tasks, on SQLite and PostgreSQL, against targets.

A task here is seventeen journal entries and nothing else: no agent, no model, no Slack. Each database runs in
a process of its own. Without PostgreSQL's programs, its part is skipped with a message.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import insert

from tasks.engine import TaskEngine
from tasks.message import Message, ThreadAddress
from tasks.policy import TaskLimits, TaskPolicy
from tasks.run.signals import Signals
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.log import TaskLog
from tasks.store.tasks import TaskStore
from tasks.task import Outcome, State, Task, Ticket

ENTRIES = 17
SINGLE, PACED, AT_ONCE, PARKED = 60, 200, 1000, 10_000
_MANY = 10 * AT_ONCE
#: Seconds of an idle measurement, and the seconds before it in which earlier work ends.
IDLE, SETTLE = 15.0, 2.0
#: Smaller sizes for a quick run: `python -m benchmarks --small`.
SMALL = {"SINGLE": 2, "PACED": 2, "AT_ONCE": 3, "PARKED": 10, "IDLE": 0.2, "SETTLE": 0.1}
#: The measured values, and the target maximum on each database.
AIMS = {
    "submit, p50 ms": (5, 10),
    "queue to start, p50 ms": (200, 200),
    "CPU per task, ms": (35, 35),
    "1,000 tasks at once, MB": (400, 400),
    "idle, % of a core": (3, 3),
    "idle with 10,000 parked, % of a core": (3, 3),
    "submit with 10,000 parked, p50 ms": (5, 10),
}


class EntriesRunner:
    """Runs a task that only writes entries, and records when it began."""

    def __init__(self, database: Database, store: TaskStore) -> None:
        self._database = database
        self._store = store
        self.began: dict[str, float] = {}
        self.left = 0
        self.gate: asyncio.Event | None = None

    async def run(self, ticket: Ticket, signals: Signals) -> None:
        task = await self._store.begin(ticket, signals.runner)
        if task is None:
            return
        self.began[ticket.task] = time.perf_counter()
        log = await TaskLog.load(self._database, task.id, task.runner)
        for number in range(ENTRIES - 1):
            await log.append("user", {"text": f"entry {number} " + "x" * 500})
        if self.gate is not None:
            await self.gate.wait()
        await self._end(task, log)

    async def _end(self, task: Task, log: TaskLog) -> None:
        await log.append("outcome", {"state": "answered", "text": "done", "reason": ""})
        await self._store.end(task, Outcome(state=State.ANSWERED, text="done"))
        self.left += 1


class Bench:
    """One engine under measurement."""

    def __init__(self, engine: TaskEngine, runner: EntriesRunner) -> None:
        self._engine = engine
        self._runner = runner
        self._count = 0

    async def submit(self) -> tuple[str, float]:
        """Submits a task. Returns its id and the seconds until it is durable."""
        self._count += 1
        ts = f"{1_700_000_000 + self._count}.000100"
        message = Message(
            thread=ThreadAddress("T1", "C1", ts), ts=ts, user=f"U{self._count % 50}", user_name="Ann",
            text="please",
        )  # fmt: skip
        began = time.perf_counter()
        accepted = await self._engine.accept(message)
        return accepted.task, time.perf_counter() - began

    async def all_left(self) -> None:
        while self._runner.left < self._count:  # noqa: ASYNC110 - polls a count
            await asyncio.sleep(0.02)

    async def one_by_one(self) -> tuple[float, float]:
        """Milliseconds until a task is durable, and from then to its start, without other load."""
        submits, starts = [], []
        for _ in range(SINGLE):
            id_, took = await self.submit()
            accepted = time.perf_counter()
            await self.all_left()
            submits.append(took * 1000)
            starts.append((self._runner.began[id_] - accepted) * 1000)
            await asyncio.sleep(random.uniform(0.05, 0.25))
        return statistics.median(submits), statistics.median(starts)

    async def cpu(self) -> float:
        before = time.process_time()
        for _ in range(PACED):
            await self.submit()
            await asyncio.sleep(0.01)
        await self.all_left()
        return (time.process_time() - before) / PACED * 1000

    async def at_once(self) -> float:
        """The process's peak memory in megabytes while so many tasks are running."""
        self._runner.gate = asyncio.Event()
        for _ in range(AT_ONCE):
            await self.submit()
        while len(self._runner.began) < self._count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE)
        self._runner.gate.set()
        await self.all_left()
        self._runner.gate = None
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    async def idle(self) -> float:
        await asyncio.sleep(SETTLE)
        before, began = time.process_time(), time.perf_counter()
        await asyncio.sleep(IDLE)
        return (time.process_time() - before) / (time.perf_counter() - began) * 100


@asynccontextmanager
async def bench(database: Database) -> AsyncIterator[Bench]:
    limits = TaskLimits(process=AT_ONCE, workspace=_MANY, channel=_MANY, person=_MANY)
    runner = EntriesRunner(database, TaskStore(database, limits=limits))
    async with TaskEngine(database, runner, policy=TaskPolicy(limits=limits)) as engine:
        yield Bench(engine, runner)


async def measure(url: str) -> list[float]:
    """The measured values in the order of `AIMS`."""
    database = Database(url)
    await database.open()
    async with bench(database) as made:
        # The largest first, so that its memory is not hidden by an earlier peak.
        memory = await made.at_once()
        figures = [*await made.one_by_one(), await made.cpu(), memory, await made.idle()]
        await _park_many(database)
        figures += [await made.idle(), (await made.one_by_one())[0]]
    await database.close()
    return figures


async def _park_many(database: Database) -> None:
    now = time.time()
    rows = [
        {
            "id": f"p{n}", "team": "T1", "channel": "C1", "thread_ts": f"p{n}", "message_ts": f"p{n}",
            "user": "U1", "user_name": "Ann", "request": "please", "files": [], "state": State.WAITING.value,
            "attempt": 1, "created_at": now, "admitted": True, "due_at": now + 86_400,
        }
        for n in range(PARKED)
    ]  # fmt: skip
    async with database.write() as connection:
        for start in range(0, PARKED, 500):
            await connection.execute(insert(schema.task), rows[start : start + 500])


def _in_a_process(url: str) -> list[float]:
    small = ["--small"] if SMALL["PARKED"] == PARKED else []
    command = [sys.executable, "-m", "benchmarks.engine", url, *small]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: list[float] = json.loads(done.stdout.splitlines()[-1])
    return figures


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sqlite = await asyncio.to_thread(_in_a_process, f"sqlite:///{Path(folder) / 'handoff.db'}")
    on_postgres = await asyncio.to_thread(_on_postgres)
    print(f"{'':40}{'SQLite':>10}{'aim':>8}{'PostgreSQL':>14}{'aim':>8}")
    for number, (name, (aim, aim_postgres)) in enumerate(AIMS.items()):
        other = f"{on_postgres[number]:14.1f}" if on_postgres else f"{'–':>14}"
        print(f"{name:40}{sqlite[number]:10.1f}{aim:8}{other}{aim_postgres:8}")


def _on_postgres() -> list[float]:
    from tests.support.postgres import postgres

    try:
        with postgres() as server:
            return _in_a_process(server.create())
    except RuntimeError as missing:
        print(missing, file=sys.stderr)
        return []


if __name__ == "__main__":
    if "--small" in sys.argv:
        globals().update(SMALL)
    print(json.dumps(asyncio.run(measure(sys.argv[1]))))
