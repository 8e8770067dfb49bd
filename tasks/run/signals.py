"""What a running task is told from outside: that its work is over, and why.

Told once, heard whether it comes before or after somebody listens. Also where a run shows that it goes on.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from enum import Enum, auto


class EndReason(Enum):
    """Why a run is ended from outside."""

    DECIDED = auto()  # the task's state says it: a person stopped it, or its time is over
    STALLED = auto()  # nothing has happened for too long
    REPLACED = auto()  # another run has the task now, and this one must not say a word


class Signals:
    """One run of one task. `runner` is its name on all it writes."""

    def __init__(self, task: str) -> None:
        self.task = task
        self.runner = uuid.uuid4().hex[:16]
        self.begun = False
        self.why: EndReason | None = None
        self.moved_at = time.monotonic()
        self._hear: Callable[[], object] = lambda: None

    def begin(self) -> None:
        """The task is this run's from now on: it has not stood still before, however long the database was
        away."""
        self.begun = True
        self.move()

    def ring(self, why: EndReason) -> None:
        """End the work. The first reason stands, but a replaced run is replaced whatever it heard before."""
        if self.why is None or why is EndReason.REPLACED:
            self.why = why
            self._hear()

    def on_ring(self, hear: Callable[[], object]) -> None:
        self._hear = hear
        if self.why is not None:
            hear()

    def move(self) -> None:
        """Something was written down."""
        self.moved_at = time.monotonic()
