"""The task policy follows from the settings."""

from __future__ import annotations

from bot.factories.task_policy import make_task_policy
from bot.settings import Settings


def test_limits_and_times_are_the_settings() -> None:
    terms = make_task_policy(
        Settings(limit_running_tasks=3, limit_workspace_tasks=4, limit_person_tasks=5, retention_days=2)
    )
    assert (terms.limits.process, terms.limits.workspace, terms.limits.person) == (3, 4, 5)
    assert (terms.waiting, terms.kept) == (7 * 86_400, 2 * 86_400)


def test_the_longest_run_of_code_never_counts_as_no_progress() -> None:
    assert make_task_policy(Settings(limit_stalled_seconds=60)).stalled > 120 + 60
    slow = Settings(limit_stalled_seconds=60, sandbox_timeout_seconds=7200, sandbox_queue_seconds=600)
    assert make_task_policy(slow).stalled > 7800
