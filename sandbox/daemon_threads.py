"""Blocking calls in daemon threads.

The standard library's executor joins its threads at exit, however long they take; these are not joined.
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
    """Run `work` in a new thread with the caller's context variables; the future of its result.

    The thread goes on when the future is cancelled; `over` is called in the event loop when it ends.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(resolve: Callable[[], None]) -> None:
        over()
        if not answer.done():
            resolve()

    def run() -> None:
        try:
            resolve = functools.partial(answer.set_result, context.run(work))
        except StopIteration as error:
            # As in coroutines: a future does not take StopIteration.
            broken = RuntimeError(f"{name} raised StopIteration")
            broken.__cause__ = error
            resolve = functools.partial(answer.set_exception, broken)
        except BaseException as error:  # noqa: BLE001 raised where the future is awaited
            resolve = functools.partial(answer.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, resolve)

    threading.Thread(target=run, name=name, daemon=True).start()
    return answer


class DaemonThreads:
    """At most `most` calls at once, further ones queue. For one event loop."""

    def __init__(self, most: int, name: str) -> None:
        self._name = name
        self._turn = asyncio.Semaphore(most)
        self._under_way: set[asyncio.Future[None]] = set()

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread. It goes on, and keeps its place, when the caller is cancelled."""
        await self._turn.acquire()
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(over)
        over.add_done_callback(self._over)
        return await run_in_thread(work, self._name, over=lambda: over.set_result(None))

    async def ended(self, seconds: float) -> bool:
        """Wait until all calls have ended; False when `seconds` pass first."""
        return not self._under_way or not (await asyncio.wait(self._under_way, timeout=seconds))[1]

    def _over(self, call: asyncio.Future[None]) -> None:
        self._under_way.discard(call)
        self._turn.release()
