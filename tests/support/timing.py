"""Timing for tests: the standard one, but for what would only let a test's end wait, and for what a machine
that does much else would miss."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.timing import BotTiming
from tasks.timing import TaskTiming

TASK_TIMING = TaskTiming(library_poll=0.1, poll=0.5)
BOT_TIMING = BotTiming(tasks=TASK_TIMING, user_lookup=30.0, line_delay=0.2, longest_post_retry=0.2)


@dataclass
class SettableClock:
    """A clock that a test sets forward."""

    now: float = datetime(2026, 12, 1, 7, 0, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now
