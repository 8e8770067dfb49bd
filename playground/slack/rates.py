"""Rate limits: Slack's tiers per method, and the posting rate per channel.

Each is a leaky bucket: a burst up to the tier passes, a steady rate above it does not. Slack's "per minute"
behaves like this.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from playground.slack.errors import RateLimited


class Tier(Enum):
    """Calls per minute, per method.

    `SPECIAL` methods have a rule of their own, or none that a bot reaches.
    """

    TIER_1 = 1
    TIER_2 = 20
    TIER_3 = 50
    TIER_4 = 100
    SPECIAL = 0


POST_BURST = 10
"""Posts that a channel takes at once before the limit of one per second. Slack documents "short bursts"."""
POSTS_PER_SECOND = 1.0


@dataclass
class _RateWindow:
    level: float
    seen: float


class Rates:
    """Counts calls and refuses those above the rate limit. A refused call is not counted."""

    def __init__(self, *, enabled: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._enabled = enabled
        self._clock = clock
        self._buckets: dict[str, _RateWindow] = {}

    def count_call(self, method: str, tier: Tier) -> None:
        """Raises RateLimited if the method was called too often."""
        if tier is not Tier.SPECIAL:
            self._count(method, tier.value, tier.value / 60)

    def count_post(self, channel: str) -> None:
        """Raises RateLimited if the channel got too many posts."""
        self._count(f"post {channel}", POST_BURST, POSTS_PER_SECOND)

    def _count(self, name: str, capacity: float, per_second: float) -> None:
        if not self._enabled:
            return
        now = self._clock()
        bucket = self._buckets.setdefault(name, _RateWindow(0.0, now))
        bucket.level = max(0.0, bucket.level - (now - bucket.seen) * per_second)
        bucket.seen = now
        # A level a hair above a whole number is rounding, not a call.
        if bucket.level + 1 > capacity + 1e-9:
            raise RateLimited(max(1, math.ceil((bucket.level + 1 - capacity) / per_second)))
        bucket.level += 1
