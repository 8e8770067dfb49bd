"""When this process looks at the placement's queue: at once when it is rung for, else from time to time.

How a look goes (who is next, whether there is room, that nobody else gets it) is the library's, whose own
worker runs here in a thread of ours. Never decides what is taken.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import structlog
from dbos import DBOS, Queue

# The one private name of the library that is used; `pyproject.toml` keeps to one minor version for it.
from dbos._queue import queue_worker_thread

from tasks.timing import TaskTiming

log = structlog.get_logger(__name__)


class QueueWorker:
    """The library's worker of one queue, looking when it is rung for."""

    def __init__(self, library: DBOS, queue: Queue, timing: TaskTiming) -> None:
        self._library = library
        self._queue = queue
        self._timing = timing
        self._bell = _Bell(timing.gather)

    def ring(self) -> None:
        """Have it look now; from any thread."""
        self._bell.ring()

    async def run(self) -> None:
        """Take from the queue until cancelled. A worker that ends by itself is begun again; raises what one
        fails with, since a process that takes nothing from its queue must not go on."""
        outside = ThreadPoolExecutor(1, thread_name_prefix="queue")
        work = functools.partial(queue_worker_thread, self._bell, self._library, self._queue)
        try:
            while True:
                working = asyncio.get_running_loop().run_in_executor(outside, work)
                await asyncio.wait([working])
                working.result()
                log.error("the queue's worker ended, begun again")
                await asyncio.sleep(self._timing.poll)
        finally:
            self._bell.set()
            # It may be handing a task to this loop, so the loop must go on meanwhile.
            await asyncio.wait([working], timeout=self._timing.worker_end)
            outside.shutdown(wait=False)


class _Bell(threading.Event):
    """Given to the worker as the event that ends it, for which it waits between two looks."""

    def __init__(self, gather: float) -> None:
        super().__init__()
        self._gather = gather
        self._rung = threading.Event()
        self._rung.set()
        self._looked_at = 0.0

    def ring(self) -> None:
        self._rung.set()

    def set(self) -> None:
        super().set()
        self._rung.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Return at a ring or after `timeout` seconds; true when the worker has to end."""
        self._rung.wait(timeout)
        time.sleep(max(0.0, self._looked_at + self._gather - time.monotonic()))
        # Cleared before the look: what is rung for during it may be too late for it.
        self._rung.clear()
        self._looked_at = time.monotonic()
        return self.is_set()
