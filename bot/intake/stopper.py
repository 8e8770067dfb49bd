"""Stops a task for a person, whatever they pressed or wrote. A stop waits behind no queue."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from bot.intake import texts
from bot.intake.access import AccessPolicy
from bot.wire.text import escape
from bot.wire.users import UserDirectory
from tasks.engine import TaskEngine
from tasks.task import Task

audit = structlog.get_logger("audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStopper:
    """Checks who may stop the task, and stops it."""

    engine: TaskEngine
    people: UserDirectory
    access: AccessPolicy

    async def stop(self, task: Task | None, user: str) -> str:
        """Stop a task; returns a sentence in mrkdwn for the person when it was not stopped."""
        if task is None or task.state.is_over:
            return texts.NOTHING_TO_STOP
        if not await self.access.may_stop(task, user):
            return texts.only_requester_can_stop(escape(task.user_name))
        name = await self.people.name(task.thread.team, user)
        is_stopped = await self.engine.stop(task.id, texts.stopped_by(name))
        if is_stopped:
            where = {"team": task.thread.team, "channel": task.thread.channel}
            audit.info("stopped", **where, user=user, task=task.id)
        return "" if is_stopped else texts.NOTHING_TO_STOP
