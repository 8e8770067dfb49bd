"""Notices when DBOS can't read its queue: it only logs that, and tries again."""

from __future__ import annotations

import logging
import time

#: DBOS's logger, and how its threads that read queues are named.
_LOGGER, _THREAD = "dbos", "queue-worker-"
#: Seconds for which a failure counts. A queue that can't be read fails several times in that time.
FRESH = 5.0
#: Seconds after the last failure until the queue counts as read again: DBOS tries again sooner.
_OVER = 1.0


class QueueLog(logging.Handler):
    """Attach it with `open` and detach it with `close`."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._failed: list[float] = []

    def open(self) -> None:
        logging.getLogger(_LOGGER).addHandler(self)

    def close(self) -> None:
        logging.getLogger(_LOGGER).removeHandler(self)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        if (record.threadName or "").startswith(_THREAD):
            self._failed = [*self._failed[-1:], time.monotonic()]

    @property
    def problem(self) -> str:
        """A sentence when reading failed twice within `FRESH`, and just now; empty otherwise."""
        now = time.monotonic()
        if len(self._failed) < 2 or now - self._failed[0] > FRESH or now - self._failed[-1] > _OVER:
            return ""
        return "the queue of the tasks can't be read; the log says why"
