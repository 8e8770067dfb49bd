"""Slack's tokens to search, which come with messages to the app and hold for a short time."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.store.key_value import KeyValueStore, task_namespace

_KEY = "action token"


@dataclass(frozen=True, slots=True)
class ActionTokens:
    """Keeps the newest token of each task, until the task is deleted."""

    kept: KeyValueStore

    async def keep(self, task: str, token: str) -> None:
        if token:
            await self.kept.put(task_namespace(task), _KEY, token)

    async def move(self, before: str, task: str, token: str) -> None:
        """The message that might have started the task `before` belongs to another one."""
        if token:
            await self.keep(task, token)
            await self.kept.put(task_namespace(before), _KEY, None)

    async def of(self, task: str) -> str:
        """The token; empty for a task whose messages had none."""
        return str(await self.kept.get(task_namespace(task), _KEY) or "")
