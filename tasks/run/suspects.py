"""Tasks that one more death of a process would quarantine: each process resumes them one by one.

A process that dies by one task takes all its others down. Resumed together, they would all be quarantined
with that one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Suspects:
    """`seconds` is how long each runs before the next one starts."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def admitting(self, *, is_suspect: bool) -> AsyncIterator[None]:
        """Enter at once, or when it is a suspect's turn."""
        if not is_suspect:
            yield
            return
        await self._turn.acquire()
        has_turn = True

        def end_turn() -> None:
            nonlocal has_turn
            if has_turn:
                has_turn = False
                self._turn.release()

        timer = asyncio.get_running_loop().call_later(self._seconds, end_turn)
        try:
            yield
        finally:
            timer.cancel()
            end_turn()
