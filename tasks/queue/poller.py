"""Polls the queue in DBOS's own loop, woken where that would only wait for the time of its next poll."""

from __future__ import annotations

import threading
import time
from typing import Final

from dbos import DBOS, Queue
from dbos._queue import queue_worker_thread  # DBOS offers no public way to poll before the time

#: Seconds between a wake and its poll, so that a few polls, of about 4 ms of CPU each, claim a burst.
_GATHER: Final = 0.03


class _Alarm(threading.Event):
    """DBOS's loop waits for it between two polls, and ends when it is set. A wake ends only the wait."""

    def __init__(self) -> None:
        super().__init__()
        self._woken = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        if self._woken.wait(timeout) and not self.is_set():
            time.sleep(_GATHER)
        self._woken.clear()
        return self.is_set()

    def set(self) -> None:
        super().set()
        self._woken.set()

    def wake(self) -> None:
        self._woken.set()


class Poller:
    """Claims tickets of a queue for this process until it is stopped. Those that other processes have queued
    wait for the queue's period."""

    def __init__(self, dbos: DBOS, queue: Queue) -> None:
        # Else its row is read before each poll, where a process with other limits may have written them.
        queue.database_backed_queue = False
        self._alarm = _Alarm()
        self._thread = threading.Thread(
            target=queue_worker_thread,
            args=(self._alarm, dbos, queue),
            name=f"poll {queue.name}",
            daemon=True,
        )
        self._thread.start()

    def wake(self) -> None:
        """Poll at once: a ticket was queued, or a place is free."""
        self._alarm.wake()

    def stop(self) -> None:
        """Claim nothing more. Does not wait for a poll that is under way."""
        self._alarm.set()

    def join(self, seconds: float) -> None:
        """Wait until its last poll has ended; blocks, `seconds` at most."""
        self._thread.join(seconds)
