"""Client-side rate limits for Slack's Web API, one `RateLimiter` per workspace and process.

The processes that serve a workspace share its rates equally.

The rates are Slack's tiers (docs.slack.dev/apis/web-api/rate-limits): each method has its own count, and each
channel has one for posts.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence

#: Calls a minute. Methods that are missing here are rare or have special rules, and are not limited.
PER_MINUTE = {
    "assistant.search.context": 10,
    **dict.fromkeys(("chat.startStream", "chat.stopStream", "conversations.list", "reactions.remove"), 20),
    **dict.fromkeys(
        ("chat.update", "chat.delete", "conversations.info", "conversations.history", "bots.info",
         "conversations.replies", "conversations.open", "reactions.add", "agents.sessions.setStatus",
         "agents.sessions.rename", "users.conversations", "team.info"), 50,
    ),
    **dict.fromkeys(
        ("chat.appendStream", "chat.postEphemeral", "files.getUploadURLExternal", "files.info",
         "files.completeUploadExternal", "users.info", "views.publish", "views.open",
         "assistant.threads.setSuggestedPrompts"), 100,
    ),
}  # fmt: skip
#: Methods that post to a channel: one call a second, and a few more in a burst.
POSTING = {"chat.postMessage", "files.completeUploadExternal"}
POSTS_PER_MINUTE, POST_BURST = 60, 5
#: The share of each rate that is used, because Slack's minutes and ours don't start together.
SHARE = 0.9


class RateLimiter:
    """First come, first served. `bots` says how many processes share the rates now."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, bots: Callable[[], int] = lambda: 1
    ) -> None:
        self._clock = clock
        self._bots = bots
        self._rates: dict[str, _Bucket] = {}

    async def acquire(
        self, method: str, channel: str = "", *, patience: float = math.inf, keeping: float = 0.0
    ) -> bool:
        """Wait until the call is allowed; False, at once, if that takes longer than `patience` seconds.
        `keeping`: the share of the burst that has to be left, for calls that matter more."""
        rates = self._of(method, channel)
        if any(rate.wait(self._clock()) > patience for rate in rates):
            return False
        if keeping:
            await self._leave(keeping, rates)
        for rate in rates:
            await asyncio.sleep(rate.reserve(self._clock()))
            # Slack may have rate-limited another call in the meantime.
            await asyncio.sleep(max(0.0, rate.held_until - self._clock()))
        return True

    async def _leave(self, share: float, rates: Sequence[_Bucket]) -> None:
        """Wait until a call leaves this share of each burst; others may take what comes free meanwhile."""
        while True:
            wait = max((rate.wait(self._clock(), keeping=share) for rate in rates), default=0.0)
            if wait <= 0:
                return
            await asyncio.sleep(wait)

    def available(self, method: str, channel: str = "", *, keeping: float = 0.0) -> bool:
        """Whether `try_acquire` would succeed now, and leave the share `keeping` of the burst."""
        return all(rate.wait(self._clock(), keeping=keeping) < 1e-9 for rate in self._of(method, channel))

    def try_acquire(self, method: str, channel: str = "") -> bool:
        """Acquire without waiting; False if that is not possible."""
        if not self.available(method, channel):
            return False
        for rate in self._of(method, channel):
            rate.reserve(self._clock())
        return True

    def pause(self, method: str, channel: str, seconds: float) -> None:
        """Slack rate-limited a call: all calls of its kind wait this long."""
        rates = self._of(method, channel)
        (rates[-1] if rates else self._rate(method, 60, 1)).held_until = self._clock() + seconds

    def _of(self, method: str, channel: str) -> list[_Bucket]:
        found = []
        if method in PER_MINUTE:
            found.append(self._rate(method, PER_MINUTE[method], PER_MINUTE[method]))
        elif method in self._rates:
            found.append(self._rates[method])
        if channel and method in POSTING:
            found.append(self._rate(f"posts in {channel}", POSTS_PER_MINUTE, POST_BURST))
        return found

    def _rate(self, name: str, per_minute: float, burst: int) -> _Bucket:
        if name not in self._rates:
            self._rates[name] = _Bucket(per_minute * SHARE, burst * SHARE, self._bots)
        return self._rates[name]


class _Bucket:
    """One rate, as the generic cell rate algorithm: so many calls a minute, and up to `burst` ahead of time,
    both shared by all bots."""

    def __init__(self, per_minute: float, burst: float, bots: Callable[[], int]) -> None:
        self._per_minute = per_minute
        self._burst = burst
        self._bots = bots
        self._next = 0.0
        self.held_until = 0.0

    @property
    def _interval(self) -> float:
        return 60 * self._bots() / self._per_minute

    @property
    def _ahead(self) -> float:
        return (max(1, int(self._burst / self._bots())) - 1) * self._interval

    def wait(self, now: float, *, keeping: float = 0.0) -> float:
        """Seconds until a call is allowed that leaves the share `keeping` of the burst."""
        return max(self._next - self._ahead * (1 - keeping), self.held_until) - now

    def reserve(self, now: float) -> float:
        """Reserve the next call; returns the seconds until it is allowed."""
        at = max(now, self._next - self._ahead)
        self._next = max(self._next, at) + self._interval
        return at - now
