"""Signals to a running task: end the work, and why. Also where a run records its progress.

A signal is delivered once, whether it comes before or after the run listens.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from enum import Enum, auto


class EndReason(Enum):
    """Why a run is ended from outside."""

    DECIDED = auto()  # the task's state says so: a person stopped it, or its question expired
    STALLED = auto()  # no progress for too long
    REPLACED = auto()  # another run has the task now, and this one must not post any more


class Signals:
    """One run of one task. `runner` is the run's id on everything it writes."""

    def __init__(self, task: str) -> None:
        self.task = task
        self.runner = uuid.uuid4().hex[:16]
        self.has_begun = False
        self.reason: EndReason | None = None
        self.progress_at = time.monotonic()
        self._listener: Callable[[], object] = lambda: None

    def begin(self) -> None:
        """The run has the task from now on. It has not stalled before, however long the database was away."""
        self.has_begun = True
        self.record_progress()

    def end(self, reason: EndReason) -> None:
        """End the work. The first reason stands, except that `REPLACED` replaces any other."""
        if self.reason is None or reason is EndReason.REPLACED:
            self.reason = reason
            self._listener()

    def on_end(self, listener: Callable[[], object]) -> None:
        self._listener = listener
        if self.reason is not None:
            listener()

    def record_progress(self) -> None:
        """Something was written to the task's log."""
        self.progress_at = time.monotonic()
