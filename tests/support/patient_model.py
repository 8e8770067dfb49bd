"""A model's answers given when a test wants them, so that the test decides how long a task works."""

from __future__ import annotations

import asyncio

from tests.support.model_replies import Asked, Reply, Say


class Patient:
    """Answers "Done." once `go` is set, or the next of `replies`, and keeps what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.go = asyncio.Event()
        self.replies = list(replies)
        self.asked: list[Asked] = []
        self._arrived = asyncio.Event()

    async def __call__(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        self._arrived.set()
        await self.go.wait()
        return self.replies.pop(0) if self.replies else Say("Done.")

    async def was_asked(self) -> None:
        """Wait for the first request."""
        async with asyncio.timeout(30):
            await self._arrived.wait()

    @property
    def heard(self) -> str:
        """All that users have said in the newest request."""
        said = [str(m["content"]) for m in self.asked[-1].messages if m.get("role") == "user"]
        return "\n".join(said)


class Halting(Patient):
    """Says nothing after the last of its replies, until it is told to go on."""

    async def __call__(self, asked: Asked) -> Reply:
        reply = await super().__call__(asked)
        if not self.replies:
            self.go.clear()
        return reply
