"""A model that answers when the test lets it, so that the test decides how long a task runs."""

from __future__ import annotations

import asyncio

from tests.support.model_replies import Asked, Reply, Say


class Patient:
    """Answers "Done." once `go` is set, or the next of `replies`, and keeps the requests."""

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
        """All user messages of the newest request."""
        said = [str(m["content"]) for m in self.asked[-1].messages if m.get("role") == "user"]
        return "\n".join(said)


class Halting(Patient):
    """Waits for `go` again after the last of its replies."""

    async def __call__(self, asked: Asked) -> Reply:
        reply = await super().__call__(asked)
        if not self.replies:
            self.go.clear()
        return reply
