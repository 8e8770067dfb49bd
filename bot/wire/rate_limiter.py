"""Client-side rate limits for Slack's Web API, one `RateLimiter` per workspace.

The rates are Slack's tiers (docs.slack.dev/apis/web-api/rate-limits): each method has its own count, and each
channel has one for posts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

#: Calls a minute. Methods that are not named here are special or rare, and not held back.
PER_MINUTE = {
    **dict.fromkeys(("chat.startStream", "chat.stopStream", "conversations.list", "reactions.remove"), 20),
    **dict.fromkeys(
        ("chat.update", "chat.delete", "conversations.info", "conversations.history", "bots.info",
         "conversations.replies", "conversations.open", "reactions.add", "agents.sessions.setStatus",
         "users.conversations", "team.info"), 50,
    ),
    **dict.fromkeys(
        ("chat.appendStream", "chat.postEphemeral", "files.getUploadURLExternal", "files.info",
         "files.completeUploadExternal", "users.info", "views.publish", "views.open",
         "assistant.threads.setSuggestedPrompts"), 100,
    ),
}  # fmt: skip
#: What is shown in a channel at once: one a second, and a few more in a burst.
POSTING = {"chat.postMessage", "files.completeUploadExternal"}
POSTS_PER_MINUTE, POST_BURST = 60, 5
#: The part of a rate that we use: Slack's clock and ours don't begin their minutes together.
SHARE = 0.9


class RateLimiter:
    """Turns at calling, first come first served."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rates: dict[str, _Bucket] = {}

    async def turn(self, method: str, channel: str = "") -> None:
        """Wait until the call may be made."""
        for rate in self._of(method, channel):
            await asyncio.sleep(rate.reserve(self._clock()))
            # Slack may have refused somebody while we waited.
            await asyncio.sleep(max(0.0, rate.held_until - self._clock()))

    def may(self, method: str, channel: str = "") -> bool:
        """Whether a call made now would not have to wait. Takes no turn."""
        return all(rate.wait(self._clock()) < 1e-9 for rate in self._of(method, channel))

    def claim(self, method: str, channel: str = "") -> bool:
        """Take a turn if there is one now; False leaves everything as it is."""
        if not self.may(method, channel):
            return False
        for rate in self._of(method, channel):
            rate.reserve(self._clock())
        return True

    def hold(self, method: str, channel: str, seconds: float) -> None:
        """Slack has refused a call for this long: everybody waits."""
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
            self._rates[name] = _Bucket(60 / (per_minute * SHARE), max(1, int(burst * SHARE)))
        return self._rates[name]


class _Bucket:
    """One count. A turn is a place on a time line: the places are `interval` seconds apart, and up to `burst`
    of them may be taken ahead of their time."""

    def __init__(self, interval: float, burst: int) -> None:
        self._interval = interval
        self._ahead = (burst - 1) * interval
        self._next = 0.0
        self.held_until = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a turn is free."""
        return max(self._next - self._ahead, self.held_until) - now

    def reserve(self, now: float) -> float:
        """Take the next turn; returns the seconds until it comes."""
        at = max(now, self._next - self._ahead)
        self._next = max(self._next, at) + self._interval
        return at - now
