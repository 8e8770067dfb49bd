"""Blocking calls in threads that nobody has to wait for. Never knows what is called.

Those of the standard library's executor are waited for when the process ends, however long each still takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def run_in_thread(
    work: Callable[[], T], name: str, *, over: Callable[[], None] = lambda: None
) -> asyncio.Future[T]:
    """What `work` will return or raise, run in a thread of its own with the caller's context variables.

    It goes on when the future is cancelled; `over` is called in the event loop when it has come to its end.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(told: Callable[[], None]) -> None:
        over()
        if not answer.done():
            told()

    def run() -> None:
        try:
            told = functools.partial(answer.set_result, context.run(work))
        except StopIteration as error:
            # As coroutines have it, since no future takes it.
            broken = RuntimeError(f"{name} raised StopIteration")
            broken.__cause__ = error
            told = functools.partial(answer.set_exception, broken)
        except BaseException as error:  # noqa: BLE001 it is raised where the future is awaited
            told = functools.partial(answer.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended without us
            loop.call_soon_threadsafe(settle, told)

    threading.Thread(target=run, name=name, daemon=True).start()
    return answer


class DaemonThreads:
    """At most `most` calls at the same time; further ones wait for their turn. For one event loop."""

    def __init__(self, most: int, name: str) -> None:
        self._name = name
        self._turn = asyncio.Semaphore(most)
        self._under_way: set[asyncio.Future[None]] = set()

    async def call(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. It goes on when the caller is cancelled, and keeps its turn."""
        await self._turn.acquire()
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(over)
        over.add_done_callback(self._over)
        return await run_in_thread(work, self._name, over=lambda: over.set_result(None))

    async def ended(self, seconds: float) -> bool:
        """Whether all calls have ended within this time."""
        return not self._under_way or not (await asyncio.wait(self._under_way, timeout=seconds))[1]

    def _over(self, call: asyncio.Future[None]) -> None:
        self._under_way.discard(call)
        self._turn.release()
