"""The limiter that keeps us below Slack's rates, against the stand-in's own counting of them."""

from __future__ import annotations

import asyncio

import pytest

from bot.wire.rate_limiter import RateLimiter
from playground.slack.errors import RateLimited
from playground.slack.rates import Rates, Tier


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def _calls(limiter: RateLimiter, clock: Clock, method: str, channel: str, count: int) -> list[float]:
    """When each of `count` calls made at once may go out, on a clock that a patient caller would see."""
    moments = []
    for _ in range(count):
        rates = limiter._of(method, channel)
        moments.append(max(clock.now + rate.reserve(clock.now) for rate in rates))
    return moments


@pytest.mark.parametrize(
    ("method", "tier"), [("chat.startStream", Tier.TIER_2), ("chat.update", Tier.TIER_3)]
)
async def test_a_burst_of_200_calls_meets_no_429(method: str, tier: Tier) -> None:
    clock = Clock()
    limiter, slack = RateLimiter(clock), Rates(clock=clock)
    moments = await _calls(limiter, clock, method, "", 200)

    for moment in moments:
        clock.now = moment
        slack.count_call(method, tier)
    assert moments[-1] < 60 * 200 / tier.value * 1.2, "it is not much slower than it has to be"


async def test_without_a_pace_the_same_burst_would_meet_one() -> None:
    slack = Rates(clock=Clock())
    for _ in range(50):
        slack.count_call("chat.update", Tier.TIER_3)
    with pytest.raises(RateLimited):
        slack.count_call("chat.update", Tier.TIER_3)


async def test_posts_keep_to_each_channels_pace() -> None:
    clock = Clock()
    limiter, slack = RateLimiter(clock), Rates(clock=clock)
    for moment in await _calls(limiter, clock, "chat.postMessage", "C1", 40):
        clock.now = moment
        slack.count_post("C1")
    clock.now = 0.0
    assert limiter.available("chat.postMessage", "C2")


async def test_a_claim_takes_a_turn_only_when_there_is_one() -> None:
    limiter = RateLimiter(Clock())
    claimed = sum(limiter.try_acquire("chat.startStream") for _ in range(50))

    assert claimed == 18
    assert not limiter.available("chat.startStream")


async def test_everybody_waits_when_slack_says_so() -> None:
    limiter = RateLimiter()
    limiter.pause("chat.update", "", 0.2)
    assert not limiter.available("chat.update")
    async with asyncio.timeout(30):
        await limiter.acquire("chat.update")
    assert limiter.available("chat.update")


async def test_bots_of_one_workspace_share_its_rates() -> None:
    bots = 1
    limiter = RateLimiter(Clock(), bots=lambda: bots)
    bots = 3
    assert sum(limiter.try_acquire("chat.startStream") for _ in range(50)) == 6


async def test_a_call_that_would_come_too_late_takes_no_turn() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    while limiter.try_acquire("agents.sessions.setStatus"):
        pass
    assert not await limiter.acquire("agents.sessions.setStatus", patience=1.0)
    clock.now = 1.0
    assert await limiter.acquire("agents.sessions.setStatus", patience=1.0)


async def test_what_decorates_a_busy_channel_leaves_the_burst_to_answers() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    assert limiter.available("chat.postMessage", "C1", keeping=1.0)
    assert limiter.try_acquire("chat.postMessage", "C1")
    assert limiter.available("chat.postMessage", "C1")
    assert not limiter.available("chat.postMessage", "C1", keeping=1.0)
    clock.now = 60 / 54  # a post a second, of which 90 % are used
    assert limiter.available("chat.postMessage", "C1", keeping=1.0)


async def test_what_matters_less_leaves_half_of_a_burst() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    waiting = []
    for _ in range(40):
        waiting.append(asyncio.create_task(limiter.acquire("reactions.add", keeping=0.5)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    done = [task for task in waiting if task.done()]
    assert 20 <= len(done) <= 24, "half of 45"
    for _ in range(20):
        assert limiter.try_acquire("reactions.add"), "who matters more does not wait for them"
    for task in waiting:
        task.cancel()
