"""How many requests for one model are under way at the same time.

Halves when the endpoint asks to slow down, and grows by one for each full round that goes well, so that a
storm of refusals makes the work slower and not fail. Never sends anything itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ConcurrencyLimiter:
    """The places for requests to one model; `most` is where it starts and what it grows back to."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._running = 0
        self._not_before = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        return int(self._limit)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, first come first served, and hold it inside."""
        await self._enter()
        try:
            await self._pause()
            yield
        finally:
            self._leave()

    def slow_down(self, wait: float) -> None:
        """The endpoint refused a request for pace: fewer at once, and none at all for `wait` seconds."""
        now = asyncio.get_running_loop().time()
        if now >= self._not_before:  # one storm refuses all that is under way; it counts once
            self._limit = max(1.0, min(self._limit, self._running + 1) / 2)
        self._not_before = max(self._not_before, now + wait)

    def went_well(self) -> None:
        self._limit = min(self._limit + 1 / self._limit, float(self._most))

    async def _pause(self) -> None:
        """Wait until the endpoint may be asked again; another refusal may put that off."""
        now = asyncio.get_running_loop().time
        while (wait := self._not_before - now()) > 0:  # noqa: ASYNC110 (a point in time, which may move)
            await asyncio.sleep(wait)

    async def _enter(self) -> None:
        if self._running < self.limit and not self._waiting:
            self._running += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it was handed over in the same moment
                self._leave()
            raise

    def _leave(self) -> None:
        self._running -= 1
        while self._waiting and self._running < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self._running += 1
                place.set_result(None)
