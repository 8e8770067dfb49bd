"""How many tasks run at the same time, how long they may take, and how often the engine looks after them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from tasks.timing import TaskTiming

DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLimits:
    """How many tasks run at the same time. Further ones wait in order."""

    process: Annotated[int, Field(ge=1, le=1000)] = 20
    """Tasks running at the same time in this process; further ones wait in order."""
    workspace: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Running tasks of one workspace, in all processes; further ones wait in order. 0: as many as all
    processes run at the same time."""
    channel: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Running tasks of one channel, in all processes."""
    person: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Running tasks of one person, in all processes."""

    def of_workspace(self, processes: int) -> int:
        """Running tasks of one workspace, with so many processes."""
        return self.workspace or self.process * max(1, processes)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPolicy:
    """Times are in seconds."""

    limits: TaskLimits = field(default_factory=TaskLimits)
    waiting: Annotated[float, Field(gt=0, le=3650 * DAY)] = 7 * DAY
    """Longest wait for a person's answer; then the task expires."""
    stalled: Annotated[float, Field(ge=60, le=DAY)] = 900
    """Longest time in which a running task writes nothing into its log; then it fails. A program that runs
    within its own limits counts as progress."""
    deaths: Annotated[int, Field(ge=1, le=1000)] = 3
    """Processes that may die while they run a task; then it is quarantined: it fails, its log is kept, and no
    process runs it again."""
    kept: Annotated[float, Field(ge=0, le=36_500 * DAY)] = 90 * DAY
    """How long an ended task, its log and its messages are kept; 0 keeps them forever."""
    undelivered: float = 7 * DAY
    """How long delivery of an answer is retried when the bot can't post in the thread."""
    timing: TaskTiming = field(default_factory=TaskTiming)
    """Periods and timeouts that no operator sets."""
