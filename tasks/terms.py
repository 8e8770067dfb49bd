"""How long tasks may take and how many may run: what an operator decides about them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.admission import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Times are in seconds."""

    limits: Limits = field(default_factory=Limits)
    waiting: float = 7 * 86_400
    """Longest wait for a person's answer; then the task expires."""
    stalled: float = 900
    """Longest time in which a running task writes nothing into its log; then it fails. Must be longer than
    any single model call or program can take."""
    kept: float = 90 * 86_400
    """How long an ended task's rows are kept; 0 keeps them for ever."""
    undelivered: float = 7 * 86_400
    """How long it is tried to tell a task's end in a thread that is closed to us."""
