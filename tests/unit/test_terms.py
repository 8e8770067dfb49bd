"""The terms of tasks follow from the settings."""

from __future__ import annotations

from bot.factories.terms import terms_from
from bot.settings import Settings


def test_limits_and_times_are_the_settings() -> None:
    terms = terms_from(
        Settings(limit_running_tasks=3, limit_workspace_tasks=4, limit_person_tasks=5, retention_days=2)
    )
    assert (terms.limits.process, terms.limits.workspace, terms.limits.person) == (3, 4, 5)
    assert (terms.waiting, terms.kept) == (7 * 86_400, 2 * 86_400)


def test_the_longest_run_of_code_never_counts_as_no_progress() -> None:
    assert terms_from(Settings(limit_stalled_seconds=60)).stalled > 120 + 60
    slow = Settings(limit_stalled_seconds=60, sandbox_timeout_seconds=7200, sandbox_queue_seconds=600)
    assert terms_from(slow).stalled > 7800
