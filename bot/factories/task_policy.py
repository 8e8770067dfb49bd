"""The task policy and the limits of standing orders from the settings."""

from __future__ import annotations

from bot.settings import Settings
from tasks.orders.order import OrderLimits
from tasks.policy import DAY, TaskLimits, TaskPolicy
from tasks.timing import STANDARD, TaskTiming

#: Seconds that a program may take beyond its own limits before its task counts as stalled.
_GRACE = 300.0


def make_order_limits(settings: Settings) -> OrderLimits:
    """The limits of standing orders."""
    return OrderLimits(
        person=settings.limit_person_orders,
        minutes=settings.limit_order_minutes,
        hourly=settings.limit_watch_hourly,
        cooldown=settings.limit_watch_cooldown_seconds,
        tokens=settings.limit_order_tokens,
        daily_tokens=settings.limit_order_daily_tokens,
    )


def make_task_policy(settings: Settings, timing: TaskTiming = STANDARD) -> TaskPolicy:
    """The task policy. The longest program always counts as progress, whatever `limit_stalled_seconds` is."""
    longest_run = 2 * settings.sandbox_timeout_seconds + settings.sandbox_queue_seconds + _GRACE
    return TaskPolicy(
        limits=TaskLimits(
            process=settings.limit_running_tasks,
            workspace=settings.limit_workspace_tasks,
            channel=settings.limit_channel_tasks,
            person=settings.limit_person_tasks,
        ),
        waiting=settings.limit_waiting_days * DAY,
        stalled=max(settings.limit_stalled_seconds, longest_run),
        deaths=settings.limit_task_deaths,
        kept=settings.retention_days * DAY,
        timing=timing,
    )
