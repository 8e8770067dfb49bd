"""Measures how long a task has been worked on, over all its runs, on the monotonic clock.

Waits between runs, for a person or a process, do not count. Each log entry records the seconds so far.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Stopwatch:
    """Starts with a run, at the `seconds` of the earlier runs."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        """Seconds of work at the newest entry."""
        self._clock = clock
        self._zero = clock() - seconds

    def read(self) -> float:
        """Seconds of work now, for the entry being written."""
        self.seconds = self._clock() - self._zero
        return self.seconds
