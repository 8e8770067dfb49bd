"""Progress events of a task, for people to watch.

A lost event loses no work: the record is the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: What an agent does while it waits for its turn.
WAITING_FOR_MODEL = "Waiting for the model, which is busy with other requests"
WAITING_FOR_CONTAINER = "Waiting for a free container"


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One line of the orchestrator's plan; `status` is pending, in_progress, complete or error."""

    text: str
    status: str


@dataclass(frozen=True, slots=True)
class PlanChanged:
    steps: tuple[PlanStep, ...]


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    worker: str
    title: str


@dataclass(frozen=True, slots=True)
class WorkerStep:
    """What a worker is doing now, in one line."""

    worker: str
    text: str


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """`status` is done, partial, blocked or failed."""

    worker: str
    status: str
    summary: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence about the whole task, for example that the model is slow; empty when it is past."""

    text: str


@dataclass(frozen=True, slots=True)
class AnswerText:
    """The whole text of the orchestrator's reply so far. It becomes the answer unless the reply ends in tool
    calls."""

    text: str


Event = PlanChanged | WorkerStarted | WorkerStep | WorkerEnded | Notice | AnswerText
Emit = Callable[[Event], None]
