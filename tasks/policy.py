"""How long tasks may take and how many may run: what an operator decides about them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLimits:
    """Tasks at work at the same time, on all processes together unless said."""

    process: int = 20
    workspace: int = 20
    channel: int = 20
    person: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPolicy:
    """Times are in seconds."""

    limits: TaskLimits = field(default_factory=TaskLimits)
    waiting: float = 7 * 86_400
    """Longest wait for a person's answer; then the task expires."""
    stalled: float = 900
    """Longest time in which a running task writes nothing into its log; then it fails. Must be longer than
    any single model call or program can take."""
    kept: float = 90 * 86_400
    """How long an ended task's rows are kept; 0 keeps them for ever."""
    undelivered: float = 7 * 86_400
    """How long it is tried to tell a task's end in a thread that is closed to us."""
