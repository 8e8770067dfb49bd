"""The one way to stop a task, whatever was pressed or written. Never waits behind any queue."""

from __future__ import annotations

from dataclasses import dataclass

from bot.intake.access import AccessPolicy
from bot.wire.text import escape
from bot.wire.users import UserDirectory
from tasks.engine import TaskEngine
from tasks.task import Task

NOT_YOURS = "Only {name}, who asked, or an admin of the workspace can stop this task."


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStopper:
    """Asks who may, and tells the engine."""

    engine: TaskEngine
    people: UserDirectory
    access: AccessPolicy

    async def stop(self, task: Task | None, user: str) -> str:
        """Stop a task; returns a sentence in mrkdwn for the person when it was not stopped."""
        if task is None or task.state.is_over:
            return "Nothing is running here."
        if not await self.access.may_stop(task, user):
            return NOT_YOURS.format(name=escape(task.user_name))
        name = await self.people.name(task.thread.team, user)
        if not await self.engine.stop(task.id, f"{name} stopped it"):
            return "Nothing is running here."
        return ""
