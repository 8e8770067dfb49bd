"""Who takes part in a thread: when each person wrote last, and whether the hint to mention us was shown."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.message import ThreadAddress
from tasks.store.key_value import KeyValueStore, thread_namespace
from tasks.task import Task
from tasks.timing import STANDARD, TaskTiming

#: People remembered per thread, the latest.
MOST = 50
# `voices` is the name in the rows of installations that run already.
_LAST_WROTE, _HINTED = "voices", "hinted"


class Participants:
    """The people of every thread, in the key-value store."""

    def __init__(self, values: KeyValueStore, timing: TaskTiming = STANDARD) -> None:
        self._timing = timing
        self._values = values

    async def record(self, thread: ThreadAddress, wrote_at: Mapping[str, float]) -> None:
        """Record when people wrote in a thread, by user id, in seconds since 1970."""
        known = await self._last_wrote(thread)
        later = {user: at for user, at in wrote_at.items() if at > known.get(user, 0.0)}
        if later:
            newest = sorted((known | later).items(), key=lambda one: one[1])[-MOST:]
            await self._values.put(thread_namespace(thread), _LAST_WROTE, dict(newest))

    async def others(self, task: Task, user: str, now: float) -> list[str]:
        """The people other than `user` who are active in the thread of `task`, its newest task.

        The person who asked for the task was waiting for the reply, so counts as quiet only since then.
        """
        known = await self._last_wrote(task.thread)
        replied = task.ended_at or task.started_at or 0.0
        if task.user in known:
            known[task.user] = max(known[task.user], replied)
        active = (other for other, at in known.items() if now - at < self._timing.quiet or at > replied)
        return [other for other in active if other != user and not other.startswith("B")]

    async def first_hint(self, thread: ThreadAddress) -> bool:
        """Whether the hint that a mention is needed here has not been shown yet; marks it as shown."""
        namespace = thread_namespace(thread)
        if await self._values.get(namespace, _HINTED):
            return False
        await self._values.put(namespace, _HINTED, value=True)
        return True

    async def _last_wrote(self, thread: ThreadAddress) -> dict[str, float]:
        return await self._values.get(thread_namespace(thread), _LAST_WROTE) or {}
