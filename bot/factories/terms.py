"""Makes the terms of tasks from the settings. Never applies them: that is the engine's."""

from __future__ import annotations

from bot.settings import Settings
from tasks.policy import TaskLimits, TaskPolicy

_DAY = 86_400.0
#: Seconds that a run of code may take beyond its own limits, before it counts as no progress.
_GRACE = 300.0


def terms_from(settings: Settings) -> TaskPolicy:
    """The longest run of code always counts as progress, whatever the limit for stalled tasks is."""
    longest_run = settings.sandbox_timeout_seconds + settings.sandbox_queue_seconds + _GRACE
    return TaskPolicy(
        limits=TaskLimits(
            process=settings.limit_running_tasks,
            workspace=settings.limit_workspace_tasks,
            channel=settings.limit_channel_tasks,
            person=settings.limit_person_tasks,
        ),
        waiting=settings.limit_waiting_days * _DAY,
        stalled=max(settings.limit_stalled_seconds, longest_run),
        kept=settings.retention_days * _DAY,
    )
