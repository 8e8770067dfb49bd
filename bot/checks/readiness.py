"""The readiness check: the database, the sandboxes' engine, the connection to Slack.

It names what is down. A dependency that hangs counts as down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from bot.factories.database import cause
from sandbox.engine import DockerEngine
from sandbox.errors import SandboxError
from tasks.store.retry import DATABASE_ERRORS, describe_outage

#: What is wrong with one dependency, in words; empty when it serves.
Check = Callable[[], Awaitable[Sequence[str]]]
#: Seconds that one check may take, and for which a result is cached.
PATIENCE, FRESH = 4, 1.0


class Readiness:
    """Asks each of `checks`, all at the same time."""

    def __init__(self, *checks: Check) -> None:
        self._checks = checks
        self._looking = asyncio.Lock()
        self._found: list[str] = []
        self._looked_at = float("-inf")

    async def missing(self) -> list[str]:
        """What does not serve; empty when all is well. However many ask, it is looked at once a second."""
        async with self._looking:
            if time.monotonic() - self._looked_at > FRESH:
                async with asyncio.TaskGroup() as group:
                    asked = [group.create_task(_within(check)) for check in self._checks]
                self._found = list(dict.fromkeys(words for found in asked for words in found.result()))
                self._looked_at = time.monotonic()
            return list(self._found)


class SandboxCheck:
    """Looks for the engine and for `image` on it; a connection of its own keeps it from holding up a run."""

    def __init__(self, engine: DockerEngine, image: str) -> None:
        self._engine = engine
        self._image = image

    async def problems(self) -> list[str]:
        try:
            if await self._engine.image_id(self._image) is not None:
                return []
        except SandboxError as error:
            return [str(error)]
        return [f"Docker has no image {self._image}. Build it with: handoff sandbox build"]

    async def is_well(self) -> bool:
        """Whether programs can run here. An engine that hangs counts as down."""
        return not await _within(self.problems)


async def _within(check: Check) -> Sequence[str]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await check()
    except TimeoutError:
        return [f"a dependency gave no answer within {PATIENCE} seconds ({check.__qualname__})"]
    except DATABASE_ERRORS as error:
        # Several checks look into the database, and the page must say so rather than break with it.
        return [describe_outage(error) or cause(error)]
