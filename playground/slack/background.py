"""Background tasks that outlive a request: event retries and delayed actions.

Closing cancels and awaits all of them, and raises an error that one of them raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Background:
    """A task group that one task may open and another close, as test fixtures do."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._opened = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        self._owner = asyncio.create_task(self._own(), name="playground background")
        await self._opened.wait()

    async def _own(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._opened.set()
            await asyncio.Event().wait()

    async def close(self) -> None:
        """Cancels all tasks and raises the first error since the opening."""
        if self._owner is None:
            return
        self._closed = True
        self._owner.cancel()
        await asyncio.wait([self._owner])
        if not self._owner.cancelled():
            self._owner.result()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work` until it ends or the stand-in closes. While it closes, new work is dropped."""
        if self._closed:
            work.close()
            return
        if self._group is None:
            work.close()
            raise RuntimeError("The stand-in is not running: enter it with `async with` first.")
        self._group.create_task(work)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Runs `action` after a delay, unless the stand-in closes first."""
        self.start(_after(seconds, action))


async def _after(seconds: float, action: Callable[[], None]) -> None:
    await asyncio.sleep(seconds)
    action()
