"""Blocking calls in threads that nobody has to wait for. Never knows what is called.

Those of the standard library's executor are waited for when the process ends, however long each still takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """At most `most` calls at the same time; further ones wait for their turn. For one event loop."""

    def __init__(self, most: int, name: str) -> None:
        self._name = name
        self._turn = asyncio.Semaphore(most)
        self._under_way: set[asyncio.Future[None]] = set()

    async def call(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. It goes on when the caller is cancelled, and keeps its turn."""
        await self._turn.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        over: asyncio.Future[None] = loop.create_future()
        self._under_way.add(over)
        over.add_done_callback(self._over)

        def settle(result: Callable[[], None]) -> None:
            over.set_result(None)
            if not answer.done():
                result()

        def run() -> None:
            try:
                told = functools.partial(answer.set_result, work())
            except Exception as error:  # noqa: BLE001 it is raised where it was called
                told = functools.partial(answer.set_exception, error)
            with contextlib.suppress(RuntimeError):  # the loop has ended without us
                loop.call_soon_threadsafe(settle, told)

        threading.Thread(target=run, name=self._name, daemon=True).start()
        return await answer

    async def ended(self, seconds: float) -> bool:
        """Whether all calls have ended within this time."""
        return not self._under_way or not (await asyncio.wait(self._under_way, timeout=seconds))[1]

    def _over(self, call: asyncio.Future[None]) -> None:
        self._under_way.discard(call)
        self._turn.release()
