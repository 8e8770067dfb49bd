"""The warm pool: containers started ahead of their calls, and the queue for them."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable

from sandbox.container import Container
from sandbox.errors import ContainerLost, SandboxBusy, SandboxError
from sandbox.fair_queue import FairQueue, Waiter
from sandbox.job import Queue

_log = logging.getLogger(__name__)
BARE = "bare"
DATA = "data"
_DATA_IMPORT = re.compile(
    r"^[ \t]*(?:import|from)[ \t][^#\n]*\b(?:numpy|pandas|matplotlib|seaborn|scipy|sklearn|openpyxl)\b",
    re.MULTILINE,
)
_DATA_NAMES = (b"numpy", b"pandas", b"matplotlib")
_REMEMBERED = 16  # calls that decide how the ready ones are shared between the flavours
_TEND_SECONDS = 5
PAUSE_SECONDS = 0.05
"""Longer than most calls: creating or removing a container during one would take its cores."""


def flavour_of(code: str, state: bytes | None = None) -> str:
    """Guess the flavour from the imports in `code` and from `state`; a wrong guess costs time only."""
    needs = any(name in (state or b"") for name in _DATA_NAMES)
    return DATA if needs or _DATA_IMPORT.search(code) else BARE


class Pool:
    """At most `most` containers, at least `ready` of them idle.

    After a burst it keeps as many idle as were busy at once in the last `remember_seconds`, then shrinks.
    """

    def __init__(
        self,
        start: Callable[[str], Awaitable[Container]],
        group: asyncio.TaskGroup,
        *,
        ready: int,
        most: int,
        queue_seconds: float,
        remember_seconds: float = 60,
    ) -> None:
        self._start = start
        self._group = group
        self._floor = min(ready, most)
        self._most = most
        self._remember_seconds = remember_seconds
        self._peaks: deque[tuple[float, int]] = deque()
        self._queue_seconds = queue_seconds
        self._ready: dict[str, deque[Container]] = {BARE: deque(), DATA: deque()}
        self._starting: dict[str, int] = {BARE: 0, DATA: 0}
        self._busy = 0
        self._waiting = FairQueue()
        self._asked: deque[str] = deque(maxlen=_REMEMBERED)
        self._closed = False
        self._soon: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> int:
        """Number of idle containers."""
        return sum(len(ready) for ready in self._ready.values())

    async def take(self, flavour: str, queue: Queue = ()) -> Container:
        """A ready container. Where none is, calls wait, and those of different `queue` take turns.

        Raises SandboxBusy after `queue_seconds`.
        """
        self._asked.append(flavour)
        if (container := self._pop(flavour)) is None:
            container = await self._wait(flavour, queue)
        else:
            self._count(queue)
        self._note_peak()
        if not self.idle:
            self._fill_soon()
        return container

    def gone(self, queue: Queue = ()) -> None:
        """Release the place of a container that has ended, and that a call of `queue` had."""
        self._busy -= 1
        self._waiting.released(queue)
        self.fill()

    def _count(self, queue: Queue) -> None:
        self._busy += 1
        self._waiting.took(queue)

    @property
    def short(self) -> bool:
        """Whether a call waits for a container."""
        return bool(self._waiting)

    def _fill_soon(self) -> None:
        """Refill now if a call waits, else after a pause that leaves the cores to running calls."""
        if self._waiting:
            self.fill()
        elif self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._fill_now)

    def _fill_now(self) -> None:
        self._soon = None
        self.fill()

    def fill(self) -> None:
        """Start the missing containers: one for each waiting call, then the idle ones."""
        while not self._closed and (flavour := self._missing()) is not None:
            self._starting[flavour] += 1
            self._group.create_task(self._start_one(flavour), name=f"start a {flavour} sandbox")

    async def tend(self) -> None:
        """Drop dead and surplus containers and start missing ones, until cancelled."""
        while True:
            await asyncio.sleep(min(_TEND_SECONDS, self._remember_seconds))
            for ready in self._ready.values():
                for container in [container for container in ready if not container.alive]:
                    ready.remove(container)
                    container.hang_up()
            while self.idle > self._target():
                flavour = max(self._ready, key=lambda name: len(self._ready[name]))
                self._ready[flavour].popleft().hang_up()
            self.fill()

    def close(self) -> list[Container]:
        """Refuse waiting calls and start nothing more; returns the idle containers for the caller to end."""
        self._closed = True
        while (waiter := self._waiting.next()) is not None:
            waiter.container.set_exception(SandboxBusy("The sandbox is shutting down."))
        return [container for ready in self._ready.values() for container in ready]

    def _pop(self, flavour: str) -> Container | None:
        other = BARE if flavour == DATA else DATA
        for ready in (self._ready[flavour], self._ready[other]):
            while ready:
                if (container := ready.popleft()).alive:
                    return container
                container.hang_up()
        return None

    async def _wait(self, flavour: str, queue: Queue) -> Container:
        if self._closed:
            raise SandboxBusy("The sandbox is shutting down.")
        waiter = self._waiting.add(flavour, queue)
        self.fill()
        taken = False
        try:
            async with asyncio.timeout(self._queue_seconds):
                container = await waiter.container
            taken = True
            return container
        except TimeoutError:
            seconds = f"{self._queue_seconds:.0f} s"
            _log.warning(
                "no sandbox became free within %s; raise HANDOFF_SANDBOX_MAX (%d)", seconds, self._most
            )
            raise SandboxBusy(
                f"All sandboxes were in use for {seconds}. Wait by calling again with the same program."
            ) from None
        finally:
            if not taken:
                self._forget(waiter)

    def _forget(self, waiter: Waiter) -> None:
        """Remove a call from the queue; a container that it just got goes back."""
        self._waiting.remove(waiter)
        future = waiter.container
        if future.done() and not future.cancelled() and future.exception() is None:
            self._busy -= 1
            self._waiting.released(waiter.queue)
            self._put(future.result())

    async def _start_one(self, flavour: str) -> None:
        try:
            container = await self._start(flavour)
        except SandboxError as error:
            self._refuse_first(error)
        except Exception as error:  # noqa: BLE001 a bug must reach the caller and not end the pool
            self._refuse_first(ContainerLost(f"Starting a container failed: {error!r}."))
        else:
            self._put(container)
        finally:
            self._starting[flavour] -= 1
            if self._waiting:
                self.fill()

    def _put(self, container: Container) -> None:
        if self._closed:
            container.hang_up()
            return
        if (waiter := self._waiting.next()) is not None:
            waiter.container.set_result(container)
            self._count(waiter.queue)
            return
        self._ready[container.flavour].append(container)

    def _refuse_first(self, error: SandboxError) -> None:
        """Fail the waiting call whose turn it is; without one the next call tries again."""
        if (waiter := self._waiting.next()) is not None:
            waiter.container.set_exception(error)

    def _missing(self) -> str | None:
        """The flavour to start next; None when there are enough, or no room for more."""
        starting = sum(self._starting.values())
        if self._busy + self.idle + starting >= self._most:
            return None
        waiting = self._waiting.flavours()
        if len(waiting) > starting:
            return waiting[starting]
        if self.idle + starting - len(waiting) >= self._target():
            return None
        wanted = self._wanted_data()
        return DATA if len(self._ready[DATA]) + self._starting[DATA] < wanted else BARE

    def _wanted_data(self) -> int:
        """How many idle containers should be of the data flavour, by the last calls; half at first.

        Of several one always is: its imports would cost a call twenty times as much as all else.
        """
        target = self._target()
        share = (self._asked.count(DATA) + 1) / (len(self._asked) + 2)
        return max(math.floor(target * share + 0.5), int(target > 1))

    def _target(self) -> int:
        """How many should be idle."""
        if self._floor == 0:
            return 0
        horizon = time.monotonic() - self._remember_seconds
        while self._peaks and self._peaks[0][0] < horizon:
            self._peaks.popleft()
        return max(self._floor, self._peaks[0][1] if self._peaks else 0)

    def _note_peak(self) -> None:
        """Keep the peaks of busy containers, each until a later one is as large."""
        while self._peaks and self._peaks[-1][1] <= self._busy:
            self._peaks.pop()
        self._peaks.append((time.monotonic(), self._busy))
