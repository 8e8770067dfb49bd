"""Containers kept ready ahead of their calls. Owns how many there are and who gets the next one.

Never runs a job, never knows what a container is made of.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable

from sandbox.container import Container
from sandbox.errors import Busy, ContainerLost, SandboxError

BARE = "bare"
DATA = "data"
_DATA_IMPORT = re.compile(
    r"^\s*(?:import|from)\s+(?:numpy|pandas|matplotlib|seaborn|scipy|sklearn|openpyxl)\b", re.MULTILINE
)
_REMEMBERED = 16  # calls that decide how the ready ones are shared between the flavours


def flavour_of(code: str) -> str:
    """The flavour that has imported what `code` will; a wrong guess costs time only."""
    return DATA if _DATA_IMPORT.search(code) else BARE


class Pool:
    """At most `most` containers, of which `ready` wait for a call when nobody does."""

    def __init__(
        self,
        start: Callable[[str], Awaitable[Container]],
        group: asyncio.TaskGroup,
        *,
        ready: int,
        most: int,
        queue_seconds: float,
    ) -> None:
        self._start = start
        self._group = group
        self._target = min(ready, most)
        self._most = most
        self._queue_seconds = queue_seconds
        self._ready: dict[str, deque[Container]] = {BARE: deque(), DATA: deque()}
        self._starting: dict[str, int] = {BARE: 0, DATA: 0}
        self._busy = 0
        self._waiting: deque[tuple[str, asyncio.Future[Container]]] = deque()
        self._asked: deque[str] = deque(maxlen=_REMEMBERED)
        self._closed = False

    async def take(self, flavour: str) -> Container:
        """A ready container, or the next one to become ready, in order of asking; Busy after the bound."""
        self._asked.append(flavour)
        if (container := self._pop(flavour)) is None:
            container = await self._wait(flavour)
        self._busy += 1
        if not self._count_ready():
            self.fill()
        return container

    def gone(self) -> None:
        """A container that was taken has ended; its place is free."""
        self._busy -= 1
        self.fill()

    def fill(self) -> None:
        """Start what is missing: one for everybody who waits, then the ready ones."""
        while not self._closed and (flavour := self._missing()) is not None:
            self._starting[flavour] += 1
            self._group.create_task(self._start_one(flavour), name=f"start a {flavour} sandbox")

    def close(self) -> list[Container]:
        """Start nothing more and refuse who waits; the ready containers, which are the caller's to end."""
        self._closed = True
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(Busy("The sandbox is shutting down."))
        return [container for ready in self._ready.values() for container in ready]

    def _pop(self, flavour: str) -> Container | None:
        other = BARE if flavour == DATA else DATA
        for ready in (self._ready[flavour], self._ready[other]):
            while ready:
                if (container := ready.popleft()).alive:
                    return container
                container.hang_up()
        return None

    async def _wait(self, flavour: str) -> Container:
        if self._closed:
            raise Busy("The sandbox is shutting down.")
        future: asyncio.Future[Container] = asyncio.get_running_loop().create_future()
        self._waiting.append((flavour, future))
        self.fill()
        try:
            async with asyncio.timeout(self._queue_seconds):
                return await future
        except TimeoutError:
            raise Busy(
                f"No sandbox became free within {self._queue_seconds:g} s: {self._most} may run at once. "
                "Try again, or raise HANDOFF_SANDBOX_MAX."
            ) from None
        finally:
            self._forget(future)

    def _forget(self, future: asyncio.Future[Container]) -> None:
        """Nobody waits for `future` any more; what it was given in the last moment goes back."""
        self._waiting = deque(entry for entry in self._waiting if entry[1] is not future)
        task = asyncio.current_task()
        given = future.done() and not future.cancelled() and future.exception() is None
        if given and task is not None and task.cancelling():
            self._put(future.result())

    async def _start_one(self, flavour: str) -> None:
        try:
            container = await self._start(flavour)
        except SandboxError as error:
            self._refuse_first(error)
        except Exception as error:  # noqa: BLE001 a mistake of ours must reach the caller and not end the pool
            self._refuse_first(ContainerLost(f"Starting a container failed: {error!r}."))
        else:
            self._put(container)
        finally:
            self._starting[flavour] -= 1

    def _put(self, container: Container) -> None:
        if self._closed:
            container.hang_up()
            return
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_result(container)
                return
        self._ready[container.flavour].append(container)

    def _refuse_first(self, error: SandboxError) -> None:
        """Tell who waits longest; with nobody waiting, the next call tries again."""
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)
                return

    def _missing(self) -> str | None:
        """The flavour to start next, None when there are enough or no room for more."""
        starting = sum(self._starting.values())
        if self._busy + self._count_ready() + starting >= self._most:
            return None
        waiting = [flavour for flavour, future in self._waiting if not future.done()]
        if len(waiting) > starting:
            return waiting[starting]
        for flavour, wanted in self._shares().items():
            if len(self._ready[flavour]) + self._starting[flavour] < wanted:
                return flavour
        return None

    def _shares(self) -> dict[str, int]:
        """How many of each flavour should be ready: by recent use, but one of each when two fit."""
        if self._target == 0:
            return {}
        share = self._asked.count(DATA) / len(self._asked) if self._asked else 0.5
        data = round(self._target * share)
        if self._target >= 2:
            data = min(max(data, 1), self._target - 1)
        return {BARE: self._target - data, DATA: data}

    def _count_ready(self) -> int:
        return sum(len(ready) for ready in self._ready.values())
