"""A limiter of concurrent requests that adapts to the service's rate limits (AIMD).

It halves when the service asks to slow down, and grows by one for each full round that succeeds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

Pause = Callable[[], AbstractContextManager[object]]
"""Entered while a request waits for its turn at the model."""


class ConcurrencyLimiter:
    """The slots for requests to one model. It starts with `most` slots and grows back to them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._running = 0
        self._not_before = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.storms = 0
        """How often in a row the service has asked to slow down, without a success between."""

    @property
    def limit(self) -> int:
        return int(self._limit)

    @asynccontextmanager
    async def slot(self, pause: Pause = nullcontext) -> AsyncIterator[None]:
        """Wait for a slot, first come first served, and hold it inside the block."""
        await self._enter(pause)
        try:
            await self._hold_back(pause)
            yield
        finally:
            self._leave()

    def slow_down(self, wait: float) -> None:
        """Halve the slots, and give out none for `wait` seconds."""
        now = asyncio.get_running_loop().time()
        if now >= self._not_before:  # one storm refuses all concurrent requests; it counts once
            self.storms += 1
            self._limit = max(1.0, min(self._limit, self._running + 1) / 2)
        self._not_before = max(self._not_before, now + wait)

    def speed_up(self) -> None:
        """Count one request that succeeded."""
        self.storms = 0
        self._limit = min(self._limit + 1 / self._limit, float(self._most))

    async def _hold_back(self, pause: Pause) -> None:
        """Wait until requests are allowed again; another refusal may put that off."""
        now = asyncio.get_running_loop().time
        if self._not_before <= now():
            return
        with pause():
            while (wait := self._not_before - now()) > 0:  # noqa: ASYNC110 (a point in time, which may move)
                await asyncio.sleep(wait)

    async def _enter(self, pause: Pause) -> None:
        if self._running < self.limit and not self._waiting:
            self._running += 1
            return
        slot = asyncio.get_running_loop().create_future()
        self._waiting.append(slot)
        try:
            with pause():
                await slot
        except asyncio.CancelledError:
            if not slot.cancelled():  # it was given in the same moment
                self._leave()
            raise

    def _leave(self) -> None:
        self._running -= 1
        while self._waiting and self._running < self.limit:
            slot = self._waiting.popleft()
            if not slot.done():
                self._running += 1
                slot.set_result(None)
