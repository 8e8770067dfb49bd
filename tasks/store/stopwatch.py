"""How long a task has been worked on, over all its runs.

Counts nothing between two runs: neither the wait for a person nor one for a process. Never read from the
clock of the wall, which may jump; kept by being written with each entry of the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Stopwatch:
    """Starts when a run begins, at the `seconds` that earlier runs had come to."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        """Seconds of work up to the newest entry."""
        self._clock = clock
        self._zero = clock() - seconds

    def read(self) -> float:
        """Seconds of work up to now, for the entry that is being written."""
        self.seconds = self._clock() - self._zero
        return self.seconds
