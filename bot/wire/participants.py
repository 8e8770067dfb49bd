"""Who talks in a thread, so that nobody is answered who talks to somebody else.

Keeps when each person wrote last; the tasks themselves know who wrote to them. Never decides what follows.
"""

from __future__ import annotations

from collections.abc import Mapping

from tasks.message import ThreadAddress
from tasks.store.key_value import KeyValueStore, place_of
from tasks.task import Task

#: Seconds after which somebody who has not written since our last reply counts as gone.
QUIET = 900.0
#: People of one thread that are remembered, the latest.
MOST = 50
_NAME, _HINTED = "voices", "hinted"


class Participants:
    """Reads and writes them."""

    def __init__(self, kept: KeyValueStore) -> None:
        self._kept = kept

    async def heard(self, thread: ThreadAddress, spoke: Mapping[str, float]) -> None:
        """People wrote there, each last at that time, in seconds since 1970."""
        known: dict[str, float] = await self._kept.get(place_of(thread), _NAME) or {}
        later = {user: at for user, at in spoke.items() if at > known.get(user, 0.0)}
        if later:
            newest = sorted((known | later).items(), key=lambda one: one[1])[-MOST:]
            await self._kept.put(place_of(thread), _NAME, dict(newest))

    async def others(self, task: Task, user: str, now: float) -> list[str]:
        """Who else is there, in the thread of `task`, its newest, when somebody writes. Who asked for it has
        waited for the reply, and has been quiet only since then."""
        known: dict[str, float] = await self._kept.get(place_of(task.thread), _NAME) or {}
        replied = task.ended_at or task.started_at or 0.0
        if task.user in known:
            known[task.user] = max(known[task.user], replied)
        there = (other for other, at in known.items() if now - at < QUIET or at > replied)
        return [other for other in there if other != user and not other.startswith("B")]

    async def first_hint(self, thread: ThreadAddress) -> bool:
        """Whether nobody has been told yet that a mention is waited for there; from now on somebody has."""
        if await self._kept.get(place_of(thread), _HINTED):
            return False
        await self._kept.put(place_of(thread), _HINTED, value=True)
        return True
