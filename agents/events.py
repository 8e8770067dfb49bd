"""What agents tell whoever watches a task, while it happens.

Events are for people's eyes: losing one loses nothing of the work. The record is the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


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
class FilesCreated:
    """Files that a run left in `/work`, by their path relative to it, in the order made."""

    worker: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence about the work as a whole: the model is slow, a follow-up was taken in."""

    text: str


@dataclass(frozen=True, slots=True)
class AnswerText:
    """What the orchestrator has written so far in this turn: the whole of it, so that one that is lost does
    no harm. It becomes the answer unless the turn ends in tool calls."""

    text: str


Event = PlanChanged | WorkerStarted | WorkerStep | WorkerEnded | FilesCreated | Notice | AnswerText
Emit = Callable[[Event], None]
