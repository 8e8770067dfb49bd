"""Rates: a burst up to the tier passes, more than the tier in any minute never does for long, time heals."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.slack.errors import RateLimited
from playground.slack.rates import POST_BURST, Rates, Tier


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def accepted(rates: Rates, calls: int, tier: Tier = Tier.TIER_2) -> int:
    """How many of so many calls at once pass."""
    passed = 0
    for _ in range(calls):
        try:
            rates.count_call("chat.startStream", tier)
        except RateLimited:
            continue
        passed += 1
    return passed


@pytest.mark.parametrize("tier", [Tier.TIER_2, Tier.TIER_3, Tier.TIER_4])
def test_a_tier_is_a_burst_of_its_calls(tier: Tier) -> None:
    assert accepted(Rates(clock=Clock()), 200, tier) == tier.value


def test_methods_and_channels_are_counted_apart() -> None:
    rates = Rates(clock=Clock())
    assert accepted(rates, 30) == 20
    rates.count_call("chat.stopStream", Tier.TIER_2)
    for channel in ("C1", "C2"):
        for _ in range(POST_BURST):
            rates.count_post(channel)
    with pytest.raises(RateLimited):
        rates.count_post("C1")


def test_the_wait_that_is_reported_is_enough() -> None:
    clock = Clock()
    rates = Rates(clock=clock)
    accepted(rates, 20)
    with pytest.raises(RateLimited) as caught:
        rates.count_call("chat.startStream", Tier.TIER_2)
    clock.now += caught.value.retry_after
    rates.count_call("chat.startStream", Tier.TIER_2)


@settings(deadline=None)
@given(st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_stretch_of_time_takes_more_than_burst_and_rate(pauses: list[float]) -> None:
    clock = Clock()
    rates = Rates(clock=clock)
    passed = 0
    for pause in pauses:
        clock.now += pause
        passed += accepted(rates, 1)
    assert passed <= 20 + (clock.now - 100.0) * 20 / 60 + 1e-6


def test_rates_can_be_turned_off() -> None:
    assert accepted(Rates(enabled=False, clock=Clock()), 500) == 500
